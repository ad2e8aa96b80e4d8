//! `earlier-call-out-of-reach`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::Evidence;
use crate::model::name::FactName;
use crate::policy::conflict::Conflicts;
use crate::policy::origin::grant_place;
use crate::policy::{Object, ObjectIx, ObjectKind, PrincipalIx};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "earlier-call-out-of-reach",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds callers that may call a tool only after an earlier call (`called`) which they can never make: it is not \
               granted to them, or needs what only it would prove.",
        why: "An earlier call counts for the caller that made it, and for nobody else. Who may not make it is always denied, \
              although a grant says otherwise.",
        fix: "Grant the earlier call to the same caller, or prove the requirement by a claim of the token where somebody else \
              approves.",
    },
    run,
};

/// A fact that an earlier call proves.
struct Earlier<'a> {
    bit: u64,
    fact: &'a FactName,
    loc: Loc,
    /// What must have been called.
    object: ObjectIx,
}

fn run(input: &Input<'_>, report: &mut Report) {
    let earlier = earlier(input);
    if earlier.is_empty()
        || !input.model.complete_for(&["federation_config", "data_routing", "mcp_registry", "identity"])
    {
        return;
    }
    let conflicts = Conflicts::new(input.model, input.policy, input.classes);
    for index in (0..input.policy.principals.len()).filter_map(|index| u32::try_from(index).ok()) {
        of_principal(input, &conflicts, &earlier, PrincipalIx(index), report);
    }
}

/// The facts of this kind, where what must have been called is there at all.
fn earlier<'a>(input: &Input<'a>) -> Vec<Earlier<'a>> {
    let evidence = input.model.identity.iter().flat_map(|identity| &identity.evidence);
    let found = evidence.filter_map(|(fact, evidence)| {
        let Evidence::Called(called) = &evidence.value else { return None };
        let object = Object { server: called.server.clone(), kind: ObjectKind::Tool(called.tool.clone()) };
        let (bit, object) = (input.policy.facts.mask(fact.as_str())?, input.policy.object(&object)?);
        Some(Earlier { bit, fact, loc: evidence.loc, object })
    });
    found.collect()
}

fn of_principal(
    input: &Input<'_>,
    conflicts: &Conflicts<'_>,
    earlier: &[Earlier<'_>],
    principal: PrincipalIx,
    report: &mut Report,
) {
    let policy = input.policy;
    let Some(row) = policy.cells.get(principal.0 as usize) else { return };
    let cells: Vec<(ObjectIx, &[u64])> = row
        .iter()
        .filter(|(_, cell)| !conflicts.is_never(cell.condition))
        .map(|(object, cell)| (*object, policy.conditions.get(cell.condition).minimal_sets()))
        .collect();
    // What can be called after what can be called, from nothing on.
    let mut made: BTreeSet<ObjectIx> = BTreeSet::new();
    loop {
        let missing = missing(earlier, &made);
        let more =
            cells.iter().filter(|(_, sets)| sets.iter().any(|set| set & missing == 0)).map(|(object, _)| *object);
        let before = made.len();
        made.extend(more.collect::<Vec<_>>());
        if made.len() == before {
            break;
        }
    }
    let missing = missing(earlier, &made);
    let mut of_fact: BTreeMap<&FactName, (&Earlier<'_>, ObjectIx, usize)> = BTreeMap::new();
    let is_tool = |object: ObjectIx| matches!(policy.object_at(object).kind, ObjectKind::Tool(_));
    for (object, sets) in cells.iter().filter(|(object, _)| !made.contains(object) && is_tool(*object)) {
        let needed = sets.first().map_or(0, |set| set & missing);
        if let Some(earlier) = earlier.iter().find(|earlier| earlier.bit & needed != 0) {
            of_fact.entry(earlier.fact).or_insert((earlier, *object, 0)).2 += 1;
        }
    }
    for (earlier, object, count) in of_fact.into_values() {
        let (who, what, first) =
            (policy.principal_at(principal), policy.object_at(object), policy.object_at(earlier.object));
        let others = match count {
            0 | 1 => String::new(),
            2 => " (and one more)".to_owned(),
            count => format!(" (and {} more)", count - 1),
        };
        let why = match policy.cell(principal, earlier.object) {
            Some(_) if object == earlier.object => "each call of it needs one before".to_owned(),
            Some(cell) if !conflicts.is_never(cell.condition) => format!("`{first}` needs an earlier call itself"),
            Some(_) | None => format!("it may not call `{first}`"),
        };
        let loc = grant_place(input.model, &who.id, what).unwrap_or(who.loc);
        report.push(
            Diagnostic::new(&CHECK.rule, loc, format!("`{}` can never call `{what}`{others}: {why}", who.id))
                .label(earlier.loc, format!("`{}` is an earlier call of the same caller", earlier.fact)),
        );
    }
}

/// The facts that no call can have that is made after these.
fn missing(earlier: &[Earlier<'_>], made: &BTreeSet<ObjectIx>) -> u64 {
    earlier.iter().filter(|earlier| !made.contains(&earlier.object)).fold(0, |bits, earlier| bits | earlier.bit)
}
