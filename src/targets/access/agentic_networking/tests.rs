//! What the policies hold, what they leave out, and what the lifter finds out.

use super::TARGET;
use crate::build::{BuildError, findings, missing, verify};
use crate::bundle::Artifact;
use crate::targets::CompileError;
use crate::targets::tests::lines::text;
use crate::targets::tests::mutations::mutate;
use crate::targets::tests::{built, checked};

/// Every kind of caller and object, and tools of long names.
const WORLD: &str = r#"
targets: {agentic-networking: {namespace: tools}}
# file: all.yaml
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - {level: 2, requirements: [service_account_token, mfa]}
data_routing:
  classifications: [{level: all, mcp_servers: [crm_server, idle], min_auth_level: 1}]
zero_trust_config: {service_mesh: {mutual_tls: strict}}
identity: {issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/jwks', trust_domain: example.org}
mcp_registry:
  central_gateway: https://mcp.example
  servers:
    - name: crm_server
      url: https://crm.example:8443/mcp
      tools:
        - {name: get, annotations: {read_only: true}}
        - {name: put, auth_level: 2}
        - {name: find_customers_by_their_name}
        - {name: "draw a map"}
      resources: [{uri: "crm://*", auth_level: 1}]
      prompts: [{name: sum, auth_level: 1}, {name: a_prompt_of_a_long_name, auth_level: 1}]
    - {name: idle, url: 'https://idle.example/mcp', tools: [{name: nothing}]}
  agents:
    - {name: clerk, subject: "spiffe://example.org/clerk", may_call: ["crm_server/*"]}
    - {name: other, subject: "spiffe://example.org/ns/a/sa/other", may_call: [crm_server/get]}
    - {name: token, subject: "sub-token", may_call: [crm_server/get]}
    - {name: stranger, subject: "spiffe://example.com/stranger", may_call: [crm_server/get]}
    - {name: bound, subject: "spiffe://example.org/bound", issuer: 'https://idp.example', may_call: [crm_server/get]}
  any_agent: {may_call: [crm_server/get]}
---
workflow_definition:
  name: tidy
  steps: [{name: a, mcp_server: crm_server, tools: [put, get]}]
"#;

const FILE: &str = "agentic-networking/central/access-policies.yaml";

fn policies(world: &str) -> String {
    text(&TARGET, world, FILE)
}

fn needs(workspace: &str) -> Vec<String> {
    let (checked, _) = checked(workspace);
    missing(&checked, &TARGET).into_iter().map(|need| need.what).collect()
}

#[test]
fn policies_read_like_this() {
    insta::assert_snapshot!(policies(WORLD));
}

#[test]
fn every_change_of_a_policy_is_found_out() {
    const NAME: &str = "the name of a rule tells it from others, and nothing else";
    const ORDER: &str = "all rules allow, and a list is a set: the order says nothing";
    const NOBODY: &str = "the rule that lets nothing through does so whoever calls";
    mutate(&TARGET, WORLD, FILE, true).assert_only(&[
        ("text spec.rules[].name", NAME),
        ("empty spec.rules[].name", NAME),
        ("open spec.rules[].name", NAME),
        ("other spec.rules[].name", NAME),
        ("swap spec.rules[]", ORDER),
        ("swap spec.rules[].authorization.mcp.methods[]", ORDER),
        ("text spec.rules[].source.spiffe", NOBODY),
        ("open spec.rules[].source.spiffe", NOBODY),
        ("other spec.rules[].source.spiffe", NOBODY),
        ("swap document", ORDER),
    ]);
}

/// Changes that widen, one by one: each is in the text of the policies.
#[test]
fn what_would_open_a_server_is_noticed() {
    let clean = policies(WORLD);
    let (checked, _) = checked(WORLD);
    let policy = crate::targets::seen(&TARGET, checked.model(), checked.policy()).1;
    let built = built(&TARGET, WORLD).unwrap();
    let passes = |text: &str| {
        let mut files = built.bundle.artifacts.clone();
        files.insert(FILE.to_owned(), Artifact { bytes: text.as_bytes().to_vec(), from: Vec::new() });
        verify(TARGET.id, &files, checked.model(), &policy).is_ok()
    };
    assert!(passes(&clean));
    for (old, new) in [
        ("expression: 'false'", "expression: 'true'"),
        ("      mcp:\n        mcpBaseProtocolMethodsOption: MATCH_BASE_PROTOCOL_METHODS\n", "      mcp: {}\n"),
        ("- name: tools/call", "- name: tools"),
        ("- name: prompts/list", "- name: resources/read"),
        ("          - get\n", "          - get\n          - put\n"),
        ("          - get\n", "          - get\n          - drop_all\n"),
        ("[\"find_customers_by_their_name\"]", "[\"find_customers_by_their_name\", \"put\"]"),
        ("request.mcp.tool_name in [", "request.mcp.tool_name != \"\" || request.mcp.tool_name in ["),
        ("spiffe://example.org/clerk", "spiffe://example.org/evil"),
        ("spiffe://example.org/clerk", "spiffe://example.org/mcp/workflow/tidy"),
        ("  action: Allow", "  action: ExternalAuth"),
        ("    kind: XBackend\n    name: idle", "    kind: XBackend\n    name: crm-server"),
        ("    kind: XBackend", "    kind: Gateway"),
        ("  namespace: tools", "  namespace: mcp"),
    ] {
        assert!(clean.contains(old), "{old}: {clean}");
        assert!(!passes(&clean.replacen(old, new, 1)), "{new} for {old}");
    }
    // Of two policies for a server, the product takes what either allows.
    assert!(!passes(&format!("{clean}---\n{clean}")));
    let (first, _) = clean.split_once("---\n").unwrap();
    assert!(!passes(first), "a server without a policy is open");
}

#[test]
fn what_no_rule_can_ask_for_is_denied_and_said() {
    let built = built(&TARGET, WORLD).unwrap();
    let said: Vec<String> = built.bundle.manifest.targets[0]
        .stricter
        .iter()
        .map(|stricter| format!("{} ({}): {}", stricter.what, stricter.cells, stricter.why))
        .collect();
    insta::assert_debug_snapshot!(said);
    let notes: Vec<&str> = built.notes.iter().map(|note| note.message.as_str()).collect();
    assert!(notes.iter().any(|note| note.contains("leaves to server `crm_server` to refuse")), "{notes:#?}");
}

/// A requirement that no certificate shows closes what needs it, and nothing opens it but a word in the settings.
#[test]
fn a_requirement_is_denied_unless_it_is_taken_as_given() {
    assert!(!policies(WORLD).contains("- put"));
    let assumed = WORLD.replace("{namespace: tools}", "{namespace: tools, assume: [mfa], assume_reason: at the front}");
    assert_eq!(policies(&assumed).matches("- put\n").count(), 2);
}

#[test]
fn what_it_cannot_do_without_is_said() {
    assert_eq!(needs(WORLD), Vec::<String>::new());
    assert_eq!(needs(&WORLD.replace("{namespace: tools}", "{}")), ["the namespace of the `XBackend`s"]);
    let unit = WORLD.replace(
        "mcp_registry:\n",
        "federation_config: {business_unit_gateways: {cross_unit_routing: allowed}, central_gateway: {global_policies: \
         [{cross_bu_data_sharing: allowed}]}}\nmcp_registry:\n  business_units: [{name: retail, gateway: 'https://retail.example'}]\n",
    );
    let unit = unit.replace("    - name: crm_server\n", "    - name: crm_server\n      business_unit: retail\n");
    let unit = unit.replace("{name: idle, url", "{name: idle, business_unit: retail, url");
    let unit = unit.replace(", subject:", ", business_unit: retail, subject:");
    assert_eq!(needs(&unit), ["units without gateways of their own"]);
    let without =
        WORLD.replace(", trust_domain: example.org", "").replace("  name: tidy\n", "  name: tidy\n  subject: w\n");
    assert!(needs(&without).contains(&"a trust domain".to_owned()), "{:?}", needs(&without));
}

/// A server with so many callers, each with tools `t0` and so on.
fn many(callers: usize, tools: usize) -> String {
    let listed: Vec<String> = (0..tools).map(|n| format!("{{name: t{n:02}}}")).collect();
    let agents: Vec<String> = (0..callers)
        .map(|n| format!("    - {{name: a{n}, subject: 'spiffe://example.org/a{n}', may_call: ['big/*']}}\n"))
        .collect();
    format!(
        "targets: {{agentic-networking: {{namespace: tools}}}}\n# file: all.yaml\nidentity: {{issuer: 'https://idp.example', audiences: \
         [mcp], jwks: 'https://idp.example/jwks', trust_domain: example.org}}\nmcp_registry:\n  central_gateway: https://mcp.example\n  \
         servers: [{{name: big, url: 'https://big.example/mcp', tools: [{}]}}]\n  agents:\n{}",
        listed.join(", "),
        agents.concat()
    )
}

#[test]
fn a_policy_holds_ten_rules_and_a_list_ten_names() {
    let fits = policies(&many(10, 10));
    assert_eq!((fits.matches("type: SPIFFE").count(), fits.matches("expression").count()), (10, 0));
    let more = policies(&many(5, 11));
    assert_eq!(
        (more.matches("type: SPIFFE").count(), more.matches("request.mcp.tool_name in [\"t10\"]").count()),
        (10, 5)
    );
    for (world, rules) in [(many(11, 1), 11), (many(6, 11), 12)] {
        let errors = built(&TARGET, &world).unwrap_err();
        let expected = format!("servers of at most 10 rules; `big` takes {rules}");
        assert!(
            matches!(errors.as_slice(), [BuildError::Compile { cause: CompileError::Beyond { what, .. }, .. }] if *what == expected),
            "{errors:?}"
        );
    }
}

#[test]
fn hostile_names_stay_names_or_are_denied() {
    let clean = policies(WORLD);
    for name in ["t\"] || true || (\"", "- x", "request.mcp.tool_name", "request.path_of_the_request", "x\u{202e}"] {
        let quoted = serde_json::to_string(name).unwrap();
        assert_eq!(policies(&WORLD.replace("{name: \"draw a map\"}", &format!("{{name: {quoted}}}"))), clean, "{name}");
    }
    let prompt = WORLD.replace("{name: sum,", "{name: 'true: [x]',");
    assert!(policies(&prompt).contains("- 'true: [x]'"));
}

#[test]
fn without_a_trust_domain_no_rule_can_be_for_nobody() {
    let world =
        WORLD.replace(", trust_domain: example.org", "").replace("  name: tidy\n", "  name: tidy\n  subject: w\n");
    let Err(errors) = built(&TARGET, &world) else { panic!("it is taken") };
    let (found, _) = findings(errors);
    let said: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(said, ["an XAccessPolicy cannot name callers in the trust domain ``"]);
}
