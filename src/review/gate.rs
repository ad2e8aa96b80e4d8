//! The gate: what a change opens, held against the budget and the waivers of the base.

use std::collections::BTreeMap;

use super::access::Side;
use super::diff::Diff;
use super::excuse::{Rules, holds};
use crate::model::access::classification::Classification;
use crate::model::name::UnitName;
use crate::policy::Object;

/// A limit of the budget, and what the change uses of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What it is about: "in all", "on servers of unit `retail`", "on servers of class `public`".
    pub of: String,
    /// The most pairs that may widen.
    pub most: u32,
    /// How many open and are not waived.
    pub used: usize,
}

/// What the gate says of a change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Pairs that open and are not waived.
    pub opened: usize,
    /// Pairs that open and are waived.
    pub waived: usize,
    /// The limits that are set.
    pub limits: Vec<Limit>,
    /// Pairs that open, are not waived, and that no limit speaks of.
    pub beyond: usize,
    /// Pairs of which it is not shown that hand-written Cedar opens nothing. No budget and no waiver speaks of them.
    pub handwritten: usize,
    /// Changes of trust that count as widening and are not waived.
    pub trust: usize,
    /// Those that are waived.
    pub trust_waived: usize,
    /// Waivers that are about something that opens, and are expired.
    pub expired: usize,
    /// Changes of operation that take something away.
    pub lost: usize,
    /// The most that may.
    pub most_lost: Option<u32>,
}

impl Verdict {
    /// Whether more opens than the rules let.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.widens_too_much() || self.loses(None)
    }

    /// Whether more access opens than the rules let.
    #[must_use]
    pub fn widens_too_much(&self) -> bool {
        self.beyond > 0
            || self.trust > 0
            || self.handwritten > 0
            || self.limits.iter().any(|limit| limit.used > limit.most as usize)
    }

    /// Whether operation loses more than the rules let, or than `otherwise` where they say nothing of it.
    #[must_use]
    pub fn loses(&self, otherwise: Option<u32>) -> bool {
        self.most_lost.or(otherwise).is_some_and(|most| self.lost > most as usize)
    }
}

/// Holds a change against the rules. Units and classes are those of the base: a change cannot move a server to where more may
/// open.
#[must_use]
pub fn judge(diff: &Diff, rules: Rules<'_>, base: Side<'_>, head: Side<'_>) -> Verdict {
    let gate = rules.gate;
    let mut verdict = Verdict::default();
    let written = diff.handwritten.iter().flat_map(|found| &found.groups).filter(|group| group.proof.may_open());
    // One that nothing can be said of has no pairs.
    verdict.handwritten = written.map(|group| group.pairs.max(1)).sum();
    let mut of_units: BTreeMap<&str, usize> = gate.units.keys().map(|unit| (unit.as_str(), 0)).collect();
    let mut of_classes: BTreeMap<&str, usize> = gate.classes.keys().map(|class| (class.as_str(), 0)).collect();
    let classes = [base, head].map(|side| Classification::of(&side.model.access));
    for group in diff.groups.iter().filter(|group| group.change.widens()) {
        if holds(group.excuse) {
            verdict.waived += group.cells();
            continue;
        }
        verdict.opened += group.cells();
        for object in &group.objects {
            let count = group.principals.len();
            let (unit, class) = whose(object, [base, head], &classes);
            let of_unit = of_units.get_mut(unit.as_str());
            let of_class = class.and_then(|class| of_classes.get_mut(class));
            if gate.max_new_allow.is_none() && of_unit.is_none() && of_class.is_none() {
                verdict.beyond += count;
            }
            of_unit.into_iter().chain(of_class).for_each(|used| *used += count);
        }
    }
    let limit = |of: String, most: u32, used: usize| Limit { of, most, used };
    verdict.limits.extend(gate.max_new_allow.as_ref().map(|most| limit("in all".into(), most.value, verdict.opened)));
    let used = |of: &BTreeMap<&str, usize>, name: &str| of.get(name).copied().unwrap_or_default();
    for (unit, most) in &gate.units {
        verdict.limits.push(limit(format!("on servers of unit `{unit}`"), most.value, used(&of_units, unit.as_str())));
    }
    for (class, most) in &gate.classes {
        verdict.limits.push(limit(
            format!("on servers of class `{class}`"),
            most.value,
            used(&of_classes, class.as_str()),
        ));
    }
    for change in diff.trust.iter().filter(|change| change.widening) {
        *(if holds(change.excuse) { &mut verdict.trust_waived } else { &mut verdict.trust }) += 1;
    }
    let excuses = diff.groups.iter().map(|group| group.excuse).chain(diff.trust.iter().map(|change| change.excuse));
    let mut expired: Vec<usize> =
        excuses.flatten().filter(|excuse| excuse.expired).map(|excuse| excuse.waiver).collect();
    expired.sort_unstable();
    expired.dedup();
    verdict.expired = expired.len();
    verdict.lost = diff.operation.iter().filter(|change| change.loses).count();
    verdict.most_lost = gate.max_lost_operation.as_ref().map(|most| most.value);
    verdict
}

/// The unit and the class of an object's server: in the base where it is there, else in the head.
fn whose<'a>(
    object: &Object,
    [base, head]: [Side<'_>; 2],
    [of_base, of_head]: &[Classification<'a>; 2],
) -> (UnitName, Option<&'a str>) {
    let known = base.model.servers.contains_key(&object.server);
    let (side, classes) = if known { (base, of_base) } else { (head, of_head) };
    let unit = side.model.servers.get(&object.server).and_then(|server| server.unit.as_ref());
    let unit = unit.map_or_else(|| UnitName::from(UnitName::CENTRAL), |unit| unit.value.clone());
    (unit, classes.governing(object.server.as_str()).map(|(_, class)| class.name.value.as_str()))
}
