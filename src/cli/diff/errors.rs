//! Errors of the side that is judged: those that the base does not have come first.

use std::collections::BTreeMap;

use super::line::{Line, line_at};
use super::side::Read;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::review::access::Which;

/// An error that the base does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: &'static Rule,
    pub(super) message: String,
    pub(super) at: Line,
}

/// What tells an error of one side from another one: not its line, which moves with every edit above it.
fn known<'a>(read: &'a Read, finding: &'a Diagnostic) -> (&'static str, &'a str, &'a str) {
    (finding.rule.name, finding.message.as_str(), read.sources.file(finding.loc.file).name())
}

fn errors(read: &Read) -> impl Iterator<Item = &Diagnostic> {
    read.report.diagnostics.iter().filter(|finding| finding.severity == Severity::Error)
}

/// The errors of the head that the base does not have, in the order of their places. The same error twice is a new one where the
/// base has it once.
pub(super) fn new(base: &Read, head: &Read) -> Vec<Fault> {
    let mut before: BTreeMap<_, usize> = BTreeMap::new();
    for finding in errors(base) {
        *before.entry(known(base, finding)).or_default() += 1;
    }
    let mut found = Vec::new();
    for finding in errors(head) {
        match before.get_mut(&known(head, finding)).filter(|left| **left > 0) {
            Some(left) => *left -= 1,
            None => found.push(Fault {
                rule: finding.rule,
                message: finding.message.clone(),
                at: line_at(Which::Head, &head.sources, finding.loc),
            }),
        }
    }
    found
}
