//! Waivers: findings that somebody accepted are taken out of the report; what is wrong with a waiver is put in.

use super::levels::can_be_adjusted;
use super::rules::UNKNOWN_CHECK;
use super::rules::{EXPIRED_WAIVER, UNUSED_WAIVER, all_rules};
use crate::diagnostic::suppressed::Suppression;
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity, nearest};
use crate::model::Model;
use crate::model::assurance::Waiver;
use crate::source::Sources;

/// Applies every waiver. A finding about a waiver cannot be waived.
pub(super) fn apply(report: &mut Report, model: &Model, sources: &Sources, today: Option<&str>) {
    let known = all_rules();
    let mut about_waivers = Vec::new();
    for waiver in &model.waivers {
        let check = waiver.check.value.as_str();
        let Some(rule) = known.iter().find(|rule| rule.name == check) else {
            about_waivers.push(
                Diagnostic::new(&UNKNOWN_CHECK, waiver.check.loc, format!("no check is called `{check}`"))
                    .suggest(check, nearest(check, known.iter().map(|rule| rule.name))),
            );
            continue;
        };
        if !can_be_adjusted(rule) && rule.severity == Severity::Error {
            let message = format!("a finding of `{check}` cannot be waived");
            about_waivers.push(Diagnostic::new(&UNKNOWN_CHECK, waiver.check.loc, message));
            continue;
        }
        if is_over(waiver, today) {
            let message = format!("waiver `{}` of {} expired on {}", waiver.name, waiver.owner, waiver.expires);
            about_waivers.push(Diagnostic::new(&EXPIRED_WAIVER, waiver.expires.loc, message).fix(removed(waiver)));
            continue;
        }
        let of_this = accept(waiver, report, sources);
        // What only a compile finds is not looked for yet.
        if of_this == 0 && !model.unread_files && model.unread.is_empty() && !is_of_compile(rule) {
            about_waivers.push(unused(waiver));
        }
    }
    report.extend(about_waivers);
}

/// Applies the waivers of what only a compile finds. `whole` says whether every target was compiled, so that a waiver without a
/// finding is unused.
pub(super) fn of_compile(report: &mut Report, model: &Model, sources: &Sources, today: Option<&str>, whole: bool) {
    let compiled: Vec<&str> = crate::targets::RULES.iter().map(|rule| rule.name).collect();
    for waiver in &model.waivers {
        if !compiled.contains(&waiver.check.value.as_str()) || is_over(waiver, today) {
            continue;
        }
        let of_this = accept(waiver, report, sources);
        if of_this == 0 && whole {
            report.push(unused(waiver));
        }
    }
}

fn is_of_compile(rule: &Rule) -> bool {
    crate::targets::RULES.iter().any(|known| known.name == rule.name)
}

/// Dates of the form YYYY-MM-DD compare as text.
fn is_over(waiver: &Waiver, today: Option<&str>) -> bool {
    today.is_some_and(|today| waiver.expires.value.as_str() < today)
}

/// Takes out what a waiver covers, and answers how much that was.
fn accept(waiver: &Waiver, report: &mut Report, sources: &Sources) -> usize {
    let by = Suppression::Waiver {
        name: waiver.name.value.clone(),
        owner: waiver.owner.value.clone(),
        expires: waiver.expires.value.clone(),
        reason: waiver.reason.value.clone(),
    };
    report.suppress(|finding| covers(waiver, finding, sources).then(|| by.clone()))
}

fn unused(waiver: &Waiver) -> Diagnostic {
    let message = format!("waiver `{}` accepts nothing: no finding of `{}` matches it", waiver.name, waiver.check);
    Diagnostic::new(&UNUSED_WAIVER, waiver.name.loc, message).fix(removed(waiver))
}

fn removed(waiver: &Waiver) -> Fix {
    Fix::safe(format!("remove waiver `{}`", waiver.name), vec![Edit::RemoveElement(waiver.name.loc)])
}

fn covers(waiver: &Waiver, finding: &Diagnostic, sources: &Sources) -> bool {
    finding.rule.name == waiver.check.value
        && sources.file(finding.loc.file).name() == waiver.file.value
        && waiver.line.as_ref().is_none_or(|line| line.value == sources.position(finding.loc).line)
        && waiver.matches.as_ref().is_none_or(|part| finding.message.contains(part.value.as_str()))
}
