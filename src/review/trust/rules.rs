//! The rules of the gate, compared: the next change is judged by them, so what lets it open more is a widening itself.

use std::collections::{BTreeMap, BTreeSet};

use super::super::access::Which;
use super::{TrustChange, Trusted};
use crate::model::gate::{Gate, GateWaiver, Waived};
use crate::model::name::{ClassName, FactName, UnitName};
use crate::policy::visibility::matches;
use crate::source::{Loc, Spanned};

/// Every rule that is another one now.
pub(super) fn changes(base: Trusted<'_>, head: Trusted<'_>) -> Vec<TrustChange> {
    // The places of a file of its own are not among those of the workspace.
    let own = std::ptr::eq(head.gate, &head.side.model.gate);
    let before = written(base.gate);
    let after = written(head.gate);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter_map(|what| {
        let (old, new) = (before.get(what), after.get(what));
        let text = |rule: Option<&Rule<'_>>| rule.map(|rule| rule.value.clone());
        let at = new.map(|new| (Which::Head, new.loc)).or(old.map(|old| (Which::Base, old.loc)));
        let change = || TrustChange::new(what.clone(), text(old), text(new), at.filter(|_| own));
        (text(old) != text(new)).then(|| TrustChange { widening: widens(old, new, base.gate, head.gate), ..change() })
    });
    changed.collect()
}

/// A rule as it is written.
struct Rule<'a> {
    value: String,
    loc: Loc,
    of: Of<'a>,
}

/// What a rule is.
enum Of<'a> {
    /// A limit in all.
    All(u32),
    /// A limit of a unit.
    Unit(u32),
    /// A limit of a class.
    Class(u32),
    /// A limit of what operation may lose.
    Lost(u32),
    /// Waivers that are about the same.
    Waivers(Vec<&'a GateWaiver>),
}

/// The rules by what they are about.
fn written(gate: &Gate) -> BTreeMap<String, Rule<'_>> {
    let all = gate.max_new_allow.iter().map(|most| ("in all".to_owned(), most.loc, Of::All(most.value)));
    let unit = |(unit, most): (&UnitName, &Spanned<u32>)| {
        (format!("on servers of unit `{unit}`"), most.loc, Of::Unit(most.value))
    };
    let class = |(class, most): (&ClassName, &Spanned<u32>)| {
        (format!("on servers of class `{class}`"), most.loc, Of::Class(most.value))
    };
    let limits = all.chain(gate.units.iter().map(unit)).chain(gate.classes.iter().map(class));
    let mut rules: BTreeMap<String, Rule<'_>> = BTreeMap::new();
    for (of, loc, limit) in limits {
        let (Of::All(most) | Of::Unit(most) | Of::Class(most)) = limit else { continue };
        rules.insert(format!("gate: pairs that may widen {of}"), Rule { value: most.to_string(), loc, of: limit });
    }
    if let Some(most) = &gate.max_lost_operation {
        let what = "gate: changes that may take away from operation".to_owned();
        rules.insert(what, Rule { value: most.value.to_string(), loc: most.loc, of: Of::Lost(most.value) });
    }
    for waiver in &gate.waivers {
        let what = format!("gate: waiver of {}", about(&waiver.what));
        let to = match &waiver.what {
            Waived::Trust { to: Some(to), .. } => format!("to `{to}` "),
            Waived::Trust { to: None, .. } | Waived::Pairs { .. } => String::new(),
        };
        let value = format!("{to}until {}, {}: {}", waiver.expires, waiver.owner, waiver.reason);
        let empty = || Rule { value: String::new(), loc: waiver.loc, of: Of::Waivers(Vec::new()) };
        let rule = rules.entry(what).or_insert_with(empty);
        let glue = if rule.value.is_empty() { "" } else { "; " };
        rule.value = format!("{}{glue}{value}", rule.value);
        if let Of::Waivers(same) = &mut rule.of {
            same.push(waiver);
        }
    }
    rules
}

