//! `undeclared-dependents`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::name::FlowKind;
use crate::model::vocabulary::DependencyMapping;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "undeclared-dependents",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds `dependency_mapping: declared` while agents or event processors call servers. With that word only what workflows and \
               sagas declare counts as a dependency, in `mcpctl graph dependents` and for whoever plans by it.",
        why: "An outage of a server stops them too, and nobody who looks at the dependencies sees it.",
        fix: "Write `dependency_mapping: automatic_discovery`, so that grants and processors count as well.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let agents =
        model.agents.values().filter(|agent| !agent.may_call.is_empty()).map(|agent| agent.name.value.as_str());
    let processors = model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Processor);
    let processors = processors.filter(|flow| flow.calls().next().is_some()).map(|flow| &*flow.id.value.name);
    let names: Vec<&str> = agents.chain(processors).collect();
    if names.is_empty() {
        return;
    }
    for mapping in model.breaker.values().filter_map(|breaker| breaker.dependency_mapping.as_ref()) {
        if mapping.value == DependencyMapping::Declared {
            let message = format!(
                "`declared` counts workflows and sagas alone, and servers are also called by {}",
                quoted(names.iter().copied())
            );
            report.push(Diagnostic::new(&CHECK.rule, mapping.loc, message));
        }
    }
}
