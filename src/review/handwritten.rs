//! What hand-written Cedar does to the decisions of one workspace, and how a change alters them.
//!
//! For each pair of a principal and an object, what is left of the hand-written policies is a condition over the request's facts.
//! Together with the pair's condition in the access relation that is the whole decision; two decisions are compared by a solver,
//! and what it finds is put to Cedar's own authorizer on both sides. Pairs that decide alike share one question.

mod found;
mod pairs;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::access::Side;
use crate::cedar::Error;
use crate::cedar::effect::{Effect, Effects};
use crate::cedar::engine::Engine;
use crate::cedar::solver::Solver;
use crate::cedar::symbolic::{Decided, Held, Verdict, Vocabulary};
use crate::policy::fact::{MTLS, TLS};
use crate::policy::{Object, PrincipalId};
use crate::source::Sources;
use crate::targets::CompileError;
use crate::targets::access::cedar::{Texts, principal_uid, request_of};
pub use found::{Example, Found, Judged, Proof};
use pairs::{Pairs, Row};

/// Why hand-written policies could not be judged.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum HandwrittenError {
    /// The workspace does not compile to Cedar.
    #[error("hand-written policies cannot be judged, because the workspace does not compile to Cedar")]
    Compile(#[source] CompileError),
    /// Cedar refuses something.
    #[error("hand-written policies cannot be judged, because Cedar refuses them")]
    Cedar(#[source] Error),
    /// The solver's example is decided otherwise by Cedar.
    #[error("Cedar decides differently from the solver says: {0}")]
    Differs(String),
}

/// One side: the engine with all policies, and what the hand-written ones do.
#[derive(Debug)]
pub struct Loaded<'a> {
    side: Side<'a>,
    engine: Engine,
    /// `None` where there are no hand-written policies.
    effects: Option<Effects>,
}

impl<'a> Loaded<'a> {
    /// Compiles the side to Cedar and loads it together with its hand-written policies.
    ///
    /// # Errors
    /// Where it does not compile, or Cedar refuses it.
    pub fn new(side: Side<'a>, sources: &Sources) -> Result<Self, HandwrittenError> {
        let Texts { schema, policies, entities } =
            Texts::new(side.model, side.policy, sources).map_err(HandwrittenError::Compile)?;
        let texts = side.model.handwritten.texts();
        let engine = Engine::load_with(&schema, &policies, &entities, &texts).map_err(HandwrittenError::Cedar)?;
        let effects = if texts.is_empty() {
            None
        } else {
            Some(Effects::new(&schema, &entities, &texts).map_err(HandwrittenError::Cedar)?)
        };
        Ok(Self { side, engine, effects })
    }

    /// Cedar's decision with all policies, hand-written ones included, and the ids of those that decided. A principal or object
    /// that is not of this side is denied.
    ///
    /// # Errors
    /// Where Cedar refuses the request.
    pub fn decide(
        &self,
        principal: &PrincipalId,
        object: &Object,
        facts: &[String],
    ) -> Result<(bool, Vec<String>), HandwrittenError> {
        let policy = self.side.policy;
        if policy.principal(&principal.to_string()).is_none() || policy.object(object).is_none() {
            return Ok((false, Vec::new()));
        }
        let held = facts.iter().filter_map(|fact| policy.facts.mask(fact)).fold(0, |all, bit| all | bit);
        let held = policy.facts.closed(held);
        let context = policy.facts.names().iter().map(|fact| {
            let bit = policy.facts.mask(fact.as_str()).unwrap_or_default();
            (fact.as_str(), held & bit != 0)
        });
        let (action, resource) = request_of(object);
        let decision = self
            .engine
            .decide(&principal_uid(principal), action, &resource, context)
            .map_err(HandwrittenError::Cedar)?;
        Ok((decision.allowed, decision.policies.into_iter().collect()))
    }

