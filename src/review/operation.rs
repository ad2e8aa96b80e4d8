//! What changes in resilience, flows, observability and assurance: value by value, in the words of the configuration.
//!
//! Families that decide access are left out: their changes are cells and trust. Lists are compared by what names their elements, so
//! that an order or a file is not a change, and durations by their length.

mod direction;
mod engines;
mod loss;
mod phrases;

use std::collections::BTreeMap;

use super::access::Which;
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::name::UnitName;
use crate::model::quantity::Duration;
use crate::source::yaml::{NodeId, Tree, parse};
use crate::source::{FileId, Loc, SourceFile, Sources};

/// A change of how things run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationChange {
    /// What it is about: "bulkhead `critical_operations` connections".
    pub what: String,
    /// What it was; `None` where there was none.
    pub before: Option<String>,
    /// What it is now; `None` where it is gone.
    pub after: Option<String>,
    /// What it may cost, in two words: "less capacity", "lost visibility".
    pub risk: String,
    /// Whether it takes capacity, protection or visibility away.
    pub loses: bool,
    /// Who may feel it: "`crm_server` may need 90".
    pub note: Option<String>,
    /// The line to look at: the head's, or the base's of what is gone.
    pub at: (Which, Loc),
}

/// What a family's changes bear on; `None` for those that decide access.
fn bears_on(family: FamilyId) -> Option<&'static str> {
    match family {
        FamilyId::Federation
        | FamilyId::ZeroTrust
        | FamilyId::ProgressiveAuth
        | FamilyId::DataRouting
        | FamilyId::Registry
        | FamilyId::Identity
        | FamilyId::PolicyTests
        | FamilyId::Waivers => None,
        FamilyId::Workflow | FamilyId::Saga | FamilyId::Orchestration => Some("orchestration"),
        FamilyId::EventDriven | FamilyId::BatchProcessing => Some("delivery"),
        FamilyId::CircuitBreaker | FamilyId::HealthMonitoring => Some("resilience"),
        FamilyId::Bulkhead | FamilyId::ConnectionPooling => Some("capacity"),
        FamilyId::Caching => Some("freshness"),
        FamilyId::Tracing | FamilyId::Metrics | FamilyId::Logging => Some("visibility"),
        FamilyId::IntegrationTests | FamilyId::ChaosExperiments => Some("assurance"),
    }
}

/// Keys whose value names an element of a list, the first that is there.
const NAMES: [&str; 9] = ["name", "id", "mcp_server", "server", "layer", "type", "tool", "scenario", "target"];

/// The value of a scalar in a list: that it is there.
pub const LISTED: &str = "listed";

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Leaf {
    value: String,
    loc: Loc,
    family: FamilyId,
}

/// Values by path. An element of a list is the path's part in backticks.
type Leaves = BTreeMap<Vec<String>, Leaf>;

/// Every such change, by what it is about.
#[must_use]
pub fn changes(base: (&Sources, &Model), head: (&Sources, &Model)) -> Vec<OperationChange> {
    let texts = |sources: &Sources| -> BTreeMap<String, FileId> {
        sources.iter().map(|(id, file)| (file.name().to_owned(), id)).collect()
    };
    let leaves = |(sources, model): (&Sources, &Model), (others, _): (&Sources, &Model)| {
        let known = texts(others);
        let mut leaves = Leaves::new();
        for (id, file) in sources.iter() {
            // A file that is the same on both sides says the same on both.
            if known.get(file.name()).is_none_or(|other| others.file(*other).text() != file.text()) {
                let inside = |folder: &str| file.name().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
                let unit = model.topology.unit_folders.iter().find(|(_, folder)| inside(folder)).map(|(unit, _)| unit);
                add_file(id, file, unit, &mut leaves);
            }
        }
        leaves
    };
    let (before, after) = (leaves(base, head), leaves(head, base));
    let mut found = Vec::new();
    for (path, leaf) in &after {
        match before.get(path) {
            Some(old) if is_same(&old.value, &leaf.value) => {}
            Some(old) => found.push(change(path, Some(old), Some(leaf), head.1, (Which::Head, leaf.loc))),
            None => {}
        }
    }
    found.extend(
        alone(&after, &before).map(|(path, leaf)| change(&path, None, Some(&leaf), head.1, (Which::Head, leaf.loc))),
    );
    found.extend(
        alone(&before, &after).map(|(path, leaf)| change(&path, Some(&leaf), None, base.1, (Which::Base, leaf.loc))),
    );
    for change in found.iter_mut().filter(|change| change.at.0 == Which::Head) {
        change.note = change.note.take().or_else(|| phrases::shortage(head.1, change.at.1));
    }
    found.sort_by(|a, b| a.what.cmp(&b.what).then_with(|| a.at.cmp(&b.at)));
    found
}

