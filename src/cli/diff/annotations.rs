//! `--format github`: what a change opens and closes as annotations, each at the line that causes it. A line that only the base
//! has is marked as such: the head has other text there, or none.

use std::io::{self, Write};

use super::super::handwritten;
use super::Deny;
use super::cedar_changes;
use super::phrases::{needs, some};
use super::short::{bears, values, waived, with_note};
use super::view::{Line, View};
use crate::diagnostic::{Severity, one_line};
use crate::render::github::Annotation;
use crate::review::access::Which;

/// Every change, and every caution.
pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    // What opens without a waiver is what the gate counts.
    let level = |opens: bool, excused: bool| match (opens && !excused, view.judged) {
        (true, true) => Severity::Error,
        (true, false) => Severity::Warning,
        (false, _) => Severity::Note,
    };
    for fault in view.new_errors {
        let (file, lines, title) =
            (fault.file.as_str(), (fault.line, fault.line), format!("new error {}", fault.check));
        let message = one_line(&fault.message);
        let severity = Severity::Error;
        writeln!(out, "{}", Annotation { severity, file, lines, columns: None, title: &title, message: &message })?;
    }
    for caution in view.cautions {
        one(Severity::Warning, "caution", &[], one_line(caution), out)?;
    }
    for rename in &view.diff.renames {
        one(Severity::Note, "renamed (a guess)", &[], one_line(&view.renamed(rename)), out)?;
    }
    for group in view.diff.groups.iter().filter(|group| group.renamed.is_none()) {
        let who_and_what = format!("{} on {}", some(&group.principals), some(&group.objects));
        let message = format!(
            "{who_and_what}: {} -> {}{}",
            needs(&group.before),
            needs(&group.after),
            waived(view, group.excuse)
        );
        let severity = level(group.change.widens(), group.excuse.is_some_and(|excuse| !excuse.expired));
        one(severity, &format!("access {}", group.change.word()), &view.causes(group), one_line(&message), out)?;
    }
    for group in view.diff.handwritten.iter().flat_map(handwritten::changed) {
        let (who, what) = handwritten::who_and_what(group);
        let (before, after) = (handwritten::in_words(&group.before), handwritten::in_words(&group.after));
        let message = one_line(&format!("{who} on {what}: {before} -> {after}"));
        let severity = level(group.proof.may_open(), false);
        let title = format!("hand-written Cedar {}", group.proof.word());
        one(severity, &title, &cedar_changes::causes(view, group), message, out)?;
    }
    for change in &view.diff.trust {
        let title = if change.widening { "trust widening" } else { "trust" };
        let message = format!("{}: {}", one_line(&change.what), values(&change.before, &change.after));
        let message = message + &waived(view, change.excuse) + &bears(view, change);
        let severity = level(change.widening, change.excuse.is_some_and(|excuse| !excuse.expired));
        one(severity, title, view.at(change).as_slice(), message, out)?;
    }
    let denied = view.deny.contains(&Deny::Operation).then_some(0);
    for change in &view.diff.operation {
        let what = with_note(values(&change.before, &change.after), change.note.as_deref());
        let message = format!("{}: {}: {what}", change.risk, one_line(&change.what));
        // What is lost fails where that was asked for.
        let fails = change.loses && (view.deny.contains(&Deny::Operation) || view.judged) && view.verdict.loses(denied);
        let severity = if fails { Severity::Error } else { Severity::Note };
        one(severity, "operation", &[view.line(change.at.0, change.at.1)], message, out)?;
    }
    for file in view.artifacts.unwrap_or_default() {
        writeln!(out, "artifact: {} {}", file.change.word(), one_line(&file.path))?;
    }
    Ok(())
}

/// One annotation at the first line of the head among the causes, else at the first of the base.
fn one(severity: Severity, title: &str, causes: &[Line], message: String, out: &mut dyn Write) -> io::Result<()> {
    let of_head = causes.iter().find(|line| line.side == Which::Head);
    let place = of_head.or(causes.first());
    let of_base = place.is_some_and(|line| line.side == Which::Base);
    let title = if of_base { format!("{title} (line of the base)") } else { title.to_owned() };
    let mut message = message;
    for line in causes {
        let side = if line.side == Which::Base { " (base)" } else { "" };
        message.push_str(&format!("\n{}:{}{side}: {}", one_line(&line.file), line.line, line.text));
    }
    let lines = place.map_or((1, 1), |line| (line.line, line.line));
    let file = place.map_or("", |line| line.file.as_str());
    writeln!(out, "{}", Annotation { severity, file, lines, columns: None, title: &title, message: &message })
}
