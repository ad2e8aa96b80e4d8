//! The rules of the gate as anchors: the next change is judged by them.

use super::super::{Harmless, Trusted};
use super::Anchors;
use crate::model::gate::Waived;
use crate::source::{Loc, Spanned};

/// What the next change may open. It opens nothing itself, and this change is judged by what stands in the base.
pub(super) fn gate(trusted: Trusted<'_>, anchors: &mut Anchors) {
    let gate = trusted.gate;
    // The places of a file of its own are not among those of the workspace.
    let own = std::ptr::eq(gate, &trusted.side.model.gate);
    let mut add = |what: String, value: String, loc: Loc| {
        anchors.add(what, value, own.then_some(loc), Harmless::Anything);
    };
    let limits = gate.max_new_allow.iter().map(|most| ("in all".to_owned(), most));
    let units = gate.units.iter().map(|(unit, most)| (format!("on servers of unit `{unit}`"), most));
    let classes = gate.classes.iter().map(|(class, most)| (format!("on servers of class `{class}`"), most));
    for (of, most) in limits.chain(units).chain(classes) {
        add(format!("gate: pairs that may open {of}"), most.value.to_string(), most.loc);
    }
    for waiver in &gate.waivers {
        let listed =
            |names: &[Spanned<String>]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let what = match &waiver.what {
            Waived::Trust(trust) => format!("`{trust}`"),
            Waived::Pairs { principals, tools, facts } => {
                let facts: Vec<&str> = facts.iter().map(|fact| fact.value.as_str()).collect();
                let with = if facts.is_empty() { String::new() } else { format!(" with {}", facts.join(", ")) };
                format!("{} on {}{with}", listed(principals), listed(tools))
            }
        };
        let value = format!("until {}, {}: {}", waiver.expires, waiver.owner, waiver.reason);
        add(format!("gate: waiver of {what}"), value, waiver.loc);
    }
}
