//! `shared-pool-not-enforceable`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::operations::ResourcePool;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "shared-pool-not-enforceable",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds resource pools of `bulkhead_config` that set one limit for several servers. `envoy` and `istio` give each \
               server an even share of the connections; `kubernetes` limits cores and memory together where the pool has a \
               namespace for itself. The other targets limit nothing.",
        why: "No gateway counts the connections to several servers as one number. A server that is busy gets no more than its \
              share while the others are idle, and the limit of cores and memory depends on the target.",
        fix: "Give each server a pool of its own, with the share that it needs; or accept the even shares with a waiver.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for pool in input.model.bulkheads.values().flatten() {
        let servers: BTreeSet<&str> = pool.servers.iter().map(|server| server.value.as_str()).collect();
        if servers.len() < 2 || !limits(pool) {
            continue;
        }
        let count = servers.len() as u64;
        let message =
            format!("pool `{}` sets one limit for {count} servers, which no gateway counts together", pool.name);
        let mut finding = Diagnostic::new(&CHECK.rule, pool.name.loc, message);
        if let Some(connections) = &pool.connections {
            let share = (connections.value / count).max(1);
            finding = finding.label(connections.loc, format!("each server gets {share} of these"));
        }
        report.push(finding.help("give each server a pool of its own"));
    }
}

fn limits(pool: &ResourcePool) -> bool {
    pool.connections.is_some() || pool.cpu_millicores.is_some() || pool.memory.is_some()
}
