//! Waivers: findings that somebody accepted are taken out of the report; what is wrong with a waiver is put in.

use super::rules::{EXPIRED_WAIVER, UNUSED_WAIVER};
use crate::diagnostic::{Diagnostic, Report, Severity};
use crate::model::Model;
use crate::model::assurance::Waiver;
use crate::settings::{UNKNOWN_CHECK, can_be_adjusted};
use crate::source::Sources;

/// Applies every waiver. Answers how many findings were accepted. A finding about a waiver cannot be waived.
pub(super) fn apply(report: &mut Report, model: &Model, sources: &Sources, today: Option<&str>) -> usize {
    let known: Vec<&str> = crate::analysis::rules::all_rules().iter().map(|rule| rule.name).collect();
    let mut about_waivers = Vec::new();
    let mut accepted = 0;
    for waiver in &model.waivers {
        let check = waiver.check.value.as_str();
        if !known.contains(&check) {
            about_waivers.push(
                Diagnostic::new(&UNKNOWN_CHECK, waiver.check.loc, format!("no check is called `{check}`"))
                    .maybe_help(crate::diagnostic::did_you_mean(check, known.iter().copied())),
            );
            continue;
        }
        let minor =
            crate::analysis::rules::all_rules().iter().any(|r| r.name == check && r.severity != Severity::Error);
        if !can_be_adjusted(check) && !minor {
            let message = format!("a finding of `{check}` cannot be waived");
            about_waivers.push(Diagnostic::new(&UNKNOWN_CHECK, waiver.check.loc, message));
            continue;
        }
        // Dates of the form YYYY-MM-DD compare as text.
        if today.is_some_and(|today| waiver.expires.value.as_str() < today) {
            let message = format!("waiver `{}` of {} expired on {}", waiver.name, waiver.owner, waiver.expires);
            about_waivers.push(Diagnostic::new(&EXPIRED_WAIVER, waiver.expires.loc, message));
            continue;
        }
        let before = report.diagnostics.len();
        report.diagnostics.retain(|finding| !covers(waiver, finding, sources));
        let of_this = before - report.diagnostics.len();
        accepted += of_this;
        if of_this == 0 && !model.unread_files && model.unread.is_empty() {
            let message = format!("waiver `{}` accepts nothing: no finding of `{check}` matches it", waiver.name);
            about_waivers.push(Diagnostic::new(&UNUSED_WAIVER, waiver.name.loc, message));
        }
    }
    report.extend(about_waivers);
    accepted
}

fn covers(waiver: &Waiver, finding: &Diagnostic, sources: &Sources) -> bool {
    finding.rule.name == waiver.check.value
        && sources.file(finding.loc.file).name() == waiver.file.value
        && waiver.line.as_ref().is_none_or(|line| line.value == sources.position(finding.loc).line)
        && waiver.matches.as_ref().is_none_or(|part| finding.message.contains(part.value.as_str()))
}
