//! What gives the facts their meaning, item by item: no cell changes when `mfa` is suddenly proved by `sub`, yet everything opens.

mod anchors;
mod freed;
mod radius;
mod rules;
mod stated;

use std::collections::{BTreeMap, BTreeSet};

pub use radius::Radius;

use super::access::Side;
use super::access::Which;
use super::excuse::Excuse;
use crate::model::gate::Gate;
use crate::settings::Settings;
use crate::source::Loc;

/// One thing that the decisions rest on, on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Anchor {
    /// What it says.
    value: String,
    /// Where it is written; `None` for what follows from nothing written, such as default evidence.
    loc: Option<Loc>,
    /// Which changes of it open nothing.
    harmless: Harmless,
    /// What it consists of, where that is compared.
    parts: BTreeSet<String>,
    /// Which cells rest on it, where a reader should know.
    bears: Option<radius::Bears>,
}

/// The changes of an anchor that are shown to open nothing. Every other change counts as widening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Harmless {
    /// None.
    Nothing,
    /// That it is gone: less is believed, or taken as given.
    Removal,
    /// That it is new: more is asked for.
    Addition,
    /// Anything: no condition depends on it.
    Anything,
    /// A change to a higher one of these ranks.
    Rise(u8),
    /// That it is new, or a change to a higher one of these ranks: more is asked for.
    Demand(u8),
    /// That it is new, or a change to a lower number: it is the most that is let be.
    Limit(u64),
    /// That it is gone, or a change to an earlier day: it is accepted until then. The day as a number, `20270331`.
    Until(u32),
    /// A change to some of its parts: each of them is believed.
    Fewer,
    /// A change to more parts, or that it is gone: all of them together are asked for.
    More,
}

/// A change of what decisions rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustChange {
    /// What it is about: "evidence of `mfa`".
    pub what: String,
    /// What it was; `None` where there was none.
    pub before: Option<String>,
    /// What it is now; `None` where it is gone.
    pub after: Option<String>,
    /// The line that a reader should look at: the head's, or the base's of what is gone.
    pub at: Option<(Which, Loc)>,
    /// The file and line of it, where they are in the files of an environment.
    pub elsewhere: Option<(Which, String, u32)>,
    /// Whether it must be taken for a widening: it is not shown to be none.
    pub widening: bool,
    /// The waiver that is about it, where it is a widening.
    pub excuse: Option<Excuse>,
    /// Which cells rest on it, where something was replaced that many do.
    pub radius: Option<Radius>,
}

impl TrustChange {
    /// A change that opens nothing.
    pub(super) fn new(what: String, before: Option<String>, after: Option<String>, at: Option<(Which, Loc)>) -> Self {
        Self { what, before, after, at, elsewhere: None, widening: false, excuse: None, radius: None }
    }
}

/// A side with its settings, which are read beside the model.
#[derive(Debug, Clone, Copy)]
pub struct Trusted<'a> {
    /// The model and the relation.
    pub side: Side<'a>,
    /// `mcpctl.yaml`.
    pub settings: &'a Settings,
    /// The rules of the gate.
    pub gate: &'a Gate,
}

/// Every change of what decisions rest on: widenings first, then by what they are about.
#[must_use]
pub fn changes(base: Trusted<'_>, head: Trusted<'_>) -> Vec<TrustChange> {
    let (before, after) = (anchors::of(base, head.side), anchors::of(head, base.side));
    let all: BTreeMap<&str, ()> = before.keys().chain(after.keys()).map(|what| (what.as_str(), ())).collect();
    let mut found: Vec<TrustChange> = all
        .into_keys()
        .filter_map(|what| {
            let (old, new) = (before.get(what), after.get(what));
            if old.map(|old| &old.value) == new.map(|new| &new.value) {
                return None;
            }
            let loc = |anchor: Option<&Anchor>, which| anchor.and_then(|anchor| anchor.loc).map(|loc| (which, loc));
            let value = |anchor: Option<&Anchor>| anchor.map(|anchor| anchor.value.clone());
            let at = loc(new, Which::Head).or_else(|| loc(old, Which::Base));
            // What is gone bore what the base lets through.
            let bears = |anchor: Option<&Anchor>, side| anchor?.bears.as_ref().map(|bears| radius::of(bears, side));
            let radius = bears(new, head.side).or_else(|| bears(old, base.side));
            let change = TrustChange::new(what.to_owned(), value(old), value(new), at);
            Some(TrustChange { widening: widens(old, new), radius, ..change })
        })
        .collect();
    found.extend(rules::changes(base, head));
    // Hand-written Cedar may deny what a request with fewer facts may do.
    let plain = |trusted: Trusted<'_>| trusted.side.model.handwritten.is_empty();
    found.extend(stated::changes(base.side, head.side, plain(base) && plain(head)));
    found.extend(freed::changes(base.side, head.side));
    found.sort_by(|a, b| (!a.widening, &a.what).cmp(&(!b.widening, &b.what)));
    found
}

fn widens(old: Option<&Anchor>, new: Option<&Anchor>) -> bool {
    let parts = |anchor: Option<&Anchor>| anchor.map(|anchor| anchor.parts.clone()).unwrap_or_default();
    match (old.map(|old| old.harmless), new.map(|new| new.harmless)) {
        (Some(Harmless::Until(old)), Some(Harmless::Until(new))) => new > old,
        (Some(Harmless::Until(_)), None) => false,
        (Some(Harmless::Fewer), Some(Harmless::Fewer)) => !parts(new).is_subset(&parts(old)),
        (Some(Harmless::More), Some(Harmless::More)) => !parts(new).is_superset(&parts(old)),
        (Some(Harmless::More), None) => false,
        (Some(Harmless::Anything), Some(Harmless::Anything) | None) | (None, Some(Harmless::Anything)) => false,
        (Some(Harmless::Removal), None) | (None, Some(Harmless::Addition)) => false,
        (Some(Harmless::Rise(old)), Some(Harmless::Rise(new)))
        | (Some(Harmless::Demand(old)), Some(Harmless::Demand(new))) => new < old,
        (Some(Harmless::Limit(old)), Some(Harmless::Limit(new))) => new > old,
        (None, Some(Harmless::Demand(_) | Harmless::Limit(_))) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widening(old: Option<Harmless>, new: Option<Harmless>) -> bool {
        let anchor =
            |harmless| Anchor { value: String::new(), loc: None, harmless, parts: BTreeSet::new(), bears: None };
        let (old, new) = (old.map(anchor), new.map(anchor));
        widens(old.as_ref(), new.as_ref())
    }

    #[test]
    fn what_asks_for_more_does_not_widen() {
        let demand = |rank| Some(Harmless::Demand(rank));
        assert!(!widening(None, demand(1)) && !widening(demand(1), demand(2)));
        assert!(widening(demand(2), demand(1)) && widening(demand(1), None));
        let limit = |most| Some(Harmless::Limit(most));
        assert!(!widening(None, limit(900)) && !widening(limit(900), limit(60)));
        assert!(widening(limit(60), limit(900)) && widening(limit(60), None));
    }
}
