//! `no-auth-levels`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "no-auth-levels",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds workspaces with tools and without any level of `progressive_auth`.",
        why: "Every tool then needs the fact `service_account_token` alone, even if it deletes data.",
        fix: "Declare levels:\n\n```yaml\nprogressive_auth:\n  levels:\n    - level: 1\n      requirements: \
              [service_account_token]\n```",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.access.levels.is_empty() || !model.complete_for(&["progressive_auth"]) {
        return;
    }
    if let Some(loc) = model.access.progressive_auth.or_else(|| first_tool(model)) {
        let message = "no auth levels are declared, so every tool needs `service_account_token` alone";
        report.push(Diagnostic::new(&CHECK.rule, loc, message).help("declare them under `progressive_auth.levels`"));
    }
}

fn first_tool(model: &Model) -> Option<Loc> {
    model.servers.values().flat_map(|server| server.tools.values()).map(|tool| tool.name.loc).min()
}
