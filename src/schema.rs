//! JSON Schemas, run straight on the arena, every fault at its place.
//!
//! The schemas are generated from the families' types by a test and committed under `schemas/`. A validator is built when a
//! section of its family is first met, never before.

pub mod arena;
pub mod explain;
#[cfg(test)]
pub(crate) mod generate;
mod misspelt;
pub mod narrowing;
pub mod readable;
pub mod refused;
pub mod rules;
pub mod shape;

use std::collections::HashSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use self::arena::{Arena, ArenaNode};
use crate::diagnostic::{Diagnostic, upgrade};
use crate::families::FamilyId;
use crate::families::text::FORMATS;
use crate::source::yaml::{NodeId, Tree};

/// A schema ready to run, with its text for messages.
pub struct Validator {
    schema: Value,
    compiled: jsonschema::Validator<Arena>,
}

impl Validator {
    /// Builds a validator for a JSON Schema.
    ///
    /// # Errors
    /// What is wrong with the schema. Never for a schema of this crate, which a test builds.
    pub fn new(schema: Value) -> Result<Self, String> {
        // No pattern of ours looks around or back.
        let mut options = jsonschema::options_for::<Arena>()
            .should_validate_formats(true)
            .with_pattern_options(jsonschema::PatternOptions::regex());
        for (format, check) in FORMATS {
            options = options.with_format(format, move |text: &str| check(text).is_ok());
        }
        BUILT.fetch_add(1, Ordering::Relaxed);
        let compiled = options.build(&schema).map_err(|error| error.to_string())?;
        Ok(Self { schema, compiled })
    }

    /// Every fault of a node. `key` is the key that it stands under, where a missing key is reported.
    #[must_use]
    pub fn check(&self, tree: &Tree<'_>, key: NodeId, body: NodeId) -> Vec<Diagnostic> {
        let mut findings = refused::find(tree, body);
        if self.is_valid(tree, body) {
            return findings;
        }
        // With an unknown key in a map, that keys are too few, too many or not of one kind may only follow from it.
        let of_keys = |error: &ValidationError<'_>| matches!(error.kind(), Kind::AdditionalProperties { .. });
        let unknown = self.errors(tree, body).filter(of_keys).map(|error| error.instance_path().to_string());
        let unknown: HashSet<String> = unknown.collect();
        #[expect(clippy::wildcard_enum_match_arm, reason = "these are the kinds that count keys")]
        let follows = |error: &ValidationError<'_>| match error.kind() {
            Kind::OneOfNotValid { .. }
            | Kind::OneOfMultipleValid { .. }
            | Kind::MinProperties { .. }
            | Kind::MaxProperties { .. } => unknown.contains(error.instance_path().as_str()),
            _ => false,
        };
        findings.extend(self.errors(tree, body).filter(|error| !follows(error)).flat_map(|error| {
            let path = format!("{}{}", tree.text(key), error.instance_path().as_str());
            let mut found = explain::explain(&error, &self.schema, tree, key, body);
            found.iter_mut().for_each(|finding| finding.upgrade = upgrade::at(finding.rule.name, &path));
            found
        }));
        refused::keep_the_cause(&mut findings);
        findings
    }
}

impl Validator {
    fn is_valid(&self, tree: &Tree<'_>, body: NodeId) -> bool {
        self.compiled.is_valid(ArenaNode::new(tree, body))
    }

    fn errors<'a>(&'a self, tree: &'a Tree<'a>, body: NodeId) -> impl Iterator<Item = ValidationError<'a>> {
        self.compiled.iter_errors(ArenaNode::new(tree, body))
    }
}

static BUILT: AtomicUsize = AtomicUsize::new(0);

/// How many validators have been built in this process, for the test that one is built only when it is used.
#[must_use]
pub fn built() -> usize {
    BUILT.load(Ordering::Relaxed)
}

/// The validator of a family's section body, built on first use. `None` only if the embedded schema does not build,
/// which a test excludes.
#[must_use]
pub fn validator(family: FamilyId) -> Option<&'static Validator> {
    static VALIDATORS: [OnceLock<Option<Validator>>; FamilyId::ALL.len()] =
        [const { OnceLock::new() }; FamilyId::ALL.len()];
    let slot = VALIDATORS.get(family as usize)?;
    slot.get_or_init(|| {
        let mut file: Value = serde_json::from_str(family.schema()).ok()?;
        let body = file.get_mut("properties")?.get_mut(family.key())?.take();
        Validator::new(body).ok()
    })
    .as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_a_schema_that_builds() {
        for family in FamilyId::ALL {
            assert!(validator(*family).is_some(), "{}", family.name());
        }
    }
}
