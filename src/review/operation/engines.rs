//! What a change of operation does to an engine that holds data.

use crate::families::FamilyId;
use crate::model::Model;
use crate::model::vocabulary::{BusProvider, CacheLocation, Engine};

/// What the engine does on a change of a value, where that loses data or moves it. `path` leads to the value, elements of lists in
/// backticks; `how` is `new`, `lost`, `less`, `more` or `other`; `model` tells the engine.
pub(super) fn note(path: &[String], family: FamilyId, how: &str, model: &Model) -> Option<String> {
    let key = path.iter().rev().find(|part| !part.starts_with('`')).map_or("", String::as_str);
    let said = if family == FamilyId::EventDriven && is_kafka(model) {
        match (key, how) {
            ("partitions", "less") => {
                "Kafka takes no partition away; the topic has to be made anew, and its events with it"
            }
            ("partitions", "more") => {
                "events of one key go to another partition, so their order is lost at that moment"
            }
            ("retention", "less") => "brokers delete the events that are older",
            ("topics", "lost") => "its events are lost when the topic is deleted",
            _ => return None,
        }
    } else if family == FamilyId::Metrics {
        match (key, how) {
            ("custom_metrics", "lost") => "its series end, and the rules and panels that ask for it show nothing",
            ("labels", "lost" | "new") => "Prometheus begins other series, and what sums up by the label shows nothing",
            ("type", "other") => "Prometheus reads the old samples as those of another kind",
            _ => return None,
        }
    } else if family == FamilyId::Tracing {
        match (key, how) {
            ("exporters", "lost") => "no span is sent there any more",
            ("priority_boost", "lost") => "traces with errors are kept as seldom as all others",
            ("rate", "less") => "fewer traces are kept",
            ("user_id_header", "lost" | "other") => "the collector leaves the old header in spans that have it",
            _ => return None,
        }
    } else if family == FamilyId::ChaosExperiments {
        match (key, how) {
            ("network_partitions" | "resource_exhaustion" | "dependency_failures", "lost") => {
                "Chaos Toolkit no longer injects this fault"
            }
            ("expected", "lost") => "a run of Chaos Toolkit passes where the fault is on, whatever comes of it",
            ("expected", "other") => "a run of Chaos Toolkit passes on another outcome",
            ("failure_rate", "less") => "Toxiproxy resets fewer connections",
            ("limit", "less") => "answers are slowed down less, and less is used up",
            ("duration", "less") => "Chaos Toolkit looks for the outcome earlier, and in a shorter time",
            _ => return None,
        }
    } else if family == FamilyId::Caching && in_redis(path, model) && (key, how) == ("size", "less") {
        "a node of Redis evicts what exceeds it at once"
    } else if matches!(family, FamilyId::Workflow | FamilyId::Saga | FamilyId::Orchestration) && in_temporal(model) {
        of_temporal(key, how)?
    } else {
        return None;
    };
    Some(said.to_owned())
}

/// What becomes of runs. Those under way go on by the plan that they were started with.
fn of_temporal(key: &str, how: &str) -> Option<&'static str> {
    Some(match (key, how) {
        ("compensation", "lost") => "new runs leave what the step did when a later one fails",
        ("compensation", "other") => "new runs undo the step by another tool",
        ("steps", "lost") => "new runs leave the step out; runs under way still make it",
        ("tools", "lost") => "new runs leave the call out; runs under way still make it",
        ("equals", "lost") => "new runs begin the step whatever the result before says",
        ("equals", "other") => "new runs begin the step on another result",
        ("optional", "lost") => "new runs end in failure, or are undone, where the step fails",
        ("optional", "new") => "new runs go on without the step where it fails",
        ("argument", "lost") => "new runs take the argument from whoever starts them",
        ("depends_on", "lost") => "new runs no longer wait for that step",
        ("max_attempts", "less") => "Temporal fails a step after fewer attempts, the first one included",
        ("max_attempts", "lost") => "a call is tried once",
        ("compensations_enabled", "other") => "runs under way keep what they were started with",
        ("engine", "other" | "lost") => {
            "new runs get no plan for Temporal; runs under way need their worker until they end"
        }
        _ => return None,
    })
}

fn in_temporal(model: &Model) -> bool {
    let mut engines = model.orchestration.values().filter_map(|rules| rules.engine.as_ref());
    engines.any(|engine| engine.value == Engine::Temporal)
}

fn is_kafka(model: &Model) -> bool {
    let providers = model.event_bus.values().filter_map(|bus| bus.provider.as_ref());
    providers.into_iter().any(|provider| provider.value == BusProvider::ApacheKafka)
}

