//! The claims of a bundle, each with what shows it: that every target decides as the access relation, that the generated Cedar
//! is equal to it, that no forbid can be skipped, and what hand-written policies add.

use std::collections::{BTreeMap, BTreeSet};

use super::access::Side;
use super::handwritten::{self, Found, HandwrittenError, Loaded, Proof, vocabulary};
use crate::build::{self, BuildError};
use crate::cedar::effect::{Effect, Effects};
use crate::cedar::handwritten::parse;
use crate::cedar::solver::Solver;
use crate::cedar::symbolic::{Decided, Verdict};
use crate::checks::CheckedModel;
use crate::model::Model;
use crate::policy::cell::RuleId;
use crate::policy::condition::CondId;
use crate::policy::{ObjectIx, Policy, PrincipalIx};
use crate::source::Sources;
use crate::targets::access::cedar::{Texts, principal_uid, request_of};
use crate::targets::{self, TARGETS};

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It does not hold.
    Refuted,
    /// It is not known to hold.
    Unproved,
    /// It holds, by our reading of a product's rules or schema.
    Model,
    /// It holds.
    Proved,
}

impl Status {
    /// The word in every output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refuted => "REFUTED",
            Self::Unproved => "UNPROVED",
            Self::Model => "MODEL",
            Self::Proved => "PROVED",
        }
    }
}

/// A claim, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its name, kebab-case.
    pub name: String,
    /// What is claimed, in a sentence without a final stop.
    pub what: String,
    /// What became of it.
    pub status: Status,
    /// By what, or why not.
    pub by: String,
}

/// Everything that was claimed.
#[derive(Debug)]
pub struct Proved {
    /// The claims, in a fixed order.
    pub claims: Vec<Claim>,
    /// What hand-written policies do to the access relation; `None` where there are none.
    pub effect: Option<Found>,
    /// Hand-written policies that decide no request of any declared principal on any declared object, sorted.
    pub idle: Vec<String>,
}

impl Proved {
    /// Whether some claim does not hold.
    #[must_use]
    pub fn refuted(&self) -> bool {
        self.claims.iter().any(|claim| claim.status == Status::Refuted)
    }

    /// Whether some claim is not known to hold, or some effect of hand-written policies is not.
    #[must_use]
    pub fn unproved(&self) -> bool {
        let open = self.effect.as_ref().is_some_and(|found| !found.is_proved());
        open || self.claims.iter().any(|claim| claim.status == Status::Unproved)
    }
}

/// States and checks every claim.
///
/// # Errors
/// Where Cedar refuses the policies, so that nothing can be claimed.
pub fn prove(
    checked: &CheckedModel,
    sources: &Sources,
    mut solver: Option<&mut Solver>,
) -> Result<Proved, HandwrittenError> {
    let (model, policy) = (checked.model(), checked.policy());
    let mut claims = targets_decide_alike(checked, sources);
    claims.push(generated(model, policy, sources, solver.as_deref_mut())?);
    claims.push(never_skipped(model, policy, solver.as_deref_mut())?);
    let (mut effect, mut idle) = (None, Vec::new());
    if !model.handwritten.is_empty() {
        let mut bare = model.clone();
        bare.handwritten.files.clear();
        let without = Loaded::new(Side { model: &bare, policy }, sources)?;
        let with = Loaded::new(Side { model, policy }, sources)?;
        let found = handwritten::compare(&without, &with, solver)?;
        idle = idle_policies(model, &found);
        effect = Some(found);
    }
    Ok(Proved { claims, effect, idle })
}

/// One claim for each target that the workspace has what it takes for.
fn targets_decide_alike(checked: &CheckedModel, sources: &Sources) -> Vec<Claim> {
    let cells = checked.policy().all_cells().count();
    let mut claims = Vec::new();
    for target in TARGETS {
        let needs = build::missing(checked, target);
        if !needs.is_empty() {
            continue;
        }
        let what = match target.proof {
            _ if target.decides().is_none() => {
                format!("the files of `{}`, which decide no call, do what the model says and no more", target.name())
            }
            targets::Proof::Run(..) | targets::Proof::Engine(..) | targets::Proof::Model(..) => {
                format!("the files of `{}` decide each of {cells} cells as the access relation", target.name())
            }
            targets::Proof::Schema(_) => {
                format!("the files of `{}` have the shape that its product takes", target.name())
            }
        };
        let (status, by) = match build::build(checked, sources, &[target], "") {
            Ok(built) => {
                let said = built.bundle.manifest.targets.first();
                let judged = matches!(target.proof, targets::Proof::Run(_) | targets::Proof::Engine(_));
                let status = if judged { Status::Proved } else { Status::Model };
                (status, said.map(weighed).unwrap_or_default())
            }
            Err(errors) => not_built(&errors),
        };
        claims.push(Claim { name: format!("target-{}", target.name()), what, status, by });
    }
    claims
}

/// What the proof of a target rests on, and what it does not speak of.
fn weighed(said: &crate::bundle::manifest::Target) -> String {
    let mut by = format!("read back and compared; rests on {}: {}", said.proof.rests_on, said.proof.by);
    let but = [
        (said.assumed.len(), "assumed as given"),
        (said.stricter.len(), "denied for lack of sight"),
        (said.undecided.len(), "left to rules of its own"),
        (said.handwritten.iter().filter(|file| !file.enforced).count(), "hand-written and not enforced"),
    ];
    for (count, what) in but.into_iter().filter(|(count, _)| *count > 0) {
        by.push_str(&format!("; {count} {what}"));
    }
    by
}

fn not_built(errors: &[BuildError]) -> (Status, String) {
    let differs = errors.iter().any(|error| matches!(error, BuildError::Differs { .. } | BuildError::Verify { .. }));
    let why = errors.first().map(ToString::to_string).unwrap_or_default();
    (if differs { Status::Refuted } else { Status::Unproved }, why)
}

