//! What the entry of a server denies of the protocol: every target that can deny a single method does, and what is read back from
//! files that deny fewer methods, or more, is not what the workspace says.

use crate::build::verify;
use crate::model::protocol::deniable;
use crate::targets::Target;
use crate::targets::access::{agentcore, agentgateway, agentic_networking, ai_gateway, cedar, envoy, istio, toolhive};
use crate::targets::tests::{built, checked};

/// A server with everything that methods are about, and one beside it.
const WORLD: &str = "
targets:
  envoy: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}
  agentgateway: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}
  istio: {verified_headers: true}
# file: keys.json
{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}
# file: all.yaml
identity: {issuer: 'https://idp.example', audiences: [mcp], jwks_file: keys.json, trust_domain: example.org}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
data_routing: {classifications: [{level: all, mcp_servers: [crm, erp]}]}
mcp_registry:
  central_gateway: https://mcp.example
  servers:
    - name: crm
      url: 'http://crm.shop.svc:8080/mcp'
      tools: [{name: get}]
      resources: [{uri: 'crm://*'}, {uri: 'crm://one'}]
      prompts: [{name: sum}]
    - {name: erp, url: 'http://erp.shop.svc:8080/mcp', tools: [{name: t}], resources: [{uri: 'erp://*'}], prompts: [{name: p}]}
  agents: [{name: x, subject: x, may_call: ['crm/*', 'erp/*']}]
";

const TARGETS: [&Target; 4] = [&agentgateway::TARGET, &cedar::TARGET, &envoy::TARGET, &istio::TARGET];

/// Methods that Istio denies in any case, because it reads no bodies.
const BODY: [&str; 2] = ["completion/complete", "subscriptions/listen"];

fn denying(methods: &[&str]) -> String {
    let entry = format!("- name: crm\n      methods: {{deny: [{}]}}", methods.join(", "));
    WORLD.replacen("- name: crm", &entry, 1)
}

/// Whether the files made for one workspace are what another one says.
fn fits(target: &'static Target, made: &str, said: &str) -> bool {
    let artifacts =
        built(target, made).unwrap_or_else(|errors| panic!("{}: {errors:#?}", target.name())).bundle.artifacts;
    let (checked, _) = checked(said);
    let (_, policy, _) = crate::targets::seen(target, checked.model(), checked.policy());
    verify(target.id, &artifacts, checked.model(), &policy).is_ok()
}

#[test]
fn a_bundle_that_denies_fewer_methods_or_more_is_found() {
    for target in TARGETS {
        for row in deniable() {
            let denied = denying(&[row.name]);
            let tasks = row.name.starts_with("tasks/");
            let differs = match target.name() {
                // It lists what is denied, method by method.
                "cedar" => true,
                "istio" => !tasks && !BODY.contains(&row.name),
                _ => !tasks,
            };
            let found = (fits(target, WORLD, &denied), fits(target, &denied, WORLD));
            assert_eq!(found, (!differs, !differs), "{} {}", target.name(), row.name);
        }
    }
}

#[test]
fn what_is_denied_is_of_that_server_and_of_that_method() {
    let one = denying(&["logging/setLevel"]);
    let there = one.replace("    - {name: erp,", "    - {name: erp, methods: {deny: [logging/setLevel]},");
    let other = denying(&["ping"]);
    for target in TARGETS {
        assert!(fits(target, &one, &one) && fits(target, &there, &there), "{}", target.name());
        assert!(!fits(target, &one, &there) && !fits(target, &there, &one), "{}", target.name());
        assert!(!fits(target, &one, &other), "{}", target.name());
    }
}

#[test]
fn everything_that_can_be_denied_may_be_denied_at_once() {
    let all: Vec<&str> = deniable().map(|row| row.name).collect();
    let (all, but_one) = (denying(&all), denying(&all[1..]));
    for target in TARGETS {
        assert!(fits(target, &all, &all), "{}", target.name());
        assert!(!fits(target, &but_one, &all), "{}", target.name());
    }
}

#[test]
fn what_a_product_cannot_deny_keeps_no_workspace_from_being_compiled() {
    let blind: [&'static Target; 5] =
        [&agentcore::TARGET, &agentic_networking::TARGET, &ai_gateway::TARGET, &istio::TARGET, &toolhive::TARGET];
    let all: Vec<&str> = deniable().map(|row| row.name).collect();
    let arn = "  agentcore: {gateway_arn: 'arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/g'}\n# file: keys";
    for target in blind {
        let lists = [all.as_slice(), &["resources/templates/list"], &["prompts/list"], &["resources/subscribe"]];
        for denied in lists {
            let text = denying(denied).replace("verified_headers: true", "verified_headers: false");
            let made = built(target, &text.replacen("# file: keys", arn, 1));
            assert!(made.is_ok(), "{} {denied:?}: {:#?}", target.name(), made.err());
        }
    }
}

/// A unit folder denies more, and nothing of what the central entry denies comes back by it.
#[test]
fn a_unit_folder_adds_to_what_the_central_entry_denies() {
    let units = |text: &str, own: &str| {
        let text = text
            .replacen("targets:\n", "units: {retail: units/retail}\ntargets:\n", 1)
            .replacen(
                "mcp_registry:\n",
                "federation_config: {business_unit_gateways: {local_policy_override: full, cross_unit_routing: allowed}, central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}}\nmcp_registry:\n  business_units: [{name: retail, gateway: 'https://gw.retail.example'}]\n",
                1,
            )
            .replace("- name: crm\n", "- name: crm\n      business_unit: retail\n")
            .replace("{name: erp,", "{name: erp, business_unit: central,")
            .replace("{name: x,", "{name: x, business_unit: central,");
        format!(
            "{text}# file: units/retail/own.yaml\nmcp_registry: {{servers: [{{name: crm, {own} tools: [{{name: get}}]}}]}}\n"
        )
    };
    let (checked, _) = checked(&units(&denying(&["ping"]), "methods: {deny: [logging/setLevel, ping]},"));
    let server = &checked.model().servers[&crate::model::name::ServerName::from("crm")];
    assert_eq!(server.denied_methods.keys().copied().collect::<Vec<_>>(), ["logging/setLevel", "ping"]);
}
