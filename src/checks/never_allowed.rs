//! `never-allowed`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::policy::cell::{Cell, RuleId};
use crate::policy::conflict::Conflicts;
use crate::policy::origin::grant_place;
use crate::policy::{ObjectIx, ObjectKind, PrincipalId, PrincipalIx};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "never-allowed",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds grants that no request can ever use, because a rule forbids them whatever the caller proves, or because \
               they need facts that no call can have at once. The places shown forbid it together, and none of them alone: \
               changing any one of them ends the conflict. What is suspended is not reported, nor are flows, which \
               `flow-never-completes` is about.",
        why: "A grant that never works is a misunderstanding on one of its sides.",
        fix: "Remove the grant, or change one of the places that the finding shows: often `cross_unit_routing`, \
              `cross_bu_data_sharing` or `cross_unit_max_class`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let policy = input.policy;
    if !input.model.complete_for(&["federation_config", "data_routing", "mcp_registry", "identity"]) {
        return;
    }
    let conflicts = Conflicts::new(input.model, policy, input.classes);
    let mut blocked: BTreeMap<(PrincipalIx, RuleId), (ObjectIx, Cell, usize)> = BTreeMap::new();
    for (principal, object, cell) in policy.all_cells().filter(|(_, _, cell)| conflicts.is_never(cell.condition)) {
        let is_tool = matches!(policy.object_at(object).kind, ObjectKind::Tool(_));
        let is_flow = matches!(policy.principal_at(principal).id, PrincipalId::Flow(_));
        if is_tool && !is_flow {
            blocked.entry((principal, cell.rule)).or_insert((object, cell, 0)).2 += 1;
        }
    }
    for ((principal, _), (object, cell, count)) in blocked {
        let Some(conflict) = conflicts.of(principal, object, cell).filter(|conflict| !conflict.suspension) else {
            continue;
        };
        let (who, what) = (policy.principal_at(principal), policy.object_at(object));
        let others = match count {
            0 | 1 => String::new(),
            2 => " (and one more tool)".to_owned(),
            count => format!(" (and {} more tools)", count - 1),
        };
        let loc = grant_place(input.model, &who.id, what).unwrap_or(who.loc);
        let message = format!("`{}` can never call `{what}`{others}: {}", who.id, conflict.why);
        report.push(Diagnostic::new(&CHECK.rule, loc, message).labels(conflict.places));
    }
}
