//! What a comparison found, one result after the other, for the formats that list findings. Each is at the line that causes it.

use super::super::handwritten;
use super::Deny;
use super::cedar_changes;
use super::line::Line;
use super::phrases::{needs, some};
use super::rules;
use super::short::{bears, values, waived, with_note};
use super::view::View;
use crate::diagnostic::suppressed::Suppression;
use crate::diagnostic::{Rule, Severity, one_line};
use crate::render::entry::{Entry, Place};
use crate::render::fingerprint;
use crate::review::access::Which;
use crate::review::excuse::Excuse;

/// A change, a new error, or a caution.
pub(super) struct Found {
    pub(super) rule: &'static Rule,
    pub(super) severity: Severity,
    /// A headline of a few words.
    pub(super) title: String,
    /// The lines that cause it, those of the base among them.
    pub(super) causes: Vec<Line>,
    /// One harmless line, without the waiver.
    pub(super) message: String,
    /// The waiver that is about it, expired or not.
    pub(super) excuse: Option<Excuse>,
}

/// Everything that was found, in the order in which it is shown.
pub(super) fn found(view: &View<'_>) -> Vec<Found> {
    // What opens without a waiver is what the gate counts.
    let level = |opens: bool, excuse: Option<Excuse>| match (opens && !excuse.is_some_and(holds), view.judged) {
        (true, true) => Severity::Error,
        (true, false) => Severity::Warning,
        (false, _) => Severity::Note,
    };
    let plain = |rule: &'static Rule, title: &str, causes: Vec<Line>, message: String| Found {
        rule,
        severity: rule.severity,
        title: title.to_owned(),
        causes,
        message,
        excuse: None,
    };
    let mut all = Vec::new();
    for fault in view.new_errors {
        let title = format!("new error {}", fault.rule.name);
        let error = plain(fault.rule, &title, vec![fault.at.clone()], one_line(&fault.message));
        all.push(Found { severity: Severity::Error, ..error });
    }
    for caution in view.cautions {
        all.push(plain(&rules::CAUTION, "caution", Vec::new(), one_line(caution)));
    }
    for rename in &view.diff.renames {
        all.push(plain(&rules::RENAMED, "renamed (a guess)", Vec::new(), one_line(&view.renamed(rename))));
    }
    for group in view.diff.groups.iter().filter(|group| group.renamed.is_none()) {
        let (who, what) = (some(&group.principals), some(&group.objects));
        let message = format!("{who} on {what}: {} -> {}", needs(&group.before), needs(&group.after));
        let rule = if group.change.widens() { &rules::ACCESS_WIDENS } else { &rules::ACCESS_NARROWS };
        let title = format!("access {}", group.change.word());
        let severity = level(group.change.widens(), group.excuse);
        let excuse = group.excuse;
        all.push(Found { severity, excuse, ..plain(rule, &title, view.causes(group), one_line(&message)) });
    }
    for group in view.diff.handwritten.iter().flat_map(handwritten::changed) {
        let (who, what) = handwritten::who_and_what(group);
        let (before, after) = (handwritten::in_words(&group.before), handwritten::in_words(&group.after));
        let message = one_line(&format!("{who} on {what}: {before} -> {after}"));
        let severity = level(group.proof.may_open(), None);
        let title = format!("hand-written Cedar {}", group.proof.word());
        all.push(Found {
            severity,
            ..plain(&rules::CEDAR_CHANGES, &title, cedar_changes::causes(view, group), message)
        });
    }
    for change in &view.diff.trust {
        let (rule, title) = match change.widening {
            true => (&rules::TRUST_WIDENS, "trust widening"),
            false => (&rules::TRUST_CHANGES, "trust"),
        };
        let message = format!("{}: {}", one_line(&change.what), values(&change.before, &change.after));
        let message = message + &bears(view, change);
        let severity = level(change.widening, change.excuse);
        let excuse = change.excuse;
        all.push(Found { severity, excuse, ..plain(rule, title, view.at(change).into_iter().collect(), message) });
    }
    let denied = view.deny.contains(&Deny::Operation).then_some(0);
    for change in &view.diff.operation {
        let what = with_note(values(&change.before, &change.after), change.note.as_deref());
        let message = format!("{}: {}: {what}", change.risk, one_line(&change.what));
        // What is lost fails where that was asked for.
        let fails = change.loses && (view.deny.contains(&Deny::Operation) || view.judged) && view.verdict.loses(denied);
        let severity = if fails { Severity::Error } else { Severity::Note };
        let causes = vec![view.line(change.at.0, change.at.1)];
        all.push(Found { severity, ..plain(&rules::OPERATION_CHANGES, "operation", causes, message) });
    }
    all
}

fn holds(excuse: Excuse) -> bool {
    !excuse.expired
}

impl Found {
    /// The line to show it at: the first of the head, else the first of the base.
    pub(super) fn line(&self) -> Option<&Line> {
        self.causes.iter().find(|line| line.side == Which::Head).or(self.causes.first())
    }

    /// The message with the waiver, if there is one.
    pub(super) fn message_with_waiver(&self, view: &View<'_>) -> String {
        format!("{}{}", self.message, waived(view, self.excuse))
    }

    /// As an entry. `by` is what accepts it.
    pub(super) fn entry<'a>(&'a self, view: &View<'_>, by: Option<&'a Suppression>) -> Entry<'a> {
        let place = |line: &Line| Place::line(&line.file_in_repository, line.line);
        let shown = self.line();
        let others = self.causes.iter().filter(|line| Some(*line) != shown);
        let of_base = shown.is_some_and(|line| line.side == Which::Base);
        let message = if by.is_some() { self.message.clone() } else { self.message_with_waiver(view) };
        Entry {
            rule: self.rule,
            severity: self.severity,
            message: format!("{}: {message}", self.title),
            help: of_base.then(|| "the line is one of the base".to_owned()),
            place: shown.map(place),
            related: others.map(|line| (place(line), format!("{}: {}", line.side.word(), line.text))).collect(),
            fingerprint: fingerprint::of(&[self.rule.name, &self.message]),
            suppressed: by,
            fix: None,
        }
    }
}

/// The waivers that hold, for each of what was found.
pub(super) fn suppressions(view: &View<'_>, found: &[Found]) -> Vec<Option<Suppression>> {
    let of = |one: &Found| {
        let excuse = one.excuse.filter(|excuse| holds(*excuse))?;
        let waiver = view.waiver(excuse)?;
        let name = format!("{}:{}", waiver.file, waiver.line);
        Some(Suppression::Waiver { name, owner: waiver.owner, expires: waiver.expires, reason: waiver.reason })
    };
    found.iter().map(of).collect()
}
