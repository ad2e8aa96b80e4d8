//! `eviction-without-ttl`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::vocabulary::Eviction;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "eviction-without-ttl",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds cache layers with `eviction: ttl_based` and without `ttl`.",
        why: "Only entries that expire are evicted. Where none does, nothing makes room: a full layer takes nothing in, and Redis \
              answers writes with an error.",
        fix: "Give the layer a `ttl`, or choose `lru`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for layer in input.model.caching.values().flatten() {
        let by_ttl = layer.eviction.as_ref().filter(|eviction| eviction.value == Eviction::TtlBased);
        let Some(eviction) = by_ttl.filter(|_| layer.ttl.is_none()) else { continue };
        let message = format!("layer `{}` evicts what expires next, and its entries never expire", layer.name);
        report.push(Diagnostic::new(&CHECK.rule, eviction.loc, message).help("give it a `ttl`, such as `24h`"));
    }
}
