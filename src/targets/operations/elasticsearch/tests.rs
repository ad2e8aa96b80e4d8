use super::*;
use crate::targets::tests::lines::{self, Files};
use crate::targets::tests::mutations::mutate;
use crate::targets::tests::{built, checked};

const WORLD: &str = "
units: {shop: units/shop-floor}
# file: all.yaml
federation_config: {central_gateway: {global_policies: {audit_retention: 6_years}}, business_unit_gateways: {local_policy_override: full}}
mcp_registry: {central_gateway: 'https://mcp.example.org', business_units: [{name: shop}], servers: [{name: a, business_unit: central, tools: [{name: t}]}]}
logging_config:
  structured_logging: true
  log_level: info
  fields: [request_id, user_id, execution_time, customer_segment]
  retention: {audit_logs: 7_years, operational_logs: 90_days, debug_logs: {at_least: 36_hours}}
# file: units/shop-floor/logs.yaml
logging_config: {structured_logging: false, log_level: debug, fields: [level, user], retention: {operational_logs: 90m}}
";

fn text(world: &str, file: &str) -> String {
    lines::text(&TARGET, world, &format!("elasticsearch/{file}"))
}

fn value(world: &str, file: &str) -> Value {
    lines::value(&TARGET, world, &format!("elasticsearch/{file}"))
}

fn times(world: &str, name: &str) -> [String; 2] {
    let phases = value(world, &format!("{name}.json"))["policy"]["phases"].clone();
    [&phases["hot"]["actions"]["rollover"]["max_age"], &phases["delete"]["min_age"]]
        .map(|at| at.as_str().unwrap().to_owned())
}

fn refusal(world: &str) -> (String, String) {
    let Err(errors) = built(&TARGET, world) else { panic!("it compiles") };
    let (findings, others) = crate::build::findings(errors);
    assert!(others.is_empty() && findings.len() == 1, "{findings:#?}");
    let (_, sources) = checked(world);
    (sources.text_at(findings[0].loc).to_owned(), findings[0].message.clone())
}

#[test]
fn each_stream_has_its_lifecycle_and_its_template() {
    let bundle = built(&TARGET, WORLD).unwrap().bundle;
    let files: Vec<&str> = bundle.artifacts.keys().filter_map(|path| path.strip_prefix("elasticsearch/")).collect();
    assert_eq!(
        files,
        [
            "central/apply.sh",
            "central/audit.schema.json",
            "central/lifecycles/mcp-central-audit.json",
            "central/lifecycles/mcp-central-debug.json",
            "central/lifecycles/mcp-central-operational.json",
            "central/records.schema.json",
            "central/rsyslog.conf",
            "central/templates/mcp-central-audit.json",
            "central/templates/mcp-central-debug.json",
            "central/templates/mcp-central-operational.json",
            "rsyslog.conf",
            "shop/apply.sh",
            "shop/lifecycles/mcp-shop-audit.json",
            "shop/lifecycles/mcp-shop-operational.json",
            "shop/rsyslog.conf",
            "shop/templates/mcp-shop-audit.json",
            "shop/templates/mcp-shop-debug.json",
            "shop/templates/mcp-shop-operational.json",
        ]
    );
    let central = value(WORLD, "central/templates/mcp-central-audit.json");
    assert_eq!(central["index_patterns"], serde_json::json!(["logs-mcp.audit-*"]));
    assert_eq!(central["template"]["settings"]["index.lifecycle.name"], "mcp-central-audit");
    let unit = value(WORLD, "shop/templates/mcp-shop-debug.json");
    assert_eq!((&unit["index_patterns"][0], &unit["priority"]), (&"logs-mcp.debug-shop".into(), &300.into()));
    assert_eq!(unit["template"]["settings"], serde_json::json!({}));
}

#[test]
fn the_least_time_is_rounded_up_and_the_most_counts_from_the_first_record() {
    assert_eq!(times(WORLD, "central/lifecycles/mcp-central-audit"), ["30d", "2557d"]);
    assert_eq!(times(WORLD, "central/lifecycles/mcp-central-operational"), ["1d", "89d"]);
    assert_eq!(times(WORLD, "central/lifecycles/mcp-central-debug"), ["30d", "2d"]);
    assert_eq!(times(WORLD, "shop/lifecycles/mcp-shop-operational"), ["45m", "45m"]);
    // Where nothing else is said, the federation's time counts.
    assert_eq!(times(WORLD, "shop/lifecycles/mcp-shop-audit"), ["30d", "2192d"]);
    let days = |most: &str| times(&WORLD.replace("90_days", most), "central/lifecycles/mcp-central-operational");
    assert_eq!(days("1_day"), ["12h", "12h"]);
    assert_eq!(days("61m"), ["30m", "31m"]);
    let (at, message) = refusal(&WORLD.replace("90_days", "59m"));
    assert_eq!(at, "59m");
    assert_eq!(message, "Elasticsearch cannot delete records within less than an hour");
}

