//! From a checked model to a verified bundle: compile, read back, compare, list. The one place that knows both the targets
//! and the lifters. A bundle exists only if what its files decide is what the model says, in every cell.

use std::collections::BTreeMap;

use crate::bundle::existing::Existing;
use crate::bundle::manifest::{self, Manifest, Settings};
use crate::bundle::{Artifact, Bundle};
use crate::checks::CheckedModel;
use crate::diagnostic::{Diagnostic, one_line};
use crate::lift::relation::Part;
use crate::lift::{self, LiftError, Said};
use crate::model::Model;
use crate::model::name::FactName;
use crate::policy::Policy;
use crate::policy::compare::{Difference, compare};
use crate::policy::seen::{View, seen};
use crate::source::Sources;
use crate::targets::undecided::undecided;
use crate::targets::{self, CompileError, Input, Need, Target};

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
    /// A bundle holds files of a target that does not exist.
    #[error("the bundle was compiled for `{0}`, which is no target of this version")]
    #[diagnostic(code("unknown-target"))]
    UnknownTarget(String),
    /// No lifter is known for a target.
    #[error("nothing can read back the files of target `{0}`, so they cannot be trusted")]
    #[diagnostic(code("target-without-lifter"))]
    NoLifter(&'static str),
}

fn noun(cells: usize) -> &'static str {
    if cells == 1 { "cell" } else { "cells" }
}

/// Reads a target's files back, by path in the bundle.
type Reader<T> = fn(&BTreeMap<String, Artifact>, &Model, &Policy) -> Result<T, LiftError>;

/// How a target's files are judged.
enum Lifter {
    /// They decide calls: read into the relation that they decide.
    Decides(Reader<Vec<Part>>),
    /// They decide no calls: what they must hold all the same is checked.
    Shapes(Reader<()>),
}

/// The lifter of each target.
const LIFTERS: &[(&str, Lifter)] = &[
    ("agentcore", Lifter::Decides(lift::agentcore::read)),
    ("agentgateway", Lifter::Decides(lift::agentgateway::lift)),
    ("ai-gateway", Lifter::Decides(lift::ai_gateway::lift)),
    (
        "cedar",
        Lifter::Decides(|artifacts, model, policy| {
            lift::cedar::check_handwritten(artifacts, model)?;
            Ok(Part::whole(lift::cedar::lift(&lift::cedar::read(artifacts)?, policy)?))
        }),
    ),
    ("envoy", Lifter::Decides(lift::envoy::lift)),
    ("istio", Lifter::Decides(lift::istio::lift)),
    ("kubernetes", Lifter::Shapes(|artifacts, model, _| lift::kubernetes::check(artifacts, model))),
    ("toolhive", Lifter::Decides(lift::toolhive::read)),
];

