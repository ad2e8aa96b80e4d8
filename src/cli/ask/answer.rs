//! What `mcpctl can` prints.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::{Session, refusal};
use super::handwritten::Written;
use super::listed;
use crate::analysis::Analysis;
use crate::diagnostic::one_line;
use crate::model::name::FactName;
use crate::policy::{Policy, PrincipalIx};
use crate::render::{AnswerFormat, json};
use crate::review::decide::{Answer, Closed, Reason};
use crate::review::evidence::{StepUp, step_up};
use crate::review::naming::{named, sets_in_words, spelled};
use crate::source::{Loc, Sources};

/// What was asked.
pub(super) struct Asked<'a> {
    pub(super) analysis: &'a Analysis,
    pub(super) principal: PrincipalIx,
    pub(super) object: &'a str,
    pub(super) facts: u64,
    /// The decision with hand-written policies, where there are any.
    pub(super) written: Option<&'a Written>,
}

impl Asked<'_> {
    /// Whether it is allowed, hand-written policies included.
    fn allowed(&self, answer: &Answer) -> bool {
        self.written.map_or(answer.allowed, |written| written.allowed)
    }
}

/// Prints an answer in the format asked for.
pub(super) fn show(asked: &Asked<'_>, answer: &Answer, session: &mut Session<'_>) -> Result<(), Vec<miette::Report>> {
    match session.globals.format.of_answers() {
        AnswerFormat::Human => human(asked, answer, &mut session.out),
        AnswerFormat::Short => {
            writeln!(session.out, "{}", one_line(&format!("{}: {}", word(asked, answer), because(asked, answer))))
        }
        AnswerFormat::Json => json::write_value(&data(asked, answer), &mut session.out),
    }
    .map_err(refusal::stdout)
}

