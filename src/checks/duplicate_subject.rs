//! `duplicate-subject`.

use std::collections::BTreeMap;

use foldhash::{HashSet, HashSetExt};

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::policy::{Principal, PrincipalId};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "duplicate-subject",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds two principals with the same token subject, written or derived from the trust domain.",
        why: "A gateway knows a caller by the subject of its token alone. One subject for two principals would give each the \
              grants of the other.",
        fix: "Give each agent and flow a `subject` of its own.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let subjects = || input.policy.principals.iter().filter_map(|principal| principal.subject.as_deref());
    let mut seen = HashSet::new();
    let twice: HashSet<&str> = subjects().filter(|subject| !seen.insert(*subject)).collect();
    if twice.is_empty() {
        return;
    }
    let mut owners: BTreeMap<&str, Vec<(Loc, &Principal)>> = BTreeMap::new();
    for principal in &input.policy.principals {
        if let Some(subject) = principal.subject.as_deref().filter(|subject| twice.contains(subject)) {
            owners.entry(subject).or_default().push((place(input.model, principal), principal));
        }
    }
    for (subject, mut owners) in owners {
        owners.sort_by_key(|(loc, _)| *loc);
        let Some(((first, original), others)) = owners.split_first() else { continue };
        for (loc, other) in others {
            let message =
                format!("`{}` has the subject `{subject}`, which is already that of `{}`", other.id, original.id);
            report.push(Diagnostic::new(&CHECK.rule, *loc, message).label(*first, format!("`{}`", original.id)));
        }
    }
}

/// Where the subject is written, else where the principal is declared.
fn place(model: &Model, principal: &Principal) -> Loc {
    let subject = match &principal.id {
        PrincipalId::Agent(name) => model.agents.get(name).and_then(|agent| agent.subject.as_ref()),
        PrincipalId::Flow(id) => model.flows.get(id).and_then(|flow| flow.subject.as_ref()),
        PrincipalId::AnyAgent(_) => None,
    };
    subject.map_or(principal.loc, |subject| subject.loc)
}
