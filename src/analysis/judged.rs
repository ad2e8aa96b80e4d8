//! Whether what was analysed can be compiled.

use super::{Analysis, Counts};
use crate::checks::{self, CheckedModel};
use crate::diagnostic::Report;
use crate::model::Model;
use crate::policy::Policy;
use crate::policy::whole::Written;
use crate::settings::Settings;
use crate::source::Sources;

/// An analysis, with the answer to whether a bundle may be compiled from it.
#[derive(Debug)]
pub struct Judged {
    /// The files.
    pub sources: Sources,
    /// The settings in force.
    pub settings: Settings,
    /// Hand-written policies; `None` where there are none, or findings say what is wrong with them.
    pub written: Option<Written>,
    /// All findings, sorted, waivers and levels applied.
    pub report: Report,
    /// What was read.
    pub counts: Counts,
    /// What a target may compile; the model and the relation alone where a finding speaks against it.
    pub checked: Result<CheckedModel, Box<(Model, Policy)>>,
}

impl Analysis {
    /// The one way to a [`CheckedModel`]: the model with the report of its own analysis, which nobody else can change.
    #[must_use]
    pub fn judged(self) -> Judged {
        let Self { sources, settings, model, policy, written, report, counts } = self;
        let checked = checks::accept(model, policy, &report);
        Judged { sources, settings, written, report, counts, checked }
    }

    /// A copy of what a target may compile, where no finding speaks against it.
    #[must_use]
    pub fn checked(&self) -> Option<CheckedModel> {
        checks::accept(self.model.clone(), self.policy.clone(), &self.report).ok()
    }
}
