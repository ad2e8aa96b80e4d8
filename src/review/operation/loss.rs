//! Which changes of operation take something away: capacity, protection or visibility.

use crate::families::FamilyId;
use crate::model::quantity::{Bytes, Duration};

/// Keys of which less is a loss.
const LESS: [&str; 14] = [
    "connections",
    "cpu_cores",
    "memory",
    "pool_size",
    "max_overflow",
    "partitions",
    "retention",
    "size",
    "audit_logs",
    "operational_logs",
    "debug_logs",
    "rate",
    "max_retries",
    "max_attempts",
];

/// Keys of the families that protect, of which more is a loss: a breaker opens later, a failure is found later.
const MORE: [&str; 3] = ["failure_threshold", "timeout", "interval"];

/// Log levels, the one that logs most first.
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// What a value begins with that is the least of its kind.
pub(super) const AT_LEAST: &str = "at least ";

/// Keys of flows whose absence takes something away: a step is not undone any more, a call is tried once.
const KEPT: [&str; 2] = ["compensation", "max_attempts"];

/// Switches of what protects.
const ON: [&str; 2] = ["structured_logging", "compensations_enabled"];

/// Keys that take something away while they are there.
const SWITCHES: [&str; 1] = ["suspended"];

/// The number that a value stands for: of a time, of bytes, or the one that it begins with.
pub(super) fn amount(value: &str) -> Option<f64> {
    let value = value.strip_prefix(AT_LEAST).unwrap_or(value);
    let time = || Duration::parse(value).ok().map(|time| time.0 as f64);
    let bytes = || Bytes::parse(value).ok().map(|bytes| bytes.0 as f64);
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let number = || value.get(..end)?.parse().ok();
    time().or_else(bytes).or_else(number)
}

/// Whether a change of a value takes something away. `path` leads to it, elements of lists in backticks.
pub(super) fn loses(path: &[String], family: FamilyId, before: Option<&str>, after: Option<&str>) -> bool {
    let key = path.iter().rev().find(|part| !part.starts_with('`')).map_or("", String::as_str);
    let switch = SWITCHES.contains(&key);
    let protects = matches!(family, FamilyId::CircuitBreaker | FamilyId::HealthMonitoring);
    match (before, after) {
        (None, None) => false,
        (Some(_), None) if matches!(family, FamilyId::Workflow | FamilyId::Saga | FamilyId::Orchestration) => {
            KEPT.contains(&key)
        }
        (Some(_), None) => !switch,
        (None, Some(_)) => switch,
        (Some("true"), Some("false")) => ON.contains(&key),
        (Some("compensating_transactions"), Some(_)) => key == "failure_handling",
        (Some(old), Some(new)) if key == "log_level" => {
            let rank = |level: &str| LEVELS.iter().position(|known| *known == level);
            rank(old).zip(rank(new)).is_some_and(|(old, new)| new > old)
        }
        // A least time is a promise, and a longest time is none.
        (Some(old), Some(new)) if old.starts_with(AT_LEAST) != new.starts_with(AT_LEAST) => old.starts_with(AT_LEAST),
        (Some(old), Some(new)) => match amount(old).zip(amount(new)) {
            Some((old, new)) if new < old => LESS.contains(&key),
            Some((old, new)) if new > old => protects && MORE.contains(&key),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(family: FamilyId, path: &[&str], before: &str, after: &str) -> bool {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        let value = |text: &'static str| (!text.is_empty()).then_some(text);
        let (before, after) = (before.to_owned().leak(), after.to_owned().leak());
        loses(&path, family, value(before), value(after))
    }

    #[test]
    fn what_takes_away_and_what_does_not() {
        use FamilyId::{
            Bulkhead, CircuitBreaker, HealthMonitoring, Logging, Metrics, Orchestration, Saga, Tracing, Workflow,
        };
        for (family, path, before, after, expected) in [
            (Bulkhead, ["`a`", "connections"], "100", "60", true),
            (Bulkhead, ["`a`", "connections"], "60", "100", false),
            (Bulkhead, ["`a`", "memory"], "8Gi", "4096Mi", true),
            (Bulkhead, ["`a`", "memory"], "4Gi", "8192Mi", false),
            (Bulkhead, ["`a`", "connections"], "60", "", true),
            (Bulkhead, ["`a`", "connections"], "", "60", false),
            (CircuitBreaker, ["per_mcp_server", "failure_threshold"], "5", "50", true),
            (CircuitBreaker, ["per_mcp_server", "failure_threshold"], "50", "5", false),
            (CircuitBreaker, ["per_mcp_server", "timeout"], "30s", "5m", true),
            (HealthMonitoring, ["`http`", "interval"], "10s", "1m", true),
            (HealthMonitoring, ["`http`", "interval"], "1m", "10s", false),
            (Logging, ["retention", "audit_logs"], "7_years", "30_days", true),
            (Logging, ["retention", "audit_logs"], "30_days", "7_years", false),
            (Logging, ["retention", "debug_logs"], "at least 30_days", "at least 7_days", true),
            (Logging, ["retention", "debug_logs"], "at least 7_days", "at least 30_days", false),
            (Logging, ["retention", "debug_logs"], "at least 7_days", "30_days", true),
            (Logging, ["retention", "debug_logs"], "30_days", "at least 7_days", false),
            (Logging, ["fields", "`user_id`"], "listed", "", true),
            (Logging, ["x", "log_level"], "info", "error", true),
            (Logging, ["x", "log_level"], "error", "info", false),
            (Metrics, ["custom_metrics", "`calls`"], "type: counter", "", true),
            (Tracing, ["sampling", "rate"], "0.5", "0.1", true),
            (Tracing, ["sampling", "rate"], "0.1", "0.5", false),
            (Workflow, ["steps", "`a`"], "tools", "", false),
            (Workflow, ["compensation", "`undo`"], "listed", "", true),
            (Workflow, ["compensation", "`undo`"], "", "listed", false),
            (Saga, ["`a`", "compensation"], "undo", "", true),
            (Saga, ["`a`", "compensation"], "undo", "redo", false),
            (Saga, ["`a`", "compensations_enabled"], "true", "false", true),
            (Saga, ["`a`", "compensations_enabled"], "false", "true", false),
            (Orchestration, ["retry_policy", "max_attempts"], "3", "2", true),
            (Orchestration, ["retry_policy", "max_attempts"], "3", "", true),
            (Orchestration, ["retry_policy", "max_attempts"], "2", "3", false),
            (Orchestration, ["error_handling", "failure_handling"], "compensating_transactions", "abort", true),
            (Orchestration, ["error_handling", "failure_handling"], "abort", "compensating_transactions", false),
            (Metrics, ["custom_metrics", "suspended"], "", "for now", true),
            (Metrics, ["custom_metrics", "suspended"], "for now", "", false),
        ] {
            assert_eq!(lost(family, &path, before, after), expected, "{path:?} {before} -> {after}");
        }
    }
}