/// What stands in one of two alone. A list element of which the other has nothing is one, whatever it consists of.
fn alone<'l>(leaves: &'l Leaves, other: &'l Leaves) -> impl Iterator<Item = (Vec<String>, Leaf)> + use<'l> {
    let mut whole: BTreeMap<Vec<String>, Leaf> = BTreeMap::new();
    for (path, leaf) in leaves.iter().filter(|(path, _)| !other.contains_key(*path)) {
        let known =
            |prefix: &[String]| other.range(prefix.to_vec()..).next().is_some_and(|(path, _)| path.starts_with(prefix));
        let element = (1..path.len()).find(|end| {
            path.get(end - 1).is_some_and(|part| part.starts_with('`')) && path.get(..*end).is_some_and(|it| !known(it))
        });
        let Some((prefix, rest)) = element.and_then(|end| path.split_at_checked(end)) else {
            whole.insert(path.clone(), leaf.clone());
            continue;
        };
        // The name of the element stands in its path.
        let named =
            |key: &str| NAMES.contains(&key) && prefix.last().is_some_and(|last| *last == format!("`{}`", leaf.value));
        if matches!(rest, [key] if named(key)) {
            let entry = whole.entry(prefix.to_vec()).or_insert_with(|| Leaf { value: String::new(), ..leaf.clone() });
            entry.loc = entry.loc.min(leaf.loc);
            continue;
        }
        let said = match (rest, leaf.value.as_str()) {
            ([], value) => value.to_owned(),
            (rest, LISTED) => rest.join(" "),
            (rest, value) => format!("{}: {value}", rest.join(" ")),
        };
        let entry = whole.entry(prefix.to_vec());
        let entry = entry.or_insert_with(|| Leaf { value: String::new(), ..leaf.clone() });
        entry.loc = entry.loc.min(leaf.loc);
        if !entry.value.is_empty() {
            entry.value.push_str(", ");
        }
        entry.value.push_str(&said);
    }
    whole.into_iter()
}

fn is_same(a: &str, b: &str) -> bool {
    a == b || matches!((Duration::parse(a), Duration::parse(b)), (Ok(a), Ok(b)) if a == b)
}

/// A change of a value. `model` is that of the side where the value is, or where it was last.
fn change(
    path: &[String],
    before: Option<&Leaf>,
    after: Option<&Leaf>,
    model: &Model,
    at: (Which, Loc),
) -> OperationChange {
    let family = after.or(before).map_or(FamilyId::Federation, |leaf| leaf.family);
    let amount = |leaf: &Leaf| loss::amount(&leaf.value);
    let text = |leaf: Option<&'_ Leaf>| leaf.map(|leaf| leaf.value.clone());
    let (old, new) = (text(before), text(after));
    let how = match (before, after) {
        (None, _) => "new",
        (_, None) => "lost",
        (Some(old), Some(new)) => match (amount(old), amount(new)) {
            (Some(old), Some(new)) if new < old => "less",
            (Some(old), Some(new)) if new > old => "more",
            _ => "other",
        },
    };
    OperationChange {
        what: phrases::about(path, family),
        loses: loss::loses(path, family, old.as_deref(), new.as_deref()),
        before: old,
        after: new,
        risk: direction::of(path, family, how)
            .map_or_else(|| format!("{how} {}", bears_on(family).unwrap_or("access")), str::to_owned),
        note: engines::note(path, family, how, model),
        at,
    }
}

fn add_file(id: FileId, file: &SourceFile, unit: Option<&UnitName>, leaves: &mut Leaves) {
    let tree = parse(id, file, &mut Vec::new());
    for document in tree.documents() {
        for (key, body) in tree.entries(*document).unwrap_or_default() {
            let Some(family) = FamilyId::of_key(tree.text(*key)).filter(|family| bears_on(*family).is_some()) else {
                continue;
            };
            let mut path: Vec<String> = unit.map(|unit| format!("unit {unit}")).into_iter().collect();
            path.push(family.key().to_owned());
            // A section of a family that may repeat is known by its name.
            if let Some((_, name)) = tree.get(*body, "name") {
                path.push(format!("`{}`", tree.text(name)));
            }
            add(&tree, *body, &mut path, family, leaves);
        }
    }
}

fn add(tree: &Tree<'_>, node: NodeId, path: &mut Vec<String>, family: FamilyId, leaves: &mut Leaves) {
    let least = tree.get(node, "at_least").filter(|_| tree.entries(node).is_some_and(|entries| entries.len() == 1));
    if let Some((_, least)) = least {
        // The least, where the plain value is the most.
        let leaf = Leaf { value: format!("{}{}", loss::AT_LEAST, tree.text(least)), loc: tree.loc(least), family };
        leaves.insert(path.clone(), leaf);
    } else if let Some(entries) = tree.entries(node) {
        for (key, value) in entries {
            path.push(tree.text(*key).to_owned());
            add(tree, *value, path, family, leaves);
            path.pop();
        }
    } else if let Some(elements) = tree.elements(node) {
        for (index, element) in elements.iter().enumerate() {
            let named = NAMES.iter().find_map(|key| tree.get(*element, key)).map(|(_, name)| tree.text(name));
            let single =
                tree.entries(*element).filter(|entries| entries.len() == 1).and_then(|entries| entries.first());
            match (tree.scalar(*element), named, single) {
                (Some(scalar), _, _) => {
                    path.push(format!("`{}`", scalar.text()));
                    let leaf = Leaf { value: LISTED.to_owned(), loc: tree.loc(*element), family };
                    leaves.insert(path.clone(), leaf);
                }
                (None, Some(name), _) => {
                    // Two elements of one name are told apart by their order.
                    let same = |other: &&NodeId| {
                        let named = NAMES.iter().find_map(|key| tree.get(**other, key));
                        named.is_some_and(|(_, other)| tree.text(other) == name)
                    };
                    let before = elements.iter().take(index).filter(same).count();
                    let number = if before > 0 { format!(" #{}", before + 1) } else { String::new() };
                    path.push(format!("`{name}{number}`"));
                    add(tree, *element, path, family, leaves);
                }
                // A list of maps with one key each stands for a map.
                (None, None, Some((key, value))) => {
                    path.push(tree.text(*key).to_owned());
                    add(tree, *value, path, family, leaves);
                }
                (None, None, None) => {
                    path.push(format!("`#{}`", index + 1));
                    add(tree, *element, path, family, leaves);
                }
            }
            path.pop();
        }
    } else {
        let leaf = Leaf { value: tree.text(node).to_owned(), loc: tree.loc(node), family };
        leaves.insert(path.clone(), leaf);
    }
}
