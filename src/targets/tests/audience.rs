//! Tokens that are each for one server: what every target asks of them, and that its reader knows.

use super::*;
use crate::build::verify;
use crate::bundle::Artifact;
use crate::targets::access::{agentcore, agentgateway, ai_gateway, cedar, envoy, istio};

/// Two servers, of which one is behind the gateway of its unit where `GATEWAY` is one.
const WORLD: &str = "
targets:
  envoy: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}
  agentgateway: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}
# file: all.yaml
identity: {issuer: 'https://idp.example', audience: per_server, jwks: 'https://idp.example/keys', trust_domain: example.org}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
data_routing: {classifications: [{level: all, mcp_servers: [crm, erp]}]}
mcp_registry:
  central_gateway: https://MCP.example/gw/
  business_units: [{name: retail GATEWAY}]
  servers:
    - {name: crm, business_unit: retail, url: 'http://crm.shop.svc:8080/mcp/', tools: [{name: t}]}
    - {name: erp, business_unit: retail, url: 'http://erp.shop.svc:8080/mcp', tools: [{name: t}]}
  agents: [{name: x, business_unit: retail, subject: x, may_call: ['crm/*', 'erp/*']}]
";

/// Whether a line of the target's files may name an audience: of what `ai-gateway` tells clients, its reader knows the URL, too.
fn is_of_audience(target: &Target, line: &str) -> bool {
    target.name() != "ai-gateway" || !line.contains("resource:")
}

#[test]
fn a_server_has_the_urls_that_it_is_reached_by() {
    let (checked, _) = checked(&WORLD.replace("GATEWAY", ", gateway: 'https://Retail.example:8443'"));
    let model = checked.model();
    let crm = model.servers.values().find(|server| server.name.value.as_str() == "crm").unwrap();
    assert_eq!(
        model.topology.canonical_uris(crm),
        ["http://crm.shop.svc:8080/mcp", "https://mcp.example/gw/crm/mcp", "https://retail.example:8443/crm/mcp"]
    );
}

/// Each target with a gateway of its own asks for a token that is for the server, and a bundle that takes one for the other server
/// there is noticed.
#[test]
fn a_token_for_one_server_is_refused_at_another() {
    let federated: [&'static Target; 3] = [&envoy::TARGET, &agentgateway::TARGET, &istio::TARGET];
    let central = [&envoy::TARGET, &agentgateway::TARGET, &istio::TARGET, &ai_gateway::TARGET];
    let of_unit = WORLD.replace("GATEWAY", ", gateway: 'https://retail.example'");
    let of_centre = WORLD.replace("GATEWAY", "");
    let cases = federated.iter().map(|target| (*target, &of_unit)).chain(central.map(|target| (target, &of_centre)));
    for (target, text) in cases {
        let built = built(target, text).unwrap_or_else(|errors| panic!("{}: {errors:#?}", target.name()));
        let (checked, _) = checked(text);
        let model = checked.model();
        let (_, policy, _) = seen(target, model, checked.policy());
        let policy = &policy;
        let prefix = format!("{}/", target.name());
        let own = built.bundle.artifacts.iter().filter(|(path, _)| path.starts_with(&prefix));
        let own: BTreeMap<String, Artifact> = own.map(|(path, file)| (path.clone(), file.clone())).collect();
        verify(target.id, &own, model, policy).unwrap();
        for (from, to) in [("crm/mcp", "erp/mcp"), ("erp/mcp", "crm/mcp")] {
            let uri = |rest: &str| format!("https://mcp.example/gw/{rest}");
            let mut changed = 0;
            let swapped: BTreeMap<String, Artifact> = own
                .iter()
                .map(|(path, file)| {
                    let text = String::from_utf8(file.bytes.clone()).unwrap();
                    let lines = text.lines().map(|line| {
                        changed += usize::from(is_of_audience(target, line) && line.contains(&uri(from)));
                        if is_of_audience(target, line) { line.replace(&uri(from), &uri(to)) } else { line.to_owned() }
                    });
                    let text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
                    (path.clone(), Artifact { bytes: text.into_bytes(), ..file.clone() })
                })
                .collect();
            assert!(changed > 0, "{} names no audience of {from}", target.name());
            assert!(
                verify(target.id, &swapped, model, policy).is_err(),
                "{}: {from} takes tokens for {to}",
                target.name()
            );
        }
    }
}

#[test]
fn what_takes_one_audience_for_all_servers_refuses() {
    let text = WORLD.replace("GATEWAY", "").replacen(
        "  envoy:",
        "  agentcore: {gateway_arn: 'arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/g'}\n  envoy:",
        1,
    );
    let (checked, _) = checked(&text);
    let needs = (agentcore::TARGET.needs)(checked.model());
    assert!(needs.iter().any(|need| need.what == "audiences that are the same at every server"));
    let without = text.replace("  central_gateway: https://MCP.example/gw/\n", "");
    let (checked, _) = super::checked(&without);
    for target in [&envoy::TARGET, &agentgateway::TARGET] {
        let needs = (target.needs)(checked.model());
        assert!(needs.iter().any(|need| need.what == "the public URL of the central gateway"), "{}", target.name());
    }
}

#[test]
fn a_policy_enforcement_point_is_told_the_audience_of_each_server() {
    let built = built(&cedar::TARGET, &WORLD.replace("GATEWAY", "")).unwrap();
    let (_, file) = built.bundle.artifacts.iter().find(|(path, _)| path.ends_with("evidence.json")).unwrap();
    let evidence: serde_json::Value = serde_json::from_slice(&file.bytes).unwrap();
    let servers = &evidence["tokens"]["audiences_of_servers"];
    assert_eq!(servers["erp"], serde_json::json!(["http://erp.shop.svc:8080/mcp", "https://mcp.example/gw/erp/mcp"]));
    assert!(evidence["tokens"]["issuers"][0].get("audiences").is_none());
}
