//! `health-interval-too-short`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::vocabulary::Discovery;

/// The shortest time between probes that Consul keeps to, in milliseconds.
const LEAST: u64 = 1_000;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "health-interval-too-short",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds health checks with an `interval` below a second, where `discovery_service` is `consul`.",
        why: "An agent of Consul probes at most once a second: it takes a shorter interval for one second, and says so in its log alone.",
        fix: "Write `interval: 1s`, or longer.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for health in input.model.health.values() {
        let Some(product) = health.discovery_service.as_ref().filter(|word| word.value == Discovery::Consul) else {
            continue;
        };
        for interval in health.checks.iter().filter_map(|check| check.interval.as_ref()) {
            if interval.value.0 < LEAST {
                let message = format!("an agent of Consul probes once a second, and not every {interval}");
                report.push(
                    Diagnostic::new(&CHECK.rule, interval.loc, message)
                        .label(product.loc, "servers are found by Consul")
                        .help("write `interval: 1s`, or longer")
                        .fix(Fix::value(interval.loc, "1s")),
                );
            }
        }
    }
}
