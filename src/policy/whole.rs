//! The whole decision of a pair: the access relation together with what hand-written policies say.
//!
//! Without hand-written policies it is the relation's own. With them it need not be monotone, so what is asked of all requests is
//! found by trying the facts that can matter; where there are too many of them, by a solver, where there is one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::condition::Condition;
use super::{ObjectIx, Policy, PrincipalIx};
use crate::source::Loc;

/// An object that is ever allowed, with a smallest set of facts under which it is.
pub type Possible = (ObjectIx, u64);

/// An object of which that is not settled, with the reason.
pub type Open = (ObjectIx, String);

/// Most facts that are tried in all combinations.
pub const MOST_TRIED: u32 = 16;

/// What hand-written policies say of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// Nothing: the relation decides.
    Nothing,
    /// A permit applies and no forbid.
    Permit,
    /// A forbid applies.
    Forbid,
    /// A policy fails to evaluate, and a request is then denied.
    Fails,
}

/// What hand-written policies say of the requests of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// None has a say.
    None,
    /// They depend on these facts alone: what they say for each combination, by the facts of the mask in order.
    Tried {
        /// The facts.
        facts: u64,
        /// What is said, by the bits of the facts that hold, pressed together.
        says: Vec<Says>,
        /// The policies that have a say.
        policies: Vec<String>,
    },
    /// They were not tried, and why; one request can be asked for.
    Open {
        /// Why.
        why: String,
        /// The policies that have a say, as far as that is known.
        policies: Vec<String>,
    },
}

/// Says what policies do to a pair.
pub type OfPair = Box<dyn Fn(PrincipalIx, ObjectIx) -> Effect + Send + Sync>;

/// Asks the policies of one request: what they say, and the ids of those that do.
pub type OfRequest = Box<dyn Fn(PrincipalIx, ObjectIx, u64) -> Result<(Says, Vec<String>), String> + Send + Sync>;

/// Finds the minimal sets of facts that a request lacks for all of these objects, where trying them all would take too long.
pub type Solved<'a> = dyn Fn(PrincipalIx, &[ObjectIx], u64) -> Result<Vec<u64>, String> + Sync + 'a;

/// Hand-written policies, as the relation sees them.
pub struct Written {
    /// For each principal (in the order of the policy) a number: no policy can tell those of one number apart.
    pub principals: Vec<u32>,
    /// The same for objects.
    pub objects: Vec<u32>,
    /// What they do to a pair.
    pub of_pair: OfPair,
    /// What they say of one request.
    pub of_request: OfRequest,
    /// Permits that also hold on what no registry lists.
    pub unbounded: Vec<String>,
    /// Where each policy is written.
    pub places: BTreeMap<String, Loc>,
    /// What was found already.
    pub known: Mutex<BTreeMap<(u32, u32), Arc<Effect>>>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Written {
    fn effect(&self, who: PrincipalIx, what: ObjectIx) -> Arc<Effect> {
        let number = |of: &[u32], at: u32| of.get(at as usize).copied();
        let Some(key) = number(&self.principals, who.0).zip(number(&self.objects, what.0)) else {
            return Arc::new(Effect::None);
        };
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return Arc::clone(known);
        }
        let found = Arc::new((self.of_pair)(who, what));
        lock().insert(key, Arc::clone(&found));
        found
    }
}

/// Who decides: the relation, and hand-written policies where there are any.
#[derive(Clone, Copy)]
pub struct Whole<'p> {
    /// The relation.
    pub policy: &'p Policy,
    /// The hand-written policies.
    pub written: Option<&'p Written>,
    solved: Option<&'p Solved<'p>>,
}

impl fmt::Debug for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whole").field("written", &self.written).finish_non_exhaustive()
    }
}

impl<'p> Whole<'p> {
    /// The relation with these policies.
    #[must_use]
    pub fn of(policy: &'p Policy, written: Option<&'p Written>) -> Self {
        Self { policy, written, solved: None }
    }

    /// The same, which asks a solver where too many facts would have to be tried.
    #[must_use]
    pub fn solved_by(self, solved: Option<&'p Solved<'p>>) -> Self {
        Self { solved, ..self }
    }

