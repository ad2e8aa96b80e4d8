//! `missing-subject`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "missing-subject",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds agents of the registry without a `subject` in a workspace with an `identity` section.",
        why: "A gateway knows a caller by the subject of its token. No token identifies this agent, so everything that it is \
              granted is denied, while the configuration says that it is allowed.",
        fix: "Write the subject that the agent's tokens have:\n\n```yaml\nmcp_registry:\n  agents:\n    - name: clerk\n      \
              subject: \"spiffe://example.org/ns/agents/sa/clerk\"\n```",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let Some(identity) = &input.model.identity else { return };
    for agent in input.model.agents.values().filter(|agent| agent.subject.is_none()) {
        report.push(
            Diagnostic::new(&CHECK.rule, agent.name.loc, format!("agent `{}` has no `subject`", agent.name))
                .label(identity.loc, "tokens say here who calls")
                .help("add `subject:` with the value that the agent's tokens have"),
        );
    }
}