fn word(asked: &Asked<'_>, answer: &Answer) -> &'static str {
    if asked.allowed(answer) { "allow" } else { "deny" }
}

/// The shortest reason: what is missing, what blocks it, or the rule that allows it, with a place.
fn because(asked: &Asked<'_>, answer: &Answer) -> String {
    let Asked { analysis, principal, .. } = asked;
    let (policy, sources) = (analysis.policy(), &analysis.sources);
    if let Some(written) = asked.written.filter(|written| written.allowed != answer.allowed) {
        return written.in_words();
    }
    let closed = answer.reasons.iter().find_map(|reason| reason.closed.as_ref());
    if let Some(closed) = closed {
        let (why, loc) = closed_in_words(policy, *principal, closed);
        return loc.map_or(why.clone(), |loc| format!("{why} ({})", sources.shown_line(loc)));
    }
    let rules: Vec<String> = answer
        .reasons
        .iter()
        .filter_map(|reason| reason.rule)
        .map(|rule| {
            let rule = policy.rule_at(rule);
            let place = rule.from.first().map(|loc| format!(" ({})", sources.shown_line(*loc)));
            format!("rule `{}`{}", rule.name, place.unwrap_or_default())
        })
        .collect();
    let rules = rules.join(" and ");
    let denied: Vec<String> =
        answer.reasons.iter().filter(|reason| !reason.denied.is_empty()).map(denied_in_words).collect();
    if answer.allowed && !denied.is_empty() {
        return format!("{rules}, except {}, which the server's entry denies", denied.join(" and "));
    }
    if answer.allowed { rules } else { format!("needs {}; {rules}", sets_in_words(policy, &answer.missing)) }
}

/// Why nothing would help, and the line to look at.
pub(super) fn closed_in_words(policy: &Policy, principal: PrincipalIx, closed: &Closed) -> (String, Option<Loc>) {
    match closed {
        Closed::NotGranted => ("nothing grants it".to_owned(), Some(policy.principal_at(principal).loc)),
        Closed::Blocked { why, loc, .. } => (why.clone(), *loc),
        Closed::Never => ("its condition can never hold".to_owned(), None),
    }
}

fn human(asked: &Asked<'_>, answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let Asked { analysis, principal, object, facts, .. } = *asked;
    let (policy, sources) = (analysis.policy(), &analysis.sources);
    let who = policy.principal_at(principal);
    let verb = if asked.allowed(answer) { "may" } else { "may not" };
    let first = format!("{}: `{}` {verb} use `{object}` with {}", word(asked, answer), who.id, listed(policy, facts));
    writeln!(out, "{}", one_line(&first))?;
    if let Some(written) = asked.written.filter(|written| written.allowed != answer.allowed) {
        let alone = if answer.allowed { "allow" } else { "deny" };
        writeln!(out, "  because {}; the access relation alone would {alone}:", one_line(&written.in_words()))?;
        written.places.iter().try_for_each(|loc| line(sources, *loc, out))?;
    }
    if !answer.missing.is_empty() {
        writeln!(out, "  needs {}", sets_in_words(policy, &answer.missing))?;
    }
    for reason in &answer.reasons {
        if answer.reasons.len() > 1 {
            writeln!(out, "  {}", one_line(&spelled(policy.object_at(reason.object))))?;
        }
        because_of(asked, reason, sources, out)?;
    }
    let steps = steps(asked, answer);
    if !steps.is_empty() {
        writeln!(out, "  what would step up:")?;
    }
    for step in steps {
        let scope = step.scope.map(|scope| format!("; scope `{scope}`")).unwrap_or_default();
        let place = step.loc.map(|loc| format!(" ({})", sources.shown_line(loc))).unwrap_or_default();
        let asked = step.asked.map(|loc| format!("; asked for at {}", sources.shown_line(loc))).unwrap_or_default();
        let evidence = step.evidence.unwrap_or_else(|| "nothing says what shows it".to_owned());
        writeln!(out, "    {}", one_line(&format!("{}: {evidence}{scope}{place}{asked}", step.fact)))?;
    }
    Ok(())
}

fn because_of(asked: &Asked<'_>, reason: &Reason, sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    let policy = asked.analysis.policy();
    if let Some(closed) = &reason.closed {
        let (why, loc) = closed_in_words(policy, asked.principal, closed);
        writeln!(out, "  {}", one_line(&format!("because {why}")))?;
        loc.map_or(Ok(()), |loc| line(sources, loc, out))?;
    }
    if let Some(rule) = reason.rule {
        let rule = policy.rule_at(rule);
        writeln!(out, "  rule `{}`:", rule.name)?;
        rule.from.iter().try_for_each(|loc| line(sources, *loc, out))?;
    }
    if !reason.grants.is_empty() {
        let opened = reason.opened_by.map(|tool| format!(", by `{}`", spelled(policy.object_at(tool))));
        writeln!(out, "  granted{}:", one_line(&opened.unwrap_or_default()))?;
        reason.grants.iter().try_for_each(|loc| line(sources, *loc, out))?;
    }
    if !reason.denied.is_empty() {
        writeln!(out, "  the server's entry denies every caller {}:", denied_in_words(reason))?;
        let mut places: Vec<Loc> = reason.denied.iter().map(|(_, loc)| *loc).collect();
        // Methods on one line are shown once.
        places.dedup_by_key(|loc| sources.shown_line(*loc));
        places.into_iter().try_for_each(|loc| line(sources, loc, out))?;
    }
    Ok(())
}

/// `` `logging/setLevel` and `ping` ``: the methods that the server's entry denies.
fn denied_in_words(reason: &Reason) -> String {
    let named: Vec<String> = reason.denied.iter().map(|(method, _)| format!("`{method}`")).collect();
    match named.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some(_) | None => named.concat(),
    }
}

/// A place, and what stands on its line.
fn line(sources: &Sources, loc: Loc, out: &mut dyn Write) -> io::Result<()> {
    let number = sources.position(loc).line as usize;
    let text = sources.file(loc.file).text().lines().nth(number.saturating_sub(1)).unwrap_or_default();
    writeln!(out, "    {}", one_line(&format!("{}: {}", sources.shown_line(loc), text.trim())))
}

