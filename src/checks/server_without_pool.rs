//! `server-without-pool`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::server::Server;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "server-without-pool",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds servers with tools that no resource pool of `bulkhead_config` holds, where there are pools; one finding \
               for all of them.",
        why: "A bulkhead keeps a failing server from taking the resources of the others. A server in no pool is limited by \
              nothing.",
        fix: "Add the servers to the `mcp_servers` of a pool.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let pools = || model.bulkheads.values().flatten();
    let Some(first) = pools().map(|pool| pool.name.loc).min() else { return };
    let families = [
        "bulkhead_config",
        "mcp_registry",
        "data_routing",
        "workflow_definition",
        "saga_definition",
        "event_driven_config",
    ];
    if !model.complete_for(&families) {
        return;
    }
    let pooled: BTreeSet<&str> = pools().flat_map(|pool| &pool.servers).map(|server| server.value.as_str()).collect();
    let loose = |server: &&Server| !server.tools.is_empty() && !pooled.contains(server.name.value.as_str());
    let loose: Vec<&Server> = model.servers.values().filter(loose).collect();
    if !loose.is_empty() {
        let names = quoted(loose.iter().map(|server| server.name.value.as_str()));
        let verb = if loose.len() == 1 { "is" } else { "are" };
        report.push(
            Diagnostic::new(&CHECK.rule, first, format!("{names} {verb} in no resource pool"))
                .labels(loose.iter().map(|server| (server.name.loc, format!("`{}` is in none", server.name)))),
        );
    }
}
