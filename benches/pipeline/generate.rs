//! Workspaces of any size, with a stated mix. The same arguments give the same bytes.

use std::fmt::Write;

/// How large a workspace is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Servers in the registry.
    pub servers: usize,
    /// Tools of each server.
    pub tools: usize,
    /// Agents.
    pub agents: usize,
    /// Servers of which an agent is granted every tool.
    pub grants: usize,
    /// Whether each tool has its own JSON Schema, as the registries of real servers do.
    pub input_schemas: bool,
    /// Files of flows, tests, pools and metrics, about 3 KB each.
    pub others: usize,
    /// What it has the issuer and the settings for.
    pub deployed: Deployed,
}

/// The products that a workspace has settings for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployed {
    /// None, and no issuer.
    Nowhere,
    /// Envoy, agentgateway and Istio.
    OnGateways,
    /// AgentCore, the Envoy AI Gateway and ToolHive.
    OnServices,
}

/// A workspace of about that many files of 3.1 KB on average. Of every ten, five are of the registry (four of servers,
/// one of agents), and one each holds a workflow, a saga, event processors, policy tests, and pools with metrics.
pub fn mixed(files: usize) -> Size {
    Size {
        servers: files * 4 / 5,
        tools: 4,
        agents: files,
        grants: 3,
        input_schemas: true,
        others: files / 2,
        deployed: Deployed::Nowhere,
    }
}

/// The files of a workspace: name and text.
pub fn workspace(size: Size) -> Vec<(String, String)> {
    let mut files = vec![("base.yaml".to_owned(), base(size))];
    match size.deployed {
        Deployed::Nowhere => {}
        Deployed::OnGateways => files.push(("mcpctl.yaml".to_owned(), SETTINGS.to_owned())),
        Deployed::OnServices => files.push(("mcpctl.yaml".to_owned(), MORE_SETTINGS.to_owned())),
    }
    let mut spread = |kind: &str, total: usize, each: usize, text: &dyn Fn(std::ops::Range<usize>) -> String| {
        for (number, first) in (0..total).step_by(each).enumerate() {
            let name = format!("{kind}/{:02}/{kind}-{number:05}.yaml", number % 100);
            files.push((name, text(first..(first + each).min(total))));
        }
    };
    let per_file = if size.input_schemas { 2 } else { 20 };
    spread("servers", size.servers, per_file, &|range| servers(range, size));
    spread("agents", size.agents, 10, &|range| agents(range, size));
    spread("flows", size.others, 1, &|range| match range.start % 5 {
        0 => workflow(range.start, size),
        1 => saga(range.start, size),
        2 => processors(range.start, size),
        3 => tests(range.start, size),
        _ => pools(range.start, size),
    });
    files
}

/// A server of a unit and class; units and classes take turns, sixteen servers a round.
fn server_in(unit: usize, class: usize, pick: usize, size: Size) -> usize {
    let rounds = (size.servers / 16).max(1);
    pick % rounds * 16 + unit % 4 * 4 + class % 4
}

/// A public server of the unit of a flow, so that a flow can do its work without a person.
fn server_of(number: usize, step: usize, size: Size) -> usize {
    server_in(number, 0, number * 31 + step * 17, size)
}

fn base(size: Size) -> String {
    let mut text = String::from(BASE);
    if size.deployed != Deployed::Nowhere {
        text.push_str(ISSUER);
    }
    text.push_str("mcp_registry:\n  central_gateway: https://mcp.example.com\n  business_units:\n");
    for unit in 0..4 {
        let _ = writeln!(text, "    - name: unit_{unit}");
    }
    text.push_str("data_routing:\n  classifications:\n");
    for (class, name) in ["public", "internal", "confidential", "restricted"].iter().enumerate() {
        let _ = writeln!(text, "    - level: {name}\n      encryption: in_transit\n      mcp_servers:");
        for server in (0..size.servers).filter(|server| server % 4 == class) {
            let _ = writeln!(text, "        - server_{server}");
        }
    }
    text.push_str("event_driven_config:\n  event_bus:\n    provider: apache_kafka\n    topics:\n");
    for topic in 0..8 {
        let _ = writeln!(text, "      - {{name: topic_{topic}, partitions: 12, retention: 30_days}}");
    }
    text
}

const BASE: &str = "\
federation_config:
  central_gateway:
    global_policies:
      - cross_bu_data_sharing: restricted
      - encryption_in_transit: required
      - audit_retention: 7_years
  business_unit_gateways:
    cross_unit_routing: explicit_approval
