//! `unused-auth-level`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity, quoted};
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::server::{Server, ServerAccess};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unused-auth-level",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds levels that no known tool, resource or prompt needs.",
        why: "A level without tools protects nothing; often the tools that it was meant for are not known, or are in \
              another class.",
        fix: "List the tools of the servers whose class leads to the level, set `auth_level` where it is meant, or remove the \
              level.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let families = ["progressive_auth", "data_routing", "mcp_registry", "workflow_definition", "saga_definition"];
    if !model.complete_for(&families) || !model.complete_for(&["event_driven_config"]) {
        return;
    }
    let centre = input.classes;
    let mut used = used_levels(model.servers.values(), centre, |server| Some(&server.access));
    if used.is_empty() {
        return;
    }
    for (unit, servers) in of_overlaid_units(model) {
        if let Some(rules) = model.restated_for(unit) {
            let restated = Classification::of(&rules);
            used.extend(used_levels(servers.into_iter(), &restated, |s| Some(s.overlay.as_ref().unwrap_or(&s.access))));
        }
    }
    for (number, level) in model.access.levels.iter().filter(|(number, _)| !used.contains(number)) {
        let idle =
            centre.servers().map(|(server, _)| server).filter(|server| centre.derived_level(server) == Some(*number));
        let idle: Vec<_> = idle.collect();
        let help = (!idle.is_empty())
            .then(|| format!("the class of {} leads to it, but no tool that needs it is known", quoted(idle)));
        report.push(
            Diagnostic::new(&CHECK.rule, level.number.loc, format!("no tool needs auth level {number}"))
                .maybe_help(help)
                .fix(Fix::guess(format!("remove level {number}"), vec![Edit::RemoveElement(level.number.loc)])),
        );
    }
}

fn of_overlaid_units(model: &Model) -> impl Iterator<Item = (&crate::model::name::UnitName, Vec<&Server>)> {
    model.overlays.keys().map(|unit| {
        let own = |server: &&Server| server.unit.as_ref().is_some_and(|own| own.value == *unit);
        (unit, model.servers.values().filter(own).collect())
    })
}

fn used_levels<'a>(
    servers: impl Iterator<Item = &'a Server>,
    classes: &Classification<'_>,
    access: impl Fn(&'a Server) -> Option<&'a ServerAccess>,
) -> BTreeSet<u32> {
    let mut used = BTreeSet::new();
    for server in servers {
        let Some(access) = access(server) else { continue };
        let inherited = classes.level(server.name.value.as_str(), access, None);
        used.extend(server.tools.keys().filter_map(|tool| classes.tool_level(server, access, tool.as_str())));
        let resources = server.resources.iter().map(|resource| resource.auth_level.as_ref());
        let prompts = server.prompts.iter().map(|prompt| prompt.auth_level.as_ref());
        for own in resources.chain(prompts) {
            used.extend(own.map(|level| level.value).or(inherited));
        }
    }
    used
}