fn about(what: &Waived) -> String {
    let listed =
        |names: &[Spanned<String>]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match what {
        Waived::Trust { what, .. } => format!("`{what}`"),
        Waived::Pairs { principals, tools, facts } => {
            let facts: Vec<&str> = facts.iter().map(|fact| fact.value.as_str()).collect();
            let with = if facts.is_empty() { String::new() } else { format!(" with {}", facts.join(", ")) };
            format!("{} on {}{with}", listed(principals), listed(tools))
        }
    }
}

/// Whether a later change may widen more than before by one rule.
fn widens(old: Option<&Rule<'_>>, new: Option<&Rule<'_>>, base: &Gate, head: &Gate) -> bool {
    match (old.map(|old| &old.of), new.map(|new| &new.of)) {
        (Some(Of::All(old)), Some(Of::All(new)))
        | (Some(Of::Unit(old)), Some(Of::Unit(new)))
        | (Some(Of::Class(old)), Some(Of::Class(new)))
        | (Some(Of::Lost(old)), Some(Of::Lost(new))) => new > old,
        // Without a limit nothing was asked of it.
        (Some(Of::Lost(_)), None) => true,
        (None, Some(Of::Lost(_))) => false,
        (None, Some(Of::All(new))) => *new > 0,
        // Under a limit in all, one more limit lets nothing open. Without it, no pair could open that had no limit.
        (None, Some(Of::Unit(new) | Of::Class(new))) => base.max_new_allow.is_none() && *new > 0,
        // What may widen where the limit is gone: as much as the others let.
        (Some(Of::All(old)), None) => sum(head.units.values()) + sum(head.classes.values()) > u64::from(*old),
        (Some(Of::Unit(old)), None) => rest(head, sum(head.classes.values())) > u64::from(*old),
        (Some(Of::Class(old)), None) => rest(head, sum(head.units.values())) > u64::from(*old),
        (_, Some(Of::Waivers(new))) => {
            new.iter().any(|waiver| !base.waivers.iter().any(|known| is_within(waiver, known)))
        }
        (_, None) => false,
        (Some(_), Some(_)) => true,
    }
}

fn sum<'a>(limits: impl Iterator<Item = &'a Spanned<u32>>) -> u64 {
    limits.map(|limit| u64::from(limit.value)).sum()
}

/// What may widen on servers without a limit of their own.
fn rest(gate: &Gate, by_others: u64) -> u64 {
    gate.max_new_allow.as_ref().map_or(by_others, |most| u64::from(most.value))
}

