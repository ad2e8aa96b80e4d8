//! What is left of a section where a part of it is wrong.
//!
//! An unknown key, or one wrong value, must not hide the names beside it. So the parts that the schema refuses are taken
//! out of the tree, or read as what was certainly meant, and the rest is decoded as usual. The section counts as unread all
//! the same: no check concludes from what is absent in it, and nothing is compiled from it.

use std::collections::HashSet;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as NodeKind};

use super::explain::reach;
use super::{Validator, misspelt, refused};
use crate::diagnostic::Diagnostic;
use crate::source::Loc;
use crate::source::yaml::{NodeId, Tree};

/// How often the rest is judged again. Each round takes out at least one level of what the round before left incomplete,
/// and no family nests lists deeper.
const MOST_ROUNDS: usize = 8;

/// The keys under which things have the names that other places use.
const OF_NAMES: [&str; 3] = ["name", "level", "uri"];

/// What could be kept of a section.
#[derive(Debug, Clone, Default)]
pub struct Rest {
    /// Whether the rest has the shape of the family.
    pub usable: bool,
    /// Whether a part was taken out that may have declared names.
    pub names_lost: bool,
    /// The places of all that was wrong. What is found there is found because of that.
    pub wrong: Vec<Loc>,
}

/// What is done about one fault.
enum Repair {
    /// A scalar is read as a string.
    Text { node: NodeId, names_lost: bool },
    /// One value is read as a list of one.
    List(NodeId),
    /// A key, with its value, or a value is taken out of whatever holds it.
    TakeOut { node: NodeId, names_lost: bool },
    /// It is read as it is: a name with characters that names may not have is a name.
    Keep,
}

/// Finds everything that is wrong in the section under `key`, and takes it out of the tree, or reads it as what was
/// certainly meant. Gives no findings for a section that is right.
#[must_use]
pub fn read(validator: &Validator, tree: &mut Tree<'_>, key: NodeId, body: NodeId) -> (Vec<Diagnostic>, Rest) {
    let mut rest = Rest::default();
    if validator.is_valid(tree, body) {
        // What is refused under any key has its shape, so nothing beside it is lost.
        let refused = refused::find(tree, body);
        rest.usable = true;
        rest.wrong.extend(refused.iter().map(|finding| finding.loc));
        return (refused, rest);
    }
    // A misspelt key is one mistake. What its value lacks, and that the right key is missing, is judged as if it were right.
    let mut findings = Vec::new();
    for misspelt::Misspelt { key, meant, finding } in misspelt::keys(validator, tree, key, body) {
        rest.wrong.push(tree.loc(key));
        tree.rename(key, &meant);
        findings.push(finding);
    }
    findings.extend(validator.check(tree, key, body));
    rest.wrong.extend(findings.iter().map(|finding| finding.loc));
    take_out(validator, tree, (key, body), &mut rest);
    (findings, rest)
}

fn take_out(validator: &Validator, tree: &mut Tree<'_>, (key, body): (NodeId, NodeId), rest: &mut Rest) {
    for _ in 0..MOST_ROUNDS {
        let mut repairs = Vec::new();
        for error in validator.errors(tree, body) {
            repairs.extend(repairs_of(&error, tree, key, body));
        }
        let mut gone = HashSet::new();
        let mut changed = false;
        for (repair, wrong) in repairs {
            rest.wrong.push(wrong);
            match repair {
                Repair::Text { node, names_lost } => {
                    rest.names_lost |= names_lost;
                    tree.read_as_text(node);
                }
                Repair::List(node) => tree.read_as_list(node),
                Repair::TakeOut { node, names_lost } => {
                    rest.names_lost |= names_lost;
                    gone.insert(node);
                }
                Repair::Keep => continue,
            }
            changed = true;
        }
        if gone.contains(&tree.target(body)) {
            break;
        }
        if !changed {
            rest.usable = true;
            return;
        }
        tree.take_out(body, &gone);
    }
    rest.names_lost = true;
}

fn repairs_of(error: &ValidationError<'_>, tree: &Tree<'_>, key: NodeId, body: NodeId) -> Vec<(Repair, Loc)> {
    let at = reach(tree, key, body, error.instance_path().as_str());
    let node = at.node;
    let loc = tree.loc(node);
    let one = |repair| vec![(repair, loc)];
    let out = |names_lost| one(Repair::TakeOut { node, names_lost });
    #[expect(clippy::wildcard_enum_match_arm, reason = "what our schemas do not use is taken out like any other")]
    match error.kind() {
        NodeKind::AdditionalProperties { unexpected } => {
            let entries = unexpected.iter().filter_map(|name| tree.get(node, name));
            let out = |(key, value)| Repair::TakeOut { node: key, names_lost: tree.scalar(value).is_none() };
            entries.map(|entry| (out(entry), tree.loc(entry.0))).collect()
        }
        NodeKind::Pattern { .. } => one(Repair::Keep),
        NodeKind::Type { kind } => {
            let takes = |wanted: &str| match kind {
                TypeKind::Single(one) => one.to_string() == wanted,
                TypeKind::Multiple(many) => many.iter().any(|one| one.to_string() == wanted),
            };
            match tree.scalar(node).filter(|scalar| !scalar.is_null()) {
                Some(_) if takes("string") => {
                    // What was meant by a name that is a number is not known.
                    let names_lost = OF_NAMES.contains(&at.key(tree));
                    one(Repair::Text { node, names_lost })
                }
                Some(_) if takes("array") => one(Repair::List(node)),
                Some(_) | None => out(takes("array") || takes("object")),
            }
        }
        NodeKind::Format { .. } => out(OF_NAMES.contains(&at.key(tree))),
        NodeKind::Enum { .. }
        | NodeKind::Minimum { .. }
        | NodeKind::ExclusiveMinimum { .. }
        | NodeKind::Maximum { .. }
        | NodeKind::ExclusiveMaximum { .. }
        | NodeKind::MinLength { .. }
        | NodeKind::MinItems { .. } => out(false),
        // The map lacks what makes it one; what it is called is not known, or what it is.
        _ => out(true),
    }
}
