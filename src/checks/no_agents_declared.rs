//! `no-agents-declared`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "no-agents-declared",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds workspaces that declare flows or servers, and neither agents nor `any_agent`.",
        why: "Only the declared flows may then call tools. Every interactive agent is denied everything.",
        fix: "Declare agents with what they may call:\n\n```yaml\nmcp_registry:\n  agents:\n    - name: \
              customer_360_agent\n      subject: spiffe://example.org/agents/customer-360\n      may_call: \
              [crm_server/get_customer]\n```",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let declared = !model.agents.is_empty() || model.any_agent.is_some();
    if declared || !model.complete_for(&["mcp_registry"]) {
        return;
    }
    let first_flow = model.flows.values().map(|flow| flow.id.loc).min();
    let servers = model.servers.values().any(|server| server.registered);
    if let Some(loc) = model.registry.filter(|_| servers || first_flow.is_some()).or(first_flow) {
        let who = if first_flow.is_some() { "only flows may call tools" } else { "nobody may call any tool" };
        report.push(
            Diagnostic::new(&CHECK.rule, loc, format!("no agents are declared, so {who}"))
                .help("declare agents and what they may call under `mcp_registry.agents`"),
        );
    }
}
