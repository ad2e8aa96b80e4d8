//! What every format shows of a comparison, in words.

use std::collections::BTreeSet;

use crate::diagnostic::one_line;
use crate::model::name::FactName;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::{Object, PrincipalId};
use crate::render::counted;
use crate::review::diff::{ArtifactChange, Diff};
use crate::review::group::{Group, Which};
use crate::source::{Loc, Sources};

/// Most names that a line lists before it counts the rest.
const MOST_NAMES: usize = 3;

/// A comparison with what its places point into.
pub(super) struct View<'a> {
    /// The base, as given.
    pub(super) base: &'a str,
    /// The head, as given.
    pub(super) head: &'a str,
    /// The files of either side.
    pub(super) sides: [&'a Sources; 2],
    pub(super) diff: &'a Diff,
    /// The files that change; `None` where the sides were not compiled.
    pub(super) artifacts: Option<&'a [ArtifactChange]>,
    /// Errors of the base: no bundle could be compiled from it.
    pub(super) base_errors: usize,
}

/// A line of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) side: Which,
    pub(super) file: String,
    pub(super) line: u32,
    /// What it says, without the space around it.
    pub(super) text: String,
}

/// Groups that changed alike for the same reason: their blocks of principals and objects, one line for people.
pub(super) struct Row<'a> {
    /// The first of them, and its request.
    pub(super) first: &'a Group,
    pub(super) groups: Vec<&'a Group>,
    pub(super) causes: Vec<Line>,
}

impl Row<'_> {
    /// How many cells they hold.
    pub(super) fn cells(&self) -> usize {
        self.groups.iter().map(|group| group.cells()).sum()
    }

    /// Who on what: every pair of them, or so many.
    pub(super) fn who_and_what(&self) -> (String, String) {
        let principals: BTreeSet<&PrincipalId> = self.groups.iter().flat_map(|group| &group.principals).collect();
        let objects: BTreeSet<&Object> = self.groups.iter().flat_map(|group| &group.objects).collect();
        let what = some(&Vec::from_iter(objects.iter()));
        let partly = self.cells() < principals.len() * objects.len();
        let pairs = if partly { format!(" ({} of these pairs)", self.cells()) } else { String::new() };
        (some(&Vec::from_iter(principals)), format!("{what}{pairs}"))
    }
}

impl<'a> View<'a> {
    /// The groups as people read them.
    pub(super) fn rows(&self) -> Vec<Row<'a>> {
        let mut rows: Vec<Row<'a>> = Vec::new();
        for group in &self.diff.groups {
            let causes = self.causes(group);
            let alike = |row: &&mut Row<'_>| {
                let first = row.first;
                (first.change, &first.before, &first.after) == (group.change, &group.before, &group.after)
                    && row.causes == causes
            };
            match rows.iter_mut().find(alike) {
                Some(row) => row.groups.push(group),
                None => rows.push(Row { first: group, groups: vec![group], causes }),
            }
        }
        rows
    }
}

impl View<'_> {
    fn sources(&self, side: Which) -> &Sources {
        let [base, head] = self.sides;
        match side {
            Which::Base => base,
            Which::Head => head,
        }
    }

    /// A place as a line.
    pub(super) fn line(&self, side: Which, loc: Loc) -> Line {
        let sources = self.sources(side);
        let file = sources.file(loc.file);
        let line = sources.position(loc).line;
        let text = file.text().lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
        Line { side, file: file.name().to_owned(), line, text: one_line(text.trim()) }
    }

    /// The lines that explain a group, each once.
    pub(super) fn causes(&self, group: &Group) -> Vec<Line> {
        let mut lines: Vec<Line> = group.causes.iter().map(|(side, loc)| self.line(*side, *loc)).collect();
        lines.dedup_by(|a, b| (a.side, &a.file, a.line) == (b.side, &b.file, b.line));
        lines
    }

    /// How many cells open and how many close.
    pub(super) fn changed(&self) -> (usize, usize) {
        let count =
            |wanted: &dyn Fn(&Group) -> bool| self.diff.groups.iter().filter(|g| wanted(g)).map(Group::cells).sum();
        let closes = |group: &Group| !group.change.widens() || group.change == crate::review::access::Change::Both;
        (count(&|group| group.change.widens()), count(&closes))
    }

    /// One sentence for all of it.
    pub(super) fn summary(&self) -> String {
        let (opened, closed) = self.changed();
        let widening = self.diff.trust.iter().filter(|change| change.widening).count();
        let mut said = vec![
            format!("{} wider", super::cells(opened)),
            format!("{} narrower", super::cells(closed)),
            format!("{} of trust ({widening} widening)", counted(self.diff.trust.len(), "change")),
            format!("{} of operation", counted(self.diff.operation.len(), "change")),
        ];
        said.extend(self.artifacts.map(|files| format!("{} to roll out", counted(files.len(), "file"))));
        format!("{}; {}", self.compared(), said.join(", "))
    }

    /// What was compared: all of it.
    pub(super) fn compared(&self) -> String {
        format!("compared {}, all of them, and the trust behind them", super::cells(self.diff.cells))
    }

    /// That nothing was compiled from the base, where that is so.
    pub(super) fn caution(&self) -> Option<String> {
        (self.base_errors > 0).then(|| {
            let errors = counted(self.base_errors, "error");
            format!("`{}` has {errors}: no bundle was compiled from it, and what it means is compared as far as it was read", self.base)
        })
    }
}

/// `a, b, c and 5 more`.
pub(super) fn some<T: std::fmt::Display>(names: &[T]) -> String {
    let shown: Vec<String> =
        names.iter().take(MOST_NAMES).map(|name| format!("`{}`", one_line(&name.to_string()))).collect();
    let rest = names.len().saturating_sub(MOST_NAMES);
    match rest {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// `mfa + mtls, or break_glass + mtls`; `denied` and `nothing` where there is no set, or the empty one.
pub(super) fn needs(sets: &[Vec<FactName>]) -> String {
    if sets.is_empty() {
        return "denied".to_owned();
    }
    let set = |set: &Vec<FactName>| match set.as_slice() {
        [] => "nothing".to_owned(),
        facts => plainly(facts).join(" + "),
    };
    format!("needs {}", sets.iter().map(set).collect::<Vec<_>>().join(", or "))
}

/// Facts by name, without what another one says already: `mtls` is `tls`, too.
pub(super) fn plainly(facts: &[FactName]) -> Vec<&str> {
    let mutual = facts.iter().any(|fact| fact.as_str() == MTLS);
    facts.iter().map(FactName::as_str).filter(|fact| !(mutual && *fact == TLS)).collect()
}

/// `decision before -> decision now`.
pub(super) fn decisions(allowed: bool) -> [&'static str; 2] {
    if allowed { ["deny", "allow"] } else { ["allow", "deny"] }
}