    /// The whole decision of a pair of this side, as a condition.
    ///
    /// # Errors
    /// Where the hand-written policies cannot be evaluated.
    pub fn decided(&self, principal: &PrincipalId, object: &Object) -> Result<Decided, HandwrittenError> {
        let policy = self.side.policy;
        let cell = policy.principal(&principal.to_string()).zip(policy.object(object));
        let cell = cell.and_then(|(who, what)| policy.cell(who, what));
        let sets = cell.map(|cell| policy.conditions.get(cell.condition).minimal_sets()).unwrap_or_default();
        let named = |set: &u64| policy.facts.named(*set).map(ToString::to_string).collect();
        Ok(Decided { generated: sets.iter().map(named).collect(), effect: self.effect(principal, object)? })
    }

    /// What the hand-written policies do to requests of a pair of this side.
    fn effect(&self, principal: &PrincipalId, object: &Object) -> Result<Effect, HandwrittenError> {
        let Some(effects) = &self.effects else { return Ok(Effect::default()) };
        let (action, resource) = request_of(object);
        effects.of(&principal_uid(principal), action, &resource).map_err(HandwrittenError::Cedar)
    }
}

/// Compares two sides in every pair in which hand-written policies have a say.
///
/// # Errors
/// Where a side cannot be evaluated, or an example of the solver does not hold.
pub fn compare(
    base: &Loaded<'_>,
    head: &Loaded<'_>,
    mut solver: Option<&mut Solver>,
) -> Result<Found, HandwrittenError> {
    let pairs = Pairs::new(base, head)?;
    let words = vocabulary([base.side, head.side]);
    let mut found = Found { solver: solver.as_ref().map(|solver| solver.name.clone()), ..Found::default() };
    let mut questions: BTreeMap<(Decided, Decided), Vec<Row>> = BTreeMap::new();
    for (before, after, row) in pairs.decided() {
        found.pairs += row.pairs;
        if before == after {
            found.same += row.pairs;
        } else {
            questions.entry((before, after)).or_default().push(row);
        }
    }
    for ((before, after), rows) in questions {
        let (proof, examples) = match solver.as_deref_mut() {
            Some(solver) => {
                let verdict = solver.compare(&words, &before, &after).map_err(HandwrittenError::Cedar)?;
                replayed(base, head, &rows, verdict)?
            }
            None => (Proof::Unproved { opens_nothing: opens_nothing(&before, &after) }, Vec::new()),
        };
        found.groups.push(judged(proof, examples, rows, (before, after)));
    }
    found.groups.sort_by(|a, b| {
        (!a.proof.may_open(), &a.proof, &a.principals, &a.objects).cmp(&(
            !b.proof.may_open(),
            &b.proof,
            &b.principals,
            &b.objects,
        ))
    });
    Ok(found)
}

fn judged(proof: Proof, examples: Vec<Example>, rows: Vec<Row>, (before, after): (Decided, Decided)) -> Judged {
    let pairs = rows.iter().map(|row| row.pairs).sum();
    let principals: BTreeSet<PrincipalId> = rows.iter().flat_map(|row| row.principals.iter().cloned()).collect();
    let objects: BTreeSet<Object> = rows.iter().flat_map(|row| row.objects.iter().cloned()).collect();
    let (principals, objects) = (principals.into_iter().collect(), objects.into_iter().collect());
    Judged { proof, principals, objects, pairs, before, after, examples }
}

