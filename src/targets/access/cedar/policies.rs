//! The policies: one permit a rule.

use std::collections::{BTreeMap, BTreeSet};

use super::action;
use super::layout::Layout;
use crate::cedar::policies::{Condition, Permit, print as print_permits};
use crate::policy::condition::Condition as Facts;
use crate::source::Sources;
use crate::targets::CompileError;

pub(super) fn print(layout: &Layout<'_>, sources: &Sources) -> Result<String, CompileError> {
    let mut permits = Vec::new();
    for (id, rule) in layout.rules() {
        let mut seen = BTreeSet::new();
        let mut places = layout.places_of(id).into_iter().map(|loc| sources.file_line(loc));
        let first = places.next().ok_or_else(|| {
            CompileError::Refused(format!("the rule `{}` comes from no place in a source", rule.name))
        })?;
        seen.insert(first.clone());
        let further: Vec<String> = places.filter(|place| seen.insert(place.clone())).collect();
        let mut annotations = BTreeMap::from([("source".to_owned(), first)]);
        if !further.is_empty() {
            annotations.insert("sources".to_owned(), further.join(", "));
        }
        let mut parts = vec![Condition::Granted(rule.name.clone())];
        let facts = layout.policy.conditions.get(rule.condition);
        if *facts != Facts::always() {
            parts.push(any_set(layout, facts));
        }
        permits.push(Permit {
            id: rule.name.clone(),
            annotations,
            action_group: action::REQUEST.to_owned(),
            condition: Condition::All(parts),
        });
    }
    Ok(print_permits(&permits)?)
}

/// The facts of one of the minimal sets.
fn any_set(layout: &Layout<'_>, facts: &Facts) -> Condition {
    let set = |mask: &u64| -> Condition {
        Condition::All(layout.policy.facts.named(*mask).map(|fact| Condition::Fact(fact.to_string())).collect())
    };
    Condition::Any(facts.minimal_sets().iter().map(set).collect())
}
