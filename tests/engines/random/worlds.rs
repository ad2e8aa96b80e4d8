//! Random workspaces: every family, every key that reaches a product, usual values and odd ones.

use serde_json::{Map, Value, json};

use super::odd::{Dice, Kind};

/// Draws a section.
type Section = fn(&mut Dice, &Names) -> Value;

/// A workspace: `mcpctl.yaml`, and one file with all sections. Both are JSON, and with it YAML. `tls` is a folder with files of TLS
/// that a product can read: `central.crt`, `central.key` and `ca.crt`.
pub fn workspace(number: u64, tls: Option<&str>) -> [(&'static str, String); 2] {
    let mut dice = Dice::new(number + 1);
    let dice = &mut dice;
    let names = Names::new(dice);
    let mut sections = Map::new();
    let families: [(&str, Section); 17] = [
        ("identity", identity),
        ("mcp_registry", registry),
        ("progressive_auth", levels),
        ("data_routing", classes),
        ("zero_trust_config", mesh),
        ("tracing_config", tracing),
        ("logging_config", logging),
        ("metrics_config", metrics),
        ("circuit_breaker_config", breaker),
        ("bulkhead_config", bulkhead),
        ("connection_pooling", pools),
        ("health_monitoring", health),
        ("caching_strategy", caches),
        ("batch_processing", batches),
        ("event_driven_config", events),
        ("workflow_definition", flow),
        ("chaos_experiments", chaos),
    ];
    for (at, (key, section)) in families.into_iter().enumerate() {
        // Nothing can be decided without the first ones.
        if at < 4 || dice.often(2) {
            sections.insert(key.to_owned(), section(dice, &names));
        }
    }
    let settings = settings(dice, &names, tls);
    [("mcpctl.yaml", format!("{settings:#}\n")), ("all.yaml", format!("{:#}\n", Value::Object(sections)))]
}

/// What is named in one place, and used in another.
struct Names {
    servers: [String; 2],
    tools: [String; 3],
    prompt: String,
    uri: String,
    fact: String,
    class: String,
    issuer: String,
    topic: String,
}

impl Names {
    fn new(dice: &mut Dice) -> Self {
        let mut texts = |kind| dice.text(kind);
        Self {
            servers: [format!("{}_a", texts(Kind::Server)), texts(Kind::Server)],
            tools: [format!("{}1", texts(Kind::Word)), format!("{}2", texts(Kind::Word)), texts(Kind::Word)],
            prompt: texts(Kind::Word),
            uri: texts(Kind::Uri),
            fact: texts(Kind::Fact),
            class: texts(Kind::Word),
            issuer: texts(Kind::Url),
            topic: texts(Kind::Topic),
        }
    }
}

fn settings(dice: &mut Dice, names: &Names, tls: Option<&str>) -> Value {
    let tls = |dice: &mut Dice| {
        let [cert, key, ca] = [dice.text(Kind::Path), dice.text(Kind::Path), dice.text(Kind::Path)];
        match tls {
            Some(folder) => {
                json!({"cert": format!("{folder}/central.crt"), "key": format!("{folder}/central.key"), "ca": format!("{folder}/ca.crt")})
            }
            None => json!({"cert": cert, "key": key, "ca": ca}),
        }
    };
    let mut targets = Map::new();
    targets.insert("cedar".into(), json!({}));
    let [envoy_tls, other_tls] = [tls(dice), tls(dice)];
    let namespace = dice.text(Kind::Namespace);
    let domain = dice.text(Kind::Domain);
    let all = [
        ("envoy", json!({"listen": dice.text(Kind::Listen), "tls": envoy_tls, "deny_status": dice.of(&[200, 403])})),
        ("agentgateway", json!({"listen": dice.text(Kind::AnyListen), "tls": other_tls, "namespace": namespace})),
        ("istio", json!({"namespace": namespace, "cluster_domain": domain, "verified_headers": dice.often(2)})),
        (
            "kubernetes",
            json!({"namespace": namespace, "cluster_domain": domain, "egress": [
                {"cidr": dice.text(Kind::Cidr), "port": dice.of(&[443, 1, 65535])},
                {"namespace": dice.text(Kind::Namespace), "labels": {dice.text(Kind::LabelKey): dice.text(Kind::LabelValue)}, "port": 8443},
            ]}),
        ),
        (
            "toolhive",
            json!({"namespace": namespace, "assume": ["tls", "mtls"], "assume_reason": dice.text(Kind::Word)}),
        ),
    ];
    for (name, value) in all {
        if dice.often(3) {
            targets.insert(name.into(), value);
        }
    }
    let bundle = format!("random-{}", names.tools.len());
    json!({"bundle": {"name": bundle}, "targets": targets})
}

fn evidence(dice: &mut Dice) -> Value {
    let claim = dice.text(Kind::Claim);
    let value = dice.text(Kind::Value);
    match dice.below(9) {
        0 => json!({"claim": claim, "contains": value}),
        1 => json!({"claim": [claim, dice.text(Kind::Claim)], "contains": value}),
        2 => json!({"claim": [claim], "one_of": [value, dice.text(Kind::Value), 1, true, 2.5]}),
        3 => json!({"claim": claim, "present": true}),
        4 => {
            json!({"argument": [claim], "at_least": dice.of(&[0.0, -1.0, 0.1, 1e3]), "at_most": dice.of(&[1e14, 10_000.0, 9_999.99])})
        }
        5 => json!({"argument": [claim], "one_of": [value, 7]}),
        6 => json!({"argument": [claim, dice.text(Kind::Claim)], "matches": dice.text(Kind::Pattern)}),
        7 => json!({"argument": [claim], "equals_claim": [dice.text(Kind::Claim)]}),
        _ => {
            json!({"all": [{"claim": [claim], "contains": value}, {"claim": [dice.text(Kind::Claim)], "present": true}], })
        }
    }
}

fn identity(dice: &mut Dice, names: &Names) -> Value {
    json!({
        "issuer": names.issuer, "audiences": [dice.text(Kind::Audience)], "jwks": dice.text(Kind::Url), "trust_domain": "example.org",
        "business_unit_claim": dice.text(Kind::UnitClaim),
        "requirements": {
            names.fact.clone(): evidence(dice),
            "user_delegation": {"all": [{"claim": ["act", "sub"], "differs_from": "sub"}, {"claim": "auth_time", "present": true}]},
            "mfa": {"claim": "amr", "contains": dice.text(Kind::Value), "scope": dice.text(Kind::Word)},
        },
    })
}

/// Methods that a server's entry can deny.
const DENIED: [&str; 4] = ["ping", "tools/list", "completion/complete", "tasks/get"];

fn registry(dice: &mut Dice, names: &Names) -> Value {
    let [one, two] = &names.servers;
    let [read, write, other] = &names.tools;
    let labels = json!({dice.text(Kind::LabelKey): dice.text(Kind::LabelValue)});
    json!({
        "central_gateway": dice.text(Kind::Url),
        "business_units": [],
        "servers": [
            {"name": one, "url": dice.text(Kind::ServerUrl), "encryption_at_rest": true, "location": "secure_enclave", "labels": labels,
             "tools": [
                {"name": read, "requires": [names.fact], "annotations": {"read_only": true}},
                {"name": write, "annotations": {"destructive": true, "idempotent": dice.often(2)}},
             ],
             "resources": [{"uri": names.uri}], "prompts": [{"name": names.prompt}]},
            {"name": two, "url": dice.text(Kind::SecondUrl), "methods": {"deny": [dice.of(&DENIED)]}, "tools": [{"name": other, "auth_level": 2}]},
        ],
        "agents": [
            {"name": dice.text(Kind::Word), "subject": dice.text(Kind::Subject), "may_call": [format!("{one}/*")]},
            {"name": "second", "subject": format!("{}-2", dice.text(Kind::Subject)), "may_call": [
                {"tools": format!("{one}/*"), "only": "read_only", "requires": [names.fact]}, format!("{two}/{other}"),
            ]},
        ],
        "any_agent": {"may_call": [format!("{one}/{read}")]},
    })
    .take_without_empty()
}

/// Leaves out keys with empty lists.
trait WithoutEmpty {
    fn take_without_empty(self) -> Value;
}

impl WithoutEmpty for Value {
    fn take_without_empty(mut self) -> Value {
        if let Some(map) = self.as_object_mut() {
            map.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
        }
        self
    }
}

fn levels(dice: &mut Dice, names: &Names) -> Value {
    json!({"levels": [
        {"level": 1, "description": dice.text(Kind::Word), "requirements": ["service_account_token"]},
        {"level": 2, "requirements": ["service_account_token", dice.of(&["mfa", "user_delegation"])],
         "alternatives": [{"name": dice.text(Kind::Word), "requirements": ["service_account_token", names.fact]}]},
    ]})
}

fn classes(dice: &mut Dice, names: &Names) -> Value {
    json!({"classifications": [
        {"level": names.class, "mcp_servers": [names.servers[0]], "encryption": dice.of(&["in_transit", "in_transit_and_at_rest"])},
        {"level": format!("{}+", dice.text(Kind::Word)), "mcp_servers": [names.servers[1]]},
    ]})
}

fn mesh(dice: &mut Dice, _: &Names) -> Value {
    json!({
        "service_mesh": {"provider": "istio", "mutual_tls": "strict"},
        "identity_verification": {"workload_identity": "spiffe", "certificate_rotation": dice.text(Kind::Duration)},
    })
}

fn tracing(dice: &mut Dice, _: &Names) -> Value {
    json!({
        "exporters": [{"name": dice.text(Kind::Word), "type": dice.of(&["otlp_grpc", "otlp_http", "zipkin", "otlp"]), "endpoint": dice.text(Kind::Exporter)}],
        "sampling": {"strategy": dice.of(&["probabilistic", "always_on", "always_off"]), "rate": dice.of(&[0.1, 0.0, 1.0, 0.000_001, 0.333_333_3])},
        "correlation": {"request_id_header": "x-request-id", "user_id_header": dice.text(Kind::Header), "tenant_id_header": format!("{}-t", dice.text(Kind::Header))},
    })
}

fn logging(dice: &mut Dice, _: &Names) -> Value {
    json!({
        "structured_logging": dice.often(3), "log_level": dice.of(&["info", "debug", "warn", "error", "trace"]),
        "fields": ["request_id", "user_id", "mcp_server", "tool_name", dice.of(&["tenant_id", "execution_time", "error_code"]), dice.text(Kind::Word)],
        "retention": {"audit_logs": dice.text(Kind::Long), "operational_logs": dice.text(Kind::Long)},
    })
}

fn metrics(dice: &mut Dice, _: &Names) -> Value {
    json!({"custom_metrics": [
        {"name": dice.text(Kind::Metric), "type": dice.of(&["counter", "histogram", "gauge"]), "labels": [dice.text(Kind::Label)]},
        {"name": "mcp_other_requests_total", "type": "counter", "labels": ["mcp_server", "tool", "method"]},
    ]})
}

fn breaker(dice: &mut Dice, _: &Names) -> Value {
    json!({"per_mcp_server": {
        "failure_threshold": dice.of(&[5, 1, u32::MAX]), "timeout": dice.text(Kind::Duration),
        "half_open_max_calls": dice.of(&[3, 1]), "half_open_timeout": dice.text(Kind::Duration),
    }})
}

fn bulkhead(dice: &mut Dice, names: &Names) -> Value {
    json!({"resource_pools": [{
        "name": dice.text(Kind::Word), "mcp_servers": names.servers,
        "resources": {"cpu_cores": dice.of(&[2.0, 0.5, 64.0]), "memory": dice.text(Kind::Size), "connections": dice.of(&[100, u32::MAX, 1 << 31])},
    }]})
}

fn pools(dice: &mut Dice, names: &Names) -> Value {
    json!({
        "database_pools": [{"mcp_server": names.servers[0], "pool_size": dice.of(&[1, 20]), "max_overflow": dice.of(&[0, 10]), "recycle_time": dice.text(Kind::Duration)}],
        "http_pools": [{"mcp_server": names.servers[1], "pool_size": dice.of(&[1, 20]), "keep_alive": dice.text(Kind::Duration), "timeout": dice.text(Kind::Duration)}],
    })
}

fn health(dice: &mut Dice, _: &Names) -> Value {
    json!({
        "discovery_service": dice.of(&["consul", "dns", "kubernetes"]),
        "health_checks": [
            {"type": "http", "endpoint": dice.text(Kind::Probe), "interval": "2h", "timeout": dice.text(Kind::Duration)},
            {"type": dice.of(&["tcp", "grpc"]), "port": dice.of(&[8080, 1, 65_535]), "interval": "30s", "timeout": "3s"},
        ],
        "load_balancing": {"strategy": dice.of(&["weighted_round_robin", "round_robin", "least_request", "random", "ring_hash", "maglev"])},
    })
}

fn caches(dice: &mut Dice, _: &Names) -> Value {
    json!({"layers": [{"name": dice.text(Kind::Word), "location": dice.of(&["gateway", "mcp_server", "redis"]), "ttl": dice.text(Kind::Duration), "size": dice.text(Kind::Size)}]})
}

fn batches(dice: &mut Dice, _: &Names) -> Value {
    json!({"batch_size": dice.of(&[1, 100]), "flush_interval": dice.text(Kind::Duration), "compression": "gzip"})
}

fn events(dice: &mut Dice, names: &Names) -> Value {
    json!({
        "event_bus": {"provider": "apache_kafka", "topics": [{"name": names.topic, "partitions": dice.of(&[1, 12]), "retention": dice.text(Kind::Long)}]},
        "event_processors": [{"name": dice.text(Kind::Word), "subscribes_to": [names.topic], "triggers_mcp": names.servers[0], "tools": [names.tools[0]]}],
    })
}

fn flow(dice: &mut Dice, names: &Names) -> Value {
    let first = dice.text(Kind::Word);
    json!({"name": dice.text(Kind::Word), "description": dice.text(Kind::Word), "steps": [
        {"name": first, "mcp_server": names.servers[0], "tools": [names.tools[0]]},
        {"name": format!("{first}2"), "mcp_server": names.servers[1], "tools": [names.tools[2]], "depends_on": [first]},
    ]})
}

fn chaos(dice: &mut Dice, names: &Names) -> Value {
    json!({"dependency_failures": [{"target": names.servers[0], "failure_rate": dice.text(Kind::Percent), "duration": dice.text(Kind::Duration), "expected": "graceful_degradation"}]})
}
