//! `unused-control`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::server::Server;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unused-control",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds processors in `targets.envoy.controls` that no server needs: no class demands the control, no server is of such a \
               class, or each of them has it.",
        why: "Gateways send such a processor nothing. A name that is written differently in the class protects nobody.",
        fix: "Write the control as the class names it in `additional_controls`, or remove the processor.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let Some(known) = model.deployment.envoy.as_ref().map(|keys| &keys.controls).filter(|known| !known.is_empty())
    else {
        return;
    };
    if !model.complete_for(&["mcp_registry", "data_routing"]) {
        return;
    }
    let used = model.control_processors();
    let classes = model.access.classes.iter().chain(model.overlays.values().flat_map(|rules| &rules.classes));
    let demanded: Vec<&str> =
        classes.flat_map(|class| &class.additional_controls).map(|control| control.value.as_str()).collect();
    for (control, url) in known.iter().filter(|(control, _)| !used.contains_key(control.as_str())) {
        let asks = |server: &&Server| {
            let classes = model.treated_as(server);
            classes.iter().flat_map(|class| &class.additional_controls).any(|asked| asked.value == *control)
        };
        let why = match (demanded.contains(&control.as_str()), model.servers.values().any(|server| asks(&server))) {
            (false, _) => "no class demands it",
            (true, false) => "no server is of a class that demands it",
            (true, true) => "each server of a class that demands it has it",
        };
        let meant = input.nearest(control, demanded.iter().copied());
        report.push(
            Diagnostic::new(&CHECK.rule, url.loc, format!("no server needs the processor of `{control}`: {why}"))
                .maybe_help(meant.map(|meant| format!("did you mean `{meant}`?"))),
        );
    }
}
