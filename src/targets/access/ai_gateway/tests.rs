//! What the objects hold, what the product refuses, and what the lifter finds out.

use super::TARGET;
use crate::build::{BuildError, build_what_fits, findings, missing};
use crate::targets::CompileError;
use crate::targets::access::cedar;
use crate::targets::tests::mutations::mutate;
use crate::targets::tests::{built, checked};

/// Every kind of evidence and of caller.
const WORLD: &str = r#"
targets: {ai-gateway: {namespace: tools, gateway: edge}}
# file: all.yaml
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - {level: 2, requirements: [service_account_token, user_delegation, mfa]}
data_routing:
  classifications: [{level: all, mcp_servers: [crm_server], min_auth_level: 1}]
identity:
  issuer: "https://idp.example"
  audiences: [mcp]
  jwks: "https://idp.example/jwks"
  requirements:
    mfa: {claim: amr, contains: mfa, scope: mcp.mfa}
    small: {argument: amount, at_least: 1, at_most: 100}
    signed: {claim: [order, checks], contains: signature}
    dotted: {claim: "https://x.example/d", contains: "{server}/{tool}"}
    asked: {claim: ticket, present: true}
mcp_registry:
  central_gateway: https://mcp.example
  servers:
    - name: crm_server
      url: https://crm.example:8443/mcp
      tools:
        - {name: get, annotations: {read_only: true}}
        - {name: put, auth_level: 2, requires: [small]}
        - {name: sign, requires: [signed, asked]}
        - {name: dot, requires: [dotted]}
  agents:
    - {name: clerk, subject: "sub-clerk", may_call: ["crm_server/*"]}
    - {name: other, subject: "sub-other", may_call: [crm_server/get]}
    - {name: idle, subject: "sub-idle", may_call: []}
  any_agent: {may_call: [crm_server/get]}
"#;

fn text(workspace: &str, file: &str) -> String {
    let built = built(&TARGET, workspace).unwrap();
    String::from_utf8(built.bundle.artifacts[&format!("ai-gateway/central/{file}")].bytes.clone()).unwrap()
}

fn needs(workspace: &str) -> Vec<String> {
    let (checked, _) = checked(workspace);
    missing(&checked, &TARGET).into_iter().map(|need| need.what).collect()
}

#[test]
fn routes_read_like_this() {
    insta::assert_snapshot!(text(WORLD, "routes.yaml"));
}

#[test]
fn backends_read_like_this() {
    insta::assert_snapshot!(text(WORLD, "backends.yaml"));
}

#[test]
fn every_change_of_a_backend_is_found_out() {
    mutate(&TARGET, WORLD, "ai-gateway/central/backends.yaml", false).assert_only(&[]);
}

#[test]
fn every_change_of_a_route_is_found_out() {
    const ORDER: &str = "all rules allow: their order is the same, and so is one said twice";
    const TWICE: &str = "a member of a set said twice";
    const ASKING: &str = "rules that ask for scopes let nothing through, and sessions are opened for the same callers";
    let inside = [
        ("literal spec.backendSelector.rules[].cel", ASKING),
        ("literal spec.securityPolicy.authorization.rules[].cel", ASKING),
        ("operator spec.securityPolicy.authorization.rules[].cel", ASKING),
        ("part spec.securityPolicy.authorization.rules[].cel", ASKING),
        ("drop spec.securityPolicy.authorization.rules[]", ASKING),
        ("other spec.securityPolicy.authorization.rules[].target.tools[].tool", ASKING),
    ];
    let harmless = [
        ("swap spec.securityPolicy.authorization.rules[]", ORDER),
        ("swap spec.backendSelector.rules[]", ORDER),
        ("twice spec.securityPolicy.authorization.rules[]", ORDER),
        ("twice spec.backendSelector.rules[]", ORDER),
        ("twice spec.securityPolicy.authorization.rules[].source.jwt.claims[]", TWICE),
        ("twice spec.securityPolicy.authorization.rules[].source.jwt.claims[].values[]", TWICE),
        ("twice spec.securityPolicy.authorization.rules[].source.jwt.scopes[]", TWICE),
        ("twice spec.securityPolicy.authorization.rules[].target.tools[]", TWICE),
    ];
    let outcome = mutate(&TARGET, WORLD, "ai-gateway/central/routes.yaml", true);
    outcome.assert_only(&[inside.as_slice(), harmless.as_slice()].concat());
    // More than these few would be others.
    assert_eq!(inside.map(|(at, _)| outcome.count(at)), [2, 22, 10, 11, 1, 2]);
}

