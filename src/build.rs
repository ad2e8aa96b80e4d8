//! From a checked model to a verified bundle: compile, read back, compare, list. The one place that knows both the targets
//! and the lifters. A bundle exists only if what its files decide is what the model says, in every cell.

use std::collections::BTreeMap;

use crate::bundle::manifest::{Manifest, Settings};
use crate::bundle::{Artifact, Bundle};
use crate::checks::CheckedModel;
use crate::diagnostic::{Diagnostic, one_line};
use crate::lift::{self, LiftError, Said};
use crate::policy::Policy;
use crate::policy::compare::{Difference, Lifted, compare};
use crate::source::Sources;
use crate::targets::{self, CompileError, Target};

/// Most cells named in one error; the rest is counted.
const MOST_CELLS: usize = 20;

/// A verified bundle, and what its targets do not express.
#[derive(Debug)]
pub struct Built {
    /// The files and their manifest.
    pub bundle: Bundle,
    /// A note for each key in use that a target does not express.
    pub notes: Vec<Diagnostic>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BuildError {
    /// A target could not make its files.
    #[error("target `{target}` cannot be compiled")]
    #[diagnostic(code("target-not-compiled"))]
    Compile {
        /// The target.
        target: &'static str,
        /// Why.
        #[source]
        cause: CompileError,
        /// What the engine of the target's format said.
        #[related]
        said: Vec<Said>,
    },
    /// What a target made could not be read back.
    #[error("the files of target `{target}` do not verify")]
    #[diagnostic(
        code("target-not-verified"),
        help("this is a fault of mcpctl, or a name that this target cannot hold; nothing was written")
    )]
    Verify {
        /// The target.
        target: &'static str,
        /// Why.
        #[source]
        cause: LiftError,
        /// What the engine of the target's format said.
        #[related]
        said: Vec<Said>,
    },
    /// What a target made decides something else than the model.
    #[error("the files of target `{target}` decide {cells} {} otherwise than the model: {}", noun(*.cells), .shown.join("; "))]
    #[diagnostic(code("target-differs"), help("this is a fault of mcpctl; nothing was written"))]
    Differs {
        /// The target.
        target: &'static str,
        /// How many cells differ.
        cells: usize,
        /// The first of them, in words.
        shown: Vec<String>,
    },
    /// No lifter is known for a target.
    #[error("nothing can read back the files of target `{0}`, so they cannot be trusted")]
    #[diagnostic(code("target-without-lifter"))]
    NoLifter(&'static str),
}

fn noun(cells: usize) -> &'static str {
    if cells == 1 { "cell" } else { "cells" }
}

/// Reads a target's files back, by path in the bundle, into the relation that they decide.
type Lifter = fn(&BTreeMap<String, Artifact>, &Policy) -> Result<Lifted, LiftError>;

/// The lifter of each target.
const LIFTERS: &[(&str, Lifter)] =
    &[("cedar", |artifacts, policy| lift::cedar::lift(&lift::cedar::read(artifacts)?, policy))];

/// Compiles for these targets, in this order, and verifies every one. `source_digest` is that of all source files, by
/// [`crate::bundle::manifest::sources_digest`].
///
/// # Errors
/// Everything that speaks against any of the targets. There is no bundle then.
pub fn build(
    checked: &CheckedModel,
    sources: &Sources,
    targets: &[&'static Target],
    source_digest: &str,
) -> Result<Built, Vec<BuildError>> {
    let mut artifacts = BTreeMap::new();
    let mut errors = Vec::new();
    for target in targets {
        match compiled(checked, sources, target) {
            Ok(files) => artifacts.extend(files),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let settings =
        Settings { targets: targets.iter().map(|target| target.name.to_owned()).collect(), other: BTreeMap::new() };
    let entries = targets.iter().map(|target| targets::entry(target, checked.model(), sources)).collect();
    let manifest = Manifest::new(&artifacts, sources, source_digest, settings, entries);
    let notes = targets.iter().flat_map(|target| targets::notes(target, checked.model())).collect();
    Ok(Built { bundle: Bundle { artifacts, manifest }, notes })
}

/// The verified files of one target, by path in the bundle.
fn compiled(
    checked: &CheckedModel,
    sources: &Sources,
    target: &'static Target,
) -> Result<BTreeMap<String, Artifact>, BuildError> {
    let files = (target.compile)(checked, sources)
        .map_err(|mut cause| BuildError::Compile { target: target.name, said: cause.take_said(), cause })?
        .into_iter()
        .map(|(path, artifact)| (format!("{}/{path}", target.name), artifact))
        .collect();
    verify(target.name, &files, checked.policy())?;
    Ok(files)
}

/// Reads a target's files back and compares what they decide with the policy.
///
/// # Errors
/// Where they cannot be read, or decide anything else.
pub fn verify(target: &'static str, files: &BTreeMap<String, Artifact>, policy: &Policy) -> Result<(), BuildError> {
    let (_, lifter) = LIFTERS.iter().find(|(name, _)| *name == target).ok_or(BuildError::NoLifter(target))?;
    let lifted =
        lifter(files, policy).map_err(|mut cause| BuildError::Verify { target, said: cause.take_said(), cause })?;
    let differences = compare(policy, &lifted);
    if differences.is_empty() {
        return Ok(());
    }
    let shown = differences.iter().take(MOST_CELLS).map(|difference| in_words(policy, difference)).collect();
    Err(BuildError::Differs { target, cells: differences.len(), shown })
}

/// `agent` on `server/tool`: lets through {mfa}; denies {mfa, mtls}.
fn in_words(policy: &Policy, difference: &Difference) -> String {
    let sets = |masks: &[u64]| {
        let shown: Vec<String> = masks.iter().map(|mask| policy.facts.shown(*mask)).collect();
        shown.join(" and ")
    };
    let mut what = Vec::new();
    if !difference.leaks.is_empty() {
        what.push(format!("lets through {}", sets(&difference.leaks)));
    }
    if !difference.denies.is_empty() {
        what.push(format!("denies {}", sets(&difference.denies)));
    }
    let principal = &policy.principal_at(difference.principal).id;
    let object = policy.object_at(difference.object);
    one_line(&format!("`{principal}` on `{object}`: {}", what.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_lifter() {
        for target in targets::TARGETS {
            assert!(LIFTERS.iter().any(|(name, _)| *name == target.name), "{}", target.name);
        }
    }

    #[test]
    fn a_target_without_a_lifter_is_refused() {
        let found = verify("unheard_of", &BTreeMap::new(), &Policy::default());
        assert!(matches!(found, Err(BuildError::NoLifter("unheard_of"))));
    }
}
