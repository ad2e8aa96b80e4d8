//! `chaos-target-unmatched`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::assurance::target::{is_provided, names};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "chaos-target-unmatched",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds targets of chaos experiments that nothing in the workspace provides. A target is a server or a part of one \
               (`payment_server_database`), a tool (`server/tool`), a network segment (`mcp_server_subnet`), a gateway, a unit, \
               `database_connection` where database pools are configured, a topic or the event bus, a cache layer, a resource \
               pool, an exporter, an issuer, or the engine of workflows.",
        why: "The experiment has nothing to break, so it shows nothing.",
        fix: "Write the name of what should be broken.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    // Any section may provide the target.
    if model.chaos.is_empty() || model.unread_files || !model.unread.is_empty() {
        return;
    }
    for experiment in model.chaos.values().flat_map(|chaos| &chaos.experiments) {
        let target = &experiment.target;
        if is_provided(model, &target.value) {
            continue;
        }
        let finding = Diagnostic::new(&CHECK.rule, target.loc, format!("nothing here is called `{target}`"))
            .help("write a server, a network segment, or another thing that the workspace names");
        report.push(finding.suggest(&target.value, input.nearest(&target.value, names(model))));
    }
}
