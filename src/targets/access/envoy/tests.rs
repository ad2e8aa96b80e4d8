//! What is emitted for a small federation, and that every change of it which changes a decision is caught.

mod authorization;
mod mirrored;
mod operations;
mod revisions;
mod shadow;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::build::{BuildError, agree, verify};
use crate::checks::CheckedModel;
use crate::lift::access::envoy::{Folders, judge, judge_one};
use crate::model::deployment::Tls;
use crate::source::Spanned;
use crate::targets::tests::last::FLEET;
use crate::targets::tests::{built, checked};

const WORLD: &str = r#"
targets:
  envoy:
    listen: 127.0.0.1:8443
    tls: {cert: /tls/cert.pem, key: /tls/key.pem, ca: /tls/ca.pem}
# file: keys.json
{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}
# file: all.yaml
federation_config:
  central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}
  business_unit_gateways: {cross_unit_routing: explicit_approval}
data_routing: {classifications: [{level: public, encryption: in_transit, mcp_servers: [crm, faq]}]}
zero_trust_config: {service_mesh: {mutual_tls: strict}}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - level: 2
      requirements: [service_account_token, user_delegation, mfa]
      alternatives: [{name: ticket, requirements: [service_account_token, ticket]}]
identity:
  issuers:
    - {issuer: 'https://idp.example', audience: per_server, jwks_file: keys.json, speaks_for: [agents]}
    - {issuer: 'https://flows.example', audiences: [gateway], jwks: 'https://flows.example/jwks', speaks_for: [flows]}
  trust_domain: example.org
  business_unit_claim: bu
  requirements:
    ticket: {claim: tickets, contains: "{server}/{tool}"}
    small: {argument: amount, at_most: 100}
