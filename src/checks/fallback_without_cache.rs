//! `fallback-without-cache`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::model::Model;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "fallback-without-cache",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds the fallback `cached_responses` without any layer of `caching_strategy`.",
        why: "Nothing keeps responses, so there are none to fall back to and callers get the failure.",
        fix: "Declare a cache layer, or use another fallback such as `degraded_mode`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["caching_strategy"]) {
        return;
    }
    for (scope, breaker) in &model.breaker {
        let cached = Model::in_scope(&model.caching, scope).is_some_and(|layers| !layers.is_empty());
        for strategy in breaker.fallback_strategies.iter().filter(|strategy| strategy.value == "cached_responses") {
            if !cached {
                let message = "no cache layer is declared, so there are no cached responses to fall back to";
                let fix = Fix::guess(format!("remove `{strategy}`"), vec![Edit::Remove(strategy.loc)]);
                report.push(Diagnostic::new(&CHECK.rule, strategy.loc, message).fix(fix));
            }
        }
    }
}
