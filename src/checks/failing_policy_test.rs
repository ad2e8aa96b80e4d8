//! `failing-policy-test`.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::assurance::{Invariant, Never, PolicyTest};
use crate::policy::Policy;
use crate::policy::contradiction::{Opposite, Stated};
use crate::policy::invariant::{self, Resolved, Undecided, Violation};
use crate::policy::origin::grant_place;
use crate::policy::policy_test::{self, Fault, Outcome};
use crate::policy::whole::{Says, Whole};
use crate::source::{Loc, Spanned};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "failing-policy-test",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds entries of `policy_tests` that expect another decision, or other missing facts, than the workspace \
               gives, and invariants (`never`, `never_both`, `never_flow`) that some request breaks. Where a statement cannot \
               be met together with another one, whatever the configuration, the finding shows the other one and says so.",
        why: "Either the configuration grants or refuses something that somebody stated it must not, or the statement is \
              out of date.",
        fix: "Mend the configuration; or, where the decision is what is wanted now, the test. `mcpctl test` shows every \
              request that fails.",
    },
    run,
};

/// What to do where an answer is unknown.
const SETTLE: &str =
    "write the hand-written conditions with fewer facts, in several policies; `mcpctl test` with cvc5 may settle it";

/// So many failing requests of a test are compared with what other tests say.
const LOOKED_AT: usize = 64;

fn run(input: &Input<'_>, report: &mut Report) {
    let (model, policy, whole) = (input.model, input.policy, input.whole);
    if model.unread_files || !model.unread.is_empty() {
        return;
    }
    // Of two statements that contradict each other one fails, so nothing is looked for where all hold.
    let stated = OnceLock::new();
    let stated = || stated.get_or_init(|| Stated::of(model, policy));
    // Tests are many where there are many agents, and most hold.
    let of_one = |test: &PolicyTest| {
        let mut findings: Vec<Diagnostic> =
            policy_test::empty_calls(model, policy, test).map(|call| of_nothing(&test.name, call)).collect();
        let cases =
            policy_test::cases(model, policy, test).into_iter().filter(|case| !policy_test::holds(whole, test, *case));
        let failing: Vec<Outcome> =
            cases.map(|case| policy_test::judge(whole, test, case)).filter(|outcome| outcome.fault.is_some()).collect();
        findings.extend(failing.split_first().map(|(first, others)| {
            let finding = of_test(whole, test, first, others.len());
            // Hand-written policies can let a request through that shows fewer facts, and deny one that shows more.
            let plain = whole.written.is_none();
            let wrong = failing.iter().filter(|_| plain).filter(|outcome| outcome.fault == Some(Fault::Decision));
            match wrong.take(LOOKED_AT).find_map(|outcome| stated().against(test, outcome.case)) {
                Some(opposite) => contradicted(finding, &opposite),
                None => finding,
            }
        }));
        findings
    };
    let found: Vec<Vec<Diagnostic>> = model.policy_tests.par_iter().with_min_len(256).map(of_one).collect();
    report.extend(found.into_iter().flatten());
    for invariant in &model.invariants {
        let nothing = invariant::empty_calls(model, policy, invariant);
        report.extend(nothing.map(|call| of_nothing(&invariant.name, call)));
        let (violations, undecided) = Resolved::of(model, policy, invariant).judged(whole);
        report.extend(undecided.first().map(|first| of_undecided(input, invariant, first, undecided.len() - 1)));
        if let Some((first, others)) = violations.split_first() {
            let finding = of_invariant(input, invariant, first, others.len());
            report.push(match stated().against_invariant(invariant) {
                Some(tests) => contradicted(finding, &Opposite::Invariant(invariant, tests)),
                None => finding,
            });
        }
    }
}

/// The same finding, which says that the configuration is not to blame.
fn contradicted(finding: Diagnostic, opposite: &Opposite<'_>) -> Diagnostic {
    let (invariant, tests) = match opposite {
        Opposite::Test(test) => (None, std::slice::from_ref(test)),
        Opposite::Invariant(invariant, tests) => (Some(invariant), tests.as_slice()),
    };
    let invariant = invariant.map(|it| &it.name).filter(|name| name.loc != finding.loc);
    let names = invariant.into_iter().chain(tests.iter().map(|test| &test.name));
    let places: Vec<_> = names.map(|name| (name.loc, format!("`{name}` says the opposite"))).collect();
    let both = "no configuration can meet both statements: one must go";
    let help = finding.help.as_ref().map_or_else(|| both.to_owned(), |help| format!("{help}; {both}"));
    finding.labels(places).help(help)
}

fn of_nothing(name: &Spanned<String>, call: &Spanned<String>) -> Diagnostic {
    let message = format!("`{call}` matches no tool, so `{name}` tests nothing there");
    Diagnostic::new(&CHECK.rule, call.loc, message)
}

fn more(others: usize, noun: &str) -> String {
    match others {
        0 => String::new(),
        1 => format!("; and 1 more {noun}"),
        many => format!("; and {many} more {noun}s"),
    }
}