/// Whether the layer that a path leads to is in Redis.
fn in_redis(path: &[String], model: &Model) -> bool {
    let named =
        |name: &str| path.iter().any(|part| part.strip_prefix('`').and_then(|it| it.strip_suffix('`')) == Some(name));
    let layers = model.caching.values().flatten().filter(|layer| named(&layer.name.value));
    let mut places = layers.filter_map(|layer| layer.location.as_ref());
    places.any(|at| matches!(at.value, CacheLocation::Redis | CacheLocation::RedisCluster))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::tests::checked;

    #[test]
    fn temporal_says_what_becomes_of_runs() {
        let text = "
# file: all.yaml
orchestration: {engine: temporal, error_handling: {retry_policy: {max_attempts: 3}}}
";
        let (temporal, _) = checked(text);
        let (other, _) = checked(&text.replace("temporal", "camunda"));
        let of = |model: &Model, family, path: &[&str], how: &str| {
            let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
            note(&path, family, how, model)
        };
        for (family, path, how) in [
            (FamilyId::Saga, ["`a`", "steps", "`b`", "compensation"].as_slice(), "lost"),
            (FamilyId::Workflow, &["`a`", "steps", "`b`", "compensation", "`undo`"], "lost"),
            (FamilyId::Workflow, &["`a`", "steps", "`b`"], "lost"),
            (FamilyId::Workflow, &["`a`", "steps", "`b`", "depends_on", "`c`"], "lost"),
            (FamilyId::Workflow, &["`a`", "steps", "`b`", "proceed_if", "equals"], "lost"),
            (FamilyId::Saga, &["`a`", "steps", "`b`", "optional"], "lost"),
            (FamilyId::Orchestration, &["error_handling", "retry_policy", "max_attempts"], "less"),
        ] {
            assert!(of(temporal.model(), family, path, how).is_some(), "{path:?} {how}");
            assert_eq!(of(other.model(), family, path, how), None, "{path:?} {how}");
        }
        assert_eq!(of(temporal.model(), FamilyId::Saga, &["`a`", "steps", "`b`", "compensation"], "new"), None);
        assert_eq!(of(temporal.model(), FamilyId::CircuitBreaker, &["steps", "`b`"], "lost"), None);
    }

    #[test]
    fn engines_say_what_becomes_of_data() {
        let text = "
# file: all.yaml
event_driven_config: {event_bus: {provider: apache_kafka, topics: [{name: a, partitions: 2}]}}
caching_strategy: {layers: [{name: far, location: redis, size: 1GB}, {name: near, location: gateway, size: 1MB}]}
";
        let (kafka, _) = checked(text);
        let (other, _) = checked(&text.replace("apache_kafka", "nats").replace("location: redis", "location: gateway"));
        let of = |model: &Model, family, path: &[&str], how: &str| {
            let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
            note(&path, family, how, model)
        };
        let events = FamilyId::EventDriven;
        for (path, how) in [
            (["custom_metrics", "`calls_total`"].as_slice(), "lost"),
            (&["custom_metrics", "`calls_total`", "labels", "`method`"], "lost"),
            (&["custom_metrics", "`calls_total`", "labels", "`method`"], "new"),
            (&["custom_metrics", "`calls_total`", "type"], "other"),
        ] {
            assert!(of(other.model(), FamilyId::Metrics, path, how).is_some(), "{path:?} {how}");
        }
        assert_eq!(of(other.model(), FamilyId::Metrics, &["custom_metrics", "`calls_total`"], "new"), None);
        for (path, how) in [
            (["exporters", "`jaeger`"].as_slice(), "lost"),
            (&["sampling", "priority_boost"], "lost"),
            (&["sampling", "rate"], "less"),
            (&["correlation", "user_id_header"], "other"),
        ] {
            assert!(of(other.model(), FamilyId::Tracing, path, how).is_some(), "{path:?} {how}");
        }
        assert_eq!(of(other.model(), FamilyId::Tracing, &["sampling", "rate"], "more"), None);
        for (path, how) in [
            (["network_partitions", "`1`"].as_slice(), "lost"),
            (&["dependency_failures", "`1`", "expected"], "other"),
            (&["dependency_failures", "`1`", "failure_rate"], "less"),
        ] {
            assert!(of(other.model(), FamilyId::ChaosExperiments, path, how).is_some(), "{path:?} {how}");
        }
        assert_eq!(of(other.model(), FamilyId::ChaosExperiments, &["network_partitions", "`1`"], "new"), None);
        for (family, path, how) in [
            (events, ["event_bus", "topics", "`a`", "partitions"].as_slice(), "less"),
            (events, &["event_bus", "topics", "`a`", "partitions"], "more"),
            (events, &["event_bus", "topics", "`a`", "retention"], "less"),
            (events, &["event_bus", "topics", "`a`"], "lost"),
            (FamilyId::Caching, &["layers", "`far`", "size"], "less"),
        ] {
            assert!(of(kafka.model(), family, path, how).is_some(), "{path:?} {how}");
            assert_eq!(of(other.model(), family, path, how), None, "{path:?} {how}");
        }
        assert_eq!(of(kafka.model(), events, &["event_bus", "topics", "`a`", "retention"], "more"), None);
        assert_eq!(of(kafka.model(), FamilyId::Caching, &["layers", "`near`", "size"], "less"), None);
    }
}
