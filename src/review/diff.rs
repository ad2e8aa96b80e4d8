//! Everything that a change changes: access, trust, operation and artifacts.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::access::{self, Side, TooManyFacts};
use super::group::{Group, Which, groups};
use super::operation::{self, OperationChange};
use super::parts::At;
use super::replay::{ReplayError, replay};
use super::suite;
use super::trust::{self, TrustChange, Trusted};
use crate::build;
use crate::checks::CheckedModel;
use crate::settings::Settings;
use crate::source::Sources;
use crate::targets::{TARGETS, Target};

/// One side of a comparison, with the text that its places point into.
#[derive(Clone, Copy)]
pub struct Reviewed<'a> {
    /// The model and the relation.
    pub side: Side<'a>,
    /// The files.
    pub sources: &'a Sources,
    /// `mcpctl.yaml`.
    pub settings: &'a Settings,
}

/// What a change changes.
#[derive(Debug)]
pub struct Diff {
    /// How many cells were compared: all of them.
    pub cells: usize,
    /// The changed cells.
    pub groups: Vec<Group>,
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
}

impl Diff {
    /// Whether anything opens: a cell, or what is not shown to open nothing.
    #[must_use]
    pub fn widens(&self) -> bool {
        self.groups.iter().any(|group| group.change.widens()) || self.trust.iter().any(|change| change.widening)
    }

    /// Whether nothing changes at all but perhaps artifacts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.trust.is_empty() && self.operation.is_empty()
    }
}

/// Compares two sides. The example of every group is put to Cedar's own authorizer on both sides first.
///
/// # Errors
/// Where they cannot be compared, or Cedar decides otherwise than the relation.
pub fn diff(base: Reviewed<'_>, head: Reviewed<'_>) -> Result<Diff, DiffError> {
    let compared = access::compare(base.side, head.side)?;
    let groups = groups(&compared, base.side, head.side);
    groups.par_iter().try_for_each(|group| {
        let example = &group.example;
        let at = At { principal: &example.principal, object: &example.object };
        let before = replay(base.side, base.sources, at, &example.facts)?;
        let after = replay(head.side, head.sources, at, &example.facts)?;
        if before == example.allowed || after != example.allowed {
            return Err(ReplayError::Differs(format!("`{}` on `{}`", at.principal, at.object)));
        }
        Ok(())
    })?;
    let mut trust = trust_between(base, head);
    trust.extend(broken(base, head));
    trust.sort_by(|a, b| (!a.widening, &a.what).cmp(&(!b.widening, &b.what)));
    Ok(Diff {
        cells: compared.cells,
        groups,
        trust,
        operation: operation::changes((base.sources, base.side.model), (head.sources, head.side.model)),
    })
}

/// What the base states of itself and what does not hold of the head: a change that deletes the test it breaks is found all the
/// same.
fn broken(base: Reviewed<'_>, head: Reviewed<'_>) -> Vec<TrustChange> {
    let stated = base.side.model;
    let before = suite::run(stated, base.side.policy, "");
    let after = suite::run_stated(stated, head.side.model, head.side.policy, "");
    let change = |what: String, loc, said: String, widening| TrustChange {
        what,
        before: Some("holds".to_owned()),
        after: Some(said),
        at: Some((Which::Base, loc)),
        widening,
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
        let by =
            new.violations.first().map(|violation| head.side.policy.principal_at(violation.principal).id.to_string());
        let said = by.as_ref().map_or("fails".to_owned(), |by| format!("broken by `{by}`"));
        let what = format!("invariant `{}` of the base", old.invariant.name);
        found.push(change(what, old.invariant.name.loc, said, by.is_some()));
    }
    found
}

fn trust_between(base: Reviewed<'_>, head: Reviewed<'_>) -> Vec<TrustChange> {
    trust::changes(
        Trusted { side: base.side, settings: base.settings },
        Trusted { side: head.side, settings: head.settings },
    )
}

/// Adds what an environment changes beyond what changes without it. Both sides are read with its files; the access relation is
/// the same in every environment.
pub fn add_environment(diff: &mut Diff, name: &str, base: Reviewed<'_>, head: Reviewed<'_>) {
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
        change.at = None;
    }
    diff.trust.extend(more);
    diff.trust.sort_by(|a, b| (!a.widening, &a.what).cmp(&(!b.widening, &b.what)));
}

/// What became of a file of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileChange {
    /// It is new.
    Added,
    /// Its bytes differ.
    Changed,
    /// It is gone.
    Removed,
}

impl FileChange {
    /// The word in every output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// A file of a bundle that is to be rolled out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArtifactChange {
    /// The target.
    pub target: String,
    /// The file, by its path in the bundle.
    pub path: String,
    /// What became of it.
    pub change: FileChange,
}

/// The files that a plain compile of either side writes otherwise, over all targets that both sides have what they need for.
///
/// # Errors
/// Where a side does not compile.
pub fn artifacts(
    base: (&CheckedModel, &Sources),
    head: (&CheckedModel, &Sources),
) -> Result<Vec<ArtifactChange>, Vec<build::BuildError>> {
    let fits = |checked: &CheckedModel| -> BTreeSet<&'static str> {
        TARGETS.iter().filter(|target| build::missing(checked, target).is_empty()).map(|target| target.name).collect()
    };
    let wanted: Vec<&'static Target> = {
        let either: BTreeSet<&str> = fits(base.0).union(&fits(head.0)).copied().collect();
        TARGETS.iter().copied().filter(|target| either.contains(target.name)).collect()
    };
    let files = |(checked, sources): (&CheckedModel, &Sources)| {
        let able = fits(checked);
        let targets: Vec<_> = wanted.iter().copied().filter(|target| able.contains(target.name)).collect();
        // What is compared is the files, so the digest of the sources does not matter.
        let (built, _) = build::build_what_fits(checked, sources, &targets, &[], "")?;
        let files = built.bundle.artifacts.into_iter().map(|(path, artifact)| (path, artifact.bytes));
        Ok::<_, Vec<build::BuildError>>(files.collect::<BTreeMap<String, Vec<u8>>>())
    };
    let (before, after) = (files(base)?, files(head)?);
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    Ok(paths
        .into_iter()
        .filter_map(|path| {
            let change = match (before.get(path), after.get(path)) {
                (None, _) => FileChange::Added,
                (_, None) => FileChange::Removed,
                (Some(old), Some(new)) if old == new => return None,
                (Some(_), Some(_)) => FileChange::Changed,
            };
            let target = path.split('/').next().unwrap_or_default().to_owned();
            Some(ArtifactChange { target, path: path.clone(), change })
        })
        .collect())
}
