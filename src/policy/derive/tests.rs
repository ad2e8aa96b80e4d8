//! What grants of resources and prompts give.

use crate::model::Model;
use crate::policy::{ObjectKind, Policy, PrincipalIx};
use crate::targets::tests::checked;

const WORLD: &str = "
# file: all.yaml
identity: {issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/keys', trust_domain: example.org}
data_routing: {classifications: [{level: public, mcp_servers: [docs, crm, kb, strict, own]}]}
progressive_auth:
  levels: [{level: 1, requirements: [service_account_token]}, {level: 2, requirements: [service_account_token, mfa]}]
mcp_registry:
  central_gateway: https://mcp.example.com
  servers:
    - name: docs
      url: https://docs.example/mcp
      resources: [{uri: 'docs://*'}, {uri: 'docs://secret/*', auth_level: 2}, {uri: 'wiki://a'}]
      prompts: [{name: sum}, {name: ask}]
    - name: crm
      url: https://crm.example/mcp
      tools: [{name: get}, {name: put}]
      resources: [{uri: 'crm://*'}]
      prompts: [{name: mail}]
    - {name: kb, url: 'https://kb.example/mcp', resources: [{uri: 'kb://a'}, {uri: 'kb://b'}]}
    - {name: strict, url: 'https://strict.example/mcp', resources: [{uri: 's://*', requires: [mfa]}, {uri: 's://a/*'}]}
    - name: own
      url: https://own.example/mcp
      tools: [{name: level, auth_level: 2}, {name: fact, requires: [mfa]}]
      resources: [{uri: 'o://level', auth_level: 2}, {uri: 'o://fact', requires: [mfa]}]
      prompts: [{name: level, auth_level: 2}, {name: fact, requires: [mfa]}, {name: plain}]
  agents:
    - {name: one, subject: one, may_call: [GRANTS]}
workflow_definition:
  name: flow
  steps: [{name: look, mcp_server: crm, tools: [get], resources: ['crm://orders/*'], prompts: [mail]}]
";

/// What a principal may use of each server, with the facts of each way.
fn cells(grants: &str, principal: &str) -> Vec<String> {
    let (checked, _) = checked(&WORLD.replace("GRANTS", grants));
    let (model, policy): (&Model, &Policy) = (checked.model(), checked.policy());
    assert!(model.flows.len() == 1);
    let PrincipalIx(at) = policy.principal(principal).unwrap();
    let row = policy.cells[at as usize].iter();
    row.map(|(object, cell)| {
        let object = policy.object_at(*object);
        let sets = policy.conditions.get(cell.condition).minimal_sets().iter();
        let ways: Vec<String> =
            sets.map(|set| policy.facts.named(*set).map(|fact| fact.as_str()).collect::<Vec<_>>().join("+")).collect();
        let name = match &object.kind {
            ObjectKind::Protocol => "-".to_owned(),
            ObjectKind::Tool(name) => name.to_string(),
            ObjectKind::Resource(name) | ObjectKind::Prompt(name) => name.clone(),
        };
        format!("{} {name}: {}", object.server, ways.join(" or "))
    })
    .collect()
}

#[test]
fn a_tool_brings_the_protocol_and_nothing_else() {
    assert_eq!(cells("crm/get", "one"), ["crm -: ", "crm get: service_account_token"]);
}

#[test]
fn tools_resources_and_prompts_ask_for_what_is_written_at_them() {
    let asked = ["own -: ", "own fact: mfa+service_account_token", "own level: mfa+service_account_token"];
    let resources = ["own o://fact: mfa+service_account_token", "own o://level: mfa+service_account_token"];
    let expected = [&asked[..], &resources, &asked[1..], &["own plain: service_account_token"]].concat();
    assert_eq!(cells("'own/*'", "one"), expected);
}

#[test]
fn a_star_is_everything_that_the_registry_lists() {
    let token = "service_account_token";
    let all = ["crm -: ".to_owned(), format!("crm get: {token}"), format!("crm put: {token}")];
    let others = [format!("crm crm://*: {token}"), format!("crm mail: {token}")];
    // A flow reads within a pattern, so that part of it is listed, too.
    let part = [format!("crm crm://orders/*: {token}")];
    let expected: Vec<String> = [&all[..], &others[..1], &part, &others[1..]].concat();
    assert_eq!(cells("'crm/*'", "one"), expected);
    let reading = cells("{tools: 'crm/*', only: read_only}", "one");
    assert_eq!(reading, [&all[..1], &others[..1], &part, &others[1..]].concat());
}

#[test]
fn a_pattern_covers_what_lies_within_and_asks_for_what_is_around() {
    let wide = ["docs -: ", "docs docs://*: service_account_token", "docs docs://secret/*: mfa+service_account_token"];
    assert_eq!(cells("'docs/resource:docs://*'", "one"), wide);
    assert_eq!(cells("'docs/resource:docs://secret/*'", "one"), [wide[0], wide[2]]);
    assert_eq!(
        cells("'docs/resource:docs://secret/plan'", "one"),
        [wide[0], "docs docs://secret/plan: mfa+service_account_token"]
    );
    assert_eq!(cells("'docs/resource:docs://open'", "one"), [wide[0], "docs docs://open: service_account_token"]);
    // Two ways to the same, one of which asks for more.
    let more = "{tools: 'docs/resource:docs://*', requires: [mfa]}, 'docs/resource:docs://open'";
    let expected = [
        wide[0],
        "docs docs://*: mfa+service_account_token",
        "docs docs://open: service_account_token",
        "docs docs://secret/*: mfa+service_account_token",
    ];
    assert_eq!(cells(more, "one"), expected);
}

#[test]
fn a_narrower_pattern_asks_for_what_the_wider_one_asks_for() {
    let grants = "'strict/resource:s://a/*', 'strict/resource:s://b'";
    let token = "service_account_token";
    let expected =
        ["strict -: ".to_owned(), format!("strict s://a/*: mfa+{token}"), format!("strict s://b: mfa+{token}")];
    assert_eq!(cells(grants, "one"), expected);
}

#[test]
fn prompts_and_servers_without_tools_are_granted_by_name() {
    assert_eq!(cells("docs/prompt:sum", "one"), ["docs -: ", "docs sum: service_account_token"]);
    assert_eq!(cells("'kb/resource:kb://b'", "one"), ["kb -: ", "kb kb://b: service_account_token"]);
}

#[test]
fn a_step_reads_what_it_names() {
    let expected = [
        "crm -: ",
        "crm get: service_account_token",
        "crm crm://orders/*: service_account_token",
        "crm mail: service_account_token",
    ];
    assert_eq!(cells("crm/get", "workflow:flow"), expected);
}

/// What a destructive tool needs, by its own level and the least one; a fact for each level.
fn of_tool(least: &str, entry: &str, unit: &str) -> String {
    let folder = if unit.is_empty() { "" } else { "units: {one: units/one}" };
    let text = format!(
        "
{folder}
# file: all.yaml
federation_config: {{business_unit_gateways: {{local_policy_override: full}}}}
identity: {{issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/keys', trust_domain: example.org}}
data_routing: {{classifications: [{{level: public, mcp_servers: [s]}}]}}
progressive_auth:
{least}
  levels:
    - {{level: 1, requirements: [service_account_token]}}
    - {{level: 2, requirements: [user_delegation]}}
    - {{level: 3, requirements: [mfa], alternatives: [{{name: glass, requirements: [mfa]}}]}}
mcp_registry:
  central_gateway: https://mcp.example.com
  business_units: [{{name: one}}]
  servers: [{{name: s, business_unit: one, url: 'https://s.example/mcp', tools: [{{name: look}}, {{name: drop{entry}}}]}}]
  agents: [{{name: a, business_unit: one, subject: a, may_call: ['s/*']}}]
{unit}"
    );
    let (checked, _) = checked(&text);
    let policy = checked.policy();
    let row = policy.cells[policy.principal("a").unwrap().0 as usize].iter();
    let of = |name: &str| {
        let found = row.clone().find(|(object, _)| policy.object_at(*object).to_string() == format!("s/{name}"));
        let sets = policy.conditions.get(found.unwrap().1.condition).minimal_sets().iter();
        let ways: Vec<String> =
            sets.map(|set| policy.facts.named(*set).map(|fact| fact.as_str()).collect::<Vec<_>>().join("+")).collect();
        ways.join(" or ")
    };
    assert_eq!(of("look"), "service_account_token", "the level of other tools stays");
    of("drop")
}

#[test]
fn a_tool_that_may_destroy_something_has_the_least_level_of_such_tools() {
    let (destroys, two) = (", annotations: {destructive: true}", "service_account_token+user_delegation");
    assert_eq!(of_tool("", destroys, ""), "service_account_token");
    assert_eq!(of_tool("  destructive_min_level: 2", destroys, ""), two);
    assert_eq!(of_tool("  destructive_min_level: 2", ", auth_level: 1, annotations: {destructive: true}", ""), two);
    assert_eq!(
        of_tool("  destructive_min_level: 2", ", annotations: {destructive: false}", ""),
        "service_account_token"
    );
    // A higher level stays as it is, with its other ways.
    let higher = of_tool("  destructive_min_level: 2", ", auth_level: 3, annotations: {destructive: true}", "");
    assert_eq!(higher, "mfa");
    // A unit may ask for more.
    let more = "# file: units/one/levels.yaml\nprogressive_auth: {destructive_min_level: 2, levels: [{level: 1, requirements: [service_account_token]}]}\n";
    assert_eq!(of_tool("", destroys, more), two);
}

#[test]
fn the_least_level_of_tools_that_destroy_is_one_that_is_declared() {
    let text = "
# file: all.yaml
progressive_auth: {destructive_min_level: 7, levels: [{level: 1, requirements: [mfa]}]}
";
    let found = crate::targets::tests::findings(text);
    assert!(found.contains(&"unknown-level".to_owned()), "{found:?}");
}