    /// The same policies over another relation of the same principals and objects.
    #[must_use]
    pub fn over<'q>(self, policy: &'q Policy) -> Whole<'q>
    where
        'p: 'q,
    {
        Whole { policy, written: self.written, solved: None }
    }

    /// What hand-written policies do to a pair.
    #[must_use]
    pub fn effect(&self, who: PrincipalIx, what: ObjectIx) -> Arc<Effect> {
        self.written.map_or_else(|| Arc::new(Effect::None), |written| written.effect(who, what))
    }

    /// The hand-written policies that have a say on a pair.
    #[must_use]
    pub fn policies(&self, who: PrincipalIx, what: ObjectIx) -> Vec<String> {
        match &*self.effect(who, what) {
            Effect::None => Vec::new(),
            Effect::Tried { policies, .. } | Effect::Open { policies, .. } => policies.clone(),
        }
    }

    /// What hand-written policies say of one request, and which.
    ///
    /// # Errors
    /// Where they cannot be asked, and why.
    pub fn says(&self, who: PrincipalIx, what: ObjectIx, facts: u64) -> Result<(Says, Vec<String>), String> {
        match self.written {
            Some(written) if *written.effect(who, what) != Effect::None => (written.of_request)(who, what, facts),
            Some(_) | None => Ok((Says::Nothing, Vec::new())),
        }
    }

    /// Whether a request with these facts and no others may use all of the objects.
    ///
    /// # Errors
    /// Where that is not settled, and why.
    pub fn decide(&self, who: PrincipalIx, objects: &[ObjectIx], facts: u64) -> Result<bool, String> {
        let facts = self.policy.facts.closed(facts);
        let mut open = None;
        for what in objects {
            match self.allows(who, *what, facts) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(why) => open = Some(why),
            }
        }
        open.map_or(Ok(!objects.is_empty()), Err)
    }

    fn allows(&self, who: PrincipalIx, what: ObjectIx, facts: u64) -> Result<bool, String> {
        let says = match (&*self.effect(who, what), self.written) {
            (Effect::Tried { facts: depends, says, .. }, _) => said(*depends, says, facts),
            (Effect::Open { .. }, Some(written)) => (written.of_request)(who, what, facts)?.0,
            (Effect::None | Effect::Open { .. }, _) => Says::Nothing,
        };
        Ok(match says {
            Says::Nothing => self.policy.decide(who, what, facts),
            Says::Permit => true,
            Says::Forbid | Says::Fails => false,
        })
    }

    /// The minimal sets of facts that a request with these facts lacks for all of the objects, sorted. The empty set alone is
    /// nothing lacking; no set at all is that no further facts help.
    ///
    /// # Errors
    /// Where that is not settled, and why.
    pub fn missing(&self, who: PrincipalIx, objects: &[ObjectIx], facts: u64) -> Result<Vec<u64>, String> {
        let policy = self.policy;
        let facts = policy.facts.closed(facts);
        let generated = |what: ObjectIx| {
            policy.cell(who, what).map_or_else(Condition::never, |cell| policy.conditions.get(cell.condition).clone())
        };
        let mut relevant = 0;
        let (mut plain, mut open) = (true, None);
        for what in objects {
            relevant |= generated(*what).minimal_sets().iter().fold(0, |all, set| all | set);
            match &*self.effect(who, *what) {
                Effect::None => {}
                Effect::Tried { facts, .. } => (plain, relevant) = (false, relevant | facts),
                Effect::Open { why, .. } => (plain, open) = (false, Some(why.clone())),
            }
        }
        if plain {
            let all = objects.iter().map(|what| generated(*what)).reduce(|all, one| all.and(&one));
            return Ok(all.unwrap_or_else(Condition::never).missing(facts));
        }
        let lacking = relevant & !facts;
        if open.is_none() && lacking.count_ones() > MOST_TRIED {
            let count = lacking.count_ones();
            open = Some(format!("it depends on {count} facts, more than are tried in all combinations"));
        }
        if let Some(why) = open {
            return match self.solved {
                Some(solved) => solved(who, objects, facts),
                None => Err(why),
            };
        }
        let mut found: Vec<u64> = Vec::new();
        for more in by_size(lacking) {
            let within = |set: &u64| set & more == *set;
            if !found.iter().any(within) && self.decide(who, objects, facts | more)? {
                found.push(more);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Every object that a principal is ever allowed, with a smallest set of facts under which it is; and every object of which
    /// that is not settled, with the reason. Both sorted.
    #[must_use]
    pub fn possible(&self, who: PrincipalIx) -> (Vec<Possible>, Vec<Open>) {
        let smallest = |sets: &[u64]| sets.iter().copied().min_by_key(|set| (set.count_ones(), *set));
        let policy = self.policy;
        if self.written.is_none() {
            let row = policy.cells.get(who.0 as usize).into_iter().flatten();
            let of = |(object, cell): &(ObjectIx, super::cell::Cell)| {
                Some((*object, smallest(policy.conditions.get(cell.condition).minimal_sets())?))
            };
            return (row.filter_map(of).collect(), Vec::new());
        }
        let (mut possible, mut open) = (Vec::new(), Vec::new());
        for object in (0..policy.objects.len() as u32).map(ObjectIx) {
            match self.missing(who, &[object], 0) {
                Ok(sets) => possible.extend(smallest(&sets).map(|set| (object, set))),
                Err(why) => open.push((object, why)),
            }
        }
        (possible, open)
    }
}

/// What is said where exactly these facts hold.
fn said(depends: u64, says: &[Says], facts: u64) -> Says {
    let bits = (0..64).filter(|bit| depends >> bit & 1 == 1).zip(0..);
    let at: usize = bits.filter(|(bit, _)| facts >> bit & 1 == 1).map(|(_, place)| 1_usize << place).sum();
    says.get(at).copied().unwrap_or(Says::Fails)
}

/// Every set of these facts, in the order of [`Effect::Tried`].
#[must_use]
pub fn subsets(of: u64) -> Vec<u64> {
    let bits: Vec<u64> = (0..64).map(|bit| 1_u64 << bit).filter(|bit| of & bit != 0).collect();
    let all = 0..1_u64.checked_shl(bits.len() as u32).unwrap_or_default();
    let set =
        |number: u64| bits.iter().zip(0..).filter(|(_, at)| number >> at & 1 == 1).fold(0, |all, (bit, _)| all | bit);
    all.map(set).collect()
}

/// The same, the smaller before the larger.
fn by_size(of: u64) -> Vec<u64> {
    let mut all = subsets(of);
    all.sort_by_key(|set| (set.count_ones(), *set));
    all
}