/// How every missing fact comes about.
fn steps(asked: &Asked<'_>, answer: &Answer) -> Vec<StepUp> {
    let Asked { analysis, .. } = asked;
    let Some(reason) = answer.reasons.first() else { return Vec::new() };
    let object = analysis.policy().object_at(reason.object);
    let missing: Vec<&str> = missing_facts(analysis.policy(), answer);
    let who = &analysis.policy().principal_at(asked.principal).id;
    missing.into_iter().map(|fact| step_up(analysis.model(), who, object, fact)).collect()
}

/// Every fact of any missing set once, sorted.
fn missing_facts<'p>(policy: &'p Policy, answer: &Answer) -> Vec<&'p str> {
    let sets = answer.missing.iter();
    let mut facts: Vec<&str> = sets.flat_map(|set| named(policy, *set)).map(FactName::as_str).collect();
    facts.sort_unstable();
    facts.dedup();
    facts
}

/// The sets of facts of a list of masks, by name.
pub(super) fn sets(policy: &Policy, sets: &[u64]) -> Vec<Vec<String>> {
    sets.iter().map(|set| named(policy, *set).into_iter().map(ToString::to_string).collect()).collect()
}

/// A place as data.
pub(super) fn place(sources: &Sources, loc: Loc) -> Value {
    let at = sources.position(loc);
    json!({"file": sources.file(loc.file).name(), "line": at.line, "column": at.column})
}

fn data(asked: &Asked<'_>, answer: &Answer) -> Value {
    let Asked { analysis, principal, object, facts, .. } = *asked;
    let (policy, sources) = (analysis.policy(), &analysis.sources);
    let places = |locs: &[Loc]| locs.iter().map(|loc| place(sources, *loc)).collect::<Vec<_>>();
    let reasons = answer.reasons.iter().map(|reason| {
        let rule = reason.rule.map(|rule| policy.rule_at(rule));
        json!({
            "object": spelled(policy.object_at(reason.object)),
            "rule": rule.map(|rule| &rule.name),
            "level": rule.and_then(|rule| rule.level),
            "places": places(rule.map_or(&[][..], |rule| &rule.from)),
            "grants": places(&reason.grants),
            "opened_by": reason.opened_by.map(|tool| spelled(policy.object_at(tool))),
            "denied_methods": reason.denied.iter().map(|(method, loc)| {
                json!({"method": method, "place": place(sources, *loc)})
            }).collect::<Vec<_>>(),
            "closed": reason.closed.as_ref().map(|closed| {
                let (why, loc) = closed_in_words(policy, principal, closed);
                json!({"kind": kind(closed), "why": why, "place": loc.map(|loc| place(sources, loc))})
            }),
        })
    });
    let steps = steps(asked, answer).into_iter().map(|step| {
        json!({
            "fact": step.fact, "evidence": step.evidence, "scope": step.scope,
            "place": step.loc.map(|loc| place(sources, loc)), "asked": step.asked.map(|loc| place(sources, loc)),
        })
    });
    json!({
        "version": json::VERSION,
        "question": "can",
        "decision": word(asked, answer),
        "handwritten": asked.written.map(|written| json!({
            "decision": if written.allowed { "allow" } else { "deny" },
            "relation_alone": if answer.allowed { "allow" } else { "deny" },
            "policies": written.policies,
            "places": places(&written.places),
        })),
        "principal": policy.principal_at(principal).id.to_string(),
        "object": object,
        "with": named(policy, facts).into_iter().map(ToString::to_string).collect::<Vec<_>>(),
        "missing": sets(policy, &answer.missing),
        "needs": sets(policy, answer.condition.minimal_sets()),
        "reasons": reasons.collect::<Vec<_>>(),
        "step_up": steps.collect::<Vec<_>>(),
    })
}

/// Why a pair is closed, as a word.
fn kind(closed: &Closed) -> &'static str {
    match closed {
        Closed::NotGranted => "not-granted",
        Closed::Blocked { suspension: true, .. } => "suspended",
        Closed::Blocked { suspension: false, .. } => "blocked",
        Closed::Never => "never",
    }
}
