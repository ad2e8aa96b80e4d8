//! What a larger or a smaller number does, where "more" or "less" of what its family is about does not say it.

use crate::families::FamilyId;

/// A key of some families, what a larger value does, and what a smaller one.
type Row = (&'static [FamilyId], &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    (&[FamilyId::Caching], "ttl", "staler answers", "fresher answers"),
    (&[FamilyId::Caching], "size", "more cached", "less cached"),
    (&[FamilyId::CircuitBreaker], "failure_threshold", "later protection", "earlier protection"),
    (&[FamilyId::CircuitBreaker], "timeout", "later protection", "earlier protection"),
    (&[FamilyId::CircuitBreaker], "half_open_timeout", "later recovery", "earlier recovery"),
    (&[FamilyId::CircuitBreaker], "half_open_max_calls", "more trial calls", "fewer trial calls"),
    (&[FamilyId::HealthMonitoring], "interval", "later detection", "earlier detection"),
    (&[FamilyId::HealthMonitoring], "timeout", "later detection", "earlier detection"),
    (&[FamilyId::HealthMonitoring], "health_factor", "other balance", "other balance"),
    (&[FamilyId::HealthMonitoring], "latency_factor", "other balance", "other balance"),
    (&[FamilyId::BatchProcessing], "max_items", "larger batches", "smaller batches"),
    (&[FamilyId::BatchProcessing], "batch_size", "larger batches", "smaller batches"),
    (&[FamilyId::BatchProcessing], "flush_interval", "later delivery", "earlier delivery"),
    (&[FamilyId::EventDriven], "retention", "longer retention", "shorter retention"),
    (&[FamilyId::Logging], "audit_logs", "longer retention", "shorter retention"),
    (&[FamilyId::Logging], "operational_logs", "longer retention", "shorter retention"),
    (&[FamilyId::Logging], "debug_logs", "longer retention", "shorter retention"),
    (&[FamilyId::Orchestration], "max_attempts", "more attempts", "fewer attempts"),
    (&[FamilyId::ConnectionPooling], "keep_alive", "longer idle connections", "shorter idle connections"),
    (&[FamilyId::ConnectionPooling], "timeout", "longer waits", "shorter waits"),
    (&[FamilyId::ConnectionPooling], "recycle_time", "older connections", "younger connections"),
];

/// What a change of a number does; `how` is `more` or `less` of it. `None` where the family's own word says it.
pub(super) fn of(path: &[String], family: FamilyId, how: &str) -> Option<&'static str> {
    let key = path.iter().rev().find(|part| !part.starts_with('`'))?;
    let (_, _, more, less) = ROWS.iter().find(|(families, known, ..)| families.contains(&family) && key == known)?;
    match how {
        "more" => Some(more),
        "less" => Some(less),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key that the schema of its family does not have would never be met.
    #[test]
    fn every_key_is_one_of_its_families() {
        for (families, key, ..) in ROWS {
            for family in *families {
                assert!(family.schema().contains(&format!("\"{key}\"")), "{} has no `{key}`", family.key());
            }
        }
    }

    #[test]
    fn a_longer_time_to_live_is_not_more_freshness() {
        let path = ["caching_strategy", "layers", "`near`", "ttl"].map(str::to_owned);
        assert_eq!(of(&path, FamilyId::Caching, "more"), Some("staler answers"));
        assert_eq!(of(&path, FamilyId::Caching, "other"), None);
    }
}
