//! `failing-policy-test`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::assurance::PolicyTest;
use crate::policy::cell::Cell;
use crate::policy::{Object, ObjectKind, Policy, PrincipalIx};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "failing-policy-test",
        severity: Severity::Error,
        what: "Finds entries of `policy_tests` that expect another decision, or other missing facts, than the workspace \
               gives.",
        why: "Either the configuration grants or refuses something that somebody stated it must not, or the statement is \
              out of date.",
        fix: "Mend the configuration; or, where the decision is what is wanted now, the test.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if model.unread_files || !model.unread.is_empty() {
        return;
    }
    for test in &model.policy_tests {
        let Some((server, tool)) = test.call.value.split_once('/') else { continue };
        let object = Object { server: server.into(), kind: ObjectKind::Tool(tool.into()) };
        let policy = input.policy;
        // Names that nothing has are reported by their own checks.
        let (Some(principal), Some(object)) = (policy.principal(&test.principal.value), policy.object(&object)) else {
            continue;
        };
        judge(policy, test, principal, policy.cell(principal, object), report);
    }
}

fn judge(policy: &Policy, test: &PolicyTest, principal: PrincipalIx, cell: Option<Cell>, report: &mut Report) {
    let facts =
        test.with.iter().filter_map(|fact| policy.facts.mask(fact.value.as_str())).fold(0, |all, bit| all | bit);
    let facts = policy.facts.closed(facts);
    let missing = cell.map(|cell| policy.conditions.get(cell.condition).missing(facts)).unwrap_or_default();
    let allowed = missing == [0];
    if allowed != test.allow.value {
        let word = |allowed| if allowed { "allowed" } else { "denied" };
        let message = format!(
            "test `{}` expects `{}` of `{}` to be {}, and it is {}",
            test.name,
            test.call,
            policy.principal_at(principal).id,
            word(test.allow.value),
            word(allowed)
        );
        let mut finding = Diagnostic::new(&CHECK.rule, test.allow.loc, message);
        if let Some(cell) = cell {
            let rule = policy.rule_at(cell.rule);
            if let Some(loc) = rule.from.first() {
                finding = finding.label(*loc, format!("rule `{}` decides it", rule.name));
            }
            if let Some(blocked) = &rule.blocked {
                finding = finding.help(blocked.why.clone());
            } else if !allowed {
                finding = finding.help(format!("missing: {}", sets(policy, &missing)));
            }
        } else {
            finding = finding.help("nothing grants this tool to this principal");
        }
        report.push(finding);
        return;
    }
    let Some(expected) = &test.missing else { return };
    let mask = |set: &Vec<crate::source::Spanned<crate::model::name::FactName>>| {
        set.iter().filter_map(|fact| policy.facts.mask(fact.value.as_str())).fold(0, |all, bit| all | bit)
    };
    let mut wanted: Vec<u64> = expected.iter().map(mask).collect();
    wanted.sort_unstable();
    wanted.dedup();
    // What is allowed lacks nothing; `mtls` brings `tls` along, whether or not the test says so.
    let lacking: Vec<u64> = if allowed { Vec::new() } else { missing };
    let closed = |sets: &[u64]| {
        let mut sets: Vec<u64> = sets.iter().map(|set| policy.facts.closed(*set)).collect();
        sets.sort_unstable();
        sets
    };
    if closed(&wanted) != closed(&lacking) {
        let place = expected.iter().flatten().next().map_or(test.name.loc, |fact| fact.loc);
        let message = format!("test `{}` expects other missing facts than {}", test.name, sets(policy, &lacking));
        report.push(Diagnostic::new(&CHECK.rule, place, message));
    }
}

fn sets(policy: &Policy, sets: &[u64]) -> String {
    match sets {
        [] => "none: no facts would help".to_owned(),
        sets => sets.iter().map(|set| policy.facts.shown(*set)).collect::<Vec<_>>().join(" or "),
    }
}
