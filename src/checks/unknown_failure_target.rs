//! `unknown-failure-target`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::assurance::target::{FAULTS, InjectedFailure};
use crate::model::server::Server;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-failure-target",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds values of `inject_failure` that are not a known server, `_` and a known fault, such as \
               `payment_server_timeout`. Faults are `crash`, `delay`, `disconnect`, `down`, `error`, `failure`, `latency`, \
               `outage`, `overload`, `partition`, `refused`, `reset`, `restart`, `slow`, `timeout` and `unavailable`.",
        why: "Nothing is broken by such a scenario. It passes, and shows that the system works while nothing is wrong.",
        fix: "Write the name of a server and one of the faults.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    // Any section may mention servers, and one that cannot be read may mention this one.
    if model.unread_files || !model.unread.is_empty() {
        return;
    }
    for scenario in model.integration_tests.values().flat_map(|tests| &tests.scenarios) {
        let Some(failure) = &scenario.inject_failure else { continue };
        let finding = |message: String| {
            Diagnostic::new(&CHECK.rule, failure.loc, message)
                .label(scenario.name.loc, format!("scenario `{}`", scenario.name))
        };
        match InjectedFailure::parse(model, &failure.value) {
            Some(found) if found.is_known() && (found.server.registered || model.registry.is_none()) => {}
            Some(found) if found.server.registered || model.registry.is_none() => {
                let known = FAULTS.map(|fault| format!("{}_{fault}", found.server.name));
                let meant = input.nearest(&failure.value, known.iter().map(String::as_str));
                let finding = finding(format!("`{}` is not a fault that can be injected", found.fault))
                    .help(format!("write one of the faults {}", listed()));
                report.push(finding.suggest(&failure.value, meant));
            }
            _ => {
                let server = without_fault(&failure.value);
                let known = model.servers.values().filter(|server| server.registered || model.registry.is_none());
                let known: Vec<&Server> = known.collect();
                let near = input.nearest(server, known.iter().map(|server| server.name.value.as_str()));
                let finding = finding(format!("`{failure}` names no known server"));
                report.push(match near {
                    None => finding.help("write a server, `_` and a fault, such as `payment_server_timeout`"),
                    Some(near) => {
                        let meant = failure.value.replacen(server, near, 1);
                        finding.help(format!("did you mean `{near}`?")).fix(Fix::value(failure.loc, meant))
                    }
                });
            }
        }
    }
}

/// The text before the fault, where it ends in a known one.
fn without_fault(text: &str) -> &str {
    let server = |fault: &&str| text.strip_suffix(*fault)?.strip_suffix(['_', '-']);
    FAULTS.iter().find_map(server).unwrap_or(text)
}

fn listed() -> String {
    FAULTS.map(|fault| format!("`{fault}`")).join(", ")
}
