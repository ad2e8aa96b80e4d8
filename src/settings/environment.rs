//! What `mcpctl.yaml` in the folder of an environment says: settings of targets, laid over those of the workspace.

use super::targets::TargetsSection;
use super::{SettingsFile, validator};
use crate::diagnostic::Diagnostic;
use crate::families::decode;
use crate::model::deployment::Deployment;
use crate::source::yaml::{self, Tree};
use crate::source::{FileId, Loc, SourceFile};

/// Keys of a target that say what may be taken for granted of requests. That is access, and the same in every environment.
pub const KEPT: [&str; 3] = ["assume", "assume_reason", "verified_headers"];

/// The settings of targets in an environment, where its file sets any: its own, key by key, and where it sets none those of
/// the workspace's file, which has been judged already.
///
/// The faults of shape are found here. Which keys may stand in it is for the caller to judge, from the same tree.
#[must_use]
pub fn of_environment(
    tree: &Tree<'_>,
    file: FileId,
    base: Option<(FileId, &SourceFile)>,
) -> (Option<Deployment>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let [root] = tree.documents() else {
        if let [_, second, ..] = tree.documents() {
            let message = "settings are one document; this is a second one";
            findings.push(Diagnostic::new(&crate::lower::rules::DUPLICATE_SECTION, tree.loc(*second), message));
        }
        return (None, findings);
    };
    if let Some(validator) = validator() {
        findings.extend(validator.check(tree, *root, *root));
    }
    if !findings.is_empty() {
        return (None, findings);
    }
    let own = match decode::decode::<SettingsFile>(tree, *root) {
        Ok(written) => written.targets,
        Err(error) => {
            let loc = error.loc.unwrap_or_else(|| Loc::start_of(file));
            findings.push(Diagnostic::new(&crate::schema::rules::WRONG_TYPE, loc, error.message));
            return (None, findings);
        }
    };
    let Some(own) = own else { return (None, findings) };
    let base = base.and_then(|(file, source)| base_targets(file, source)).unwrap_or_default();
    let deployment = own.laid_over(base).lower(&mut findings);
    (Some(deployment), findings)
}

fn base_targets(file: FileId, source: &SourceFile) -> Option<TargetsSection> {
    let tree = yaml::parse(file, source, &mut Vec::new());
    let root = tree.documents().first()?;
    decode::decode::<SettingsFile>(&tree, *root).ok()?.targets
}
