//! What could be written at the cursor: keys by the family's schema, words of closed lists, and names of the workspace.

use std::collections::BTreeMap;

use lsp_types::{CompletionItemKind, Position};
use serde_json::{Value, json};

use super::cursor::{Cursor, Slot, cursor};
use super::names::Names;
use super::places::{Holds, Kind, Place, Role};
use super::position::Lines;
use super::shapes::{Section, section};
use crate::analysis::Analysis;
use crate::analysis::rules::all_rules;
use crate::families::FamilyId;
use crate::schema::shape::{Key, Shape};
use crate::settings;

/// Most items of one answer. A client asks again when more is typed.
const MOST: usize = 500;

/// What names are known, and of which file the text is.
pub struct Known<'k> {
    /// The last analysis, if there is one.
    pub analysis: Option<&'k Analysis>,
    /// Its names.
    pub names: &'k Names,
    /// The name of the file in the workspace.
    pub file: &'k str,
}

/// Something that could be written.
struct Offer {
    label: String,
    insert: String,
    kind: CompletionItemKind,
    detail: String,
    documentation: String,
}

/// What could be written at a place of a text, as a list of the protocol.
#[must_use]
pub fn completion(known: &Known<'_>, lines: &Lines<'_>, position: Position) -> Value {
    let Some(cursor) = cursor(lines.text(), lines.offset(position)) else { return Value::Null };
    let text = lines.text();
    let mut offers: BTreeMap<String, Offer> = BTreeMap::new();
    let mut add = |offer: Offer| {
        offers.entry(offer.label.clone()).or_insert(offer);
    };
    let whole_key = cursor.is_whole_key(text);
    if cursor.path.is_empty() && known.file != settings::FILE_NAME {
        if cursor.slot == Slot::Key {
            FamilyId::ALL.iter().filter_map(|family| section_key(*family, whole_key)).for_each(&mut add);
        }
    } else if let Some(section) = section(known.file, &cursor) {
        let shapes = section.shapes();
        if cursor.slot != Slot::Value {
            let keys = shapes.iter().flat_map(|shape| shape.keys());
            keys.filter(|key| !cursor.siblings.iter().any(|sibling| sibling == key.name))
                .for_each(|key| add(map_key(&key, section.family, whole_key)));
            section.places(true).for_each(|place| {
                names(known, place, &section, &cursor, text).into_iter().for_each(&mut add);
            });
        }
        if cursor.slot != Slot::Key {
            shapes.iter().flat_map(|shape| words(*shape)).for_each(&mut add);
            section.places(false).for_each(|place| {
                names(known, place, &section, &cursor, text).into_iter().for_each(&mut add);
            });
        }
    }
    // What is in front of the cursor decides; what does not begin so may still be meant.
    let typed = text.get(cursor.token.start..lines.offset(position)).unwrap_or_default();
    let mut offers: Vec<Offer> = offers.into_values().collect();
    offers.sort_by_key(|offer| !offer.label.starts_with(typed));
    let incomplete = offers.len() > MOST;
    let range = lines.range(cursor.token.clone());
    let items: Vec<Value> = offers.into_iter().take(MOST).map(|offer| item(offer, &range)).collect();
    json!({ "isIncomplete": incomplete || typed.contains('/'), "items": items })
}

fn item(offer: Offer, range: &lsp_types::Range) -> Value {
    let Offer { label, insert, kind, detail, documentation } = offer;
    let mut item = json!({
        "label": label,
        "kind": kind,
        "detail": detail,
        "filterText": label,
        "textEdit": { "range": range, "newText": insert },
    });
    if let Some(fields) = item.as_object_mut().filter(|_| !documentation.is_empty()) {
        fields.insert("documentation".to_owned(), json!({ "kind": "markdown", "value": documentation }));
    }
    item
}

fn section_key(family: FamilyId, whole: bool) -> Option<Offer> {
    let shape = Shape::of_family(family)?;
    Some(Offer {
        label: family.key().to_owned(),
        insert: if whole { family.key().to_owned() } else { format!("{}:", family.key()) },
        kind: CompletionItemKind::MODULE,
        detail: "family".to_owned(),
        documentation: shape.description().to_owned(),
    })
}

fn map_key(key: &Key, family: &str, whole: bool) -> Offer {
    let nested = (key.value.is_map() || key.value.is_list()) && !key.value.is_scalar();
    let insert = match (whole, nested) {
        (true, _) => key.name.to_owned(),
        (false, true) => format!("{}:", key.name),
        (false, false) => format!("{}: ", key.name),
    };
    let required = if key.required { ", required" } else { "" };
    let family = if family.is_empty() { settings::FILE_NAME } else { family };
    Offer {
        label: key.name.to_owned(),
        insert,
        kind: CompletionItemKind::FIELD,
        detail: format!("{}{required} ({family})", key.value.in_words()),
        documentation: key.value.description().to_owned(),
    }
}