#[test]
fn what_it_cannot_do_without_is_said() {
    let two = WORLD.replace(
        "  issuer: \"https://idp.example\"\n  audiences: [mcp]\n  jwks: \"https://idp.example/jwks\"\n",
        "  issuers:\n    - {issuer: 'https://a.example', audiences: [mcp], jwks: 'https://a.example/jwks', speaks_for: [agents]}\n    - {issuer: \
         'https://b.example', audiences: [mcp], jwks: 'https://b.example/jwks', speaks_for: [flows]}\n",
    );
    assert_eq!(needs(&two), ["a single token issuer"]);
    assert_eq!(needs(&WORLD.replace("  central_gateway: https://mcp.example\n", "")), ["the URL of the gateway"]);
    let in_file = WORLD.replace("jwks: \"https://idp.example/jwks\"", "jwks_file: keys.json");
    let in_file = format!("{in_file}# file: keys.json\n{{\"keys\": [{{\"kty\": \"RSA\"}}]}}\n");
    assert_eq!(needs(&in_file), Vec::<String>::new());
    let files = built(&TARGET, &in_file).unwrap().bundle.artifacts;
    let routes = std::str::from_utf8(&files["ai-gateway/central/routes.yaml"].bytes).unwrap();
    assert!(routes.contains(r#"inline: '{"keys":[{"kty":"RSA"}]}'"#) && !routes.contains("remoteJWKS"), "{routes}");
    assert_eq!(needs(WORLD), Vec::<String>::new());
}

/// A server whose tools each have a grant of their own.
fn many(tools: usize) -> String {
    let names: Vec<String> = (0..tools).map(|n| format!("t{n}")).collect();
    let listed: Vec<String> = names.iter().map(|name| format!("{{name: {name}}}")).collect();
    let agents: Vec<String> = names
        .iter()
        .map(|name| format!("    - {{name: a-{name}, subject: s-{name}, may_call: [big/{name}]}}\n"))
        .collect();
    format!(
        "# file: all.yaml\nidentity: {{issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/jwks'}}\n\
         mcp_registry:\n  central_gateway: https://mcp.example\n  servers: [{{name: big, url: 'https://big.example/mcp', \
         tools: [{}]}}]\n  agents:\n{}",
        listed.join(", "),
        agents.concat()
    )
}

#[test]
fn the_largest_server_that_a_route_holds_has_32_rules() {
    let fits = built(&TARGET, &many(32)).unwrap();
    let text = String::from_utf8(fits.bundle.artifacts["ai-gateway/central/routes.yaml"].bytes.clone()).unwrap();
    assert_eq!(text.matches("tool: ").count(), 32);
    let errors = built(&TARGET, &many(33)).unwrap_err();
    assert!(
        matches!(errors.as_slice(), [BuildError::Compile { cause: CompileError::Beyond { what, .. }, .. }]
            if what == "servers of at most 32 rules; `big` takes 33"),
        "{errors:?}"
    );
    let (checked, sources) = checked(&many(33));
    let (built, warnings) = build_what_fits(&checked, &sources, &[&TARGET, &cedar::TARGET], &[], "").unwrap();
    assert_eq!((warnings.len(), warnings[0].rule.name), (1, "target-over-limit"));
    assert!(built.bundle.artifacts.keys().all(|path| path.starts_with("cedar/")));
    assert!(build_what_fits(&checked, &sources, &[&TARGET, &cedar::TARGET], &[&TARGET], "").is_err());
}

#[test]
fn tools_are_split_into_rules_of_16() {
    let all = many(20).split("  agents:\n").next().unwrap().to_owned();
    let all = format!("{all}  agents: [{{name: a, subject: s, may_call: ['big/*']}}]\n");
    let text = text(&all, "routes.yaml");
    assert_eq!((text.matches("tool: ").count(), text.matches("target:").count()), (20, 2));
}

#[test]
fn hostile_names_stay_names() {
    for name in [r#"t") || true || ("#, "t\\u0022 || true", "t\u{202e}", "t' - action: Allow", "\u{1f4a5}", "__x"] {
        let quoted = serde_json::to_string(name).unwrap();
        let workspace = WORLD.replace("{name: dot,", &format!("{{name: {quoted},"));
        let workspace = workspace.replace("subject: \"sub-other\"", &format!("subject: {quoted}"));
        let built = built(&TARGET, &workspace);
        assert!(built.is_ok(), "{name}: {:?}", built.err());
    }
}

#[test]
fn a_host_that_kubernetes_refuses_is_a_finding() {
    let workspace = WORLD.replace("https://crm.example:8443", "https://CRM_1.example");
    let (found, _) = findings(built(&TARGET, &workspace).unwrap_err());
    let said: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        said,
        ["the Envoy AI Gateway cannot reach `crm_server`: `CRM_1.example` is not a host name in lower case"]
    );
}