circuit_breaker_config: {per_mcp_server: {failure_threshold: 5, timeout: 30s}}
mcp_registry:
  central_gateway: https://mcp.example.com
  business_units: [{name: retail, gateway: 'https://gw.retail.example/base'}, {name: plain}]
  servers:
    - name: crm
      business_unit: retail
      url: https://crm.example:8443/mcp
      methods: {deny: [ping, resources/subscribe]}
      tools:
        - {name: get, auth_level: 1, input_schema: {type: object}}
        - {name: put, auth_level: 2}
        - name: pay
          auth_level: 1
          requires: [small]
          input_schema:
            type: object
            additionalProperties: true
            properties:
              amount: {type: integer, x-mcp-header: Amount}
              to: {type: object, properties: {account: {type: string, x-mcp-header: Account}}}
      resources: [{uri: "crm://*", auth_level: 1}, {uri: "crm://vip/*", auth_level: 2}]
      prompts: [{name: sum, auth_level: 1}]
    - {name: faq, business_unit: plain, url: 'http://10.0.0.7/mcp', tools: [{name: ask, annotations: {read_only: true}}]}
  agents:
    - {name: seller, business_unit: retail, subject: 'spiffe://example.org/seller', may_call: [crm/*]}
    - {name: helper, business_unit: central, subject: 'spiffe://example.org/helper', may_call: [crm/get, {tools: faq/ask, requires: [ticket]}]}
  any_agent: {may_call: [faq/ask]}
workflow_definition:
  name: nightly
  business_unit: retail
  steps: [{name: one, mcp_server: crm, tools: [get]}]
"#;

#[test]
fn a_watched_file_is_compared_as_it_was_written_and_in_any_other_form() {
    let (checked, policy, _) = compiled();
    let files = built(&TARGET, WORLD).unwrap().bundle.artifacts;
    let judged = |path: &str, text: String| {
        let mut files = files.clone();
        files.get_mut(path).unwrap().bytes = text.into_bytes();
        verify(TargetId::Envoy, &files, checked.model(), &policy)
    };
    for file in ["central/xds/cds.yaml", "central/xds/lds.yaml", "central/xds/rds.yaml", "retail/xds/rds.yaml"] {
        let path = format!("envoy/{file}");
        let text = String::from_utf8(files[&path].bytes.clone()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        judged(&path, text.clone()).unwrap();
        judged(&path, serde_yaml::to_string(&value).unwrap()).unwrap();
        let twice = text.replacen("\"name\": ", "\"name\": \"x\", \"name\": ", 1);
        let other = text.replacen("5s", "6s", 1).replacen("ALLOW", "DENY", 1).replacen("AUTO", "HTTP2", 1);
        for changed in
            [twice, other, format!("{text}x"), text.replacen("v3.", "v2.", 1), "{}".to_owned(), String::new()]
        {
            assert_ne!(changed, text);
            assert!(judged(&path, changed).is_err(), "{file}");
        }
    }
}

/// The folders of the compiled world, parsed, with what they are compared with.
fn compiled() -> (CheckedModel, Policy, Folders) {
    let (checked, _) = checked(WORLD);
    let (_, policy, _) = crate::targets::seen(&TARGET, checked.model(), checked.policy());
    let mut folders = Folders::new();
    for (path, artifact) in built(&TARGET, WORLD).unwrap().bundle.artifacts {
        let (name, file) = path.strip_prefix("envoy/").unwrap().split_once('/').unwrap();
        let value = serde_yaml::from_slice(&artifact.bytes).unwrap();
        folders.entry(name.to_owned()).or_default().insert(file.to_owned(), value);
    }
    (checked, policy, folders)
}

/// The files of a folder for another static file, so that the folder does not contradict itself.
fn folder_of(whole: &Value, bootstrap: &Value) -> BTreeMap<String, Value> {
    let resources = &whole["static_resources"];
    let mut listener = resources["listeners"][0].clone();
    let mut routes = Value::Null;
    if let Some(manager) =
        listener.pointer_mut("/filter_chains/0/filters/0/typed_config").and_then(Value::as_object_mut)
    {
        routes = manager.shift_remove("route_config").unwrap_or_default();
        manager.insert("rds".to_owned(), json!({"route_config_name": "mcp", "config_source": discovered("rds")}));
    }
    let mut clusters = resources["clusters"].as_array().cloned().unwrap_or_default();
    let tls = own(&listener);
    let mut secrets = BTreeMap::new();
    if let Some(tls) = &tls {
        secrets::by_name(&mut listener, tls);
        clusters.iter_mut().for_each(|cluster| secrets::by_name(cluster, tls));
        let kind = "envoy.extensions.transport_sockets.tls.v3.Secret";
        let each = secrets::secrets(tls).into_iter();
        secrets.extend(
            each.map(|(name, secret)| (format!("xds/secrets/{name}.yaml"), super::resources(kind, vec![secret]))),
        );
    }
    let mut bootstrap = bootstrap.clone();
    bootstrap["admin"] = whole["admin"].clone();
    secrets.extend([
        ("bootstrap.yaml".to_owned(), bootstrap),
        ("envoy.static.yaml".to_owned(), whole.clone()),
        ("xds/cds.yaml".to_owned(), super::resources("envoy.config.cluster.v3.Cluster", clusters)),
        ("xds/lds.yaml".to_owned(), super::resources("envoy.config.listener.v3.Listener", vec![listener])),
        ("xds/rds.yaml".to_owned(), super::resources("envoy.config.route.v3.RouteConfiguration", vec![routes])),
    ]);
    secrets
}

/// The gateway's own certificate as its listener has it.
fn own(listener: &Value) -> Option<Tls> {
    let context = listener.pointer("/filter_chains/0/transport_socket/typed_config/common_tls_context")?;
    let file = |at: &str| Some(Spanned::new(context.pointer(at)?.as_str()?.to_owned(), Loc::default()));
    Some(Tls {
        cert: file("/tls_certificates/0/certificate_chain/filename")?,
        key: file("/tls_certificates/0/private_key/filename")?,
        ca: file("/validation_context/trusted_ca/filename")?,
    })
}

fn caught(folders: &Folders, model: &Model, policy: &Policy) -> bool {
    match judge(folders, model, policy) {
        Err(_) => true,
        Ok(parts) => matches!(agree("envoy", policy, parts), Err(BuildError::Differs { .. })),
    }
}

/// A small change of a value.
struct Change {
    /// Where it is, and what it does there.
    path: String,
    /// A JSON pointer to what becomes another value.
    pointer: String,
    other: Value,
}

impl Change {
    fn of(&self, value: &Value) -> Value {
        let mut changed = value.clone();
        *changed.pointer_mut(&self.pointer).unwrap() = self.other.clone();
        changed
    }

    /// Whether it leaves out that the caller's name, or the name of the user for whom it acts, is a text, where both are compared:
    /// the rule that recognised the caller has said so, and names that are not there cannot be compared.
    fn drops_that_names_are_texts(&self, value: &Value) -> bool {
        let dropped =
            self.path.rsplit('/').next().unwrap().strip_prefix("(drop ").and_then(|rest| rest.strip_suffix(')'));
        let Some(at) = dropped.and_then(|at| at.parse::<usize>().ok()) else { return false };
        let beside = value.pointer(&self.pointer).unwrap();
        if !beside.to_string().contains("\"_!=_\"") {
            return false;
        }
        let dropped = &beside[at]["single_predicate"];
        let claim = &dropped["input"]["typed_config"]["path"];
        let names =
            [json!([{"key": "claims"}, {"key": "act"}, {"key": "sub"}]), json!([{"key": "claims"}, {"key": "sub"}])];
        let regex = &dropped["custom_match"]["typed_config"]["value"]["string_match"]["safe_regex"]["regex"];
        names.contains(claim) && regex == "(?s).+"
    }
}

/// Small changes of a value: each key and element left out, neighbours swapped, texts, numbers and truths made others.
fn changes(value: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    let mut report = |path: &[String], pointer: &str, other: Value| {
        found.push(Change { path: path.join("/"), pointer: pointer.to_owned(), other });
    };
    walk(value, &mut Vec::new(), &mut report);
    found
}

/// Takes where a change is, the pointer to what changes, and what that becomes.
type Report<'r> = dyn FnMut(&[String], &str, Value) + 'r;

fn walk(value: &Value, path: &mut Vec<String>, report: &mut Report<'_>) {
    let pointer = path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect::<String>();
    let mut changed = |what: &str, other: Value| {
        let mut at = path.clone();
        at.push(format!("({what})"));
        report(&at, &pointer, other);
    };
    match value {
        Value::Object(map) => {
            for key in map.keys() {
                let mut less = map.clone();
                less.shift_remove(key);
                changed(&format!("drop {key}"), Value::Object(less));
            }
        }
        Value::Array(items) => {
            for index in 0..items.len() {
                let mut less = items.clone();
                less.remove(index);
                changed(&format!("drop {index}"), Value::Array(less));
                for (old, new) in [
                    ("\"spiffe://example.org/seller\"", "\"spiffe://example.org/evil\""),
                    ("\"put\"", "\"delete_all\""),
                ] {
                    let text = items[index].to_string();
                    if text.contains(old) {
                        let mut more = items.clone();
                        more.insert(index, serde_json::from_str(&text.replace(old, new)).unwrap());
                        changed("add", Value::Array(more));
                    }
                }
                if index > 0 && items[index] != items[index - 1] {
                    let mut swapped = items.clone();
                    swapped.swap(index, index - 1);
                    changed("swap", Value::Array(swapped));
                }
            }
        }
        Value::String(text) => {
            changed("change", json!(format!("{text}x")));
            let other = match text.as_str() {
                "ALLOW" => Some("DENY"),
                "DENY" => Some("ALLOW"),
                "spiffe://example.org/seller" => Some("spiffe://example.org/helper"),
                "spiffe://example.org/helper" => Some("spiffe://example.org/seller"),
                "https://idp.example" => Some("https://flows.example"),
                "crm/messages" => Some("faq/messages"),
                "get" => Some("put"),
                "put" => Some("get"),
                "envoy.filters.http.mcp" => Some("envoy.filters.http.jwt_authn"),
                _ => None,
            };
            if let Some(other) = other {
                changed("other", json!(other));
            }
        }
        Value::Bool(yes) => changed("change", json!(!yes)),
        Value::Number(number) => changed("change", json!(number.as_f64().unwrap() + 1.0)),
        Value::Null => {}
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                path.push(key.clone());
                walk(inner, path, report);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                path.push(index.to_string());
                walk(inner, path, report);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Words of a path below which a change changes no decision, each with the reason.
const HARMLESS: &[(&str, &str)] = &[
    ("access_log", "records are written of what was decided"),
    ("local_reply_config", "how a denial is told; a denial it stays"),
    ("node", "the gateway's own name"),
    ("admin", "the admin interface, whose address is the settings'"),
    ("connect_timeout", "how long"),
    ("lb_policy", "which of the one hosts"),
    ("cluster_name", "a label beside the one endpoint"),
    ("host_rewrite_literal", "a header of the request; the endpoint is the cluster's"),
    ("stat_prefix", "statistics"),
    ("rules_stat_prefix", "statistics"),
    ("track_per_rule_stats", "statistics"),
    ("codec_type", "both codecs lead to the same filters"),
    ("server_name", "a header of the answer"),
    ("strip_any_host_port", "one virtual host takes every host"),
    ("use_remote_address", "no rule asks for addresses"),
    ("stream_idle_timeout", "how long"),
    ("request_headers_timeout", "how long"),
    ("common_http_protocol_options", "headers that no rule asks for"),
    ("per_connection_buffer_limit_bytes", "a smaller buffer refuses messages; what it passes is judged"),
    ("tls_params", "which versions of TLS"),
    ("alpn_protocols", "both protocols lead to the same filters"),
    ("filename", "files on the gateway's machine, which the settings name"),
    ("tls_certificates", "the gateway's own; a peer that wants one refuses it without"),
    ("sni", "what a server may choose its certificate by; which one it is, is checked"),
    ("direct_response", "an answer that no server sees"),
    ("response_headers_to_add", "an answer that no server sees"),
    ("(drop action)", "an action without a word is ALLOW"),
    ("(drop on_no_match)", "what the rules of a route do not match is denied"),
];

/// Changes at the end of a path that change no decision: what is changed, of what (the number of an element left out), and the
/// reason. The same change anywhere else is caught, or a fault.
const HARMLESS_AT: &[(&str, &[&str], &str)] = &[
    ("name", &["action", "action/typed_config"], "what a rule is called in records and denials"),
    ("start", &["double_match/range"], "the least number that there is, and one more, are the same number"),
    ("name", &["input", "custom_match"], "a label; the typed configuration beside it says what it is"),
    ("name", &["routes", "virtual_hosts", "listeners"], "a label that nothing refers to"),
    ("name", &["filters", "transport_socket"], "a label; the typed configuration beside it says what it is"),
    ("(swap)", &["and_matcher/predicate", "or_matcher/predicate"], "the parts of a conjunction or disjunction"),
    ("(swap)", &["or_match/value_matchers", "call_expr/args"], "the parts of a disjunction"),
    ("(swap)", &["matcher_list/matchers", "route_config/virtual_hosts/routes"], "of which a request meets one"),
    ("(swap)", &["static_resources/clusters"], "they are found by their names"),
    ("address", &["listeners", "listeners/address/socket_address"], "where the gateway listens is the settings'"),
    ("socket_address", &["listeners/address"], "where the gateway listens is the settings'"),
    ("port_value", &["listeners/address/socket_address"], "where the gateway listens is the settings'"),
];

/// Changes of what tells delegations. A caller who acts for itself is a workload, so what compares `act.sub` with `sub` and what tells
/// workloads from users both deny it, and each may be spoilt alone. One place of a claim that is null is that of undeclared callers,
/// who may do no more here than the callers of the rules before. What the entry of a server denies is in no list of what is let
/// through, so that the rule which denies it says what the answer is, and nothing else.
const TOLD_TWICE: &[&str] = &[
    "routes/3/typed_per_filter_config/envoy.filters.http.rbac/rbac/matcher/matcher_list/matchers/(drop 0)",
    "routes/2/typed_per_filter_config/envoy.filters.http.rbac/rbac/matcher/matcher_list/matchers/(drop 0)",
    "rbac/matcher/matcher_list/matchers/0/predicate/single_predicate/custom_match/typed_config/value/or_match/value_matchers/0/string_match/exact/(change)",
    "rbac/matcher/matcher_list/matchers/0/predicate/single_predicate/custom_match/typed_config/value/or_match/value_matchers/1/string_match/exact/(change)",
    "on_match/matcher/matcher_list/matchers/3/on_match/matcher/matcher_list/matchers/(drop 1)",
    "on_match/matcher/matcher_list/matchers/1/on_match/matcher/matcher_list/matchers/(drop 1)",
    "matchers/1/on_match/matcher/matcher_list/matchers/1/predicate/and_matcher/predicate/0/single_predicate/input/typed_config/path/(drop 1)",
    "matcher_list/matchers/1/predicate/and_matcher/predicate/0/single_predicate/custom_match/typed_config/value/string_match/safe_regex/regex/(change)",
    "matcher_list/matchers/0/predicate/not_matcher/or_matcher/predicate/1/and_matcher/predicate/(drop 3)",
    "matcher_list/matchers/1/predicate/and_matcher/predicate/1/not_matcher/and_matcher/predicate/(drop 2)",
    "or_matcher/predicate/1/and_matcher/predicate/0/or_matcher/predicate/1/single_predicate/input/typed_config/path/1/key/(change)",
];

/// Whether a change is inside a matcher that only denies: it tells which of the denials it is.
fn only_denies(whole: &Value, path: &str) -> bool {
    let mut here = whole;
    let mut inside = false;
    for part in path.split('/') {
        let next = part.parse::<usize>().ok().and_then(|at| here.get(at)).or_else(|| here.get(part));
        let Some(next) = next else { break };
        here = next;
        inside |= part == "matcher" && !here.to_string().contains("\"ALLOW\"");
    }
    inside
}

/// The place in [`HARMLESS_AT`] of a change, where it is there.
fn harmless_at(path: &str) -> Option<usize> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| part.parse::<usize>().is_err()).collect();
    let last = parts.pop()?;
    let what = match last.strip_prefix("(drop ").and_then(|rest| rest.strip_suffix(')')) {
        Some(dropped) => dropped,
        None if last == "(swap)" => last,
        None => parts.pop()?,
    };
    let of = format!("/{}", parts.join("/"));
    HARMLESS_AT
        .iter()
        .position(|(key, owners, _)| *key == what && owners.iter().any(|owner| of.ends_with(&format!("/{owner}"))))
}

#[test]
fn every_change_that_changes_a_decision_is_caught() {
    let (checked, policy, folders) = compiled();
    let mut survivors: BTreeMap<String, usize> = BTreeMap::new();
    let (mut all, mut killed, mut harmless) = (0, 0, BTreeSet::new());
    let mut harmless_ends = BTreeSet::new();
    let mut told_twice = BTreeSet::new();
    for name in ["central", "retail"] {
        let whole = &folders[name]["envoy.static.yaml"];
        let bootstrap = &folders[name]["bootstrap.yaml"];
        assert!(!caught(&folders, checked.model(), &policy));
        let verdicts: Vec<(String, bool, bool)> = changes(whole)
            .into_par_iter()
            .map(|change| {
                let changed = Folders::from([(name.to_owned(), folder_of(&change.of(whole), bootstrap))]);
                let caught = match judge_one(&changed, name, checked.model(), &policy) {
                    Err(_) => true,
                    Ok(part) => matches!(agree("envoy", &policy, vec![part]), Err(BuildError::Differs { .. })),
                };
                let is_harmless = change.drops_that_names_are_texts(whole) || only_denies(whole, &change.path);
                (change.path, caught, is_harmless)
            })
            .collect();
        for (path, caught, is_harmless) in verdicts {
            all += 1;
            killed += usize::from(caught);
            if caught || is_harmless {
                continue;
            }
            let below = |word: &str| path.split('/').any(|part| part == word || part == format!("(drop {word})"));
            // Who is taken for anybody although `helper` has rules of its own, which come first.
            let helper = |path: &str| path.contains("value_matchers/0/") || path.ends_with("value_matchers/(drop 0)");
            let other_name = path.contains("not_matcher") && path.ends_with("typed_config/path/(drop 1)");
            if other_name || path.contains("/not_matcher/or_matcher/") && helper(&path) {
                continue;
            }
            if let Some(at) = TOLD_TWICE.iter().position(|end| path.ends_with(end)) {
                told_twice.insert(at);
                continue;
            }
            if let Some(at) = harmless_at(&path) {
                harmless_ends.insert(at);
                continue;
            }
            match HARMLESS.iter().find(|(word, _)| below(word)) {
                Some((word, _)) => drop(harmless.insert(*word)),
                None => {
                    let parts: Vec<&str> = path.split('/').collect();
                    let end = parts[parts.len().saturating_sub(16)..].join("/");
                    *survivors.entry(format!("{name}: {end}")).or_default() += 1;
                }
            }
        }
    }
    let rate = 100.0 * f64::from(killed as u32) / f64::from(all as u32);
    let some: Vec<&String> = survivors.keys().take(60).collect();
    let count = survivors.len();
    assert!(
        survivors.is_empty(),
        "{killed} of {all} changes are caught ({rate:.1} %); {count} kinds survive: {some:#?}"
    );
    let needless: Vec<&&str> =
        TOLD_TWICE.iter().enumerate().filter(|(at, _)| !told_twice.contains(at)).map(|(_, end)| end).collect();
    assert!(needless.is_empty(), "each is needed: {needless:#?}");
    assert!(all > 9_500, "{all}");
    let unused: Vec<&str> = HARMLESS.iter().map(|(word, _)| *word).filter(|word| !harmless.contains(word)).collect();
    assert!(unused.is_empty(), "nothing survives by these reasons: {unused:?}");
    let unused: Vec<_> =
        (0..HARMLESS_AT.len()).filter(|at| !harmless_ends.contains(at)).map(|at| HARMLESS_AT[at]).collect();
    assert!(unused.is_empty(), "nothing survives by these reasons: {unused:?}");
}

#[test]
fn a_watched_file_that_says_something_else_is_caught() {
    let (checked, policy, folders) = compiled();
    for name in ["central", "retail"] {
        for file in [
            "bootstrap.yaml",
            "xds/cds.yaml",
            "xds/lds.yaml",
            "xds/rds.yaml",
            "xds/secrets/authorities.yaml",
            "xds/secrets/certificate.yaml",
        ] {
            let mut changed = folders.clone();
            let value = changed.get_mut(name).unwrap().get_mut(file).unwrap();
            let text = serde_json::to_string(value)
                .unwrap()
                .replace("seller", "helper")
                .replace("./xds", "./old")
                .replace("/tls", "/other");
            *value = match file {
                "xds/cds.yaml" => json!({"resources": []}),
                _ => serde_json::from_str(&text).unwrap(),
            };
            assert!(caught(&changed, checked.model(), &policy), "{name}/{file}");
            changed.get_mut(name).unwrap().remove(file);
            assert!(caught(&changed, checked.model(), &policy), "{name} without {file}");
        }
        let mut changed = folders.clone();
        changed.remove(name);
        assert!(caught(&changed, checked.model(), &policy), "without {name}");
    }
}

#[test]
fn denials_name_what_is_missing_and_the_token_stays_with_gateways() {
    let (_, _, folders) = compiled();
    let text = |name: &str| folders[name]["xds/rds.yaml"].to_string();
    for reason in [
        "crm/level-1.requires-small/deny:missing_small",
        "crm/level-2/deny:missing_ticket_or_mfa_and_user_delegation",
        "deny:missing_cross_unit_approval",
        "crm/deny:not_granted",
        "crm/deny:subscription",
        "crm/deny:unknown_resource",
    ] {
        assert!(text("central").contains(reason), "{reason}");
    }
    // The central gateway keeps the token for the unit's gateway; straight to a server it is removed.
    let removed = |name: &str, server: &str| {
        let routes = &folders[name]["xds/rds.yaml"]["resources"][0]["virtual_hosts"][0]["routes"];
        let route = routes.as_array().unwrap().iter().find(|route| route["name"] == format!("{server}/messages"));
        route.unwrap()["request_headers_to_remove"].to_string().contains("authorization")
    };
    assert_eq!([removed("central", "crm"), removed("central", "faq"), removed("retail", "crm")], [false, true, true]);
}

#[test]
fn a_workspace_without_addresses_or_certificates_needs_them() {
    let needs = |text: &str| -> Vec<String> {
        let (checked, _) = checked(text);
        crate::build::missing(&checked, &TARGET).into_iter().map(|need| need.what).collect()
    };
    assert_eq!(needs(WORLD), Vec::<String>::new());
    let plain = WORLD.replace("    tls: {cert: /tls/cert.pem, key: /tls/key.pem, ca: /tls/ca.pem}\n", "");
    assert_eq!(needs(&plain), ["certificates of the gateways, which know each other by them"]);
    let alone = plain.replace(", gateway: 'https://gw.retail.example/base'", "");
    assert_eq!(needs(&alone), ["`mtls`, `tls`, without which it would deny every call"]);
    let assumed = alone.replace(
        "    listen: 127.0.0.1:8443\n",
        "    listen: 127.0.0.1:8443\n    assume: [mtls]\n    assume_reason: the mesh in front does it\n",
    );
    assert_eq!(needs(&assumed), Vec::<String>::new());
    let built = built(&TARGET, &assumed).unwrap();
    let target = &built.bundle.manifest.targets[0];
    assert_eq!(target.assumed[0].reason, "the mesh in front does it");
}

/// The value with the text in one place replaced: that many places after the first.
fn replaced(value: &Value, old: &str, new: &str, place: &mut usize) -> Value {
    match value {
        Value::String(text) if text == old => {
            *place = place.wrapping_sub(1);
            Value::String(if *place == usize::MAX { new } else { old }.to_owned())
        }
        Value::Array(list) => list.iter().map(|inner| replaced(inner, old, new, place)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, inner)| (key.clone(), replaced(inner, old, new, place))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn one_caller_or_tool_in_one_place_is_noticed() {
    let (checked, _) = checked(FLEET);
    let policy = crate::targets::seen(&TARGET, checked.model(), checked.policy()).1;
    let files = built(&TARGET, FLEET).unwrap().bundle.artifacts;
    let read =
        |name: &str| -> Value { serde_yaml::from_slice(&files[&format!("envoy/central/{name}")].bytes).unwrap() };
    let (whole, bootstrap) = (read("envoy.static.yaml"), read("bootstrap.yaml"));
    let judged = |whole: &Value| {
        caught(&[("central".to_owned(), folder_of(whole, &bootstrap))].into(), checked.model(), &policy)
    };
    assert!(!judged(&whole));
    let agent = "spiffe://example.org/agent-7";
    for (old, new) in [(agent, "spiffe://example.org/nobody"), (agent, "spiffe://example.org/other"), ("z", "y")] {
        let mut count = 0;
        loop {
            let mut left = count;
            let changed = replaced(&whole, old, new, &mut left);
            if changed == whole {
                break;
            }
            assert!(judged(&changed), "{old} for {new} in place {count}");
            count += 1;
        }
        assert!(count >= 2, "{old}: {count}");
    }
}