#[test]
fn a_field_has_its_type_and_the_name_of_the_common_schema() {
    let properties = |file: &str| value(WORLD, file)["template"]["mappings"]["properties"].clone();
    let audit = properties("central/templates/mcp-central-audit.json");
    for (field, of) in [
        ("@timestamp", serde_json::json!({"type": "date"})),
        ("execution_time", serde_json::json!({"type": "double"})),
        ("customer_segment", serde_json::json!({"type": "keyword"})),
        ("user_id", serde_json::json!({"type": "keyword"})),
        ("user.id", serde_json::json!({"type": "alias", "path": "user_id"})),
        ("http.request.id", serde_json::json!({"type": "alias", "path": "request_id"})),
    ] {
        assert_eq!(audit[field], of, "{field}");
    }
    // The unit has a field `user`, which cannot be an object as well.
    let unit = properties("shop/templates/mcp-shop-operational.json");
    assert_eq!((unit.get("user.id"), &unit["user"]["type"]), (None, &"keyword".into()));
    let schema = value(WORLD, "central/audit.schema.json");
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["execution_time"], serde_json::json!({"type": ["number", "null"], "minimum": 0}));
}

#[test]
fn a_field_that_no_record_can_have_is_refused_at_its_place() {
    for (field, what) in [
        ("'user id'", "not a field"),
        ("_source", "not a field"),
        ("'@timestamp'", "not a field"),
        ("'a..b'", "not a field"),
        ("request_id.part", "cannot both be fields"),
        ("time.zone", "cannot both be fields"),
    ] {
        let (at, message) = refusal(&WORLD.replace("customer_segment]", &format!("{field}]")));
        assert!(at == field && message.contains(what), "{at}: {message}");
    }
}

#[test]
fn levels_below_the_least_are_not_shipped_and_debug_records_have_their_stream() {
    let central = text(WORLD, "central/rsyslog.conf");
    assert!(central.contains("  call mcp-json\n  if $.mcp!level == [\"trace\", \"debug\"] then stop\n"), "{central}");
    assert!(!central.contains("mcp.debug"), "{central}");
    let unit = text(WORLD, "shop/rsyslog.conf");
    assert!(unit.contains("  call mcp-text\n  if $.mcp!level == [\"trace\"] then stop\n"), "{unit}");
    assert!(
        unit.contains("  if $.mcp!level == [\"debug\"] then set $.mcp!index = \"logs-mcp.debug-shop\";\n"),
        "{unit}"
    );
    for level in ["trace", "warn", "error"] {
        let world = WORLD.replace("log_level: info", &format!("log_level: {level}"));
        assert_eq!(text(&world, "central/rsyslog.conf").contains("then stop"), level != "trace", "{level}");
    }
}

#[test]
fn audit_records_of_a_federation_are_kept_without_any_other_word() {
    let (start, end) = (WORLD.find("logging_config:").unwrap(), WORLD.find("# file: units").unwrap());
    let world = &[&WORLD[..start], &WORLD[end..]].concat();
    assert_eq!(times(world, "central/lifecycles/mcp-central-audit"), ["30d", "2192d"]);
    let bundle = built(&TARGET, world).unwrap().bundle;
    assert!(!bundle.artifacts.contains_key("elasticsearch/central/templates/mcp-central-operational.json"));
}

#[test]
fn every_change_of_a_file_is_noticed() {
    let files = Files::of(&TARGET, WORLD);
    let changes = [
        ("info", "warn"),
        ("audit", "debug"),
        ("json", "text"),
        ("mcp", "mcq"),
        ("\"", "'"),
        ("stop", "call mcp-store"),
    ];
    let mut tried = 0;
    for path in ["elasticsearch/rsyslog.conf", "elasticsearch/central/rsyslog.conf", "elasticsearch/shop/rsyslog.conf"]
    {
        tried += files.assert_each_line_counts(path, &changes);
    }
    assert!(tried > 200, "{tried}");
    for path in [
        "central/lifecycles/mcp-central-audit.json",
        "central/lifecycles/mcp-central-operational.json",
        "central/templates/mcp-central-audit.json",
        "shop/templates/mcp-shop-debug.json",
        "central/audit.schema.json",
        "central/records.schema.json",
    ] {
        mutate(&TARGET, WORLD, &format!("elasticsearch/{path}"), false).assert_only(&[]);
    }
}
