//! Everything that a change changes: access, trust, operation and artifacts.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::access::Which;
use super::access::{self, Side, TooManyFacts};
use super::align::aligned;
use super::excuse::Rules;
use super::group::{Group, groups};
use super::handwritten::{self, HandwrittenError};
use super::operation::{self, OperationChange};
use super::premises::At;
use super::rename::{self, Rename};
use super::replay::{ReplayError, replay};
use super::suite;
use super::trust::{self, TrustChange, Trusted};
use crate::cedar::solver::Solver;
use crate::model::gate::Gate;
use crate::policy::whole::{Whole, Written};
use crate::settings::Settings;
use crate::source::Sources;

/// One side of a comparison, with the text that its places point into.
#[derive(Clone, Copy)]
pub struct Reviewed<'a> {
    /// The model and the relation.
    pub side: Side<'a>,
    /// Hand-written policies, where Cedar can be asked.
    pub written: Option<&'a Written>,
    /// The files.
    pub sources: &'a Sources,
    /// `mcpctl.yaml`.
    pub settings: &'a Settings,
    /// The rules of the gate: those of the model, or of a file of their own. The base's judge, the head's are compared.
    pub gate: &'a Gate,
}

/// What a change changes.
#[derive(Debug)]
pub struct Diff {
    /// How many cells were compared: all of them.
    pub cells: usize,
    /// The changed cells.
    pub groups: Vec<Group>,
    /// Servers and tools that probably have another name now: guesses.
    pub renames: Vec<Rename>,
    /// What hand-written Cedar changes; `None` where neither side has any.
    pub handwritten: Option<handwritten::Found>,
    /// What gives the facts their meaning.
    pub trust: Vec<TrustChange>,
    /// How things run.
    pub operation: Vec<OperationChange>,
}

/// Why two workspaces could not be compared.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DiffError {
    /// They use too many facts.
    #[error(transparent)]
    Facts(#[from] TooManyFacts),
    /// An example could not be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// Hand-written Cedar could not be judged.
    #[error(transparent)]
    Handwritten(#[from] HandwrittenError),
}

impl Diff {
    /// Whether anything opens: a cell, or a hand-written policy that is not proved to open nothing.
    #[must_use]
    pub fn widens(&self) -> bool {
        self.groups.iter().any(|group| group.change.widens())
            || self.trust.iter().any(|change| change.widening)
            || self.handwritten.as_ref().is_some_and(handwritten::Found::may_open)
    }

    /// Whether nothing changes at all but perhaps artifacts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let same = self.handwritten.as_ref().is_none_or(handwritten::Found::is_same);
        same && self.groups.is_empty() && self.trust.is_empty() && self.operation.is_empty()
    }
}

/// Compares two sides, and marks what the waivers of the base's gate are about on the day `today`. The example of every group is
/// put to Cedar's own authorizer on both sides first. `solver` is asked for where hand-written Cedar is to be compared.
///
/// # Errors
/// Where they cannot be compared, or Cedar decides differently from the relation.
pub fn diff(
    base: Reviewed<'_>,
    head: Reviewed<'_>,
    today: Option<&str>,
    solver: &mut dyn FnMut() -> Option<Solver>,
) -> Result<Diff, DiffError> {
    let more = [aligned(base.side, head.side), aligned(head.side, base.side)];
    let of = |at: usize, side| {
        let aligned = more.get(at).and_then(Option::as_ref);
        aligned.map_or(side, |(model, policy)| Side { model, policy })
    };
    let (base_side, head_side) = (of(0, base.side), of(1, head.side));
    let compared = access::compare(base_side, head_side)?;
    let renamed = rename::guess(&compared, (base_side, base.sources), (head_side, head.sources));
    let rules = Rules { gate: base.gate, today };
    let groups = groups(&compared, base_side, head_side, rules, &renamed);
    groups.par_iter().try_for_each(|group| {
        let example = &group.example;
        let at = At { principal: &example.principal, object: &example.object };
        let before = replay(base_side, base.sources, at, &example.facts)?;
        let after = replay(head_side, head.sources, at, &example.facts)?;
        if before == example.allowed || after != example.allowed {
            return Err(ReplayError::Differs(format!("`{}` on `{}`", at.principal, at.object)));
        }
        Ok(())
    })?;
    let mut trust = trust_between(base, head);
    trust.extend(broken(base, head));
    excuse(&mut trust, rules);
    Ok(Diff {
        cells: compared.cells,
        groups,
        renames: renamed.renames,
        handwritten: handwritten::between((base.side, base.sources), (head.side, head.sources), solver)?,
        trust,
        operation: operation::changes((base.sources, base.side.model), (head.sources, head.side.model)),
    })
}

