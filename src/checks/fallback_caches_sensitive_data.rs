//! `fallback-caches-sensitive-data`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::Model;
use crate::model::access::DataClass;
use crate::model::operations::{Breaker, CacheLayer};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "fallback-caches-sensitive-data",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds the fallback `cached_responses`, or else a cache layer outside the servers, while a data class with \
               servers demands a location or additional controls.",
        why: "A cached response is a copy of the data somewhere else: outside the place that its class demands, without its \
              controls, and after the caller's right to it may have ended.",
        fix: "Use another fallback such as `degraded_mode`, or keep the responses of these servers out of every cache that \
              stands elsewhere.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let confined = |class: &&DataClass| !class.servers.is_empty() && class.is_confined();
    let classes: Vec<&DataClass> = model.access.classes.iter().filter(confined).collect();
    if classes.is_empty() {
        return;
    }
    let names = quoted(classes.iter().map(|class| class.name.value.as_str()));
    let labels = || {
        classes.iter().map(|class| (class.name.loc, format!("data of class `{}` must stay in its place", class.name)))
    };
    let outside = |layer: &&CacheLayer| layer.location.as_ref().is_some_and(|location| location.value != "mcp_server");
    let cached =
        |breaker: &Breaker| breaker.fallback_strategies.iter().find(|it| it.value == "cached_responses").cloned();
    for strategy in model.breaker.values().filter_map(cached) {
        let message = format!("cached responses would hold data of {names} outside its servers");
        report.push(Diagnostic::new(&CHECK.rule, strategy.loc, message).labels(labels()));
    }
    // Where a fallback keeps the responses already, the layer needs no finding of its own.
    if !model.complete_for(&["circuit_breaker_config"]) {
        return;
    }
    for (scope, layers) in &model.caching {
        let falls_back = Model::in_scope(&model.breaker, scope).and_then(cached).is_some();
        if let Some(layer) = layers.iter().find(outside).filter(|_| !falls_back) {
            let loc = layer.location.as_ref().map_or(layer.name.loc, |location| location.loc);
            let message = format!("cache layer `{}` would hold data of {names} outside its servers", layer.name);
            report.push(Diagnostic::new(&CHECK.rule, loc, message).labels(labels()));
        }
    }
}
