//! What a comparison comes to: the sentence that says it, what was asked of it, and the exit code. All three follow from the same
//! answers, so they agree.

use super::super::Exit;
use super::Deny;
use super::view::View;
use crate::render::counted;
use crate::review::handwritten::Found;

/// The answer to something that was asked of a change.
pub(super) struct Answer {
    /// Whether the exit code depends on it.
    pub(super) asked: bool,
    pub(super) fails: bool,
    pub(super) text: String,
}

impl View<'_> {
    /// The exit code: that of the worst answer.
    pub(super) fn exit(&self) -> Exit {
        let failed = self.answers().iter().any(|answer| answer.asked && answer.fails);
        match (self.head_errors > 0, failed) {
            (true, _) => Exit::Failed,
            (false, true) => Exit::Findings,
            (false, false) => Exit::Clean,
        }
    }

    /// Everything that was asked, and what the gate would say where it was not.
    pub(super) fn answers(&self) -> Vec<Answer> {
        let asks = |what: Deny| self.deny.contains(&what);
        let said = |what: &str, asked: bool, fails: bool, why: &str| {
            let word = match (asked, fails) {
                (true, true) => "failed",
                (true, false) => "passed",
                (false, true) => "would fail with `--deny widening`",
                (false, false) => "would pass with `--deny widening`",
            };
            Answer { asked, fails, text: format!("{what} {word}: {why}") }
        };
        let mut answers = Vec::new();
        if self.head_errors > 0 {
            let new = match self.new_errors.len() {
                0 => format!("none new: `{}` has them, too", self.base),
                new => format!("{new} new"),
            };
            let why = format!("`{}` has {}, {new}", self.head, counted(self.head_errors, "error"));
            answers.push(said("comparison", true, true, &why));
        }
        if asks(Deny::Widening) || !self.gate.0.is_empty() {
            answers.push(said("gate", asks(Deny::Widening), self.verdict.fails(), &self.why()));
        }
        if asks(Deny::Operation) {
            let why = self.lost(Some(0)).unwrap_or_else(|| "nothing is lost".to_owned());
            answers.push(said("deny operation", true, self.verdict.loses(Some(0)), &why));
        }
        if asks(Deny::Any) {
            let files = self.artifacts.is_some_and(|files| !files.is_empty());
            let changes = !self.diff.is_empty() || files;
            let why = if changes { "something changes" } else { "nothing changes" };
            answers.push(said("deny any", true, changes, why));
        }
        if self.require_proof && !self.diff.handwritten.as_ref().is_none_or(Found::is_proved) {
            let why = "what hand-written Cedar changes is not proved";
            answers.push(said("require proof", true, true, why));
        }
        answers
    }

    /// What the change does to access, in a sentence.
    pub(super) fn headline(&self) -> String {
        let verdict = self.verdict;
        let (_, closed) = self.changed();
        let narrower = || format!("{} narrower", super::cells(closed));
        let trust = |count: usize| format!("{} of trust", counted(count, "change"));
        let mut widens = Vec::new();
        let mut waived = Vec::new();
        let add = |list: &mut Vec<String>, count: usize, text: String| list.extend((count > 0).then_some(text));
        add(&mut widens, verdict.opened, format!("{} wider", super::cells(verdict.opened)));
        add(
            &mut widens,
            verdict.handwritten,
            format!("hand-written Cedar on {}", counted(verdict.handwritten, "pair")),
        );
        add(&mut widens, verdict.trust, trust(verdict.trust));
        add(&mut waived, verdict.waived, super::cells(verdict.waived));
        add(&mut waived, verdict.trust_waived, trust(verdict.trust_waived));
        let also = |list: &[String], word: &str| {
            if list.is_empty() { String::new() } else { format!("; {word} {}", list.join(", ")) }
        };
        let files = self.artifacts.map_or(0, <[_]>::len);
        let sentence = if !widens.is_empty() {
            let within = if verdict.widens_too_much() { "" } else { " within the budget" };
            let closes = if closed > 0 { format!(", {}", narrower()) } else { String::new() };
            format!("widens access{within}: {}{closes}{}", widens.join(", "), also(&waived, "waived:"))
        } else if !waived.is_empty() {
            let closes = if closed > 0 { format!("; {}", narrower()) } else { String::new() };
            format!("widens only what is waived: {}{closes}", waived.join(", "))
        } else if closed > 0 {
            format!("only narrows access: {}", narrower())
        } else if self.diff.is_empty() && files > 0 {
            format!("changes no access, no trust and no operation, only {} to roll out", counted(files, "file"))
        } else if self.diff.is_empty() {
            "changes nothing".to_owned()
        } else {
            "widens and narrows no access".to_owned()
        };
        let lost = match verdict.lost {
            0 => String::new(),
            count => format!(" It takes away from operation: {}.", counted(count, "change")),
        };
        format!("This change {sentence}.{lost}")
    }

    /// That operation loses something, where it does, and whether it may.
    fn lost(&self, otherwise: Option<u32>) -> Option<String> {
        let verdict = self.verdict;
        let takes = if verdict.lost == 1 { "takes" } else { "take" };
        let may = match verdict.most_lost.or(otherwise)? {
            0 => "none may".to_owned(),
            most => format!("{most} may"),
        };
        let lost = format!("{} {takes} away from operation, and {may}", counted(verdict.lost, "change"));
        (verdict.lost > 0).then_some(lost)
    }

    /// Why the gate passes or fails.
    fn why(&self) -> String {
        let verdict = self.verdict;
        let pairs = |count: usize| counted(count, "pair");
        let widens = |count: usize| format!("access widens for {}", pairs(count));
        let over = verdict.limits.iter().filter(|limit| limit.used > limit.most as usize);
        let mut said: Vec<String> =
            over.map(|limit| format!("{} {}, and the limit is {}", widens(limit.used), limit.of, limit.most)).collect();
        if verdict.beyond > 0 {
            let may = if verdict.limits.is_empty() { ", and none is allowed" } else { " that no limit covers" };
            said.push(format!("{}{may}", widens(verdict.beyond)));
        }
        if verdict.handwritten > 0 {
            said.push(format!("hand-written Cedar may widen access for {}", pairs(verdict.handwritten)));
        }
        if verdict.trust > 0 {
            let verb = if verdict.trust == 1 { "counts" } else { "count" };
            said.push(format!("{} of trust {verb} as widening", counted(verdict.trust, "change")));
        }
        said.extend(self.lost(None).filter(|_| verdict.loses(None)));
        if !verdict.fails() {
            let used = verdict.limits.iter().filter(|limit| limit.used > 0);
            said.extend(
                used.map(|limit| format!("{} {}, within the limit of {}", widens(limit.used), limit.of, limit.most)),
            );
        }
        if verdict.waived > 0 {
            said.push(format!("{} waived", pairs(verdict.waived)));
        }
        if verdict.trust_waived > 0 {
            said.push(format!("{} of trust waived", counted(verdict.trust_waived, "change")));
        }
        if verdict.expired > 0 {
            let verb = if verdict.expired == 1 { "has" } else { "have" };
            said.push(format!("{} {verb} expired", counted(verdict.expired, "waiver")));
        }
        if said.is_empty() {
            said.push("access does not widen".to_owned());
        }
        said.join("; ")
    }
}
