//! `unenforceable-requirement`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::policy::derive::facts_in_use;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unenforceable-requirement",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds requirements for which nothing says how a gateway finds them in a request: no line of \
               `identity.requirements`, and no default. Defaults exist for `service_account_token`, `user_delegation`, `mfa`, \
               `approval_workflow` and `cross_unit_approval`; `tls` and `mtls` are seen on the connection.",
        why: "A requirement that no gateway can recognize could only be ignored or always denied; neither is what was meant.",
        fix: "Correct the name, or say what proves it:\n\n```yaml\nidentity:\n  requirements:\n    treasury_dealer: {claim: \
              groups, contains: treasury-dealers}\n```",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["identity"]) {
        return;
    }
    let known = model.proved_facts();
    for (fact, loc) in facts_in_use(model).iter().filter(|(fact, _)| !known.contains(fact.as_str())) {
        let meant = input.nearest(fact.as_str(), known.iter().copied());
        let finding = Diagnostic::new(&CHECK.rule, *loc, format!("nothing says how a request proves `{fact}`"))
            .help(format!("say what proves it: add `{fact}` to `identity.requirements`"))
            .suggest(fact.as_str(), meant);
        report.push(match &model.identity {
            Some(identity) => finding.label(identity.loc, format!("no line for `{fact}` here")),
            None => finding,
        });
    }
}
