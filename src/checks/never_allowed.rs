//! `never-allowed`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::policy::cell::{Cell, RuleId};
use crate::policy::origin::grant_place;
use crate::policy::{ObjectIx, ObjectKind, PrincipalIx};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "never-allowed",
        severity: Severity::Warning,
        what: "Finds grants and flow steps that no request can ever use, because a rule forbids them whatever the caller \
               proves. What is suspended is not reported.",
        why: "A grant that never works is a misunderstanding on one of the two sides, and a flow that needs it stops there.",
        fix: "Remove the grant, or change the rule that the message names: often `cross_unit_routing`, \
              `cross_bu_data_sharing` or `cross_unit_max_class`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let policy = input.policy;
    if !input.model.complete_for(&["federation_config", "data_routing", "mcp_registry"]) {
        return;
    }
    let mut blocked: BTreeMap<(PrincipalIx, RuleId), (ObjectIx, usize)> = BTreeMap::new();
    for (principal, object, cell) in policy.all_cells().filter(|(_, _, cell)| policy.is_never(cell.condition)) {
        let is_tool = matches!(policy.object_at(object).kind, ObjectKind::Tool(_));
        if is_tool && counts(input, principal, object, cell) {
            blocked.entry((principal, cell.rule)).or_insert((object, 0)).1 += 1;
        }
    }
    for ((principal, rule), (object, count)) in blocked {
        let (who, what) = (policy.principal_at(principal), policy.object_at(object));
        let Some(reason) = &policy.rule_at(rule).blocked else { continue };
        let others = match count {
            0 | 1 => String::new(),
            2 => " (and one more tool)".to_owned(),
            count => format!(" (and {} more tools)", count - 1),
        };
        let loc = grant_place(input.model, &who.id, what).unwrap_or(who.loc);
        let message = format!("`{}` can never call `{what}`{others}: {}", who.id, reason.why);
        let finding = Diagnostic::new(&CHECK.rule, loc, message);
        report.push(match reason.loc {
            Some(loc) => finding.label(loc, "this forbids it"),
            None => finding,
        });
    }
}

/// Whether a cell is blocked by a rule; a suspension and a missing or unknown unit have findings of their own.
fn counts(input: &Input<'_>, principal: PrincipalIx, object: ObjectIx, cell: Cell) -> bool {
    let units = &input.model.topology.units;
    let known = |unit: &crate::model::name::UnitName| unit.is_central() || units.contains_key(unit);
    let own = input.policy.principal_at(principal).unit.as_ref();
    let server = input.model.servers.get(&input.policy.object_at(object).server);
    let theirs = server.and_then(|server| server.unit.as_ref()).map(|unit| &unit.value);
    let placed = units.is_empty() || (own.is_some_and(known) && theirs.is_some_and(known));
    placed && input.policy.rule_at(cell.rule).blocked.as_ref().is_some_and(|blocked| !blocked.suspension)
}