/// What the base states of itself and what does not hold of the head: a change that deletes the test it breaks is found all the
/// same.
fn broken(base: Reviewed<'_>, head: Reviewed<'_>) -> Vec<TrustChange> {
    let stated = base.side.model;
    let before = suite::run(stated, Whole::of(base.side.policy, base.written), "");
    let after = suite::run_stated(stated, head.side.model, Whole::of(head.side.policy, head.written), "");
    let change = |what: String, loc, said: String, widening| {
        let at = Some((Which::Base, loc));
        TrustChange { widening, ..TrustChange::new(what, Some("holds".to_owned()), Some(said), at) }
    };
    let mut found = Vec::new();
    for (old, new) in before.tests.iter().zip(&after.tests).filter(|(old, new)| old.passes() && !new.passes()) {
        // That something is let through which the base says is denied.
        let opened = new.failing().find(|outcome| outcome.allowed && !old.test.allow.value);
        let said = match (opened, new.failing().next()) {
            (Some(_), _) => "fails: it is allowed".to_owned(),
            (None, Some(outcome)) if !outcome.allowed && old.test.allow.value => "fails: it is denied".to_owned(),
            (None, _) => "fails".to_owned(),
        };
        let what = format!("policy test `{}` of the base", old.test.name);
        found.push(change(what, old.test.name.loc, said, opened.is_some()));
    }
    for (old, new) in before.invariants.iter().zip(&after.invariants).filter(|(old, new)| old.passes() && !new.passes())
    {
        let by = new.violations.iter().map(|found| head.side.policy.principal_at(found.principal).id.to_string());
        let by: BTreeSet<String> = by.map(|name| format!("`{name}`")).collect();
        let names = by.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let said = if by.is_empty() { "fails".to_owned() } else { format!("broken by {names}") };
        let what = format!("invariant `{}` of the base", old.invariant.name);
        found.push(change(what, old.invariant.name.loc, said, !by.is_empty()));
    }
    found
}

fn trust_between(base: Reviewed<'_>, head: Reviewed<'_>) -> Vec<TrustChange> {
    trust::changes(
        Trusted { side: base.side, settings: base.settings, gate: base.gate },
        Trusted { side: head.side, settings: head.settings, gate: head.gate },
    )
}

/// Marks what waivers are about, and puts first what nothing excuses.
fn excuse(trust: &mut [TrustChange], rules: Rules<'_>) {
    for change in trust.iter_mut().filter(|change| change.widening) {
        change.excuse = rules.of_trust(&change.what, change.after.as_deref());
    }
    let excused = |change: &TrustChange| change.excuse.is_some_and(|excuse| !excuse.expired);
    trust.sort_by(|a, b| (!a.widening, excused(a), &a.what).cmp(&(!b.widening, excused(b), &b.what)));
}

/// Adds what an environment changes beyond what changes without it. Both sides are read with its files; the access relation is
/// the same in every environment.
pub fn add_environment(diff: &mut Diff, name: &str, base: Reviewed<'_>, head: Reviewed<'_>, today: Option<&str>) {
    let beyond = |change: &TrustChange| {
        let same = |known: &&TrustChange| {
            (&known.what, &known.before, &known.after) == (&change.what, &change.before, &change.after)
        };
        diff.trust.iter().find(same).is_none()
    };
    let mut more: Vec<TrustChange> = trust_between(base, head).into_iter().filter(beyond).collect();
    for change in &mut more {
        change.what = format!("{} in environment `{name}`", change.what);
        // Its files are no part of the sources that places are shown from.
        change.elsewhere = change.at.take().map(|(which, loc)| {
            let sources = if which == Which::Base { base.sources } else { head.sources };
            (which, sources.file(loc.file).name().to_owned(), sources.position(loc).line)
        });
    }
    diff.trust.extend(more);
    excuse(&mut diff.trust, Rules { gate: base.gate, today });
}
