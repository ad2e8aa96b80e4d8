//! What excuses a widening: a waiver of the base that is about it.

use super::access::{Compared, Flip};
use super::naming::spelled;
use crate::diagnostic::one_line;
use crate::model::gate::{Gate, GateWaiver, Waived};
use crate::policy::visibility::matches;
use crate::policy::{Object, ObjectKind, PrincipalId};

/// How the value of what is gone is shown and written.
pub const GONE: &str = "nothing";

/// A text as people copy it from what is shown: on one line, without backticks.
fn plain(text: &str) -> String {
    one_line(text).replace('`', "").trim().to_owned()
}

/// The rules of the gate on a day.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Budget and waivers, those of the base.
    pub gate: &'a Gate,
    /// The day, as `2027-03-31`; without it no waiver is expired.
    pub today: Option<&'a str>,
}

/// A waiver that is about a widening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excuse {
    /// Which one, by its place in [`Gate::waivers`].
    pub waiver: usize,
    /// Whether its last day is over: then it excuses nothing, and is shown all the same.
    pub expired: bool,
}

impl Rules<'_> {
    /// The first waiver that holds among those that `covers`, else the first that is expired.
    fn first(&self, covers: &dyn Fn(usize, &GateWaiver) -> bool) -> Option<Excuse> {
        let expired = |waiver: &GateWaiver| self.today.is_some_and(|today| waiver.expires.value.as_str() < today);
        let found = self.gate.waivers.iter().enumerate().filter(|(at, waiver)| covers(*at, waiver));
        let found = found.map(|(waiver, entry)| Excuse { waiver, expired: expired(entry) });
        found.min_by_key(|excuse| (excuse.expired, excuse.waiver))
    }

    /// The waiver that is about a change of trust: it names what changes, and exactly the value that it has now.
    #[must_use]
    pub fn of_trust(&self, what: &str, now: Option<&str>) -> Option<Excuse> {
        let (what, now) = (plain(what), plain(now.unwrap_or(GONE)));
        self.first(&|_, waiver| match &waiver.what {
            Waived::Trust { what: pattern, to: Some(to) } => {
                matches(&plain(&pattern.value), &what) && plain(&to.value) == now
            }
            Waived::Trust { to: None, .. } | Waived::Pairs { .. } => false,
        })
    }
}

/// Which waivers are about which principals and objects of a comparison.
pub(super) struct Waivers<'a> {
    rules: Rules<'a>,
    compared: &'a Compared,
    /// For each waiver, whether it is about a principal, and about an object.
    names: Vec<(Vec<bool>, Vec<bool>)>,
}

impl<'a> Waivers<'a> {
    pub(super) fn new(rules: Rules<'a>, compared: &'a Compared) -> Self {
        let names = |waiver: &GateWaiver| match &waiver.what {
            Waived::Trust { .. } => (Vec::new(), Vec::new()),
            Waived::Pairs { principals, tools, .. } => {
                let who = |id: &PrincipalId| principals.iter().any(|it| matches(&it.value, &id.to_string()));
                let what = |object: &Object| tools.iter().any(|it| is_of(&it.value, object));
                (compared.principals.iter().map(who).collect(), compared.objects.iter().map(what).collect())
            }
        };
        Self { rules, compared, names: rules.gate.waivers.iter().map(names).collect() }
    }

    /// The waiver that is about what a cell opens.
    pub(super) fn of(&self, flip: &Flip) -> Option<Excuse> {
        if self.names.is_empty() || !flip.change.widens() {
            return None;
        }
        let about = |at: usize| {
            self.names.get(at).is_some_and(|(who, what)| {
                who.get(flip.principal) == Some(&true) && what.get(flip.object) == Some(&true)
            })
        };
        self.rules.first(&|at, waiver| about(at) && self.shows(flip, waiver))
    }

    /// Whether every request that is let through now, and was not, shows the facts that the waiver asks for.
    fn shows(&self, flip: &Flip, waiver: &GateWaiver) -> bool {
        let Waived::Pairs { facts, .. } = &waiver.what else { return false };
        let (before, after) = (self.compared.conditions.get(flip.before), self.compared.conditions.get(flip.after));
        // A fact that neither side knows is in no request.
        let asked: Option<u64> =
            facts.iter().try_fold(0, |all, fact| Some(all | self.compared.facts.mask(fact.value.as_str())?));
        asked.is_some_and(|asked| after.beyond(before).iter().all(|set| set & asked == asked))
    }
}

/// Whether a pattern is about an object: `server/*` is about the server's own protocol, too.
fn is_of(pattern: &str, object: &Object) -> bool {
    matches(pattern, &spelled(object))
        || (matches!(object.kind, ObjectKind::Protocol) && matches(pattern, &format!("{}/", object.server)))
}

/// What excuses a widening, where something does.
pub(super) fn holds(excuse: Option<Excuse>) -> bool {
    excuse.is_some_and(|excuse| !excuse.expired)
}
