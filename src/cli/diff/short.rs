//! One line a change, and the words of a change that other formats share.

use std::io::{self, Write};

use super::cedar_changes;
use super::errors::Fault;
use super::line::Line;
use super::phrases::{needs, some};
use super::view::View;
use crate::diagnostic::one_line;
use crate::review::access::Which;
use crate::review::excuse::Excuse;
use crate::review::operation::LISTED;
use crate::review::trust::TrustChange;

/// One line a change, the kind first.
pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    for fault in view.new_errors {
        writeln!(out, "{}", in_line(fault))?;
    }
    for caution in view.cautions {
        writeln!(out, "caution: {}", one_line(caution))?;
    }
    for rename in &view.diff.renames {
        writeln!(out, "renamed (a guess): {}", one_line(&view.renamed(rename)))?;
    }
    for group in view.diff.groups.iter().filter(|group| group.renamed.is_none()) {
        let cause = view
            .causes(group)
            .into_iter()
            .next()
            .map_or_else(String::new, |line| format!("{}:{}: ", line.file, line.line));
        writeln!(
            out,
            "{cause}{}: {} on {}: {} -> {}{}",
            group.change.word(),
            some(&group.principals),
            some(&group.objects),
            needs(&group.before),
            needs(&group.after),
            waived(view, group.excuse)
        )?;
    }
    cedar_changes::short(view, out)?;
    for change in &view.diff.trust {
        let kind = if change.widening { "trust widening" } else { "trust" };
        writeln!(
            out,
            "{kind}: {}: {}{}{}{}",
            one_line(&change.what),
            values(&change.before, &change.after),
            place(view.at(change)),
            waived(view, change.excuse),
            bears(view, change)
        )?;
    }
    for change in &view.diff.operation {
        writeln!(
            out,
            "operation: {}: {}: {}{}",
            change.risk,
            one_line(&change.what),
            with_note(values(&change.before, &change.after), change.note.as_deref()),
            place(Some(view.line(change.at.0, change.at.1)))
        )?;
    }
    for file in view.artifacts.unwrap_or_default() {
        writeln!(out, "artifact: {} {}", file.change.word(), one_line(&file.path))?;
    }
    for gone in view.removed {
        writeln!(out, "object removed: {}", one_line(&gone.to_string()))?;
    }
    Ok(())
}

/// `access.yaml:3: error[unknown-server]: ...`.
pub(super) fn in_line(fault: &Fault) -> String {
    format!("{}:{}: error[{}]: {}", one_line(&fault.at.file), fault.at.line, fault.rule.name, one_line(&fault.message))
}

/// `; 12 cells depend on it: ...`, where that is known.
pub(super) fn bears(view: &View<'_>, change: &TrustChange) -> String {
    view.radius(change).map_or_else(String::new, |said| format!("; {said}"))
}

/// `; waived until 2027-03-31 by alice: quarterly audit (mcpctl.yaml:12)`, where something is.
pub(super) fn waived(view: &View<'_>, excuse: Option<Excuse>) -> String {
    let waiver = excuse.and_then(|excuse| view.waiver(excuse));
    waiver.map_or_else(String::new, |waiver| format!("; {} {}", waiver.state(), waiver.why()))
}

/// `1 -> 2`, or what is new or gone.
pub(super) fn values(before: &Option<String>, after: &Option<String>) -> String {
    match (before.as_deref().map(one_line), after.as_deref().map(one_line)) {
        (Some(before), Some(after)) => format!("{before} -> {after}"),
        (None, Some(after)) if after == LISTED => "now listed".to_owned(),
        (Some(before), None) if before == LISTED => "no longer listed".to_owned(),
        (None, Some(after)) => format!("new, {after}"),
        (Some(before), None) => format!("gone, was {before}"),
        (None, None) => String::new(),
    }
}

pub(super) fn with_note(values: String, note: Option<&str>) -> String {
    note.map_or(values.clone(), |note| format!("{values}; {note}"))
}

pub(super) fn place(at: Option<Line>) -> String {
    at.map_or_else(String::new, |line| {
        let gone = if line.side == Which::Base { " (base)" } else { "" };
        format!("   {}:{}{gone}", line.file, line.line)
    })
}
