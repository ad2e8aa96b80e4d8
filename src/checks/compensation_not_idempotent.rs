//! `compensation-not-idempotent`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "compensation-not-idempotent",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds compensations that the registry annotates as `idempotent: false`. Where the tool also does the \
               step, `compensation-repeats-action` says so.",
        why: "A compensation also runs where nobody knows whether its step did anything, and it is tried again when \
              its answer is missing. One that must not be called twice is given up instead, and what it should undo \
              stays done.",
        fix: "Let the tool take the idempotency key of the call that it undoes, and annotate it as `idempotent: true`; \
              or name another compensation.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for flow in input.model.flows.values() {
        for (step, call) in flow.calls().filter(|(_, call)| call.compensation && flow.makes(call)) {
            // `compensation-repeats-action` is about these.
            if step.calls.iter().any(|action| !action.compensation && action.tool.value == call.tool.value) {
                continue;
            }
            let server = call.server.as_ref().and_then(|name| input.model.servers.get(name));
            let tool = server.and_then(|server| server.tools.get(&call.tool.value));
            let Some(flag) = tool.and_then(|tool| tool.idempotent.as_ref()).filter(|flag| !flag.value) else {
                continue;
            };
            let message = format!("step `{}` is undone by `{}`, which must not be called twice", step.name, call.tool);
            report.push(
                Diagnostic::new(&CHECK.rule, call.tool.loc, message).label(flag.loc, "the registry says so here"),
            );
        }
    }
}