fn of_test(whole: Whole<'_>, test: &PolicyTest, failing: &Outcome, others: usize) -> Diagnostic {
    let (policy, case) = (whole.policy, failing.case);
    let others = more(others, "request");
    let who = case.principal.map_or_else(|| "any_agent".to_owned(), |who| policy.principal_at(who).id.to_string());
    let what = case.object.map(|object| policy.object_at(object).to_string());
    let what = what.or_else(|| test.calls.first().map(|call| call.value.clone())).unwrap_or_default();
    if let Some(why) = &failing.unknown {
        let message =
            format!("test `{}` is UNKNOWN: whether `{who}` may call `{what}` is not settled: {why}{others}", test.name);
        return Diagnostic::new(&CHECK.rule, test.allow.loc, message).help(SETTLE);
    }
    if failing.fault == Some(Fault::Missing) {
        let place = test.missing.iter().flatten().flatten().next().map_or(test.name.loc, |fact| fact.loc);
        let expects = format!("test `{}` expects other missing facts than", test.name);
        return Diagnostic::new(&CHECK.rule, place, format!("{expects} {}{others}", sets(policy, &failing.missing)));
    }
    let word = |allowed| if allowed { "allowed" } else { "denied" };
    let message = format!(
        "test `{}` expects `{what}` of `{who}` to be {}, and it is {}{others}",
        test.name,
        word(test.allow.value),
        word(failing.allowed)
    );
    let mut finding = Diagnostic::new(&CHECK.rule, test.allow.loc, message);
    if let Some((places, verb)) = by_hand(whole, case) {
        return finding.labels(places.into_iter().map(|(id, loc)| (loc, format!("hand-written `{id}` {verb} it"))));
    }
    let Some(cell) = case.principal.zip(case.object).and_then(|(who, what)| policy.cell(who, what)) else {
        return finding.help("nothing grants this tool to this principal");
    };
    let rule = policy.rule_at(cell.rule);
    if let Some(loc) = rule.from.first() {
        finding = finding.label(*loc, format!("rule `{}` decides it", rule.name));
    }
    if let Some(blocked) = &rule.blocked {
        finding.help(blocked.why.clone())
    } else if failing.allowed {
        finding
    } else {
        finding.help(format!("missing: {}", sets(policy, &failing.missing)))
    }
}

/// The hand-written policies that decide a request otherwise than the relation alone, with their places, and what they do.
fn by_hand(whole: Whole<'_>, case: policy_test::Case) -> Option<(Vec<(String, Loc)>, &'static str)> {
    let (who, what) = case.principal.zip(case.object)?;
    let alone = whole.policy.decide(who, what, case.facts);
    let (says, policies) = whole.says(who, what, case.facts).ok()?;
    let verb = match says {
        Says::Forbid if alone => "forbids",
        Says::Permit if !alone => "permits",
        Says::Fails if alone => "fails to evaluate, which denies",
        Says::Nothing | Says::Forbid | Says::Permit | Says::Fails => return None,
    };
    let places = &whole.written?.places;
    Some((policies.into_iter().filter_map(|id| Some((id.clone(), *places.get(&id)?))).collect(), verb))
}

fn of_undecided(input: &Input<'_>, invariant: &Invariant, first: &Undecided, others: usize) -> Diagnostic {
    let policy = input.policy;
    let calls: Vec<String> = first.calls.iter().map(|call| format!("`{}`", policy.object_at(*call))).collect();
    let message = format!(
        "`{}` is UNKNOWN: whether `{}` can call {} is not settled: {}{}",
        invariant.name,
        policy.principal_at(first.principal).id,
        calls.join(" and "),
        first.why,
        more(others, "principal")
    );
    Diagnostic::new(&CHECK.rule, invariant.name.loc, message).help(SETTLE)
}

fn of_invariant(input: &Input<'_>, invariant: &Invariant, violation: &Violation, others: usize) -> Diagnostic {
    let Violation { principal, calls } = violation;
    let policy = input.policy;
    let who = policy.principal_at(*principal);
    let shown =
        |(object, facts): &(_, u64)| format!("`{}` with {}", policy.object_at(*object), policy.facts.shown(*facts));
    let calls_shown: Vec<String> = calls.iter().map(shown).collect();
    let message = format!(
        "`{}` says {}, and `{}` can call {}{}",
        invariant.name,
        says(&invariant.never),
        who.id,
        calls_shown.join(", and "),
        more(others, "principal")
    );
    let permitted = |object: &crate::policy::Object, at, set| {
        let (places, (_, ids)) = (&input.whole.written?.places, input.whole.says(*principal, at, set).ok()?);
        let loc = ids.iter().find_map(|id| places.get(id))?;
        Some((*loc, format!("`{object}` is permitted here")))
    };
    let granted = |(at, set): &(_, u64)| {
        let (at, set) = (*at, *set);
        let object = policy.object_at(at);
        match grant_place(input.model, &who.id, object) {
            Some(loc) => (loc, format!("`{object}` is granted here")),
            None => permitted(object, at, set).unwrap_or((who.loc, format!("`{object}` is granted here"))),
        }
    };
    Diagnostic::new(&CHECK.rule, invariant.name.loc, message).labels(calls.iter().map(granted))
}

/// An invariant's kind, in words.
fn says(never: &Never) -> &'static str {
    match never {
        Never::Call { .. } => "that this is never called so",
        Never::Both(..) => "that nobody can make both calls",
        Never::Flow { .. } => "that such data never gets there",
    }
}

fn sets(policy: &Policy, sets: &[u64]) -> String {
    match sets {
        [] => "none: no facts would help".to_owned(),
        sets => sets.iter().map(|set| policy.facts.shown(*set)).collect::<Vec<_>>().join(" or "),
    }
}
