//! What the readers of metrics and logs expect of names. Sources: Prometheus' naming practices and `promtool check metrics`
//! (counters end in `_total`, units are part of the name, `le` and `quantile` are its own); the document's "Metrics
//! Collection" and "Log Aggregation".

use std::sync::LazyLock;

/// Labels that Prometheus itself sets: the bounds of buckets, and the quantiles of summaries.
pub const OF_PROMETHEUS: [&str; 2] = ["le", "quantile"];

/// Labels that Prometheus sets on whatever it scrapes. Its own value wins, and the metric's gets another name.
pub const OF_SCRAPES: [&str; 2] = ["instance", "job"];

/// Labels and fields that the targets know, and others that are as common. A name close to one of them is a slip.
pub const KNOWN: [&str; 32] = [
    "agent",
    "agent_type",
    "business_unit",
    "caller",
    "decision",
    "environment",
    "error_code",
    "error_message",
    "execution_time",
    "gateway",
    "level",
    "mcp_method",
    "mcp_server",
    "message",
    "method",
    "outcome",
    "principal",
    "region",
    "request_id",
    "server",
    "session_id",
    "span_id",
    "status",
    "status_code",
    "subject",
    "tenant_id",
    "timestamp",
    "tool",
    "tool_name",
    "trace_id",
    "user_agent",
    "user_id",
];

/// Names that are close to a known one and mean something else.
const OTHERS: [&str; 22] = [
    "agent_id",
    "agent_name",
    "agents",
    "calls",
    "labels",
    "message_id",
    "methods",
    "pool",
    "regions",
    "servers",
    "server_id",
    "state",
    "states",
    "statuses",
    "target",
    "team_id",
    "tools",
    "tool_type",
    "usage_id",
    "user_ip",
    "user_in",
    "users",
];

/// Words of labels that take a new value with nearly every call, or for every person.
const UNBOUNDED: [&str; 36] = [
    "account_id",
    "call_id",
    "card_number",
    "client_ip",
    "conversation_id",
    "correlation_id",
    "customer",
    "customer_id",
    "email",
    "error_message",
    "event_id",
    "guid",
    "ip",
    "ip_address",
    "message_id",
    "order_id",
    "payment_id",
    "query",
    "remote_addr",
    "request_id",
    "session",
    "session_id",
    "source_ip",
    "span_id",
    "subject",
    "timestamp",
    "token",
    "trace_id",
    "transaction_id",
    "uri",
    "url",
    "user",
    "user_email",
    "user_id",
    "user_name",
    "uuid",
];

/// First words of metrics that other software brings along, and whose names nobody here can change.
const OF_EXPORTERS: [&str; 34] = [
    "alertmanager",
    "apiserver",
    "agentgateway",
    "cadvisor",
    "cassandra",
    "consul",
    "container",
    "elasticsearch",
    "envoy",
    "etcd",
    "go",
    "grpc",
    "haproxy",
    "http",
    "istio",
    "jvm",
    "kafka",
    "kube",
    "kubelet",
    "mongodb",
    "mysql",
    "nginx",
    "node",
    "opensearch",
    "otelcol",
    "pg",
    "pgbouncer",
    "pilot",
    "process",
    "prometheus",
    "python",
    "redis",
    "temporal",
    "vault",
];

/// Whether a metric is of another exporter, so that its name is not ours to choose.
#[must_use]
pub fn is_of_another_exporter(metric: &str) -> bool {
    // Names with dots are OpenTelemetry's, which adds units and `_total` itself.
    metric.contains('.') || metric.split('_').next().is_some_and(|first| OF_EXPORTERS.contains(&first))
}

/// Whether a label has ever more values.
#[must_use]
pub fn is_unbounded(label: &str) -> bool {
    static PLAIN: LazyLock<Vec<String>> = LazyLock::new(|| UNBOUNDED.iter().map(|word| plain(word)).collect());
    PLAIN.contains(&plain(label))
}

