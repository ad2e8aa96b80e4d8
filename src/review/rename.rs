//! Servers and tools that probably have another name now. A guess, from what is the same: it shortens what people read, and
//! excuses nothing.

use std::collections::{BTreeMap, HashMap};

use super::access::{Change, Compared, Flip, Side};
use crate::diagnostic::nearest;
use crate::model::name::{ServerName, ToolName};
use crate::model::server::{Server, ServerAccess, Tool};
use crate::policy::condition::CondId;
use crate::policy::{Object, ObjectKind};
use crate::source::{Loc, Sources};

/// A server or a tool that probably has another name now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// `server` or `tool`.
    pub kind: &'static str,
    /// The name in the base: `server`, or `server/tool`.
    pub before: String,
    /// The name in the head.
    pub after: String,
    /// What makes it look so.
    pub why: &'static str,
    /// How many pairs are decided under the new name as they were under the old one.
    pub pairs: usize,
}

/// The guesses, and the cells that they explain.
#[derive(Debug, Default)]
pub struct Renamed {
    /// The guesses, by their names in the base.
    pub renames: Vec<Rename>,
    /// By principal and object: the guess.
    cells: HashMap<(usize, usize), usize>,
}

impl Renamed {
    /// The guess that explains a cell: it is gone under one name and there under the other, with the same conditions.
    pub(super) fn of(&self, flip: &Flip) -> Option<usize> {
        self.cells.get(&(flip.principal, flip.object)).copied()
    }
}

/// Looks for new names. `sources` are the files of either side, for the schemas of tools.
#[must_use]
pub fn guess(compared: &Compared, base: (Side<'_>, &Sources), head: (Side<'_>, &Sources)) -> Renamed {
    let mut found = Renamed::default();
    let rows = Rows::of(compared);
    for (before, after, why) in servers(base.0, head.0) {
        let turned = |object: &Object| {
            let moved = Object { server: after.name.value.clone(), kind: object.kind.clone() };
            (object.server == before.name.value).then_some(moved)
        };
        let names = (before.name.value.to_string(), after.name.value.to_string());
        found.add(compared, &rows, &turned, ("server", names.0, names.1, why));
    }
    for (name, server) in &base.0.model.servers {
        let Some(other) = head.0.model.servers.get(name) else { continue };
        for (before, after, why) in tools((server, base.1), (other, head.1), &rows, compared) {
            let (old, new) = (tool(name, &before), tool(name, &after));
            let turned = |object: &Object| (*object == old).then(|| new.clone());
            found.add(compared, &rows, &turned, ("tool", old.to_string(), new.to_string(), why));
        }
    }
    found
}

impl Renamed {
    fn add(
        &mut self,
        compared: &Compared,
        rows: &Rows,
        turned: &dyn Fn(&Object) -> Option<Object>,
        (kind, before, after, why): (&'static str, String, String, &'static str),
    ) {
        let index = self.renames.len();
        let mut pairs = 0;
        for (old, object) in compared.objects.iter().enumerate() {
            let new = turned(object).and_then(|object| compared.objects.binary_search(&object).ok());
            let Some(new) = new else { continue };
            for (principal, condition) in rows.removed.get(&old).into_iter().flatten() {
                if rows.added.get(&new).and_then(|row| row.get(principal)) == Some(condition) {
                    self.cells.extend([((*principal, old), index), ((*principal, new), index)]);
                    pairs += 1;
                }
            }
        }
        self.renames.push(Rename { kind, before, after, why, pairs });
    }
}

/// Cells that are gone and cells that are new: by object the principals and the conditions.
struct Rows {
    removed: HashMap<usize, BTreeMap<usize, CondId>>,
    added: HashMap<usize, BTreeMap<usize, CondId>>,
}

impl Rows {
    fn of(compared: &Compared) -> Self {
        let mut rows = Self { removed: HashMap::new(), added: HashMap::new() };
        for flip in &compared.flips {
            let (side, condition) = match flip.change {
                Change::Removed => (&mut rows.removed, flip.before),
                Change::Added => (&mut rows.added, flip.after),
                Change::Widened | Change::Both | Change::Narrowed => continue,
            };
            side.entry(flip.object).or_default().insert(flip.principal, condition);
        }
        rows
    }
}

fn tool(server: &ServerName, tool: &ToolName) -> Object {
    Object { server: server.clone(), kind: ObjectKind::Tool(tool.clone()) }
}

/// Pairs of one that is gone and one that is new, each of which is alike no other one.
fn only<'a, T>(gone: &[&'a T], new: &[&'a T], alike: &dyn Fn(&T, &T) -> bool) -> Vec<(&'a T, &'a T)> {
    let mut pairs = Vec::new();
    for old in gone {
        let mut candidates = new.iter().filter(|new| alike(old, new));
        let (Some(new), None) = (candidates.next(), candidates.next()) else { continue };
        if gone.iter().filter(|other| alike(other, new)).count() == 1 {
            pairs.push((*old, *new));
        }
    }
    pairs
}

