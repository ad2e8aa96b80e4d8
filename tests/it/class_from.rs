//! `class_from`: calls that say of which class their data is.

use mcpctl::model::access::{ArgumentTest, ClaimTest, Evidence, Scalar};
use mcpctl::policy::{Object, ObjectKind};

use crate::memory::Files;

const WORLD: &str = "\
identity: {issuer: 'https://idp.example', audience: per_server, jwks: 'https://idp.example/keys'}
data_routing:
  classifications:
    - {level: public, mcp_servers: [open]}
    - {level: internal, mcp_servers: [inner, plain]}
    - {level: restricted, mcp_servers: [secret]}
mcp_registry:
  servers:
    - {name: open, class_from: {argument: data_class}, tools: [{name: t}], resources: [{uri: 'o://a'}]}
    - {name: inner, tools: [{name: t, class_from: {argument: [meta, class]}}, {name: u}]}
    - {name: secret, class_from: {argument: data_class}, tools: [{name: t}]}
    - {name: plain, tools: [{name: t}]}
  agents: [{name: clerk, subject: c, may_call: ['open/*', 'inner/*', 'secret/*', 'plain/*']}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
";

/// What a call of a tool has to show, with the values of each argument.
fn needs(text: &str, server: &str, kind: ObjectKind) -> Vec<String> {
    let analysis = Files::of([("a.yaml", text)]).analyse();
    let errors: Vec<_> = analysis.report().diagnostics.iter().filter(|d| d.severity.word() == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let policy = analysis.policy();
    let object = policy.object(&Object { server: server.into(), kind }).unwrap();
    let clerk = policy.principal("clerk").unwrap();
    let (_, _, cell) = policy.all_cells().find(|(who, what, _)| (*who, *what) == (clerk, object)).unwrap();
    let [set] = policy.conditions.get(cell.condition).minimal_sets() else { panic!("one way") };
    let shown = |fact: &str| match analysis.model().evidence_for(fact) {
        Some(Evidence::Argument(argument)) => {
            let ArgumentTest::OneOf(values) = &argument.test else { panic!("values") };
            let values: Vec<&str> = values.iter().filter_map(Scalar::as_text).collect();
            format!("{fact}: {} is {}", argument.path.join("."), values.join(" or "))
        }
        Some(Evidence::Claim(claim)) => {
            let ClaimTest::Is(texts) = &claim.test else { panic!("texts") };
            format!("{fact}: {} is {}", claim.path.join("."), texts.join(" or "))
        }
        _ => fact.to_owned(),
    };
    policy.facts.named(*set).map(|fact| shown(fact.as_str())).collect()
}

fn tool(name: &str) -> ObjectKind {
    ObjectKind::Tool(name.into())
}

#[test]
fn a_call_says_a_class_up_to_the_one_of_its_server() {
    let token = "service_account_token";
    let public = "data_class_up_to_public: data_class is public";
    assert_eq!(needs(WORLD, "open", tool("t")), [public, token]);
    assert_eq!(needs(WORLD, "open", ObjectKind::Resource("o://a".into())), [token], "reading takes no arguments");
    let internal = "meta_class_up_to_internal: meta.class is public or internal";
    assert_eq!(needs(WORLD, "inner", tool("t")), [internal, token]);
    assert_eq!(needs(WORLD, "inner", tool("u")), [token]);
    let all = "data_class_up_to_restricted: data_class is public or internal or restricted";
    assert_eq!(needs(WORLD, "secret", tool("t")), [all, token]);
    assert_eq!(needs(WORLD, "plain", tool("t")), [token]);
    // A server that no class lists takes no data: nobody opens it by forgetting it.
    let unlisted = WORLD.replace("[open]", "[]");
    let findings = Files::of([("a.yaml", unlisted.as_str())]).findings();
    assert!(findings.iter().any(|finding| finding.ends_with("class-from-nothing")), "{findings:?}");
}

#[test]
fn a_token_says_a_class_for_all_that_is_asked_of_its_server() {
    let token = "service_account_token";
    let world = WORLD
        .replace("{name: open, class_from: {argument: data_class}", "{name: open, class_from: {claim: data_class}");
    let world = world.replace("resources: [{uri: 'o://a'}]", "resources: [{uri: 'o://a'}], prompts: [{name: p}]");
    let public = "data_class_claim_up_to_public: data_class is public";
    for kind in [tool("t"), ObjectKind::Resource("o://a".into()), ObjectKind::Prompt("p".into())] {
        assert_eq!(needs(&world, "open", kind), [public, token]);
    }
    // An argument of the same name is another thing.
    let all = "data_class_up_to_restricted: data_class is public or internal or restricted";
    assert_eq!(needs(&world, "secret", tool("t")), [all, token]);
    // A tool with a way of its own, on a server with one.
    let own =
        world.replace("tools: [{name: t}], resources", "tools: [{name: t, class_from: {argument: kind}}], resources");
    assert_eq!(needs(&own, "open", tool("t")), ["kind_up_to_public: kind is public", token]);
    assert_eq!(needs(&own, "open", ObjectKind::Prompt("p".into())), [public, token]);
    for wrong in ["{}", "{argument: a, claim: b}", "{claim: []}", "{header: a}"] {
        let text = WORLD
            .replace("{name: open, class_from: {argument: data_class}", &format!("{{name: open, class_from: {wrong}"));
        let place = WORLD.lines().position(|line| line.contains("name: open, class_from")).unwrap() + 1;
        let findings = Files::of([("a.yaml", text.as_str())]).findings();
        assert!(findings.iter().any(|at| at.starts_with(&format!("a.yaml:{place}:"))), "{wrong}: {findings:?}");
    }
}

#[test]
fn a_unit_folder_can_lower_the_class_of_a_server_and_not_change_what_says_it() {
    let world = WORLD
        .replace(
            "mcp_registry:\n",
            "federation_config: {business_unit_gateways: {local_policy_override: full}}\nmcp_registry:\n  business_units: [{name: hr}]\n",
        )
        .replace("{name: open,", "{name: open, business_unit: hr,")
        .replace("{name: inner,", "{name: inner, business_unit: hr,")
        .replace("{name: secret,", "{name: secret, business_unit: hr,")
        .replace("{name: plain,", "{name: plain, business_unit: hr,")
        .replace("{name: clerk,", "{name: clerk, business_unit: hr,");
    let settings = "units: {hr: hr}\n";
    let folder = "data_routing: {classifications: [{level: public, mcp_servers: [secret]}, {level: restricted, mcp_servers: [open]}]}\n";
    let analysis = Files::of([("a.yaml", world.as_str()), ("hr/b.yaml", folder), ("mcpctl.yaml", settings)]).analyse();
    let known: Vec<&str> = analysis.policy().facts.names().iter().map(|fact| fact.as_str()).collect();
    assert!(known.contains(&"data_class_up_to_public") && !known.contains(&"data_class_up_to_restricted"), "{known:?}");
    let folder = "mcp_registry: {servers: [{name: secret, class_from: {argument: other}, tools: [{name: t, class_from: {argument: x}}]}]}\n";
    let findings = Files::of([("a.yaml", world.as_str()), ("hr/b.yaml", folder), ("mcpctl.yaml", settings)]).findings();
    let refused =
        findings.iter().filter(|finding| finding.starts_with("hr/b.yaml") && finding.ends_with("centre-only-section"));
    assert!(
        refused.count() >= 2 && !findings.iter().any(|finding| finding.ends_with("unit-widens-policy")),
        "{findings:?}"
    );
}

#[test]
fn what_no_call_can_say_is_refused_at_its_place() {
    let found = |text: &str| Files::of([("a.yaml", text)]).findings();
    let without = |key: &str| {
        let lines = WORLD.split_inclusive('\n').collect::<Vec<_>>();
        let from = lines.iter().position(|line| line.starts_with(key)).unwrap();
        let to = lines.iter().skip(from + 1).position(|line| !line.starts_with(' ')).unwrap() + from + 1;
        [&lines[..from], &lines[to..]].concat().concat()
    };
    for key in ["identity", "data_routing"] {
        let findings = found(&without(key));
        assert_eq!(
            findings.iter().filter(|finding| finding.ends_with("class-from-nothing")).count(),
            3,
            "{findings:?}"
        );
    }
    let other = "  requirements: {data_class_up_to_public: {claim: amr, contains: mfa}}\n";
    let identity = WORLD.lines().next().unwrap();
    let in_lines = identity.replace("{issuer: ", "\n  issuer: ").replace(", audience: ", "\n  audience: ");
    let in_lines = in_lines.replace(", jwks: ", "\n  jwks: ").replace('}', "") + "\n" + other.trim_end();
    let findings = found(&WORLD.replace(identity, &in_lines));
    assert!(findings.iter().any(|finding| finding.ends_with("conflicting-values")), "{findings:?}");
    let schema = "tools: [{name: t, input_schema: {type: object, properties: {klass: {type: string}}, additionalProperties: false}}], resources";
    let findings = found(&WORLD.replace("tools: [{name: t}], resources", schema));
    let place = WORLD.lines().position(|line| line.contains("name: open, class_from")).unwrap() + 1;
    let expected = format!("a.yaml:{place}:");
    assert!(findings.iter().any(|at| at.starts_with(&expected) && at.ends_with("unknown-argument")), "{findings:?}");
}
