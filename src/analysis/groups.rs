//! The groups of checks, for those who look at one concern at a time.

use crate::diagnostic::Rule;

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Who may do what, and what guards it.
    Security,
    /// Flows, limits, caches and pools.
    Resilience,
    /// Metrics, logs and traces.
    Observability,
    /// Tests, experiments and waivers.
    Assurance,
    /// What products leave open, and what can be written more plainly.
    Style,
    /// The design principles of the document. Off, unless `mcpctl.yaml` or `--select` asks for them.
    Design,
}

impl Group {
    /// Every group, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Security, Self::Resilience, Self::Observability, Self::Assurance, Self::Style, Self::Design];

    /// Its name on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Resilience => "resilience",
            Self::Observability => "observability",
            Self::Assurance => "assurance",
            Self::Style => "style",
            Self::Design => "design",
        }
    }
}

/// The checks that guard no access, by group. Those that do are all of [`Group::Security`].
const GROUPS: [(Group, &[&str]); 6] = [
    (
        Group::Design,
        &[
            "one-layer-of-defence",
            "server-of-several-levels",
            "server-reads-and-destroys",
            "server-with-many-callers",
            "servers-in-a-cycle",
        ],
    ),
    (
        Group::Security,
        &[
            "ambiguous-tool",
            "approval-not-bound",
            "approval-with-scope",
            "auth-level-gap",
            "auth-levels-not-cumulative",
            "caller-without-issuer",
            "control-not-run",
            "control-out-of-reach",
            "cross-unit-call-without-approval",
            "decided-once",
            "delegation-by-fixed-claim",
            "earlier-call-out-of-reach",
            "factor-without-login",
            "fallback-caches-sensitive-data",
            "grant-of-nothing",
            "issuer-as-audience",
            "issuer-out-of-reach",
            "production-data-in-tests",
            "tests-reach-production",
            "restricted-data-flow",
            "secret-correlation-header",
            "server-mentioned-once",
            "shared-audience",
            "suspended",
            "unattended-flow-needs-human",
            "unclassified-server",
            "waiver-without-value",
            "weak-attestation",
        ],
    ),
    (
        Group::Resilience,
        &[
            "batch-never-triggers",
            "batch-truncates",
            "breaker-blind-to-tool-errors",
            "breaker-timeouts-inverted",
            "cache-smaller-than-inner-layer",
            "cache-ttl-not-increasing",
            "colliding-topics",
            "compensation-disabled",
            "compensation-never-runs",
            "compensation-not-idempotent",
            "compensation-repeats-action",
            "cyclic-workflow",
            "duplicate-dependency",
            "eviction-not-offered",
            "eviction-without-ttl",
            "fallback-without-cache",
            "flow-never-completes",
            "flush-interval-too-long",
            "health-interval-too-short",
            "health-timeout-not-below-interval",
            "load-balancing-factors-do-not-sum",
            "pool-exceeds-bulkhead",
            "pool-without-namespace",
            "processor-without-topic",
            "recycle-time-not-whole",
            "saga-without-compensation",
            "result-of-another-type",
            "self-dependency",
            "server-in-two-pools",
            "server-without-pool",
            "shared-pool-not-enforceable",
            "topic-without-subscriber",
            "undeclared-dependents",
            "unknown-result",
            "unknown-step",
            "unknown-topic",
            "unreachable-step",
            "unsupported-orchestration-value",
            "workflow-without-compensation",
            "zero-attempts",
        ],
    ),
    (
        Group::Observability,
        &[
            "audit-fields-missing",
            "audit-retention-too-short",
            "colliding-metrics",
            "colon-in-metric-name",
            "correlation-header-not-logged",
            "counter-without-total",
            "dead-retention",
            "duplicate-label",
            "error-boost-needs-tail-sampling",
            "high-cardinality-label",
            "histogram-without-unit",
            "invalid-metric-name",
            "legacy-exporter-endpoint",
            "metric-suffix-of-another-kind",
            "misspelt-label",
            "misspelt-log-field",
            "reserved-label",
            "retention-order",
            "unknown-exporter-protocol",
        ],
    ),
    (
        Group::Assurance,
        &[
            "breaker-opens-by-luck",
            "chaos-target-unmatched",
            "contradictory-outcome",
            "expected-outcome-unsupported",
            "ignore-without-reason",
            "invalid-ignore",
            "unknown-failure-target",
            "unknown-scenario-step",
            "untested-flow",
            "unused-ignore",
            "unused-waiver",
        ],
    ),
    (
        Group::Style,
        &[
            "ambiguous-scalar",
            "file-waits",
            "files-left-out",
            "host-outside-cluster",
            "namespace-mismatch",
            "no-agents-declared",
            "no-tools-declared",
            "not-expressible",
            "redundant-alternative",
            "redundant-grant",
            "redundant-requirement",
            "several-gateways",
            "short-host",
            "target-left-out",
            "target-over-limit",
            "target-stricter",
            "target-undecided",
            "unreachable-tool",
            "unused-auth-level",
            "unused-class",
            "unused-control",
        ],
    ),
];

/// The group of a check.
#[must_use]
pub fn group_of(rule: &Rule) -> Group {
    let listed = GROUPS.iter().find(|(_, names)| names.contains(&rule.name)).map(|(group, _)| *group);
    if rule.guards_access { Group::Security } else { listed.unwrap_or(Group::Style) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::rules::all_rules;

    #[test]
    fn every_check_that_guards_no_access_is_in_one_group() {
        let rules = all_rules();
        for rule in &rules {
            let count = GROUPS.iter().filter(|(_, names)| names.contains(&rule.name)).count();
            assert_eq!(count, usize::from(!rule.guards_access), "{}", rule.name);
        }
        for name in GROUPS.iter().flat_map(|(_, names)| *names) {
            assert!(rules.iter().any(|rule| rule.name == *name), "{name}");
        }
    }
}