fn servers<'a>(base: Side<'a>, head: Side<'a>) -> Vec<(&'a Server, &'a Server, &'static str)> {
    let alone = |side: Side<'a>, other: Side<'a>| -> Vec<&'a Server> {
        let registered = side.model.servers.values().filter(|server| server.registered);
        registered.filter(|server| !other.model.servers.contains_key(&server.name.value)).collect()
    };
    let (mut gone, mut new) = (alone(base, head), alone(head, base));
    let url = |a: &Server, b: &Server| a.url.is_some() && a.url == b.url;
    let classes = |side: Side<'_>, server: &Server| -> Vec<String> {
        let classes = side.model.access.classes_of(server.name.value.as_str());
        classes.map(|(_, class, _)| class.name.value.to_string()).collect()
    };
    let content = |a: &Server, b: &Server| {
        !a.tools.is_empty()
            && same_tools(a, b)
            && a.unit == b.unit
            && classes(base, a) == classes(head, b)
            && same_access(&a.access, &b.access)
    };
    let mut found = Vec::new();
    let of_url = only(&gone, &new, &url);
    found.extend(of_url.into_iter().map(|(a, b)| (a, b, "the same URL")));
    gone.retain(|server| found.iter().all(|(old, ..)| old.name.value != server.name.value));
    new.retain(|server| found.iter().all(|(_, now, _)| now.name.value != server.name.value));
    let of_content = only(&gone, &new, &content);
    found.extend(of_content.into_iter().map(|(a, b)| (a, b, "the same tools, unit, class and rules")));
    found
}

fn same_tools(a: &Server, b: &Server) -> bool {
    a.tools.len() == b.tools.len()
        && a.tools.iter().zip(&b.tools).all(|((a, of_a), (b, of_b))| a == b && same_hints(of_a, of_b))
        && a.resources.iter().map(|it| &it.uri).eq(b.resources.iter().map(|it| &it.uri))
        && a.prompts.iter().map(|it| &it.name).eq(b.prompts.iter().map(|it| &it.name))
}

fn same_hints(a: &Tool, b: &Tool) -> bool {
    (&a.read_only, &a.destructive, &a.idempotent) == (&b.read_only, &b.destructive, &b.idempotent)
}

fn same_access(a: &ServerAccess, b: &ServerAccess) -> bool {
    (&a.auth_level, &a.requires) == (&b.auth_level, &b.requires)
        && a.tools.len() == b.tools.len()
        && a.tools.iter().zip(&b.tools).all(|((a, of_a), (b, of_b))| {
            a == b && (&of_a.auth_level, &of_a.requires) == (&of_b.auth_level, &of_b.requires)
        })
}

/// Tools of one server. A tool without a schema is little more than its name, so then the name must be near.
fn tools(
    (base, base_sources): (&Server, &Sources),
    (head, head_sources): (&Server, &Sources),
    rows: &Rows,
    compared: &Compared,
) -> Vec<(ToolName, ToolName, &'static str)> {
    let alone = |side: &'_ Server, other: &Server| -> Vec<ToolName> {
        let registered = side.tools.iter().filter(|(_, tool)| tool.registered);
        registered.filter(|(name, _)| !other.tools.contains_key(*name)).map(|(name, _)| name.clone()).collect()
    };
    let (gone, new) = (alone(base, head), alone(head, base));
    let server = &base.name.value;
    let row = |side: &'_ HashMap<usize, BTreeMap<usize, CondId>>, name: &ToolName| {
        let object = compared.objects.binary_search(&tool(server, name)).ok()?;
        side.get(&object).cloned()
    };
    let schema = |server: &Server, sources: &Sources, name: &ToolName| {
        let loc = server.tools.get(name)?.input_schema?;
        Some(spaceless(sources, loc))
    };
    let same = |old: &ToolName, new: &ToolName| {
        let hints = base.tools.get(old).zip(head.tools.get(new)).is_some_and(|(old, new)| same_hints(old, new));
        let granted = row(&rows.removed, old);
        hints && granted.is_some() && granted == row(&rows.added, new)
    };
    let schemas = |old: &ToolName, new: &ToolName| (schema(base, base_sources, old), schema(head, head_sources, new));
    let alike = |old: &ToolName, new: &ToolName| {
        same(old, new)
            && match schemas(old, new) {
                (Some(old), Some(new)) => old == new,
                (None, None) => nearest(old.as_str(), [new.as_str()]).is_some(),
                (Some(_), None) | (None, Some(_)) => false,
            }
    };
    let (gone, new): (Vec<&ToolName>, Vec<&ToolName>) = (gone.iter().collect(), new.iter().collect());
    let pairs = only(&gone, &new, &alike).into_iter().map(|(old, new)| {
        let why = match schemas(old, new) {
            (Some(_), _) => "the same schema, granted to the same under the same rules",
            (None, _) => "a name that is near, granted to the same under the same rules",
        };
        (old.clone(), new.clone(), why)
    });
    pairs.collect()
}

/// A text of a file without its spaces, in which an indentation may differ.
fn spaceless(sources: &Sources, loc: Loc) -> String {
    let text = sources.file(loc.file).text();
    let text = text.get(loc.start as usize..loc.end as usize).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