/// That the generated Cedar is equal to the normal form: one cell of each rule, what Cedar leaves of the policies for it, and the
/// condition in normal form, put to a solver as two policies.
fn generated(
    model: &Model,
    policy: &Policy,
    sources: &Sources,
    solver: Option<&mut Solver>,
) -> Result<Claim, HandwrittenError> {
    let name = "generated-cedar".to_owned();
    let what = "a solver finds no request that the generated Cedar decides differently from the normal form".to_owned();
    let Some(solver) = solver else {
        let by = "there is no solver; by the claim of `cedar` the two were compared without one".to_owned();
        return Ok(Claim { name, what, status: Status::Unproved, by });
    };
    let Texts { schema, policies, entities } = Texts::new(model, policy, sources).map_err(HandwrittenError::Compile)?;
    let effects = Effects::new(&schema, &entities, &[("policies.cedar", policies.as_str())]);
    let effects = effects.map_err(HandwrittenError::Cedar)?;
    let words = vocabulary([Side { model, policy }]);
    let samples = samples(policy);
    for (principal, object, condition) in &samples {
        let (who, on) = (&policy.principal_at(*principal).id, policy.object_at(*object));
        let (action, resource) = request_of(on);
        let left = effects.of(&principal_uid(who), action, &resource).map_err(HandwrittenError::Cedar)?;
        let sets = policy.conditions.get(*condition).minimal_sets();
        let named = |set: &u64| policy.facts.named(policy.facts.closed(*set)).map(ToString::to_string).collect();
        let normal = Decided { generated: sets.iter().map(named).collect(), effect: Effect::default() };
        let cedar = Decided { generated: Vec::new(), effect: left };
        match solver.compare(&words, &normal, &cedar).map_err(HandwrittenError::Cedar)? {
            Verdict::Equivalent => {}
            Verdict::Unknown(why) => return Ok(Claim { name, what, status: Status::Unproved, by: why }),
            Verdict::Widened(_) | Verdict::Narrowed(_) | Verdict::Incomparable(..) => {
                let by = format!("`{who}` on `{on}` is decided otherwise");
                return Ok(Claim { name, what, status: Status::Refuted, by });
            }
        }
    }
    let by = format!("{}, for one cell of each rule: {} in all", solver.name, samples.len());
    Ok(Claim { name, what, status: Status::Proved, by })
}

/// One cell of each rule, and one pair that nothing grants.
fn samples(policy: &Policy) -> Vec<(PrincipalIx, ObjectIx, CondId)> {
    let mut of_rules: BTreeMap<RuleId, (PrincipalIx, ObjectIx, CondId)> = BTreeMap::new();
    for (principal, object, cell) in policy.all_cells() {
        of_rules.entry(cell.rule).or_insert((principal, object, cell.condition));
    }
    let principals = (0..policy.principals.len() as u32).map(PrincipalIx);
    let mut pairs = principals.flat_map(|p| (0..policy.objects.len() as u32).map(move |o| (p, ObjectIx(o))));
    let outside = pairs.find(|(principal, object)| policy.cell(*principal, *object).is_none());
    of_rules.into_values().chain(outside.map(|(principal, object)| (principal, object, CondId::NEVER))).collect()
}

/// That no policy that forbids can fail to evaluate and be skipped.
fn never_skipped(model: &Model, policy: &Policy, solver: Option<&mut Solver>) -> Result<Claim, HandwrittenError> {
    let name = "no-forbid-skipped".to_owned();
    let what = "no policy that forbids can fail to evaluate, so that it would be skipped".to_owned();
    let texts = model.handwritten.texts();
    let mut forbids = 0;
    let mut fallible = Vec::new();
    for (file, text) in &texts {
        let Ok(policies) = parse(file, text) else {
            return Ok(Claim { name, what, status: Status::Unproved, by: format!("`{file}` cannot be read") });
        };
        for written in policies.into_iter().filter(|written| !written.permits) {
            forbids += 1;
            if !written.fallible.is_empty() {
                fallible.push(written.id);
            }
        }
    }
    if forbids == 0 {
        let by = "there is none: generated policies only permit".to_owned();
        return Ok(Claim { name, what, status: Status::Proved, by });
    }
    if !fallible.is_empty() {
        return Ok(Claim { name, what, status: Status::Refuted, by: format!("`{}` can fail", fallible.join("`, `")) });
    }
    let mut by = format!("the form of all {forbids}: scope, `in`, and facts that every request has");
    if let Some(solver) = solver {
        let schema = targets::access::cedar::schema_of(model, policy).map_err(HandwrittenError::Cedar)?;
        let failing = solver.forbids_that_fail(&schema, &texts).map_err(HandwrittenError::Cedar)?;
        if !failing.is_empty() {
            let by = format!("{}: `{}` can fail", solver.name, failing.join("`, `"));
            return Ok(Claim { name, what, status: Status::Refuted, by });
        }
        by = format!("{by}; {} agrees for every kind of request", solver.name);
    }
    Ok(Claim { name, what, status: Status::Proved, by })
}

/// Hand-written policies that are left in no pair.
fn idle_policies(model: &Model, found: &Found) -> Vec<String> {
    let texts = model.handwritten.texts();
    let all = texts.iter().flat_map(|(file, text)| parse(file, text).unwrap_or_default()).map(|written| written.id);
    let changing = found.groups.iter().filter(|group| group.proof != Proof::Equivalent);
    let at_work: BTreeSet<&String> = changing.flat_map(|group| &group.after.effect.policies).collect();
    let mut idle: Vec<String> = all.filter(|id| !at_work.contains(id)).collect();
    idle.sort();
    idle
}
