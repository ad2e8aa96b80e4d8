//! What is emitted for a small federation, and that every change of it which changes a decision is caught.

mod authorization;
mod change;
mod controls;
mod labels;
mod mirrored;
mod operations;
mod revisions;
mod shadow;
mod survivors;
mod watched;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Value, json};

use self::change::{changes, replaced, slashed};
use super::*;
use crate::build::{BuildError, agree, verify};
use crate::checks::CheckedModel;
use crate::lift::access::envoy::{Folders, judge, judge_one};
use crate::model::deployment::Tls;
use crate::policy::Policy;
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