fn words(shape: Shape) -> Vec<Offer> {
    let offer = |word: String| Offer {
        label: word.clone(),
        insert: word,
        kind: CompletionItemKind::ENUM_MEMBER,
        detail: String::new(),
        documentation: shape.description().to_owned(),
    };
    shape.words().into_iter().map(offer).collect()
}

/// The names that a row of the table asks for.
fn names(known: &Known<'_>, place: &Place, section: &Section<'_>, cursor: &Cursor, text: &str) -> Vec<Offer> {
    if place.role == Role::Definition {
        return Vec::new();
    }
    match place.holds {
        Holds::Name(kind) => named(known, kind, &section.within(place, cursor)),
        Holds::Call => calls(known, text.get(cursor.token.clone()).unwrap_or_default()),
        Holds::Principal => principals(known),
    }
}

fn offer(name: &str, kind: Kind) -> Offer {
    Offer {
        label: name.to_owned(),
        insert: name.to_owned(),
        kind: CompletionItemKind::REFERENCE,
        detail: kind.word().to_owned(),
        documentation: String::new(),
    }
}

/// The names of a kind, of those things that are within one of some names.
fn named(known: &Known<'_>, kind: Kind, within: &[String]) -> Vec<Offer> {
    let declared = known.names.declared(kind).filter(|mention| {
        // A step is of a flow whose kind the row leaves out.
        let is_of = |of: &String| within.iter().any(|name| of == name || of.rsplit(':').next() == Some(name));
        within.is_empty() || mention.within.iter().any(is_of)
    });
    let mut offers: Vec<Offer> = declared.map(|mention| offer(&mention.name, kind)).collect();
    match kind {
        Kind::Server => {
            let servers = known.analysis.into_iter().flat_map(|analysis| analysis.model().servers.keys());
            offers.extend(servers.map(|server| offer(server.as_str(), kind)));
        }
        Kind::Fact => {
            let models = known.analysis.into_iter();
            offers.extend(models.flat_map(|analysis| analysis.model().proved_facts()).map(|fact| offer(fact, kind)));
            offers.extend(known.analysis.into_iter().flat_map(|analysis| {
                let names = analysis.policy().facts.names().iter();
                names.map(|fact| offer(fact.as_str(), kind)).collect::<Vec<_>>()
            }));
        }
        Kind::Unit => offers.push(offer("central", kind)),
        Kind::Check => offers.extend(
            all_rules().into_iter().map(|rule| Offer { documentation: rule.what.to_owned(), ..offer(rule.name, kind) }),
        ),
        Kind::Tool
        | Kind::Prompt
        | Kind::Resource
        | Kind::Agent
        | Kind::Workflow
        | Kind::Saga
        | Kind::Processor
        | Kind::Step
        | Kind::Topic
        | Kind::Level
        | Kind::Class
        | Kind::Issuer
        | Kind::Entry => {}
    }
    offers
}

/// `server/tool`, of the server that is typed already; else the servers.
fn calls(known: &Known<'_>, typed: &str) -> Vec<Offer> {
    let Some((server, _)) = typed.split_once('/') else {
        let servers = named(known, Kind::Server, &[]).into_iter();
        return servers.map(|one| Offer { insert: format!("{}/", one.label), ..one }).collect();
    };
    let within = [server.to_owned()];
    let spelled = |prefix: &str, one: Offer| {
        let name = format!("{server}/{prefix}{}", one.label);
        Offer { label: name.clone(), insert: name, ..one }
    };
    let all = std::iter::once(Offer { detail: "everything of the server".to_owned(), ..offer("*", Kind::Tool) });
    let tools = all.chain(named(known, Kind::Tool, &within)).map(|one| spelled("", one));
    let prompts = named(known, Kind::Prompt, &within).into_iter().map(|one| spelled("prompt:", one));
    let resources = named(known, Kind::Resource, &within).into_iter().map(|one| spelled("resource:", one));
    tools.chain(prompts).chain(resources).collect()
}

fn principals(known: &Known<'_>) -> Vec<Offer> {
    let flows = [Kind::Workflow, Kind::Saga, Kind::Processor].into_iter().flat_map(|kind| {
        let of_kind = named(known, kind, &[]).into_iter();
        of_kind.map(move |one| offer(&format!("{}:{}", kind.word(), one.label), kind)).collect::<Vec<_>>()
    });
    let units = known.names.declared(Kind::Unit).map(|unit| offer(&format!("any_agent@{}", unit.name), Kind::Unit));
    named(known, Kind::Agent, &[]).into_iter().chain(flows).chain(units).collect()
}
