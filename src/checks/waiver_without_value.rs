//! `waiver-without-value`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::gate::{Gate, Waived};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "waiver-without-value",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds waivers with `trust` in `review` of `mcpctl.yaml` that have no `to`.",
        why: "Somebody accepted one change of trust: a certain URL, issuer or key. Without the new value, the waiver would also \
              accept every later value, which nobody has looked at. Such a waiver covers nothing.",
        fix: "Write the value that is accepted, as `mcpctl diff` shows it after the arrow; `nothing` for what is gone:\n\n```yaml\n\
              review:\n  waivers:\n    - trust: URL of server crm_server\n      to: https://crm.new.example.com/mcp\n      reason: \
              the server moves to the new cluster\n      owner: security@example.com\n      expires: 2027-01-31\n```",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    findings(&input.model.gate).into_iter().for_each(|finding| report.push(finding));
}

/// One finding for each such waiver.
pub(crate) fn findings(gate: &Gate) -> Vec<Diagnostic> {
    let without = gate.waivers.iter().filter_map(|waiver| match &waiver.what {
        Waived::Trust { what, to: None } => Some(what),
        Waived::Trust { .. } | Waived::Pairs { .. } => None,
    });
    let finding = |what: &crate::source::Spanned<String>| {
        let message = format!("the waiver of `{what}` does not say which value it accepts");
        Diagnostic::new(&CHECK.rule, what.loc, message)
            .help("add `to:` with the new value, as `mcpctl diff` shows it after the arrow")
    };
    without.map(finding).collect()
}