/// Whether the name of a histogram says what its numbers are: its last word is a unit, or what is counted.
#[must_use]
pub fn has_unit(metric: &str) -> bool {
    const UNITS: [&str; 14] = [
        "bytes", "celsius", "count", "hertz", "kb", "kib", "mb", "mib", "ms", "ns", "percent", "ratio", "seconds", "us",
    ];
    const NO_PLURALS: [&str; 9] =
        ["access", "class", "latencies", "process", "progress", "sizes", "status", "success", "times"];
    const COUNTS: [&str; 4] = ["batch_size", "page_size", "pool_size", "queue_size"];
    let Some(last) = metric.rsplit('_').next() else { return false };
    UNITS.contains(&last)
        || (last.len() > 1 && last.ends_with('s') && !NO_PLURALS.contains(&last))
        || COUNTS.iter().any(|count| metric.ends_with(count))
}

/// The known name that a label or field was probably meant to be; `None` where it is one, or is too far from all.
#[must_use]
pub fn meant(written: &str) -> Option<&'static str> {
    let letters = written.chars().count();
    let most = match letters {
        0..=4 => return None,
        5..=8 => 1,
        _ => 2,
    };
    if KNOWN.contains(&written) || OTHERS.contains(&written) {
        return None;
    }
    static PLAIN: LazyLock<Vec<(&str, String)>> =
        LazyLock::new(|| KNOWN.iter().map(|word| (*word, plain(word))).collect());
    let (lower, plain) = (written.to_lowercase(), plain(written));
    let distance = |known: &str, plain_known: &str| {
        // Another spelling of the same words: `userId`, `user-id`.
        if plain_known == plain { 0 } else { strsim::damerau_levenshtein(&lower, known) }
    };
    // The last part of a name with a prefix is not a slip of the pen.
    let near =
        PLAIN.iter().map(|(known, plain)| (distance(known, plain), *known)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// The letters and digits of a name, in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_names_of_ones_own() {
        for (written, known) in [
            ("mcp_sever", "mcp_server"),
            ("tol_name", "tool_name"),
            ("tool_nmae", "tool_name"),
            ("userid", "user_id"),
            ("userId", "user_id"),
            ("tenent_id", "tenant_id"),
            ("requst_id", "request_id"),
            ("stauts", "status"),
            ("execution_tme", "execution_time"),
            ("eror_code", "error_code"),
            ("metod", "method"),
        ] {
            assert_eq!(meant(written), Some(known), "{written}");
        }
        for own in KNOWN.iter().chain(&OTHERS).chain(&[
            "model",
            "cache",
            "cache_layer",
            "queue",
            "priority",
            "currency",
            "country",
            "order_id",
            "event_id",
            "team",
            "code",
            "class",
            "reason",
            "version",
            "status_class",
            "tool_version",
            "mcp_client",
            "user_role",
            "unit",
            "pod",
            "zone",
            "hostname",
            "namespace",
            "duration",
            "workflow",
            "step",
            "saga",
            "topic",
            "partition",
        ]) {
            assert_eq!(meant(own), None, "{own}");
        }
    }

    #[test]
    fn units_of_histograms() {
        for with in
            ["mcp_tool_duration_seconds", "response_bytes", "batch_items", "hit_ratio", "x_ms", "mcp_batch_size"]
        {
            assert!(has_unit(with), "{with}");
        }
        for without in
            ["mcp_tool_duration", "latency", "mcp_request_time", "response_size", "tool_status", "wait_times"]
        {
            assert!(!has_unit(without), "{without}");
        }
    }

    #[test]
    fn names_of_others_are_left_alone() {
        assert!(is_of_another_exporter("envoy_cluster_upstream_rq"));
        assert!(is_of_another_exporter("mcp.requests"));
        assert!(!is_of_another_exporter("mcp_requests"));
        assert!(
            is_unbounded("userId") && is_unbounded("session") && !is_unbounded("tenant_id") && !is_unbounded("tool")
        );
    }
}
