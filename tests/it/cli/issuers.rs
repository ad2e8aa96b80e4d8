//! Issuers: whom their tokens are for, of which kind they are, and what a challenge may ask of them.

use std::fs;

use super::{Ran, mcpctl};

const WORKSPACE: &str = "
identity:
  issuer: https://idp.example.com
  ISSUER
  jwks: https://idp.example.com/keys
  trust_domain: example.com
  requirements:
    REQUIREMENT
data_routing: {classifications: [{level: public, mcp_servers: [docs]}]}
progressive_auth:
  levels: [{level: 1, requirements: [service_account_token]}]
mcp_registry:
  central_gateway: https://mcp.example.com
  servers:
    - {name: docs, url: https://docs.example.com/mcp, tools: [{name: search}, {name: sign, requires: [approval_workflow]}, {name: mine, requires: [user_delegation]}]}
  agents:
    - {name: reader, subject: reader, may_call: ['docs/*']}
";
const LOGIN: &str = "user_delegation: {claim: auth_time, present: true}";

fn run(args: &[&str], issuer: &str, requirement: &str) -> (Ran, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let text = WORKSPACE.replace("ISSUER", issuer).replace("REQUIREMENT", requirement);
    fs::write(folder.path().join("all.yaml"), text).unwrap();
    fs::write(folder.path().join("mcpctl.yaml"), "targets: {envoy: {}}\n").unwrap();
    (mcpctl(args).arg(folder.path()).run(), folder)
}

fn validate(issuer: &str, requirement: &str) -> (u8, Vec<String>) {
    let (ran, _folder) = run(&["validate", "--format", "short"], issuer, requirement);
    let found = ran.out.lines().filter(|line| line.contains("all.yaml") && !line.contains("note["));
    (ran.code, found.map(|line| line.split_once("all.yaml:").unwrap().1.to_owned()).collect())
}

/// One audience for all servers, or one for each; not both, and not neither.
#[test]
fn a_token_is_for_all_servers_or_for_one() {
    assert_eq!(validate("audience: per_server", LOGIN), (0, vec![]));
    let (code, found) = validate("audiences: [mcp]", LOGIN);
    assert!(code == 0 && found.len() == 1 && found[0].contains("warning[shared-audience]"), "{found:?}");
    let (code, found) = validate("audiences: [mcp]\n  audience: per_server", LOGIN);
    assert!(code == 1 && found.len() == 1 && found[0].starts_with("4:15: error[conflicting-values]"), "{found:?}");
    let (code, found) = validate("caller: azp", LOGIN);
    assert!(code == 1 && found.iter().any(|line| line.contains("error[issuer-without-audience]")), "{found:?}");
    let (code, found) = validate("audience: per_tool", LOGIN);
    assert!(code == 1 && found.iter().any(|line| line.contains("per_server")), "{found:?}");
    let (code, found) = validate("audience: []", LOGIN);
    assert!(code == 1 && !found.is_empty(), "{found:?}");
}

/// An issuer that exchanges assertions has tokens for one server each, and names callers by `client_id`.
#[test]
fn an_enterprise_managed_issuer_names_callers_by_their_client() {
    assert_eq!(validate("kind: enterprise_managed", LOGIN), (0, vec![]));
    let (code, found) = validate("kind: enterprise_managed\n  audiences: [mcp]", LOGIN);
    assert!(code == 1 && found[0].contains("error[conflicting-values]"), "{found:?}");
    let default = "mfa: {claim: amr, contains: mfa}";
    let (code, found) = validate("kind: enterprise_managed", default);
    assert!(code == 1 && found[0].contains("error[delegation-without-login]"), "{found:?}");
    let rules = |issuer: &str| {
        let (ran, folder) = run(&["compile"], issuer, LOGIN);
        assert_eq!(ran.code, 0, "{ran:?}");
        fs::read_to_string(folder.path().join("bundle/envoy/central/xds/rds.yaml")).unwrap()
    };
    assert!(rules("kind: enterprise_managed").contains("client_id"));
    let other = rules("kind: enterprise_managed\n  caller: azp");
    assert!(other.contains("azp") && !other.contains("client_id"));
    assert!(!rules("kind: oauth\n  audience: per_server").contains("client_id"));
}

/// The scope of an approval is said to be of no use, and no challenge asks for it.
#[test]
fn an_approval_is_not_asked_for_by_a_scope() {
    let approval =
        |scope: &str| format!("approval_workflow: {{claim: approvals, contains: '{{server}}/{{tool}}'{scope}}}");
    let (code, found) = validate("audience: per_server", &format!("{}\n    {LOGIN}", approval(", scope: approve")));
    assert!(code == 0 && found.len() == 1 && found[0].contains("warning[approval-with-scope]"), "{found:?}");
    let answers = |scope: &str| {
        let (ran, folder) = run(&["compile"], "audience: per_server", &format!("{}\n    {LOGIN}", approval(scope)));
        assert_eq!(ran.code, 0, "{ran:?}");
        fs::read_to_string(folder.path().join("bundle/envoy/central/envoy.static.yaml")).unwrap()
    };
    assert_eq!(answers(", scope: approve"), answers(""));
}

/// A scope that a token must have is what a challenge asks for, unless another one is written.
#[test]
fn a_claim_of_scopes_is_asked_for_by_itself() {
    let answers = |more: &str| {
        let requirement = format!(
            "approval_workflow: {{claim: a, contains: b}}\n    {LOGIN}\n    can: {{claim: scope, contains: 'docs:read'{more}}}"
        );
        let folder = tempfile::tempdir().unwrap();
        let text = WORKSPACE.replace("ISSUER", "audience: per_server").replace("REQUIREMENT", &requirement);
        let text = text.replace("{name: search}", "{name: search, requires: [can]}");
        fs::write(folder.path().join("all.yaml"), text).unwrap();
        fs::write(folder.path().join("mcpctl.yaml"), "targets: {envoy: {}}\n").unwrap();
        let ran = mcpctl(&["compile"]).arg(folder.path()).run();
        assert_eq!(ran.code, 0, "{ran:?}");
        fs::read_to_string(folder.path().join("bundle/envoy/central/envoy.static.yaml")).unwrap()
    };
    assert!(answers("").contains(r#"insufficient_scope\", scope=\"docs:read\""#));
    let other = answers(", scope: docs.all");
    assert!(other.contains(r#"insufficient_scope\", scope=\"docs.all\""#) && !other.contains(r#"scope=\"docs:read\""#));
}
