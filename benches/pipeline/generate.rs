//! Workspaces of any size, with a stated mix. The same arguments give the same bytes.

use std::fmt::Write;

/// How large a workspace is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Files with sections of the repeatable families, about 3.2 KB each.
    pub files: usize,
    /// Servers in the registry, spread over the registry's files.
    pub servers: usize,
    /// Tools of each server.
    pub tools: usize,
    /// Agents; each is granted every tool of twenty servers.
    pub agents: usize,
}

/// The files of a workspace: name and text. Of every ten files four hold workflows, two sagas, two event processors, one
/// metrics and one policy tests; the singletons and the registry come on top.
pub fn workspace(size: Size) -> Vec<(String, String)> {
    let mut files = vec![("base.yaml".to_owned(), base(size))];
    for (number, first) in (0..size.servers).step_by(20).enumerate() {
        let last = (first + 20).min(size.servers);
        files.push((format!("registry/servers-{number:04}.yaml"), servers(first..last, size)));
    }
    for (number, first) in (0..size.agents).step_by(20).enumerate() {
        let last = (first + 20).min(size.agents);
        files.push((format!("registry/agents-{number:04}.yaml"), agents(first..last, size)));
    }
    for number in 0..size.files {
        let text = match number % 10 {
            0..4 => many(number, 8, "workflow_definition", workflow, size),
            4 | 5 => many(number, 7, "saga_definition", saga, size),
            6 | 7 => processors(number, size),
            8 => metrics(number),
            _ => tests(number, size),
        };
        files.push((format!("flows/{:02}/file-{number:05}.yaml", number % 100), text));
    }
    files
}

fn class_of(server: usize) -> usize {
    server % 4
}

fn base(size: Size) -> String {
    let mut text = String::from(
        "federation_config:\n  central_gateway:\n    global_policies:\n      - cross_bu_data_sharing: restricted\n      \
         - encryption_in_transit: required\n      - audit_retention: 7_years\n  business_unit_gateways:\n    \
         cross_unit_routing: explicit_approval\nzero_trust_config:\n  service_mesh:\n    mutual_tls: strict\n\
         progressive_auth:\n  levels:\n    - level: 1\n      requirements: [service_account_token]\n    - level: 2\n      \
         requirements: [service_account_token, user_delegation]\n    - level: 3\n      requirements: \
         [service_account_token, user_delegation, mfa]\n    - level: 4\n      requirements: [service_account_token, \
         user_delegation, mfa, approval_workflow]\n      alternatives:\n        - name: break_glass\n          \
         requirements: [service_account_token, mfa, break_glass]\nidentity:\n  trust_domain: example.org\n  \
         requirements:\n    break_glass: {claim: groups, contains: break-glass}\n",
    );
    text.push_str("mcp_registry:\n  business_units:\n");
    for unit in 0..4 {
        let _ = writeln!(text, "    - name: unit_{unit}");
    }
    text.push_str("data_routing:\n  classifications:\n");
    for (class, name) in ["public", "internal", "confidential", "restricted"].iter().enumerate() {
        let _ = writeln!(text, "    - level: {name}\n      encryption: in_transit\n      mcp_servers:");
        for server in (0..size.servers).filter(|server| class_of(*server) == class) {
            let _ = writeln!(text, "        - server_{server}");
        }
    }
    text.push_str("event_driven_config:\n  event_bus:\n    provider: apache_kafka\n    topics:\n");
    for topic in 0..8 {
        let _ = writeln!(text, "      - {{name: topic_{topic}, partitions: 12, retention: 30_days}}");
    }
    text
}

fn servers(range: std::ops::Range<usize>, size: Size) -> String {
    let mut text = String::from("mcp_registry:\n  servers:\n");
    for server in range {
        let _ = writeln!(
            text,
            "    - name: server_{server}\n      business_unit: unit_{}\n      url: https://s{server}.example.com/mcp\n      \
             location: on_premises\n      tools:",
            server / 4 % 4
        );
        for tool in 0..size.tools {
            let _ = writeln!(
                text,
                "        - name: tool_{tool}\n          annotations: {{read_only: {}, destructive: false}}",
                tool % 2 == 0
            );
        }
    }
    text
}

fn agents(range: std::ops::Range<usize>, size: Size) -> String {
    let mut text = String::from("mcp_registry:\n  agents:\n");
    for agent in range {
        let _ = writeln!(
            text,
            "    - name: agent_{agent}\n      business_unit: unit_{}\n      subject: agent-{agent}\n      may_call:",
            agent % 4
        );
        for grant in 0..20.min(size.servers) {
            let _ = writeln!(text, "        - server_{}/*", (agent * 7 + grant * 13) % size.servers.max(1));
        }
    }
    text
}

fn many(number: usize, copies: usize, key: &str, one: fn(usize, usize, Size) -> String, size: Size) -> String {
    (0..copies).map(|copy| format!("---\n{key}:\n{}", one(number, copy, size))).collect()
}

fn server_of(number: usize, step: usize, size: Size) -> usize {
    (number * 31 + step * 17) % size.servers.max(1)
}

fn workflow(number: usize, copy: usize, size: Size) -> String {
    let mut text = format!("  name: \"workflow_{number}_{copy}\"\n  business_unit: unit_{}\n  steps:\n", number % 4);
    for step in 0..3 {
        let _ = writeln!(
            text,
            "    - name: \"step_{step}\"\n      mcp_server: \"server_{}\"\n      tools: [\"tool_0\", \"tool_1\"]{}",
            server_of(number, step, size),
            if step > 0 { format!("\n      depends_on: [\"step_{}\"]", step - 1) } else { String::new() }
        );
    }
    text
}

fn saga(number: usize, copy: usize, size: Size) -> String {
    let mut text = format!("  name: saga_{number}_{copy}\n  compensations_enabled: true\n  steps:\n");
    for step in 0..3 {
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
            copy % 4
        );
    }
    text
}

fn metrics(number: usize) -> String {
    let mut text = String::from("metrics_config:\n  custom_metrics:\n");
    for copy in 0..26 {
        let _ = writeln!(
            text,
            "    - name: \"mcp_calls_{number}_{copy}_total\"\n      type: \"counter\"\n      labels: [\"mcp_server\", \
             \"method\", \"status_code\"]"
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
             with: [service_account_token, user_delegation, mtls]\n    expect: deny",
            (agent * 7) % size.servers.max(1)
        );
    }
    text
}
