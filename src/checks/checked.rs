//! The model that every check has passed.

use crate::diagnostic::{Report, Severity};
use crate::model::Model;
use crate::policy::Policy;

/// A model without errors, with its policy. An analysis makes one from its own report and nothing else does, so a target cannot
/// compile an unchecked model.
#[derive(Debug)]
pub struct CheckedModel {
    model: Model,
    policy: Policy,
}

impl CheckedModel {
    /// The meaning.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The access relation.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// Accepts a model that no finding of level error speaks against, and none that guards access and had its level lowered.
///
/// # Errors
/// The model and policy, unchanged, where one does.
pub(crate) fn accept(model: Model, policy: Policy, report: &Report) -> Result<CheckedModel, Box<(Model, Policy)>> {
    // What could not be read may have asked for more.
    let whole = !model.unread_files && model.unread.is_empty();
    if report.reaches(Severity::Error) || report.diagnostics.iter().any(|finding| finding.stops) || !whole {
        Err(Box::new((model, policy)))
    } else {
        Ok(CheckedModel { model, policy })
    }
}