/// The verdict with its examples, each decided by Cedar's authorizer on both sides first.
fn replayed(
    base: &Loaded<'_>,
    head: &Loaded<'_>,
    rows: &[Row],
    verdict: Verdict,
) -> Result<(Proof, Vec<Example>), HandwrittenError> {
    let (proof, claims) = match verdict {
        Verdict::Equivalent => (Proof::Equivalent, vec![]),
        Verdict::Unknown(why) => (Proof::Unknown(why), vec![]),
        Verdict::Widened(opened) => (Proof::Widened, vec![(opened, true)]),
        Verdict::Narrowed(closed) => (Proof::Narrowed, vec![(closed, false)]),
        Verdict::Incomparable(opened, closed) => (Proof::Incomparable, vec![(opened, true), (closed, false)]),
    };
    let mut examples = Vec::new();
    let Some(Row { example: (who, what), .. }) = rows.first() else { return Ok((proof, examples)) };
    for (facts, allowed) in claims {
        let Some(policies) = flips(base, head, (who, what), &facts, allowed)? else {
            return Err(HandwrittenError::Differs(format!("`{who}` on `{what}` with {}", facts.join(", "))));
        };
        let mut example = Example { facts, allowed, policies };
        // A solver sets facts that do not matter, too; a person wants to see those that do.
        for fact in example.facts.clone() {
            let fewer: Held = example.facts.iter().filter(|held| **held != fact).cloned().collect();
            if let Some(policies) = flips(base, head, (who, what), &fewer, allowed)? {
                example = Example { facts: fewer, allowed, policies };
            }
        }
        examples.push(example);
    }
    Ok((proof, examples))
}

/// The policies that decide a request now, or did before where nothing decides it now; `None` where it is not decided otherwise
/// than before, or not in that direction.
fn flips(
    base: &Loaded<'_>,
    head: &Loaded<'_>,
    (who, what): (&PrincipalId, &Object),
    facts: &[String],
    allowed: bool,
) -> Result<Option<Vec<String>>, HandwrittenError> {
    let (was, before) = base.decide(who, what, facts)?;
    let (is, after) = head.decide(who, what, facts)?;
    let policies = if after.is_empty() { before } else { after };
    Ok((was != allowed && is == allowed).then_some(policies))
}

/// The facts of some sides, and what implies what among them.
#[must_use]
pub fn vocabulary<'a>(sides: impl IntoIterator<Item = Side<'a>>) -> Vocabulary {
    let mut facts: Vec<String> =
        sides.into_iter().flat_map(|side| side.policy.facts.names()).map(ToString::to_string).collect();
    facts.sort();
    facts.dedup();
    let has = |name: &str| facts.iter().any(|fact| fact == name);
    let implied = if has(MTLS) && has(TLS) { vec![(MTLS.to_owned(), TLS.to_owned())] } else { Vec::new() };
    Vocabulary { facts, implied }
}

/// Whether permits were only removed, forbids only added, and the access relation allows no more: seen without a solver.
fn opens_nothing(before: &Decided, after: &Decided) -> bool {
    let covered = |set: &Vec<String>| before.generated.iter().any(|known| known.iter().all(|fact| set.contains(fact)));
    after.generated.iter().all(covered) && after.effect.opens_nothing_beyond(&before.effect)
}

/// Compares two sides where either has hand-written policies; `None` where none has. What cannot be evaluated on the base is
/// unknown, and so may have opened anything.
///
/// # Errors
/// Those of [`compare`], and where the head cannot be evaluated.
pub fn between(
    (base, of_base): (Side<'_>, &Sources),
    (head, of_head): (Side<'_>, &Sources),
    solver: &mut dyn FnMut() -> Option<Solver>,
) -> Result<Option<Found>, HandwrittenError> {
    if base.model.handwritten.is_empty() && head.model.handwritten.is_empty() {
        return Ok(None);
    }
    let after = Loaded::new(head, of_head)?;
    let before = match Loaded::new(base, of_base) {
        Ok(before) => before,
        Err(error) => {
            let nothing = || Decided { generated: Vec::new(), effect: Effect::default() };
            let group = Judged {
                proof: Proof::Unknown(format!("of the base: {error}")),
                principals: Vec::new(),
                objects: Vec::new(),
                pairs: 0,
                before: nothing(),
                after: nothing(),
                examples: Vec::new(),
            };
            return Ok(Some(Found { groups: vec![group], ..Found::default() }));
        }
    };
    compare(&before, &after, solver().as_mut()).map(Some)
}