/// Whether a waiver excuses nothing that the other does not.
fn is_within(waiver: &GateWaiver, other: &GateWaiver) -> bool {
    // In a pattern that another one matches as a text, `*` stands for what the other's `*` stands for.
    let all = |names: &[Spanned<String>], others: &[Spanned<String>]| {
        names.iter().all(|name| others.iter().any(|other| matches(&other.value, &name.value)))
    };
    let holds_no_longer = waiver.expires.value <= other.expires.value;
    holds_no_longer
        && match (&waiver.what, &other.what) {
            (Waived::Trust { what, to }, Waived::Trust { what: wider, to: known }) => {
                matches(&wider.value, &what.value)
                    && to.as_ref().is_none_or(|to| known.as_ref().is_some_and(|known| known.value == to.value))
            }
            (
                Waived::Pairs { principals, tools, facts },
                Waived::Pairs { principals: who, tools: what, facts: needed },
            ) => {
                let shown = |fact: &Spanned<FactName>| facts.iter().any(|shown| shown.value == fact.value);
                all(principals, who) && all(tools, what) && needed.iter().all(shown)
            }
            (Waived::Trust { to: None, .. }, Waived::Pairs { .. }) => true,
            (Waived::Trust { .. }, Waived::Pairs { .. }) | (Waived::Pairs { .. }, Waived::Trust { .. }) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(limits: [Option<u32>; 3]) -> Gate {
        let [all, unit, class] = limits.map(|limit| limit.map(|most| Spanned::new(most, Loc::default())));
        Gate {
            max_new_allow: all,
            units: unit.map(|most| (UnitName::from("retail"), most)).into_iter().collect(),
            classes: class.map(|most| (ClassName::from("public"), most)).into_iter().collect(),
            ..Gate::default()
        }
    }

    /// Whether so many pairs may widen: of the unit and the class, of the unit alone, of the class alone, of neither.
    fn lets(gate: [Option<u32>; 3], [both, unit, class, neither]: [u32; 4]) -> bool {
        let [all, of_unit, of_class] = gate;
        let within = |used: u32, limit: Option<u32>| limit.is_none_or(|most| used <= most);
        let unlimited = neither + if of_unit.is_none() { unit } else { 0 } + if of_class.is_none() { class } else { 0 };
        let unlimited = unlimited + if of_unit.is_none() && of_class.is_none() { both } else { 0 };
        within(both + unit + class + neither, all)
            && within(both + unit, of_unit)
            && within(both + class, of_class)
            && (all.is_some() || unlimited == 0)
    }

    #[test]
    fn rules_that_let_more_open_have_a_widening_among_them() {
        let limits = [None, Some(0), Some(1), Some(2)];
        let (mut gates, mut uses) = (Vec::new(), Vec::new());
        for (a, b) in limits.iter().flat_map(|a| limits.map(|b| (*a, b))) {
            gates.extend(limits.map(|c| [a, b, c]));
        }
        for (a, b) in (0..4).flat_map(|a| [0, 1, 2, 3].map(|b| (a, b))) {
            uses.extend((0..4).flat_map(|c| [0, 1, 2, 3].map(|d| [a, b, c, d])));
        }
        let (mut more, mut flagged) = (0, 0);
        for base in &gates {
            for head in &gates {
                let (before, after) = (gate(*base), gate(*head));
                let (old, new) = (written(&before), written(&after));
                let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
                let differs =
                    |what: &&&String| old.get(**what).map(|it| &it.value) != new.get(**what).map(|it| &it.value);
                let widening =
                    names.iter().filter(differs).any(|what| widens(old.get(*what), new.get(*what), &before, &after));
                let opens = uses.iter().any(|used| lets(*head, *used) && !lets(*base, *used));
                assert!(widening || !opens, "{base:?} -> {head:?}");
                more += usize::from(opens);
                flagged += usize::from(widening);
            }
        }
        // Most of what is flagged does let more open.
        assert!(more > 1000 && flagged < more + more / 4, "{more} {flagged}");
    }

    fn waiver(principals: &[&str], tools: &[&str], facts: &[&str], expires: &str) -> GateWaiver {
        let text = |text: &str| Spanned::new(text.to_owned(), Loc::default());
        let all = |names: &[&str]| names.iter().map(|name| text(name)).collect();
        let facts = facts.iter().map(|fact| Spanned::new(FactName::from(*fact), Loc::default())).collect();
        let what = Waived::Pairs { principals: all(principals), tools: all(tools), facts };
        GateWaiver { what, reason: text("r"), owner: text("o"), expires: text(expires), loc: Loc::default() }
    }

    #[test]
    fn a_waiver_is_within_one_that_excuses_as_much() {
        let known = waiver(&["sales_*"], &["crm_server/*"], &["mfa"], "2027-01-31");
        let within = |principals: &[&str], tools: &[&str], facts: &[&str], expires: &str| {
            is_within(&waiver(principals, tools, facts, expires), &known)
        };
        assert!(within(&["sales_*"], &["crm_server/*"], &["mfa"], "2027-01-31"));
        assert!(within(&["sales_agent", "sales_*_x"], &["crm_server/get"], &["mtls", "mfa"], "2027-01-30"));
        assert!(!within(&["sales_*"], &["crm_server/*"], &["mfa"], "2027-02-01"), "it holds longer");
        assert!(!within(&["sales*"], &["crm_server/*"], &["mfa"], "2027-01-31"), "more principals");
        assert!(!within(&["sales_*"], &["crm_server/*", "docs/x"], &["mfa"], "2027-01-31"), "more tools");
        assert!(!within(&["sales_*"], &["crm_server/*"], &["mtls"], "2027-01-31"), "another fact");
    }
}
