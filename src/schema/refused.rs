//! Texts that no schema lets through, whatever key they stand under: placeholders of other tools, secrets in URLs, and
//! control characters.

use super::rules;
use crate::diagnostic::Diagnostic;
use crate::source::yaml::{NodeId, Tree};
use crate::source::{FileId, Loc};
use crate::source::{credential, placeholder};

/// Keys whose values are texts for people: nothing but a person reads them.
const FOR_PEOPLE: [&str; 6] = ["description", "reason", "suspended", "owner", "assume_reason", "matches"];

/// Keys whose values are somebody else's document.
const FOREIGN: [&str; 1] = ["input_schema"];

/// Every such text below a node.
#[must_use]
pub(super) fn find(tree: &Tree<'_>, body: NodeId) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !tree.is_plain() {
        walk(tree, body, false, &mut found);
    }
    found
}

fn walk(tree: &Tree<'_>, node: NodeId, for_people: bool, found: &mut Vec<Diagnostic>) {
    if let Some(entries) = tree.entries(node) {
        for (key, value) in entries {
            let name = tree.text(*key);
            found.extend(refused(tree, *key, false));
            if !FOREIGN.contains(&name) {
                walk(tree, *value, FOR_PEOPLE.contains(&name), found);
            }
        }
    } else if let Some(elements) = tree.elements(node) {
        elements.iter().for_each(|element| walk(tree, *element, for_people, found));
    } else {
        found.extend(refused(tree, node, for_people));
    }
}

fn refused(tree: &Tree<'_>, node: NodeId, for_people: bool) -> Option<Diagnostic> {
    let text = tree.text(node);
    let loc = tree.loc(tree.target(node));
    if !for_people && let Some(placeholder) = placeholder::find(text) {
        let message = format!("`{placeholder}` is a placeholder, and mcpctl does not expand it");
        let help = "write the value; where it differs between environments, put it into the folder of the environment \
                    (`environments` in `mcpctl.yaml`), or expand the files before mcpctl reads them";
        return Some(Diagnostic::new(&rules::UNEXPANDED_PLACEHOLDER, loc, message).help(help));
    }
    if !credential::secrets(text).is_empty() {
        return Some(credentials(loc));
    }
    // Line breaks and tabs are escaped in every artifact; the others are refused by one product or another.
    let is_refused = |c: &char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if !for_people && let Some(control) = text.chars().find(is_refused) {
        let name = control.escape_default();
        let message = format!("this value holds the control character `{name}`, which products refuse");
        return Some(Diagnostic::new(&rules::INVALID_VALUE, loc, message).help("write it without that character"));
    }
    None
}

fn credentials(loc: Loc) -> Diagnostic {
    let message = "this URL holds a password or a token, which everybody would see who has a bundle or a message";
    let help = "remove it here, replace the secret, and give the new one to the product by its own means";
    Diagnostic::new(&rules::CREDENTIALS_IN_URL, loc, message).help(help)
}

/// Secrets in URLs anywhere in a file, comments included: a bundle holds the file as it is.
#[must_use]
pub fn secrets_of_file(file: FileId, text: &str) -> Vec<Diagnostic> {
    let at = |range: &std::ops::Range<usize>| Loc { file, start: range.start as u32, end: range.end as u32 };
    // A placeholder is not a secret, and has a finding of its own.
    let is_written = |range: &&std::ops::Range<usize>| {
        text.get((*range).clone()).is_none_or(|secret| placeholder::find(secret).is_none())
    };
    credential::secrets(text).iter().filter(is_written).map(|range| credentials(at(range))).collect()
}

/// Findings without those that another one of the same place explains: a secret is said once, and what is wrong with a
/// value that is refused anyway is not said at all.
pub fn keep_the_cause(findings: &mut Vec<Diagnostic>) {
    let is_cause =
        |finding: &Diagnostic| [&rules::CREDENTIALS_IN_URL, &rules::UNEXPANDED_PLACEHOLDER].contains(&finding.rule);
    let may_be_explained = |finding: &Diagnostic| {
        [
            &rules::CREDENTIALS_IN_URL,
            &rules::INVALID_METRIC_NAME,
            &rules::INVALID_NAME,
            &rules::INVALID_VALUE,
            &rules::INVALID_WILDCARD,
            &rules::UNKNOWN_WORD,
        ]
        .contains(&finding.rule)
    };
    let causes: Vec<Loc> = findings.iter().filter(|finding| is_cause(finding)).map(|finding| finding.loc).collect();
    if causes.is_empty() {
        return;
    }
    let within =
        |inner: &Loc, outer: &Loc| inner.file == outer.file && outer.start <= inner.start && inner.end <= outer.end;
    findings.retain(|finding| {
        let covers = |cause: &Loc| within(cause, &finding.loc) && (*cause != finding.loc || !is_cause(finding));
        !may_be_explained(finding) || !causes.iter().any(covers)
    });
}
