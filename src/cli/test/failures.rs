//! Failing tests and invariants, in words.

use std::io::{self, Write};

use super::Found;
use crate::analysis::Analysis;
use crate::diagnostic::{Severity, one_line};
use crate::model::name::FactName;
use crate::policy::invariant::Violation;
use crate::policy::origin::grant_place;
use crate::policy::policy_test::{Fault, Outcome};
use crate::policy::whole::Says;
use crate::policy::{ObjectIx, PrincipalIx};
use crate::render::github::Annotation;
use crate::review::naming::{named, sets_in_words, spelled};
use crate::review::suite::{InvariantRun, Nearest, TestRun, nearest};
use crate::source::{Loc, Sources};

/// Most requests of a test that are shown one by one to people.
const READABLE: usize = 20;

/// A test or invariant that fails.
pub(super) struct Failure {
    pub(super) name: String,
    /// `tests.yaml:4`.
    pub(super) place: String,
    /// The place of the name.
    pub(super) at: Loc,
    /// What fails: one entry a request or principal, its first line the fact and the others its reasons.
    pub(super) what: Vec<Vec<String>>,
}

impl Failure {
    /// The first failure on one line.
    pub(super) fn short(&self) -> String {
        let first = self.what.first().and_then(|lines| lines.first()).map_or("", String::as_str);
        let more = self.what.len().saturating_sub(1);
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        format!("{}: fail: {}: {first}{more}", self.place, self.name)
    }

    /// As an annotation of GitHub's.
    pub(super) fn github(&self, sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
        let at = sources.position(self.at);
        let mut lines: Vec<String> = vec![one_line(&self.name)];
        lines.extend(self.what.iter().take(READABLE).flatten().map(|line| one_line(line)));
        match self.what.len().saturating_sub(READABLE) {
            0 => {}
            more => lines.push(format!("and {more} more; --format json shows them all")),
        }
        let annotation = Annotation {
            severity: Severity::Error,
            file: &sources.name_in_repository(self.at.file),
            lines: (at.line, at.end_line),
            columns: (at.line == at.end_line).then_some((at.column, at.end_column)),
            title: "failing policy test",
            message: &lines.join("\n"),
        };
        writeln!(out, "{annotation}")
    }

    pub(super) fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", one_line(&format!("FAIL {} ({})", self.name, self.place)))?;
        for lines in self.what.iter().take(READABLE) {
            for (line, depth) in lines.iter().zip(std::iter::once(2).chain(std::iter::repeat(4))) {
                writeln!(out, "{:depth$}{}", "", one_line(line))?;
            }
        }
        match self.what.len().saturating_sub(READABLE) {
            0 => Ok(()),
            more => writeln!(out, "  and {more} more; --format json shows them all"),
        }
    }
}

/// Everything that fails, tests first.
pub(super) fn of(found: &Found<'_>) -> Vec<Failure> {
    let tests = found.suite.tests.iter().filter(|run| !run.passes()).map(|run| of_test(found.analysis, run));
    let invariants = found.suite.invariants.iter().filter(|run| !run.passes());
    tests.chain(invariants.map(|run| of_invariant(found.analysis, run))).collect()
}

/// The facts of a mask in words.
pub(super) fn facts(analysis: &Analysis, mask: u64) -> String {
    let names: Vec<&str> = named(analysis.policy(), mask).into_iter().map(FactName::as_str).collect();
    if names.is_empty() { "no facts".to_owned() } else { names.join(", ") }
}

/// Who and what of a request, as written.
pub(super) fn pair(analysis: &Analysis, run: &TestRun<'_>, outcome: &Outcome) -> (String, String) {
    let policy = analysis.policy();
    let who = outcome.case.principal.map(|who| policy.principal_at(who).id.to_string());
    let what = outcome.case.object.map(|what| spelled(policy.object_at(what)));
    let written = || run.test.calls.first().map(|call| call.value.clone()).unwrap_or_default();
    (who.unwrap_or_else(|| "any_agent".to_owned()), what.unwrap_or_else(written))
}

pub(super) fn of_test(analysis: &Analysis, run: &TestRun<'_>) -> Failure {
    let mut what: Vec<Vec<String>> = run.failing().map(|outcome| of_request(analysis, run, outcome)).collect();
    what.extend(run.empty.iter().map(|call| of_nothing(call)));
    if run.outcomes.is_empty() && run.empty.is_empty() {
        what.push(vec!["it is about no request at all".to_owned()]);
    }
    let place = analysis.sources.shown_line(run.test.name.loc);
    Failure { name: run.test.name.value.clone(), place, at: run.test.name.loc, what }
}

fn of_nothing(call: &str) -> Vec<String> {
    vec![format!("`{call}` matches no tool, so it tests nothing there")]
}

