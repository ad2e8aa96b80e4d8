//! From a checked model to a verified bundle: compile, read back, compare, list. The one place that knows both the targets
//! and, in [`verify`], their readers. A bundle exists only if what its files decide is what the model says, in every cell.

mod verify;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::bundle::existing::Existing;
use crate::bundle::manifest::{self, Manifest, Other, Settings};
use crate::bundle::{Artifact, Bundle, CLUSTERS};
use crate::checks::CheckedModel;
use crate::diagnostic::Diagnostic;
use crate::lift::{self, LiftError, Said};
use crate::model::Model;
use crate::source::Sources;
use crate::targets::gateways::control_not_run;
use crate::targets::several::several_gateways;
use crate::targets::undecided::undecided;
use crate::targets::{self, CompileError, Input, Left, Need, Target, TargetId, entry};
pub use verify::{agree, prove, verify, verify_beside};

/// A verified bundle, and what its targets do not express.
#[derive(Debug)]
pub struct Built {
    /// The files and their manifest.
    pub bundle: Bundle,
    /// What no target expresses.
    pub left: Vec<Left>,
    /// What else the files do not express or enforce.
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
    #[error("the files of target `{target}` decide {cells} {} differently from the model: {}", noun(*.cells), .shown.join("; "))]
    #[diagnostic(code("target-differs"), help("this is a fault of mcpctl; nothing was written"))]
    Differs {
        /// The target.
        target: &'static str,
        /// How many cells differ.
        cells: usize,
        /// The first of them, in words.
        shown: Vec<String>,
    },
    /// A bundle holds files of a target that does not exist.
    #[error("the bundle was compiled for `{0}`, which is not a target of this version")]
    #[diagnostic(code("unknown-target"))]
    UnknownTarget(String),
}

fn noun(cells: usize) -> &'static str {
    if cells == 1 { "cell" } else { "cells" }
}

/// The targets whose files take the longest to read back on a large workspace. They are begun first, so that no core waits for
/// one of them at the end.
const SLOWEST: [TargetId; 3] = [TargetId::Envoy, TargetId::Agentgateway, TargetId::Istio];

/// What keeps a target from being compiled: what it needs and the workspace does not declare, and evidence that every call
/// needs and it cannot see.
#[must_use]
pub fn missing(checked: &CheckedModel, target: &Target) -> Vec<Need> {
    let (model, policy) = (checked.model(), checked.policy());
    let mut needs = (target.needs)(model);
    needs.extend(targets::gateways::hooks_elsewhere(target, model));
    needs.extend(targets::handwritten::need(target, model));
    if !needs.is_empty() {
        return needs;
    }
    let (view, _, stricter) = targets::seen(target, model, policy);
    if stricter.kept > 0 || stricter.possible == 0 {
        return needs;
    }
    let unseen: Vec<&str> = stricter.facts.keys().map(|fact| fact.as_str()).collect();
    let mut why: Vec<&str> = Vec::new();
    let blind = view.blind.iter().filter(|(fact, _)| stricter.facts.contains_key(*fact)).map(|(_, why)| why.as_str());
    for reason in blind.chain(stricter.objects.keys().map(String::as_str)) {
        if !why.contains(&reason) {
            why.push(reason);
        }
    }
    if unseen.is_empty() {
        let what = "a call that it could allow, since it would deny every one".to_owned();
        return vec![Need { what, how: why.join("; "), loc: None }];
    }
    vec![Need {
        what: format!("`{}`, without which it would deny every call", unseen.join("`, `")),
        how: format!(
            "{}; or let something in front make sure of it, and say so with `targets.{}.assume` and `assume_reason` in \
             mcpctl.yaml",
            why.join("; "),
            target.name()
        ),
        loc: None,
    }]
}

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
    build_beside(checked, sources, targets, source_digest, None)
}

/// The target whose product holds two policies, one that decides and one that is only counted.
pub const SHADOWS: &Target = &targets::access::envoy::TARGET;

