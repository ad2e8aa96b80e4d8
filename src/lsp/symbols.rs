//! What a file declares, as an outline.

use std::ops::Range;

use lsp_types::SymbolKind;
use serde_json::{Value, json};

use super::mentions::Mention;
use super::places::{Kind, Role};
use super::view::View;
use crate::families::FamilyId;
use crate::source::yaml;

/// A symbol with those in it.
struct Symbol {
    name: String,
    detail: &'static str,
    kind: SymbolKind,
    range: Range<usize>,
    selection: Range<usize>,
    inside: Vec<Symbol>,
}

/// The symbols of a file: its sections, what each declares, and what is in that.
#[must_use]
pub fn symbols(view: &View<'_>, nested: bool) -> Value {
    let file = view.analysis.sources.file(view.file);
    let tree = yaml::parse(view.file, file, &mut Vec::new());
    let mut found: Vec<Symbol> = Vec::new();
    for (key, body) in tree.documents().iter().flat_map(|document| tree.written(*document)) {
        let name = tree.text(key);
        if FamilyId::of_key(name).is_some() {
            found.push(Symbol {
                name: name.to_owned(),
                detail: "section",
                kind: SymbolKind::NAMESPACE,
                range: tree.range((key, body)),
                selection: tree.range((key, key)),
                inside: Vec::new(),
            });
        }
    }
    let mut declared: Vec<&Mention> =
        view.names.of(view.file).iter().filter(|mention| mention.role == Role::Definition).collect();
    declared.dedup_by(|next, before| next.range == before.range);
    // The widest first: it holds the others.
    declared.sort_by_key(|mention| (mention.item.start, std::cmp::Reverse(mention.item.end)));
    for mention in declared {
        let symbol = Symbol {
            name: mention.name.clone(),
            detail: mention.kind.word(),
            kind: kind(mention.kind),
            range: mention.item.clone(),
            selection: mention.range.clone(),
            inside: Vec::new(),
        };
        put(symbol, &mut found);
    }
    let shown: Vec<Value> = if nested {
        found.iter().map(|symbol| tree_of(view, symbol)).collect()
    } else {
        let mut list = Vec::new();
        found.iter().for_each(|symbol| flat(view, symbol, None, &mut list));
        list
    };
    shown.into()
}

/// Puts a symbol into the innermost one around it.
fn put(symbol: Symbol, into: &mut Vec<Symbol>) {
    let around = into.iter_mut().find(|one| {
        one.range.start <= symbol.range.start && symbol.range.end <= one.range.end && one.selection != symbol.selection
    });
    match around {
        Some(one) => put(symbol, &mut one.inside),
        None => into.push(symbol),
    }
}

fn kind(kind: Kind) -> SymbolKind {
    match kind {
        Kind::Server => SymbolKind::MODULE,
        Kind::Tool => SymbolKind::METHOD,
        Kind::Prompt | Kind::Resource => SymbolKind::FILE,
        Kind::Agent | Kind::Workflow | Kind::Saga | Kind::Processor => SymbolKind::CLASS,
        Kind::Step => SymbolKind::FUNCTION,
        Kind::Topic => SymbolKind::EVENT,
        Kind::Fact => SymbolKind::KEY,
        Kind::Level | Kind::Class => SymbolKind::ENUM_MEMBER,
        Kind::Unit => SymbolKind::PACKAGE,
        Kind::Issuer | Kind::Check | Kind::Entry => SymbolKind::OBJECT,
    }
}

fn tree_of(view: &View<'_>, symbol: &Symbol) -> Value {
    json!({
        "name": symbol.name,
        "detail": symbol.detail,
        "kind": symbol.kind,
        "range": view.lines.range(symbol.range.clone()),
        "selectionRange": view.lines.range(symbol.selection.clone()),
        "children": symbol.inside.iter().map(|inside| tree_of(view, inside)).collect::<Vec<_>>(),
    })
}

fn flat(view: &View<'_>, symbol: &Symbol, around: Option<&str>, list: &mut Vec<Value>) {
    list.push(json!({
        "name": symbol.name,
        "kind": symbol.kind,
        "location": { "uri": view.uri(view.file), "range": view.lines.range(symbol.range.clone()) },
        "containerName": around,
    }));
    symbol.inside.iter().for_each(|inside| flat(view, inside, Some(&symbol.name), list));
}
