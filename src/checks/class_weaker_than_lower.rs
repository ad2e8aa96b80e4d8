//! `class-weaker-than-lower`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::model::access::{AccessRules, DataClass};
use crate::model::name::UnitName;
use crate::policy::condition::Condition;
use crate::policy::derive::{condition_of, effective_level, level_condition};
use crate::policy::fact::Facts;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "class-weaker-than-lower",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds a `min_auth_level` that makes a data class ask for less than a less sensitive one: a lower level, whose \
               requirements do not hold all that the other class asks for, with the class's own `requires` and what the folder of \
               its servers' unit adds.",
        why: "The order of the classes is the order of their sensitivity. Here the data that needs more protection is the \
              easier one to reach.",
        fix: "Raise the `min_auth_level` of the more sensitive class, lower that of the less sensitive one, or correct the \
              order of the classes.",
    },
    run,
};

/// A class with the level that it leads to and all that it asks for.
struct Demand<'a> {
    class: &'a DataClass,
    level: u32,
    /// By the central rules.
    central: Condition,
    /// In each unit that has a server of the class, by its folder as well. Empty without servers.
    in_units: Vec<Condition>,
}

impl Demand<'_> {
    /// Whether calls to some server of this class can need less than `other` asks for.
    fn is_weaker_than(&self, other: &Self) -> bool {
        let less = |condition: &Condition| !condition.implies(&other.central);
        match self.in_units.as_slice() {
            [] => less(&self.central),
            in_units => in_units.iter().any(less),
        }
    }
}

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["data_routing", "progressive_auth", "mcp_registry"]) {
        return;
    }
    let classes = model.access.classes.iter().zip(0..);
    let demands: Vec<Demand<'_>> =
        classes.filter_map(|(class, rank)| demand(model, class, rank, &input.policy.facts)).collect();
    for (at, sensitive) in demands.iter().enumerate() {
        let weaker = |other: &&Demand<'_>| sensitive.level < other.level && sensitive.is_weaker_than(other);
        let lower = demands.iter().take(at).filter(weaker).max_by_key(|other| other.level);
        let Some(lower) = lower else { continue };
        let (Some(at), other) = (match &sensitive.class.min_auth_level {
            Some(level) => {
                (Some(level.loc), lower.class.min_auth_level.as_ref().map_or(lower.class.name.loc, |l| l.loc))
            }
            // Its place in the order says the level, so the less sensitive class is the one that was moved.
            None => (lower.class.min_auth_level.as_ref().map(|level| level.loc), sensitive.class.name.loc),
        }) else {
            continue;
        };
        let message = format!(
            "class `{}` needs level {}, and the less sensitive class `{}` needs level {}",
            sensitive.class.name, sensitive.level, lower.class.name, lower.level
        );
        let shown = if sensitive.class.min_auth_level.is_some() { lower } else { sensitive };
        report.push(
            Diagnostic::new(&CHECK.rule, at, message)
                .label(other, format!("class `{}` leads to level {}", shown.class.name, shown.level)),
        );
    }
}

fn demand<'a>(model: &Model, class: &'a DataClass, rank: usize, facts: &Facts) -> Option<Demand<'a>> {
    let level = level(&model.access, class, rank)?;
    let central = condition(&model.access, class, level, facts);
    Some(Demand { class, level, in_units: in_units(model, class, rank, &central, facts), central })
}

/// What calls to the servers of a class need: the central demand, and with it that of their unit's folder.
fn in_units(model: &Model, class: &DataClass, rank: usize, central: &Condition, facts: &Facts) -> Vec<Condition> {
    let unit = |name: &str| model.server(name)?.unit.as_ref().map(|unit| &unit.value);
    let units: BTreeSet<_> = class.servers.iter().map(|server| unit(server.value.as_str())).collect();
    let of = |unit: Option<&UnitName>| {
        let restated = unit.and_then(|unit| model.restated_for(unit));
        let restated = restated.as_ref().and_then(|rules| {
            let class = rules.classes.get(rank)?;
            Some(condition(rules, class, level(rules, class, rank)?, facts))
        });
        restated.map_or_else(|| central.clone(), |restated| central.and(&restated))
    };
    units.into_iter().map(of).collect()
}

/// The level that a class leads to.
fn level(rules: &AccessRules, class: &DataClass, rank: usize) -> Option<u32> {
    match &class.min_auth_level {
        Some(least) => effective_level(&rules.levels, least.value),
        None => rules.levels.keys().nth(rank).or_else(|| rules.levels.keys().next_back()).copied(),
    }
}

fn condition(rules: &AccessRules, class: &DataClass, level: u32, facts: &Facts) -> Condition {
    level_condition(&rules.levels, level, facts).and(&condition_of(&class.requires, facts))
}
