//! `production-data-in-tests`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity, quoted};
use crate::model::access::{AccessRules, DataClass};
use crate::model::assurance::ServerSet;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "production-data-in-tests",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds test environments with data from production (`production`, `sanitized_production`) and with servers of the \
               most sensitive class.",
        why: "A test environment has more people, fewer controls and no audit. Data that is restricted in production is restricted \
              there as well, and sanitizing is easily incomplete.",
        fix: "Use `data: synthetic`, list the servers of the environment without the sensitive ones, or waive the finding with the \
              name of whoever answers for the data.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let Some(class) = most_sensitive(&input.model.access) else { return };
    for environment in input.model.integration_tests.values().flat_map(|tests| &tests.environments) {
        let Some(data) = environment.data.as_ref().filter(|data| data.value.contains("production")) else { continue };
        let Some(servers) = &environment.servers else { continue };
        let has = |server: &str| match &servers.value {
            ServerSet::FullDeployment | ServerSet::ProductionMirror => true,
            ServerSet::List(listed) => listed.iter().any(|other| other.value.as_str() == server),
        };
        let found: Vec<_> = class.servers.iter().filter(|server| has(server.value.as_str())).collect();
        let Some(first) = found.first() else { continue };
        let names = quoted(found.iter().map(|server| server.value.as_str()));
        let message =
            format!("environment `{}` has data from production for {names}: `data: {data}`", environment.name);
        report.push(
            Diagnostic::new(&CHECK.rule, data.loc, message)
                .label(first.loc, format!("class `{}` is the most sensitive one", class.name))
                .label(servers.loc, "the servers of the environment")
                .fix(Fix::value(data.loc, "synthetic")),
        );
    }
}

/// The class called `restricted`, else the last of several.
fn most_sensitive(rules: &AccessRules) -> Option<&DataClass> {
    let named = rules.classes.iter().find(|class| class.name.value.as_str() == "restricted");
    named.or_else(|| rules.classes.last().filter(|_| rules.classes.len() > 1))
}