fn of_request(analysis: &Analysis, run: &TestRun<'_>, outcome: &Outcome) -> Vec<String> {
    let (policy, sources, model) = (analysis.policy(), &analysis.sources, analysis.model());
    let (who, what) = pair(analysis, run, outcome);
    let word = |allowed| if allowed { "allowed" } else { "denied" };
    let mut head = format!("`{who}` calls `{what}` with {}: ", facts(analysis, outcome.case.facts));
    head.push_str(&match outcome.fault {
        Some(Fault::Unknown) => {
            format!("UNKNOWN, and should be {}", word(run.test.allow.value))
        }
        Some(Fault::Missing) => "it is denied as expected, and lacks something else".to_owned(),
        Some(Fault::Decision) | None => {
            format!("it is {}, and should be {}", word(outcome.allowed), word(run.test.allow.value))
        }
    });
    let mut lines = vec![head];
    let pair = outcome.case.principal.zip(outcome.case.object);
    if let Some(why) = &outcome.unknown {
        lines.push(format!("because {why}"));
        return lines;
    }
    lines.extend(pair.and_then(|(who, what)| by_hand(analysis, who, what, outcome)));
    if let Some((principal, object, cell)) = pair.and_then(|(who, what)| Some((who, what, policy.cell(who, what)?))) {
        if !outcome.missing.is_empty() {
            lines.push(format!("needs {}", sets_in_words(policy, &outcome.missing)));
        }
        let rule = policy.rule_at(cell.rule);
        let place = rule.from.first().map(|loc| format!(" ({})", sources.shown_line(*loc))).unwrap_or_default();
        let grant = grant_place(model, &policy.principal_at(principal).id, policy.object_at(object));
        let grant = grant.map(|loc| format!(", granted at {}", sources.shown_line(loc))).unwrap_or_default();
        lines.push(format!("decided by rule `{}`{place}{grant}", rule.name));
        if let Some(blocked) = &rule.blocked {
            let place = blocked.loc.map(|loc| format!(" ({})", sources.shown_line(loc))).unwrap_or_default();
            lines.push(format!("because {}{place}", blocked.why));
        }
    } else {
        let place = outcome.case.principal.map(|who| sources.shown_line(policy.principal_at(who).loc));
        lines.push(format!("because nothing grants it{}", place.map(|at| format!(" ({at})")).unwrap_or_default()));
    }
    lines.extend(nearest(policy, outcome).map(|near| format!("nearest allow: {}", near_in_words(analysis, &near))));
    lines
}

/// What hand-written policies do to a request, where they decide it.
fn by_hand(analysis: &Analysis, who: PrincipalIx, what: ObjectIx, outcome: &Outcome) -> Option<String> {
    let (says, policies) = analysis.whole().says(who, what, outcome.case.facts).ok()?;
    let verb = match says {
        Says::Nothing => return None,
        Says::Permit => "permits",
        Says::Forbid => "forbids",
        Says::Fails => "fails to evaluate, which denies",
    };
    let places = analysis.written.as_ref().map(|written| &written.places);
    let place = |id: &String| places.and_then(|places| places.get(id)).map(|loc| analysis.sources.shown_line(*loc));
    let named = policies.iter().map(|id| place(id).map_or(format!("`{id}`"), |place| format!("`{id}`, {place}")));
    Some(format!("hand-written Cedar {verb} it ({})", named.collect::<Vec<_>>().join("; ")))
}

/// A nearby request that is allowed, in words.
pub(super) fn near_in_words(analysis: &Analysis, near: &Nearest) -> String {
    let policy = analysis.policy();
    match near {
        Nearest::MoreFacts(more) => format!("the same with {}, too", facts(analysis, *more)),
        Nearest::OtherTool(tool, set) => {
            format!("it may call `{}` with {}", spelled(policy.object_at(*tool)), facts(analysis, *set))
        }
        Nearest::OtherPrincipal(who, set) => {
            format!("`{}` may call it with {}", policy.principal_at(*who).id, facts(analysis, *set))
        }
    }
}

pub(super) fn of_invariant(analysis: &Analysis, run: &InvariantRun<'_>) -> Failure {
    let violations = run.violations.iter().map(|violation| of_violation(analysis, violation));
    let undecided = run.undecided.iter().map(|it| {
        let policy = analysis.policy();
        let calls: Vec<String> =
            it.calls.iter().map(|call| format!("`{}`", spelled(policy.object_at(*call)))).collect();
        let who = &policy.principal_at(it.principal).id;
        vec![format!("UNKNOWN whether `{who}` can call {}", calls.join(" and ")), format!("because {}", it.why)]
    });
    let what = violations.chain(undecided).chain(run.empty.iter().map(|call| of_nothing(call))).collect();
    let place = analysis.sources.shown_line(run.invariant.name.loc);
    Failure { name: run.invariant.name.value.clone(), place, at: run.invariant.name.loc, what }
}

fn of_violation(analysis: &Analysis, violation: &Violation) -> Vec<String> {
    let (policy, sources, model) = (analysis.policy(), &analysis.sources, analysis.model());
    let who = policy.principal_at(violation.principal);
    let names: Vec<String> =
        violation.calls.iter().map(|(object, _)| format!("`{}`", spelled(policy.object_at(*object)))).collect();
    let mut lines = vec![format!("`{}` can call {}", who.id, names.join(" and "))];
    for (object, set) in &violation.calls {
        let what = policy.object_at(*object);
        let says = analysis.whole().says(violation.principal, *object, *set);
        let permits = says.ok().filter(|(says, _)| *says == Says::Permit).map(|(_, ids)| ids).unwrap_or_default();
        let granted = grant_place(model, &who.id, what);
        if let (None, Some(id)) = (granted, permits.first()) {
            let place = analysis.written.as_ref().and_then(|written| written.places.get(id));
            let place = place.map(|loc| format!(", {}", sources.shown_line(*loc))).unwrap_or_default();
            let with = facts(analysis, *set);
            lines.push(format!("`{}` with {with}, permitted by hand-written Cedar (`{id}`{place})", spelled(what)));
            continue;
        }
        let loc = granted.unwrap_or(who.loc);
        let rule = policy.cell(violation.principal, *object).map(|cell| policy.rule_at(cell.rule));
        let place = rule.and_then(|rule| rule.from.first()).map(|loc| format!(" ({})", sources.shown_line(*loc)));
        let rule = rule.map(|rule| rule.name.as_str()).unwrap_or_default();
        lines.push(format!(
            "`{}` with {}, by rule `{rule}`{}, granted at {}",
            spelled(what),
            facts(analysis, *set),
            place.unwrap_or_default(),
            sources.shown_line(loc)
        ));
    }
    lines
}
