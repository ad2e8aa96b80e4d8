//! Reads what was compiled back and compares it with the model. The one place that knows the readers.

use std::collections::BTreeMap;

use super::{BuildError, SHADOWS};
use crate::bundle::existing::Existing;
use crate::bundle::{Artifact, CLUSTERS};
use crate::checks::CheckedModel;
use crate::diagnostic::one_line;
use crate::lift::access::relation::Part;
use crate::lift::{self, LiftError};
use crate::model::Model;
use crate::model::deployment::target::targets;
use crate::model::name::FactName;
use crate::policy::Policy;
use crate::policy::compare::{Difference, compare};
use crate::policy::visibility::{View, seen};
use crate::targets::{self, TargetId};

/// Most cells named in one error; the rest is counted.
const MOST_CELLS: usize = 20;

/// The files of a target, by path in the bundle.
type Compiled = BTreeMap<String, Artifact>;

/// Reads a target's files back.
enum Reader {
    /// They decide calls: read into the relation that they decide.
    Decides(fn(&Compiled, &Model, &Policy) -> Result<Vec<Part>, LiftError>),
    /// They configure an engine: compared with the part of the model that they were made from.
    Configures(fn(&Compiled, &Model, &Policy) -> Result<(), LiftError>),
}

macro_rules! readers {
    ($($kind:ident $variant:ident $module:ident $name:literal $settings:ident $summary:tt;)*) => {
        /// The reader of each target: the module of the target's name, among the readers of its kind.
        fn reader(target: TargetId) -> Reader {
            match target { $(TargetId::$variant => readers!($kind lift::$kind::$module::read),)* }
        }
    };
    (access $read:path) => { Reader::Decides($read) };
    (operations $read:path) => { Reader::Configures($read) };
}
targets!(readers);

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
    let target = SHADOWS.name();
    let parts = lift::access::envoy::lift_beside(files, &enforced.files, model, policy)
        .map_err(|mut cause| BuildError::Verify { target, said: cause.take_said(), cause })?;
    agree(target, policy, parts)
}

/// Reads a target's files back and compares what they decide with the relation as the product can decide it.
///
/// # Errors
/// Where they cannot be read, or decide anything else.
pub fn verify(
    target: TargetId,
    files: &BTreeMap<String, Artifact>,
    model: &Model,
    policy: &Policy,
) -> Result<(), BuildError> {
    let refused = |mut cause: LiftError| BuildError::Verify { target: target.name(), said: cause.take_said(), cause };
    match reader(target) {
        Reader::Decides(read) => agree(target.name(), policy, read(files, model, policy).map_err(refused)?),
        Reader::Configures(read) => read(files, model, policy).map_err(refused),
    }
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
        let target = TargetId::named(name).ok_or_else(|| BuildError::UnknownTarget(name.to_owned()))?;
        let (_, policy, _) = targets::seen(target.target(), checked.model(), checked.policy());
        let folder = format!("{name}/");
        let own = files.iter().filter(|(path, _)| path.starts_with(&folder));
        let own = own.map(|(path, artifact)| (path.clone(), artifact.clone())).collect();
        verify(target, &own, checked.model(), &policy)
    };
    // Also of targets that the manifest no longer speaks of.
    let mut errors: Vec<BuildError> = bundle.targets().into_iter().filter_map(|name| prove(name).err()).collect();
    let (together, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        files.iter().partition(|(path, _)| path.split('/').next() == Some(CLUSTERS));
    // Bundles of earlier versions have none.
    if !together.is_empty() {
        let together = together.into_iter().map(|(path, file)| (path.clone(), file.clone())).collect();
        let checked = lift::folders::check_clusters(&together, &others.into_keys().map(String::as_str).collect());
        errors.extend(checked.err().map(|cause| BuildError::Verify { target: CLUSTERS, said: Vec::new(), cause }));
    }
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

/// `agent` on `server/tool`: lets through {mfa}; denies {mfa, mtls}.
fn in_words(policy: &Policy, difference: &Difference) -> String {
    let sets = |masks: &[u64]| {
        let shown: Vec<String> = masks.iter().map(|mask| policy.facts.shown(*mask)).collect();
        shown.join(" and ")
    };
    let mut what = Vec::new();
    if !difference.leaks.is_empty() {
        what.push(format!("allows {}", sets(&difference.leaks)));
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
    fn what_decides_calls_is_read_into_a_relation() {
        for target in TargetId::ALL {
            let read = matches!(reader(*target), Reader::Decides(_));
            assert_eq!(target.target().decides().is_some(), read, "{target}");
        }
    }
}
