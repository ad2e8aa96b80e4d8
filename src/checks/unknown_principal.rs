//! `unknown-principal`.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::name::UnitName;
use crate::policy::policy_test;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-principal",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds policy tests whose `principal` is not an agent, workflow, saga or event processor, and matches none. `any_agent` always \
               exists: it is every caller that is not declared.",
        why: "A test of a principal that does not exist can only find that it is denied, and so proves nothing.",
        fix: "Write an agent by its name, a flow as `workflow:NAME`, `saga:NAME` or `processor:NAME`, and other callers as \
              `any_agent` or `any_agent@UNIT`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let families = ["mcp_registry", "workflow_definition", "saga_definition", "event_driven_config"];
    if !model.names_known(&families) {
        return;
    }
    let all_names = || -> BTreeSet<String> { input.policy.principals.iter().map(|who| who.id.to_string()).collect() };
    let known: OnceCell<BTreeSet<String>> = OnceCell::new();
    let any_agent = |name: &str| match name.strip_prefix("any_agent") {
        Some("") => true,
        Some(unit) => {
            unit.strip_prefix('@').is_some_and(|unit| model.topology.units.contains_key::<UnitName>(&unit.into()))
        }
        None => false,
    };
    for who in model.tested_principals() {
        let name = who.value.as_str();
        let declared = || input.policy.principal(name).is_some();
        if any_agent(name) || declared() || !policy_test::principals(input.policy, name).is_empty() {
            continue;
        }
        let known = known.get_or_init(all_names);
        let same_name = known.iter().find(|id| id.split_once(':').is_some_and(|(_, own)| own == name));
        let meant = same_name.map(String::as_str);
        let meant = meant.or_else(|| input.nearest(name, known.iter().map(String::as_str)));
        let finding = Diagnostic::new(&CHECK.rule, who.loc, format!("there is no principal `{name}`"));
        report.push(finding.suggest(name, meant));
    }
}
