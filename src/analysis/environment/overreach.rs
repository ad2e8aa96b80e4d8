//! Keys that an environment may not set.

use super::DeclaredEnvironment;
use crate::analysis::rules::ENVIRONMENT_OVERREACH;
use crate::diagnostic::Diagnostic;
use crate::source::Loc;
use crate::source::yaml::{NodeId, Tree};

/// Reports every key of a document that may not be there, the outermost only.
pub(super) fn stray(
    place: &DeclaredEnvironment<'_>,
    tree: &Tree<'_>,
    permitted: impl Fn(&str) -> bool,
    findings: &mut Vec<Diagnostic>,
) {
    for document in tree.documents() {
        let mut found = Vec::new();
        beyond(tree, *document, "", &permitted, &mut found);
        findings.extend(found.into_iter().map(|(loc, path)| overreach(place, loc, &path)));
    }
}

pub(super) fn beyond(
    tree: &Tree<'_>,
    node: NodeId,
    path: &str,
    permitted: &dyn Fn(&str) -> bool,
    found: &mut Vec<(Loc, String)>,
) {
    for (key, value) in tree.entries(node).unwrap_or_default() {
        let name = tree.text(*key);
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if permitted(&path) {
            beyond(tree, *value, &path, permitted, found);
        } else {
            found.push((tree.loc(*key), path));
        }
    }
    for element in tree.elements(node).unwrap_or_default() {
        beyond(tree, *element, &format!("{path}[]"), permitted, found);
    }
}

pub(super) fn overreach(place: &DeclaredEnvironment<'_>, loc: Loc, key: &str) -> Diagnostic {
    let message = format!("environment `{}` may not set `{}`", place.name, key.replace("[]", ""));
    let help =
        "an environment replaces URLs, issuers and settings of targets; what is set here is the same in every one";
    Diagnostic::new(&ENVIRONMENT_OVERREACH, loc, message).help(help)
}
