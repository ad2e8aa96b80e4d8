//! What every format shows of a comparison, in words.

use std::collections::BTreeSet;

use super::Deny;
use super::errors::Fault;
use super::line::{Line, line_at};
use super::phrases::some;
use crate::diagnostic::one_line;
use crate::model::gate::Gate;
use crate::policy::{Object, PrincipalId};
use crate::render::counted;
use crate::review::access::Change;
use crate::review::access::Which;
use crate::review::diff::Diff;
use crate::review::excuse::Excuse;
use crate::review::gate::Verdict;
use crate::review::group::Group;
use crate::review::objects::Gone;
use crate::review::rename::Rename;
use crate::review::rollout::{self, ArtifactChange};
use crate::review::trust::TrustChange;
use crate::source::{Loc, Sources};

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
    /// The Kubernetes objects that disappear.
    pub(super) removed: &'a [Gone],
    /// Errors of the base: no bundle could be compiled from it.
    pub(super) base_errors: usize,
    /// What a reader has to know before the rest.
    pub(super) cautions: &'a [String],
    /// The rules of the gate, and the text that they stand in.
    pub(super) gate: (&'a Gate, &'a Sources),
    /// What the gate says.
    pub(super) verdict: &'a Verdict,
    /// What fails the comparison.
    pub(super) deny: &'a [Deny],
    /// Whether the exit code depends on what the gate says.
    pub(super) judged: bool,
    /// Whether it depends on proofs.
    pub(super) require_proof: bool,
    /// Errors of the head: what it means is certain only as far as it was read.
    pub(super) head_errors: usize,
    /// Those of them that the base does not have.
    pub(super) new_errors: &'a [Fault],
}

/// A waiver that is about a widening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiver {
    pub(super) reason: String,
    pub(super) owner: String,
    /// The last day on which it holds.
    pub(super) expires: String,
    /// Whether that day is over.
    pub(super) expired: bool,
    pub(super) file: String,
    pub(super) line: u32,
}

impl Waiver {
    /// `waived until 2027-03-31`.
    pub(super) fn state(&self) -> String {
        if self.expired { format!("waiver expired {}", self.expires) } else { format!("waived until {}", self.expires) }
    }

    /// `by alice: quarterly audit (mcpctl.yaml:12)`.
    pub(super) fn why(&self) -> String {
        one_line(&format!("by {}: {} ({}:{})", self.owner, self.reason, self.file, self.line))
    }
}

/// Groups that changed alike for the same reason: their blocks of principals and objects, one line for people.
pub(super) struct Row<'a> {
    /// The first of them, and its request.
    pub(super) first: &'a Group,
    pub(super) groups: Vec<&'a Group>,
    pub(super) causes: Vec<Line>,
    pub(super) waiver: Option<Waiver>,
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
        // What a new name explains is said with the name.
        for group in self.diff.groups.iter().filter(|group| group.renamed.is_none()) {
            let causes = self.causes(group);
            let alike = |row: &&mut Row<'_>| {
                let first = row.first;
                (first.change, &first.before, &first.after, first.excuse)
                    == (group.change, &group.before, &group.after, group.excuse)
                    && row.causes == causes
            };
            match rows.iter_mut().find(alike) {
                Some(row) => row.groups.push(group),
                None => {
                    let waiver = group.excuse.and_then(|excuse| self.waiver(excuse));
                    rows.push(Row { first: group, groups: vec![group], causes, waiver });
                }
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
        line_at(side, self.sources(side), loc)
    }

    /// The waiver that an excuse is from.
    pub(super) fn waiver(&self, excuse: Excuse) -> Option<Waiver> {
        let (gate, sources) = self.gate;
        let entry = gate.waivers.get(excuse.waiver)?;
        Some(Waiver {
            reason: entry.reason.value.clone(),
            owner: entry.owner.value.clone(),
            expires: entry.expires.value.clone(),
            expired: excuse.expired,
            file: sources.shown_name(entry.loc.file),
            line: sources.position(entry.loc).line,
        })
    }

    /// What a guessed new name means, in a sentence.
    pub(super) fn renamed(&self, rename: &Rename) -> String {
        let pairs = match rename.pairs {
            0 => "none of its pairs is decided as before".to_owned(),
            pairs => format!(
                "{} decided as before, and counted as removed and added",
                if pairs == 1 { "1 pair is".to_owned() } else { format!("{pairs} pairs are") }
            ),
        };
        format!("{} `{}` is now `{}`, by {}; {pairs}", rename.kind, rename.before, rename.after, rename.why)
    }

    /// How many cells rest on what changed, and whose they are.
    pub(super) fn radius(&self, change: &TrustChange) -> Option<String> {
        let radius = change.radius.as_ref()?;
        let cells = match radius.cells {
            0 => return Some("no cell depends on it".to_owned()),
            1 => "1 cell depends".to_owned(),
            cells => format!("{cells} cells depend"),
        };
        Some(format!("{cells} on it: {} on {}", some(&radius.principals), some(&radius.servers)))
    }

    /// Where a change of trust is to be looked at.
    pub(super) fn at(&self, change: &TrustChange) -> Option<Line> {
        let elsewhere = change.elsewhere.clone();
        let elsewhere = elsewhere.map(|(side, file, line)| Line {
            side,
            file_in_repository: file.clone(),
            file,
            line,
            text: String::new(),
        });
        change.at.map(|(side, loc)| self.line(side, loc)).or(elsewhere)
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
        let closes = |group: &Group| !group.change.widens() || group.change == Change::Both;
        (count(&|group| group.change.widens()), count(&closes))
    }

    /// The gateways in the order in which they get their files; empty where those of one alone change.
    pub(super) fn order(&self) -> Vec<Vec<String>> {
        let opens = self.changed().0 > 0 || self.diff.trust.iter().any(|change| change.widening);
        rollout::order(self.artifacts.unwrap_or_default(), opens)
    }

    /// One sentence for all of it.
    pub(super) fn summary(&self) -> String {
        let (opened, closed) = self.changed();
        let widening = self.diff.trust.iter().filter(|change| change.widening).count();
        let mut said = Vec::new();
        let mut add = |count: usize, text: String| said.extend((count > 0).then_some(text));
        add(opened, format!("{} wider", super::cells(opened)));
        add(closed, format!("{} narrower", super::cells(closed)));
        for group in self.diff.handwritten.iter().flat_map(super::super::handwritten::changed) {
            add(group.pairs, format!("hand-written Cedar {}", counted(group.pairs, "pair") + " " + group.proof.word()));
        }
        let (trust, operation) = (self.diff.trust.len(), self.diff.operation.len());
        add(trust, format!("{} of trust ({widening} widening)", counted(trust, "change")));
        add(operation, format!("{} of operation", counted(operation, "change")));
        let files = self.artifacts.map_or(0, <[ArtifactChange]>::len);
        add(files, format!("{} to roll out", counted(files, "file")));
        if opened + closed == 0 {
            said.insert(0, "none wider and none narrower".to_owned());
        }
        format!("{}: {}", self.compared(), said.join(", "))
    }

    /// What was compared: all of it.
    pub(super) fn compared(&self) -> String {
        format!("compared {}, all of them, and the trust behind them", super::cells(self.diff.cells))
    }
}
