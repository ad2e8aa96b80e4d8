//! What a cell follows from, part by part: the smallest pieces of configuration that a change can touch, each with its lines.
//!
//! Parts say nothing of the names of the cell's own principal, server and tool, so that a change which does the same to a
//! hundred tools is the same list of parts for each.

mod items;

use super::access::Side;
use crate::model::Model;
use crate::model::name::{ClassName, FactName, ToolName, UnitName};
use crate::model::server::Server;
use crate::policy::{Object, ObjectKind, PrincipalId};
use crate::source::{Loc, Spanned};

pub(super) use self::items::own_tool;
pub use self::items::{Item, items};

/// A piece of configuration, seen from one cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Premise {
    /// That there is a level of that number.
    Level(u32),
    /// One requirement of a level.
    LevelRequirement(u32, FactName),
    /// One other way to meet a level.
    LevelAlternative(u32, String),
    /// Which classes there are, and their order.
    ClassOrder,
    /// The level that a class sets.
    ClassLevel(ClassName),
    /// One further fact of a class.
    ClassRequires(ClassName, FactName),
    /// That a class is switched off.
    ClassSuspended(ClassName),
    /// The classes that list the server.
    Listing,
    /// `mutual_tls`.
    MutualTls,
    /// `encryption_in_transit`.
    Encryption,
    /// `cross_unit_routing`.
    Routing,
    /// `cross_bu_data_sharing`.
    Sharing,
    /// `cross_unit_max_class`.
    MaxClass,
    /// Whether units are declared, and the state of the two that matter here.
    Units,
    /// What the folder of a unit restates, which is the server's on one side.
    UnitRules(UnitName),
    /// That the server is there, and whether it lists its tools.
    Server,
    /// The server's unit.
    ServerUnit,
    /// That the server is switched off.
    ServerSuspended,
    /// The server's level.
    ServerLevel,
    /// One further fact of the server.
    ServerRequires(FactName),
    /// The entry of the server in its unit's folder.
    UnitEntry,
    /// That a tool is there, and whether it only reads; `None` is the tool of the cell.
    Tool(Option<ToolName>),
    /// The level of a tool.
    ToolLevel(Option<ToolName>),
    /// One further fact of a tool.
    ToolRequires(Option<ToolName>, FactName),
    /// That a tool is switched off.
    ToolSuspended(Option<ToolName>),
    /// The resource or prompt of the cell.
    Entry,
    /// That the principal is there.
    Principal,
    /// The principal's unit.
    PrincipalUnit,
    /// That the principal is switched off.
    PrincipalSuspended,
    /// What grants the principal the tools of the server that matter here.
    Grants,
}

/// The pair that parts are seen from.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Who.
    pub principal: &'a PrincipalId,
    /// What.
    pub object: &'a Object,
}

/// The part of a list with elements that are there or not: `make` is called for every element of either side, once.
fn either<T: Ord>(base: Vec<T>, head: Vec<T>, make: impl FnMut(T) -> Premise) -> Vec<Premise> {
    let mut all: Vec<T> = base.into_iter().chain(head).collect();
    all.sort();
    all.dedup();
    all.into_iter().map(make).collect()
}

/// The parts that differ between two sides and concern every cell.
#[must_use]
pub fn changed_everywhere(base: Side<'_>, head: Side<'_>, at: At<'_>) -> Vec<Premise> {
    let both = |of: &dyn Fn(&Model) -> Vec<Premise>| {
        let mut all = of(base.model);
        all.extend(of(head.model));
        all.sort();
        all.dedup();
        all
    };
    let mut parts = both(&|model| {
        let mut parts = Vec::new();
        for (number, level) in &model.access.levels {
            parts.push(Premise::Level(*number));
            parts.extend(level.requirements.iter().map(|f| Premise::LevelRequirement(*number, f.value.clone())));
            parts.extend(level.alternatives.iter().map(|a| Premise::LevelAlternative(*number, a.name.value.clone())));
        }
        for class in &model.access.classes {
            let name = &class.name.value;
            parts.extend([Premise::ClassLevel(name.clone()), Premise::ClassSuspended(name.clone())]);
            parts.extend(class.requires.iter().map(|fact| Premise::ClassRequires(name.clone(), fact.value.clone())));
        }
        parts
    });
    parts.extend([
        Premise::ClassOrder,
        Premise::MutualTls,
        Premise::Encryption,
        Premise::Routing,
        Premise::Sharing,
        Premise::MaxClass,
    ]);
    parts.retain(|part| differs(part, base, head, at));
    parts
}

