//! Checks: what one section cannot see alone. One file a check, one line each in the list below.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::policy::Policy;

/// A check: its rule, and the function that finds its occurrences.
pub struct Check {
    /// Name, level and documentation.
    pub rule: Rule,
    /// Reports every occurrence.
    pub run: fn(&Input<'_>, &mut Report),
}

/// What a check reads.
pub struct Input<'a> {
    /// The meaning of the workspace.
    pub model: &'a Model,
    /// The access relation derived from it.
    pub policy: &'a Policy,
}

macro_rules! checks {
    ($($name:ident,)*) => {
        $(pub mod $name;)*
        /// Every check, sorted by name.
        pub static CHECKS: &[&Check] = &[$(&$name::CHECK,)*];
    };
}

checks! {
    unclassified_server,
}

/// A model without errors, with its policy. Only [`run`] makes one, so a target cannot compile an unchecked model.
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

/// Every rule that a finding can name: the checks', and those of reading, shape and lowering. Sorted by name.
#[must_use]
pub fn all_rules() -> Vec<&'static Rule> {
    let mut rules: Vec<&'static Rule> = CHECKS.iter().map(|check| &check.rule).collect();
    rules.extend(crate::source::yaml::RULES);
    rules.extend(crate::schema::rules::RULES);
    rules.extend(crate::lower::rules::RULES);
    rules.extend(crate::analysis::rules::RULES);
    rules.push(&crate::settings::UNKNOWN_CHECK);
    rules.sort_by_key(|rule| rule.name);
    rules
}

/// Levels that `mcpctl.yaml` sets: `None` switches a check off.
pub type Levels = BTreeMap<String, Option<Severity>>;

/// Runs every check.
#[must_use]
pub fn run(model: &Model, policy: &Policy) -> Vec<Diagnostic> {
    let input = Input { model, policy };
    let mut report = Report::default();
    for check in CHECKS {
        (check.run)(&input, &mut report);
    }
    report.diagnostics
}

/// Accepts a model that no finding of level error speaks against.
///
/// # Errors
/// The model and policy, unchanged, where one does.
pub fn accept(model: Model, policy: Policy, report: &Report) -> Result<CheckedModel, Box<(Model, Policy)>> {
    if report.reaches(Severity::Error) { Err(Box::new((model, policy))) } else { Ok(CheckedModel { model, policy }) }
}