zero_trust_config:
  service_mesh:
    mutual_tls: strict
progressive_auth:
  levels:
    - level: 1
      requirements: [service_account_token]
    - level: 2
      requirements: [service_account_token, user_delegation]
    - level: 3
      requirements: [service_account_token, user_delegation, mfa]
    - level: 4
      requirements: [service_account_token, user_delegation, mfa, approval_workflow]
      alternatives:
        - name: break_glass
          requirements: [service_account_token, user_delegation, mfa, break_glass]
identity:
  trust_domain: example.org
  requirements:
    break_glass: {claim: groups, contains: break-glass}
";

/// Goes on where [`BASE`] ends: in `identity`.
const ISSUER: &str = "    user_delegation: {claim: [act, sub], differs_from: sub}
    mfa: {claim: amr, contains: mfa, scope: mcp.mfa}
    approval_workflow: {claim: approvals, contains: \"{server}/{tool}\"}
  business_unit_claim: bu
  issuers:
    - issuer: https://login.example.com
      audiences: [mcp-gateway]
      jwks: https://login.example.com/jwks.json
";

const SETTINGS: &str = "\
targets:
  envoy:
    listen: 0.0.0.0:8443
    admin: 127.0.0.1:9901
    tls: {cert: /etc/mcpctl/tls/central.crt, key: /etc/mcpctl/tls/central.key, ca: /etc/mcpctl/tls/ca.crt}
  agentgateway:
    listen: 0.0.0.0:9443
    tls: {cert: /etc/mcpctl/tls/central.crt, key: /etc/mcpctl/tls/central.key, ca: /etc/mcpctl/tls/ca.crt}
  istio: {namespace: mcp, verified_headers: true}
";

/// For products that see nothing of the connection, or need an address of their own.
const MORE_SETTINGS: &str = "\
targets:
  agentcore:
    gateway_arn: arn:aws:bedrock-agentcore:eu-central-1:123456789012:gateway/fleet-a1b2c3
    assume: [tls, mtls]
    assume_reason: the private endpoint is reached through a gateway alone, which takes mutual TLS alone
  ai-gateway:
    assume: [tls, mtls]
    assume_reason: the listener takes mutual TLS alone
  toolhive:
    assume: [tls, mtls]
    assume_reason: the mesh in front of every proxy takes mutual TLS alone
";

const INPUT_SCHEMA: &str = "
            type: object
            required: [\"id\", \"reason\"]
            properties:
              id: {type: string, description: \"the record that the call is about\"}
              reason: {type: string, description: \"why it is done, for the audit record\"}
              amount: {type: number, minimum: 0, description: \"in the currency of the account\"}
              tags: {type: array, items: {type: string}, maxItems: 16}";

fn servers(range: std::ops::Range<usize>, size: Size) -> String {
    let mut text = String::from("mcp_registry:\n  servers:\n");
    for server in range {
        let _ = writeln!(
            text,
            "    - name: \"server_{server}\"\n      business_unit: \"unit_{}\"\n      url: \
             \"https://s{server}.example.com/mcp\"\n      location: on_premises\n      labels: {{app: s{server}}}\n      tools:",
            server / 4 % 4
        );
        for tool in 0..size.tools {
            let _ = writeln!(
                text,
                "        - name: \"tool_{tool}\"\n          annotations: {{read_only: {}, destructive: false}}",
                tool % 2 == 0
            );
            if size.input_schemas {
                let _ = writeln!(text, "          input_schema:{INPUT_SCHEMA}");
            }
        }
    }
    text
}

fn agents(range: std::ops::Range<usize>, size: Size) -> String {
    let mut text = String::from("mcp_registry:\n  agents:\n");
    for agent in range {
        let _ = writeln!(
            text,
            "    - name: \"agent_{agent}\"\n      business_unit: \"unit_{}\"\n      subject: \
             \"spiffe://example.org/ns/agents/sa/agent-{agent}\"\n      may_call:   # tools of its own unit alone",
            agent % 4
        );
        for grant in 0..size.grants.min(size.servers / 16).max(1) {
            let _ = writeln!(
                text,
                "        - \"server_{}/*\"",
                server_in(agent, agent / 4, agent / 16 * size.grants + grant, size)
            );
        }
    }
    text
}

fn workflow(number: usize, size: Size) -> String {
    let mut text = format!(
        "workflow_definition:\n  name: \"workflow_{number}\"\n  description: \"what the team of unit {0} does \
         every day\"\n  business_unit: \"unit_{0}\"\n  steps:\n",
        number % 4
    );
    for step in 0..14 {
        let _ = writeln!(
            text,
            "    # Waits for the step before it; the tools are called in the order written.\n    - name: \"step_{step}\"\n      \
             mcp_server: \"server_{}\"\n      tools: [\"tool_0\", \"tool_1\"]\n      compensation: [\"tool_2\"]{}",
            server_of(number, step, size),
            if step > 0 { format!("\n      depends_on: [\"step_{}\"]", step - 1) } else { String::new() }
        );
    }
    text
}

fn saga(number: usize, size: Size) -> String {
    let mut text = format!(
        "saga_definition:\n  name: saga_{number}\n  business_unit: unit_{}\n  compensations_enabled: true\n  steps:\n",
        number % 4
    );
    for step in 0..18 {
        let _ = writeln!(
            text,
            "    - name: step_{step}\n      mcp_server: server_{}   # the owner of both tools\n      action: tool_1\n      \
             compensation: tool_0",
            server_of(number, step, size)
        );
    }
    text
}

fn processors(number: usize, size: Size) -> String {
    let mut text = String::from("event_driven_config:\n  event_processors:\n");
    for copy in 0..18 {
        let _ = writeln!(
            text,
            "    - name: processor_{number}_{copy}\n      subscribes_to: [topic_{}]\n      triggers_mcp: server_{}\n      \
             tools: [tool_0, tool_1]\n      business_unit: unit_{}",
            copy % 8,
            server_of(number, copy, size),
            number % 4
        );
    }
    text
}

fn tests(number: usize, size: Size) -> String {
    let mut text = String::from("policy_tests:\n");
    for copy in 0..16 {
        let agent = (number + copy) % size.agents.max(1);
        let _ = writeln!(
            text,
            "  - name: \"test {number} {copy}: agent {agent}\"\n    principal: agent_{agent}\n    call: server_{}/tool_0\n    \
             with: [service_account_token, user_delegation, mtls]\n    expect: {}",
            server_in(agent, agent / 4, agent / 16 * size.grants, size),
            if agent / 4 % 4 < 2 { "allow" } else { "deny" }
        );
    }
    text
}

/// A file of so many policy tests of a workspace whose agents are granted whole servers, all of which hold. Half of them are
/// one request each, half are of the matrix form: a principal, every tool of one of its servers, two sets of facts.
pub fn stated(tests: usize, size: Size) -> String {
    let mut text = String::from("policy_tests:\n");
    for number in 0..tests {
        let agent = number % size.agents;
        let pick = agent / 16 * size.grants + number / size.agents % size.grants.min(size.servers / 16).max(1);
        let server = server_in(agent, agent / 4, pick, size);
        let facts = "service_account_token, user_delegation, mfa, approval_workflow";
        let allow = number % 3 > 0;
        let (transport, expect) = if allow { (", mtls", "allow") } else { ("", "deny") };
        let (call, with) = if number % 2 == 0 {
            (format!("server_{server}/tool_{}", number % size.tools), format!("[{facts}{transport}]"))
        } else {
            let also = if allow { format!("[{facts}, break_glass, mtls]") } else { "[mtls]".to_owned() };
            (format!("server_{server}/*"), format!("[[{facts}{transport}], {also}]"))
        };
        let _ = writeln!(
            text,
            "  - name: \"test {number}\"\n    principal: agent_{agent}\n    call: \"{call}\"\n    with: {with}\n    expect: {expect}"
        );
    }
    text
}

fn pools(number: usize, size: Size) -> String {
    let mut text = String::from("connection_pooling:\n  http_pools:\n");
    for server in (number / 5 * 8..number / 5 * 8 + 8).filter(|server| *server < size.servers) {
        let _ = writeln!(
            text,
            "    - mcp_server: \"server_{server}\"\n      pool_size: 100\n      keep_alive: \"60s\"\n      timeout: \"30s\""
        );
    }
    text.push_str("metrics_config:\n  custom_metrics:\n");
    for copy in 0..16 {
        let _ = writeln!(
            text,
            "    - name: \"mcp_calls_{number}_{copy}_total\"\n      type: \"counter\"\n      labels: [\"mcp_server\", \
             \"method\", \"status_code\"]"
        );
    }
    text
}
