//! `suspended`.

use std::fmt;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Suspension;
use crate::model::access::AccessRules;
use crate::model::server::ServerAccess;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "suspended",
        guards_access: false,
        severity: Severity::Note,
        what: "Shows everything that is switched off: units, servers, tools, classes, agents and flows with `suspended`.",
        why: "A suspension denies every call that involves it. It is meant to be temporary, so it should not be forgotten.",
        fix: "Remove the `suspended` key when the reason is gone.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let mut show = |what: fmt::Arguments<'_>, suspended: &Suspension| {
        if let Some(reason) = suspended {
            report.push(Diagnostic::new(&CHECK.rule, reason.loc, format!("{what} is suspended: {reason}")));
        }
    };
    for unit in model.topology.units.values() {
        show(format_args!("business unit `{}`", unit.name), &unit.suspended);
    }
    let of_classes = |rules: &AccessRules, show: &mut dyn FnMut(fmt::Arguments<'_>, &Suspension)| {
        rules.classes.iter().for_each(|class| show(format_args!("data class `{}`", class.name), &class.suspended));
    };
    of_classes(&model.access, &mut show);
    model.overlays.values().for_each(|rules| of_classes(rules, &mut show));
    for server in model.servers.values() {
        show(format_args!("server `{}`", server.name), &server.suspended);
        let of_tools = |access: &ServerAccess, show: &mut dyn FnMut(fmt::Arguments<'_>, &Suspension)| {
            access
                .tools
                .iter()
                .for_each(|(tool, own)| show(format_args!("tool `{}/{tool}`", server.name), &own.suspended));
        };
        of_tools(&server.access, &mut show);
        server.overlay.iter().for_each(|access| of_tools(access, &mut show));
    }
    for agent in model.agents.values() {
        show(format_args!("agent `{}`", agent.name), &agent.suspended);
    }
    if let Some(any) = &model.any_agent {
        show(format_args!("`any_agent`"), &any.suspended);
    }
    for flow in model.flows.values() {
        show(format_args!("`{}`", flow.id), &flow.suspended);
    }
}