/// What keeps a target from being compiled: what it needs and the workspace does not declare, and evidence that every call
/// needs and it cannot see.
#[must_use]
pub fn missing(checked: &CheckedModel, target: &Target) -> Vec<Need> {
    let (model, policy) = (checked.model(), checked.policy());
    let mut needs = (target.needs)(model);
    needs.extend(targets::handwritten::need(target, model));
    if !needs.is_empty() {
        return needs;
    }
    let (view, _, stricter) = targets::seen(target, model, policy);
    if stricter.kept > 0 || stricter.possible == 0 {
        return needs;
    }
    let unseen: Vec<&str> = stricter.facts.keys().map(|fact| fact.as_str()).collect();
    let why: Vec<&str> = view
        .blind
        .iter()
        .filter(|(fact, _)| stricter.facts.contains_key(*fact))
        .map(|(_, why)| why.as_str())
        .chain(stricter.objects.keys().map(String::as_str))
        .collect();
    vec![Need {
        what: format!("`{}`, without which it would deny every call", unseen.join("`, `")),
        how: format!(
            "{}; or let something in front make sure of it, and say so with `targets.{}.assume` and `assume_reason` in \
             mcpctl.yaml",
            why.join("; "),
            target.name
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
pub const SHADOWS: &Target = &targets::envoy::TARGET;

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
    built.bundle.manifest.settings.other.extend([
        ("shadow".to_owned(), SHADOWS.name.to_owned()),
        ("enforced_bundle".to_owned(), enforced.digest.clone()),
        ("enforced_sources".to_owned(), in_force(enforced)),
    ]);
    Ok(built)
}

/// The sources of what decides in a bundle: where it holds two policies, those of the older one.
fn in_force(existing: &Existing) -> String {
    let manifest = &existing.manifest;
    manifest.settings.other.get("enforced_sources").unwrap_or(&manifest.sources).clone()
}

fn build_beside(
    checked: &CheckedModel,
    sources: &Sources,
    targets: &[&'static Target],
    source_digest: &str,
    enforced: Option<&Existing>,
) -> Result<Built, Vec<BuildError>> {
    let mut artifacts = BTreeMap::new();
    let mut entries: Vec<manifest::Target> = Vec::new();
    let mut notes = Vec::new();
    let mut errors = Vec::new();
    let one = |target: &&'static Target| {
        let (view, policy, stricter) = targets::seen(target, checked.model(), checked.policy());
        let input = Input { model: checked.model(), policy: &policy, sources, enforced };
        let files = compiled(&input, target);
        let undecided = undecided(target, checked.model(), checked.policy(), &policy, &view);
        (view, stricter, undecided, files)
    };
    // Two at a time: what they hold in memory adds up.
    let mut done = Vec::new();
    for two in targets.chunks(2) {
        match two {
            [first, second] => {
                let both = rayon::join(|| one(first), || one(second));
                done.extend([both.0, both.1]);
            }
            rest => done.extend(rest.iter().map(one)),
        }
    }
    for (target, (view, stricter, undecided, files)) in targets.iter().zip(done) {
        match files {
            Ok(files) => {
                artifacts.extend(files);
                entries.push(targets::entry(target, checked.model(), sources, &view, &stricter));
                notes.extend(targets::stricter_notes(target, checked.model(), &view, &stricter));
                notes.extend(undecided);
                notes.extend(targets::handwritten::left_out(target, checked.model()));
                notes.extend(targets::notes(target, checked.model()));
            }
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let settings =
        Settings { targets: targets.iter().map(|target| target.name.to_owned()).collect(), other: BTreeMap::new() };
    let manifest = Manifest::new(&artifacts, sources, source_digest, settings, entries);
    Ok(Built { bundle: Bundle { artifacts, manifest }, notes })
}

/// As [`build`], but a target beyond a limit of its product is left out with a warning, where nobody asked for it.
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
    let mut targets = targets.to_vec();
    let mut warnings = Vec::new();
    loop {
        let errors = match build(checked, sources, &targets, source_digest) {
            Ok(built) => return Ok((built, warnings)),
            Err(errors) => errors,
        };
        let mut left_out: Vec<&str> = Vec::new();
        for error in &errors {
            let BuildError::Compile { target, cause: CompileError::Beyond { what, how }, .. } = error else { continue };
            let Some(found) = targets.iter().find(|candidate| candidate.name == *target) else { continue };
            if mandatory.iter().all(|asked| asked.name != *target) {
                warnings.push(targets::over_limit(found, checked.model(), sources, what, how));
                left_out.push(target);
            }
        }
        if left_out.len() < errors.len() {
            return Err(errors);
        }
        targets.retain(|target| !left_out.contains(&target.name));
    }
}

/// The verified files of one target, by path in the bundle, for the relation as its product can decide it.
fn compiled(input: &Input<'_>, target: &'static Target) -> Result<BTreeMap<String, Artifact>, BuildError> {
    let files = (target.compile)(input)
        .map_err(|mut cause| BuildError::Compile { target: target.name, said: cause.take_said(), cause })?
        .into_iter()
        .map(|(path, artifact)| (format!("{}/{path}", target.name), artifact))
        .collect();
    match input.enforced {
        None => verify(target.name, &files, input.model, input.policy)?,
        Some(enforced) => verify_beside(&files, enforced, input.model, input.policy)?,
    }
    Ok(files)
}

/// Reads files with two policies back: that what decides is what the bundle in force decides, and that what is counted is the
/// relation.
///
/// # Errors
/// Where they cannot be read, or either is anything else.
pub fn verify_beside(
    files: &BTreeMap<String, Artifact>,
    enforced: &Existing,
    model: &Model,
    policy: &Policy,
) -> Result<(), BuildError> {
    let target = SHADOWS.name;
    let parts = lift::envoy::lift_beside(files, &enforced.files, model, policy)
        .map_err(|mut cause| BuildError::Verify { target, said: cause.take_said(), cause })?;
    agree(target, policy, parts)
}

/// Reads a target's files back and compares what they decide with the relation as the product can decide it.
///
/// # Errors
/// Where they cannot be read, or decide anything else.
pub fn verify(
    target: &'static str,
    files: &BTreeMap<String, Artifact>,
    model: &Model,
    policy: &Policy,
) -> Result<(), BuildError> {
    let (_, lifter) = LIFTERS.iter().find(|(name, _)| *name == target).ok_or(BuildError::NoLifter(target))?;
    let refused = |mut cause: LiftError| BuildError::Verify { target, said: cause.take_said(), cause };
    let parts = match lifter {
        Lifter::Decides(lifter) => lifter(files, model, policy).map_err(refused)?,
        Lifter::Shapes(check) => return check(files, model, policy).map_err(refused),
    };
    agree(target, policy, parts)
}

/// Reads the files of a bundle back, and compares what they decide with what its sources mean.
///
/// # Errors
/// Everything that speaks against any of its targets.
pub fn prove(bundle: &Existing, checked: &CheckedModel) -> Result<(), Vec<BuildError>> {
    let files: BTreeMap<String, Artifact> = bundle
        .files
        .iter()
        .map(|(path, bytes)| (path.clone(), Artifact { bytes: bytes.clone(), from: Vec::new() }))
        .collect();
    let prove = |name: &str| {
        let target = targets::TARGETS.iter().find(|target| target.name == name);
        let target = target.ok_or_else(|| BuildError::UnknownTarget(name.to_owned()))?;
        let (_, policy, _) = targets::seen(target, checked.model(), checked.policy());
        let folder = format!("{name}/");
        let own = files.iter().filter(|(path, _)| path.starts_with(&folder));
        let own = own.map(|(path, artifact)| (path.clone(), artifact.clone())).collect();
        verify(target.name, &own, checked.model(), &policy)
    };
    // Also of targets that the manifest no longer speaks of.
    let errors: Vec<BuildError> = bundle.targets().into_iter().filter_map(|name| prove(name).err()).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Compares what the gateways of a target decide with the relation as the product can decide it.
///
/// # Errors
/// Where any decides anything else.
pub fn agree(target: &'static str, policy: &Policy, parts: Vec<Part>) -> Result<(), BuildError> {
    let mut cells = 0;
    let mut shown = Vec::new();
    for part in parts {
        let expected = expected(policy, &part);
        let differences = compare(&expected, &part.lifted);
        cells += differences.len();
        let at = if part.gateway.is_empty() { String::new() } else { format!("gateway `{}`: ", part.gateway) };
        let some = differences.iter().take(MOST_CELLS);
        shown.extend(some.map(|difference| format!("{at}{}", in_words(&expected, difference))));
    }
    if cells == 0 { Ok(()) } else { Err(BuildError::Differs { target, cells, shown }) }
}

/// What a gateway should decide: of its servers, with what is given for its peers.
fn expected(policy: &Policy, part: &Part) -> Policy {
    let mut view = View::default();
    view.implied.extend(part.given.iter().map(|fact| FactName::from(*fact)));
    if let Some(servers) = &part.servers {
        let elsewhere = (0..).zip(&policy.objects).filter(|(_, object)| !servers.contains(&object.server));
        view.undecided.extend(elsewhere.map(|(index, _)| (index, String::new())));
    }
    seen(policy, &view).0
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
            | BuildError::UnknownTarget(_)
            | BuildError::NoLifter(_)) => other.push(error),
        }
    }
    (findings, other)
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
        let found = verify("unheard_of", &BTreeMap::new(), &Model::default(), &Policy::default());
        assert!(matches!(found, Err(BuildError::NoLifter("unheard_of"))));
    }
}