/// Compiles [`SHADOWS`] so that the policies of a bundle that is in force go on deciding, and those of this workspace are
/// counted beside them; verifies both, and says so in the manifest.
///
/// # Errors
/// Those of [`build`], and where the two cannot be combined.
pub fn shadow(
    checked: &CheckedModel,
    sources: &Sources,
    enforced: &Existing,
    source_digest: &str,
) -> Result<Built, Vec<BuildError>> {
    let mut built = build_beside(checked, sources, &[SHADOWS], source_digest, Some(enforced))?;
    built.bundle.manifest.settings.other = Other {
        enforced_bundle: Some(enforced.digest.clone()),
        enforced_sources: Some(in_force(enforced)),
        environment: None,
        shadow: Some(SHADOWS.name().to_owned()),
    };
    Ok(built)
}

/// The sources of what decides in a bundle: where it holds two policies, those of the older one.
fn in_force(existing: &Existing) -> String {
    let manifest = &existing.manifest;
    manifest.settings.other.enforced_sources.as_ref().unwrap_or(&manifest.sources).clone()
}

fn build_beside(
    checked: &CheckedModel,
    sources: &Sources,
    targets: &[&'static Target],
    source_digest: &str,
    enforced: Option<&Existing>,
) -> Result<Built, Vec<BuildError>> {
    let mut made = Vec::new();
    let mut errors = Vec::new();
    for (target, found) in each(checked, sources, targets, enforced) {
        match found {
            Ok(found) => made.push((target, found)),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(together(checked.model(), sources, made, BTreeMap::new(), source_digest))
    } else {
        Err(errors)
    }
}

/// What one target gives, verified.
struct Made {
    files: BTreeMap<String, Artifact>,
    entry: manifest::Target,
    notes: Vec<Diagnostic>,
}

/// Compiles and verifies each of the targets by itself, and answers in their order.
fn each(
    checked: &CheckedModel,
    sources: &Sources,
    targets: &[&'static Target],
    enforced: Option<&Existing>,
) -> Vec<(&'static Target, Result<Made, BuildError>)> {
    let (model, policy) = (checked.model(), checked.policy());
    let beside: Vec<TargetId> = targets.iter().map(|target| target.id).collect();
    let beside = beside.as_slice();
    let one = |target: &'static Target| -> Result<Made, BuildError> {
        let (view, seen, stricter) = targets::seen(target, model, policy);
        let input = Input::new(checked, &seen, sources, enforced, beside);
        let files = compiled(&input, target)?;
        match enforced {
            None => verify(target.id, &files, model, &seen)?,
            Some(enforced) => verify_beside(&files, enforced, model, &seen)?,
        }
        let mut notes = entry::stricter_notes(target, model, &view, &stricter);
        notes.extend(undecided(target, model, policy, &seen, &view));
        notes.extend(targets::cluster::notes::notes(target.id, beside, model));
        notes.extend(targets::operations::temporal::waits::notes(target.id, model));
        Ok(Made { files, entry: entry::entry(target, &input, policy, &view, &stricter), notes })
    };
    let mut order: Vec<(usize, &'static Target)> = targets.iter().copied().enumerate().collect();
    order.sort_by_key(|(_, target)| SLOWEST.iter().position(|slow| *slow == target.id).unwrap_or(SLOWEST.len()));
    let begun = AtomicUsize::new(0);
    // Two at a time, whatever the number of cores: what they hold in memory adds up. Each of them uses all cores.
    let some = || -> Vec<(usize, &'static Target, Result<Made, BuildError>)> {
        let next = || order.get(begun.fetch_add(1, Ordering::Relaxed));
        std::iter::from_fn(next).map(|(at, target)| (*at, *target, one(target))).collect()
    };
    let (mut done, others) = rayon::join(some, some);
    done.extend(others);
    done.sort_by_key(|(at, ..)| *at);
    done.into_iter().map(|(_, target, made)| (target, made)).collect()
}

/// The Kustomization of each cluster, which lists what every target has for it.
fn clusters(made: &[(&'static Target, Made)]) -> Result<BTreeMap<String, Artifact>, BuildError> {
    let all = || made.iter().flat_map(|(_, made)| &made.files);
    let target = CLUSTERS;
    let files =
        targets::objects::clusters(all()).map_err(|cause| BuildError::Compile { target, said: Vec::new(), cause })?;
    let files: BTreeMap<String, Artifact> = files.into_iter().collect();
    let paths = all().map(|(path, _)| path.as_str()).collect();
    lift::folders::check_clusters(&files, &paths).map_err(|cause| BuildError::Verify {
        target,
        said: Vec::new(),
        cause,
    })?;
    Ok(files)
}

/// The bundle of what each target gives, and of what belongs to none.
fn together(
    model: &Model,
    sources: &Sources,
    made: Vec<(&'static Target, Made)>,
    mut artifacts: BTreeMap<String, Artifact>,
    source_digest: &str,
) -> Built {
    let mut entries = Vec::new();
    let mut names = Vec::new();
    let targets: Vec<&Target> = made.iter().map(|(target, _)| *target).collect();
    let left = targets::left_by_all(&targets, model);
    let mut notes: Vec<Diagnostic> = targets::handwritten::left_out(&targets, model).into_iter().collect();
    for (target, made) in made {
        names.push(target.name().to_owned());
        artifacts.extend(made.files);
        entries.push(made.entry);
        notes.extend(made.notes);
    }
    let settings = Settings { targets: names, other: Other::default() };
    let mut manifest = Manifest::new(&artifacts, sources, source_digest, settings, entries);
    manifest.name = model.deployment.bundle_name();
    Built { bundle: Bundle { artifacts, manifest }, left, notes }
}

/// The bundle of a compile: as [`build`], but a target beyond a limit of its product is left out with a warning, where nobody asked
/// for it; and with the Kustomization of each cluster.
///
/// # Errors
/// Those of [`build`].
pub fn build_what_fits(
    checked: &CheckedModel,
    sources: &Sources,
    targets: &[&'static Target],
    mandatory: &[&'static Target],
    source_digest: &str,
) -> Result<(Built, Vec<Diagnostic>), Vec<BuildError>> {
    let mut made = Vec::new();
    let mut left_out = Vec::new();
    let mut errors = Vec::new();
    for (target, found) in each(checked, sources, targets, None) {
        let asked_for = mandatory.iter().any(|asked| asked.id == target.id);
        match found {
            // An engine that the workspace has nothing for needs no word.
            Ok(found) if found.files.is_empty() && target.decides().is_none() && !asked_for => {}
            Ok(found) => made.push((target, found)),
            Err(BuildError::Compile { cause: CompileError::Beyond { what, how }, .. }) if !asked_for => {
                left_out.push(targets::left_out::over_limit(target, checked.model(), sources, &what, &how));
            }
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let clusters = clusters(&made).map_err(|error| vec![error])?;
    let compiled: Vec<TargetId> = made.iter().map(|(target, _)| target.id).collect();
    left_out.extend(control_not_run(&compiled, checked.model()));
    let paths = made.iter().flat_map(|(_, made)| made.files.keys().map(String::as_str));
    left_out.extend(several_gateways(paths, checked.model(), sources));
    Ok((together(checked.model(), sources, made, clusters, source_digest), left_out))
}

/// The files of one target, by path in the bundle.
fn compiled(input: &Input<'_>, target: &'static Target) -> Result<BTreeMap<String, Artifact>, BuildError> {
    let files = (target.compile)(input).map_err(|mut cause| BuildError::Compile {
        target: target.name(),
        said: cause.take_said(),
        cause,
    })?;
    Ok(files.into_iter().map(|(path, artifact)| (format!("{}/{path}", target.name()), artifact)).collect())
}

/// The findings among the errors, for those that are faults of the workspace, and the other errors.
#[must_use]
pub fn findings(errors: Vec<BuildError>) -> (Vec<Diagnostic>, Vec<BuildError>) {
    let mut findings = Vec::new();
    let mut other = Vec::new();
    for error in errors {
        match error {
            BuildError::Compile { cause: CompileError::Findings(found), .. } => findings.extend(found),
            error @ (BuildError::Compile { .. }
            | BuildError::Verify { .. }
            | BuildError::Differs { .. }
            | BuildError::UnknownTarget(_)) => other.push(error),
        }
    }
    (findings, other)
}