/// The parts of a cell's own principal, server and object that differ between two sides.
#[must_use]
pub fn changed_here(base: Side<'_>, head: Side<'_>, at: At<'_>) -> Vec<Premise> {
    let servers = [base, head].map(|side| side.model.servers.get(&at.object.server));
    let of = |take: &dyn Fn(&Server) -> Vec<FactName>| servers.map(|server| server.map(take).unwrap_or_default());
    let unit_of = |server: Option<&Server>| server?.unit.as_ref().map(|unit| unit.value.clone());
    let [base_unit, head_unit] = servers.map(|server| Vec::from_iter(unit_of(server)));
    let mut parts = either(base_unit, head_unit, Premise::UnitRules);
    parts.extend([
        Premise::Units,
        Premise::Server,
        Premise::ServerUnit,
        Premise::ServerSuspended,
        Premise::ServerLevel,
    ]);
    let names = |facts: &[Spanned<FactName>]| facts.iter().map(|fact| fact.value.clone()).collect::<Vec<_>>();
    let [base_facts, head_facts] = of(&|server| names(&server.access.requires));
    parts.extend(either(base_facts, head_facts, Premise::ServerRequires));
    parts.extend([Premise::UnitEntry, Premise::Listing]);
    // All tools of a server matter to its protocol, whose methods follow from them.
    let tools: Vec<Option<ToolName>> = match &at.object.kind {
        ObjectKind::Tool(_) => vec![None],
        ObjectKind::Resource(_) | ObjectKind::Prompt(_) => Vec::new(),
        ObjectKind::Protocol => {
            let mut all: Vec<ToolName> =
                servers.iter().flatten().flat_map(|server| server.tools.keys().cloned()).collect();
            all.sort();
            all.dedup();
            all.into_iter().map(Some).collect()
        }
    };
    for tool in tools {
        parts.extend([Premise::Tool(tool.clone()), Premise::ToolSuspended(tool.clone())]);
        if tool.is_none() {
            let name = own_tool(&tool, at);
            let [base_facts, head_facts] = of(&|server| {
                name.and_then(|name| server.access.tools.get(name)).map(|own| names(&own.requires)).unwrap_or_default()
            });
            parts.push(Premise::ToolLevel(None));
            parts.extend(either(base_facts, head_facts, |fact| Premise::ToolRequires(None, fact)));
        }
    }
    // To the protocol of a server all its resources and prompts matter, because a grant of any of them brings it.
    if !matches!(at.object.kind, ObjectKind::Tool(_)) {
        parts.push(Premise::Entry);
    }
    parts.extend([Premise::Principal, Premise::PrincipalUnit, Premise::PrincipalSuspended, Premise::Grants]);
    parts.retain(|part| differs(part, base, head, at));
    parts
}

fn differs(part: &Premise, base: Side<'_>, head: Side<'_>, at: At<'_>) -> bool {
    let texts = |side: Side<'_>| items(part, side.model, at).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    texts(base) != texts(head)
}

/// The lines that differ in a part: those of the base that are gone, and those of the head that are new.
#[must_use]
pub fn changed_lines(part: &Premise, base: Side<'_>, head: Side<'_>, at: At<'_>) -> (Vec<Loc>, Vec<Loc>) {
    let (before, after) = (items(part, base.model, at), items(part, head.model, at));
    let lacking = |from: &[Item], other: &[Item]| -> Vec<Loc> {
        from.iter().filter(|(text, _)| !other.iter().any(|(same, _)| same == text)).map(|(_, loc)| *loc).collect()
    };
    let (gone, new) = (lacking(&before, &after), lacking(&after, &before));
    if gone.is_empty() && new.is_empty() {
        // The same in another order.
        return (before.into_iter().map(|(_, loc)| loc).collect(), after.into_iter().map(|(_, loc)| loc).collect());
    }
    (gone, new)
}
