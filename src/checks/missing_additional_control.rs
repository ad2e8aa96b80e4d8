//! `missing-additional-control`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "missing-additional-control",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds registered servers whose `controls` lack an `additional_controls` entry of their data class, and for which no gateway \
               runs it.",
        why: "A control such as data loss prevention runs beside the server, or in the gateway. No property of a request can make up \
              for it.",
        fix: "Add the control to the server's `controls` in `mcp_registry` if it is in place there; else let gateways run it: name its \
              processor under `targets.envoy.controls` in mcpctl.yaml.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry", "data_routing"]) {
        return;
    }
    for (class, server, listed) in input.model.class_members() {
        let hooks = input.model.hooks(server);
        let lacks =
            |control: &str| !server.controls.iter().any(|own| own.value == control) && !hooks.contains_key(control);
        let missing: Vec<_> = class.additional_controls.iter().filter(|control| lacks(&control.value)).collect();
        let Some(first) = missing.first() else { continue };
        let names = quoted(missing.iter().map(|control| control.value.as_str()));
        let meant = missing
            .iter()
            .find_map(|control| input.nearest(&control.value, server.controls.iter().map(|own| own.value.as_str())));
        let loc = Loc::around(server.controls.iter().map(|own| own.loc)).unwrap_or(server.name.loc);
        let message = format!("server `{}` of class `{}` does not have {names} in place", server.name, class.name);
        report.push(
            Diagnostic::new(&CHECK.rule, loc, message)
                .label(first.loc, format!("class `{}` demands it", class.name))
                .label(listed, "the server is listed here")
                .maybe_help(
                    meant.map(|_| "the control is written differently in the class and on the server".to_owned()),
                ),
        );
    }
}
