//! Rules for callers and tools that the model knows nothing of, beside those that it knows, and workspaces that leave out what a
//! gateway tells callers by.

use super::last::FLEET;
use super::*;
use crate::bundle::Artifact;
use crate::targets::access::{agentgateway, agentic_networking, ai_gateway, istio, toolhive};

/// The fleet with what the targets need that see no certificates.
/// [`FLEET`] with what every target needs.
pub(super) fn fleet() -> String {
    let assumed = "assume: [tls, mtls], assume_reason: the mesh";
    let arn = "gateway_arn: 'arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/g'";
    let own = "agentic-networking: {namespace: mcp}";
    let more =
        format!("  agentcore: {{{arn}, {assumed}}}\n  {own}\n  ai-gateway: {{{assumed}}}\n  toolhive: {{{assumed}}}\n");
    FLEET.replacen("  istio:", &format!("{more}  istio:"), 1)
}

/// Each change of one place must be noticed; `but` are words of lines that only deny.
fn noticed(target: &'static Target, old: &str, new: &str, but: &[&str], places: usize) {
    let (checked, sources) = checked(&fleet());
    let files = build(&checked, &sources, &[target], "sha256:0").unwrap().bundle.artifacts;
    let policy = crate::targets::seen(target, checked.model(), checked.policy()).1;
    let mut changed = 0;
    for (path, artifact) in &files {
        let text = String::from_utf8(artifact.bytes.clone()).unwrap();
        for (at, _) in text.match_indices(old) {
            let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
            let whole = text[line..].lines().next().unwrap();
            if but.iter().any(|word| whole.contains(word)) {
                continue;
            }
            // In a list of YAML the new element stands as far to the right.
            let indent = whole.len() - whole.trim_start().len();
            let new = new.replace('\n', &format!("\n{}", " ".repeat(indent)));
            let bytes = format!("{}{new}{}", &text[..at], &text[at + old.len()..]).into_bytes();
            let mut files = files.clone();
            files.insert(path.clone(), Artifact { bytes, from: Vec::new() });
            let found = crate::build::verify(target.id, &files, checked.model(), &policy);
            assert!(found.is_err(), "{path}: {new} for {old} at {at}");
            changed += 1;
        }
    }
    assert!(changed >= places, "{}, {old}: {changed}", target.name());
}

#[test]
fn one_more_caller_is_noticed() {
    let (old, new) =
        ("\"spiffe://example.org/agent-7\"", "\"spiffe://example.org/agent-7\", \"spiffe://example.org/evil\"");
    noticed(&agentgateway::TARGET, old, new, &["subjectAltNames"], 14);
    noticed(&ai_gateway::TARGET, old, new, &[], 2);
    let rule = "spiffe: spiffe://example.org/agent-7";
    noticed(&agentic_networking::TARGET, rule, "spiffe: spiffe://example.org/evil", &[], 2);
    let list = |name: &str| format!("- spiffe://example.org/{name}\n");
    let more = format!("{}{}", list("agent-7"), list("evil").trim_end());
    noticed(&istio::TARGET, list("agent-7").trim_end(), &more, &[], 8);
    let clients = "Client::\"spiffe://example.org/agent-7\"";
    noticed(&toolhive::TARGET, clients, &format!("{clients}, Client::\"spiffe://example.org/evil\""), &[], 2);
}

#[test]
fn one_more_gateway_is_noticed() {
    let central = "- example.org/ns/mcp-gateways/sa/central";
    for other in ["- example.org/mcp/gateway/evil", "- example.org/agent-7"] {
        noticed(&istio::TARGET, central, &format!("{central}\n{other}"), &[], 8);
    }
}

#[test]
fn one_more_tool_is_noticed() {
    noticed(&agentgateway::TARGET, "== \"z\"", "in [\"z\", \"delete_all\"]", &[], 4);
    noticed(&agentgateway::TARGET, "mcp.tool.name == \"z\"", "mcp.tool.name.startsWith(\"z\")", &[], 4);
    noticed(&istio::TARGET, "- z", "- z\n- delete_all", &[], 4);
    noticed(&agentic_networking::TARGET, "- b", "- b\n- delete_all", &[], 8);
    noticed(&agentic_networking::TARGET, "- b", "- z", &[], 8);
    for server in ["one", "two"] {
        let old = format!("- backend: {server}\n            tool: z");
        let one = |tool: &str| format!("- backend: {server}\n  tool: {tool}");
        noticed(&ai_gateway::TARGET, &old, &format!("{}\n{}", one("z"), one("delete_all")), &[], 1);
    }
    noticed(&istio::TARGET, "- z", "- z*", &[], 4);
}

#[test]
fn a_caller_is_told_by_a_whole_name_alone() {
    let caller = "(has(jwt.act) && jwt.act != null ? jwt.act.sub : jwt.sub)";
    let only = |start: &str| format!("{caller}.startsWith(\"{start}\")");
    let of_one = format!("{caller} in [");
    noticed(&agentgateway::TARGET, &of_one, &format!("{} && {of_one}", only("spiffe://")), &["subjectAltNames"], 14);
    let tool = "mcp.tool.name == \"z\"";
    noticed(&agentgateway::TARGET, tool, &format!("(jwt.sub == mcp.tool.name || {tool})"), &[], 4);
}

#[test]
fn what_tells_no_caller_is_denied_and_no_fault() {
    let units = fleet()
        .replace("  agents:\n", "  any_agent: {may_call: [one/a]}\n  business_units: [{name: retail}]\n  agents:\n")
        .replace(", url:", ", business_unit: retail, url:")
        .replace(", subject:", ", business_unit: retail, subject:")
        .replace("{name: a, auth_level: 1}", "{name: a, auth_level: 1, annotations: {read_only: true}}");
    let variants = [
        fleet().replace("zero_trust_config: {service_mesh: {mutual_tls: strict}}\n", ""),
        fleet()
            .replace("zero_trust_config: {service_mesh: {mutual_tls: strict}}\n", "")
            .replace(", tls: {cert: /c.crt, key: /c.key, ca: /ca.crt}", ""),
        units,
    ];
    let mut found = Vec::new();
    for text in &variants {
        assert_ne!(*text, fleet());
        let (checked, sources) = checked(text);
        let lacks = |target: &&&Target| !crate::build::missing(&checked, target).is_empty();
        let (lacking, able): (Vec<&Target>, Vec<&'static Target>) = (
            TARGETS.iter().filter(lacks).copied().collect(),
            TARGETS.iter().filter(|target| !lacks(target)).copied().collect(),
        );
        found.push(lacking.iter().map(|target| target.name()).collect::<Vec<_>>());
        for target in able {
            let built = build(&checked, &sources, &[target], "sha256:0");
            assert!(built.is_ok(), "{}: {:#?}\n{text}", target.name(), built.err());
        }
    }
    // The targets that each variant lacks something for: certificates of gateways.
    assert_eq!(found, [vec![], vec!["agentgateway", "envoy"], vec![]]);
}
