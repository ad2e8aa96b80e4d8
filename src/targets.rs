//! The targets: one module a product, one line each in the list below.
//!
//! A target turns a checked model into files, and says for every family what it enforces, so that nothing is dropped in
//! silence. It does not judge its own files: [`crate::build`] has them read back by code that shares nothing with it.

use std::collections::BTreeMap;

use crate::bundle::{Artifact, manifest};
use crate::checks::CheckedModel;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::families::FamilyId;
use crate::model::Model;
use crate::source::{Loc, Sources};

/// A product that configuration is compiled for.
pub struct Target {
    /// Its name: on the command line, and the folder of its files in a bundle.
    pub name: &'static str,
    /// What it gives, in one line.
    pub summary: &'static str,
    /// Its documentation, in Markdown.
    pub doc: &'static str,
    /// How much of a family it enforces.
    pub coverage: fn(FamilyId) -> Coverage,
    /// For a family that it does not enforce fully, the words that may make up the path of a key that it does express.
    pub expressed: fn(FamilyId) -> &'static [&'static str],
    /// Names in its files and the names in YAML that they stand for, where the two differ.
    pub names: fn(&Model) -> BTreeMap<String, String>,
    /// Makes the files, by path below the target's folder.
    pub compile: fn(&CheckedModel, &Sources) -> Result<Files, CompileError>,
}

/// The files of a target, by path below its folder.
pub type Files = Vec<(String, Artifact)>;

/// How much of a family a target enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// All of it.
    Full,
    /// A part, and why not all.
    Partial(&'static str),
    /// Nothing, and why.
    None(&'static str),
}

impl Coverage {
    /// `full`, `partial` or `none`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial(_) => "partial",
            Self::None(_) => "none",
        }
    }

    /// Why it is not full.
    #[must_use]
    pub fn why(self) -> Option<&'static str> {
        match self {
            Self::Full => None,
            Self::Partial(why) | Self::None(why) => Some(why),
        }
    }
}

/// Why a target could not make its files.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CompileError {
    /// The engine that prints or reads the files refuses.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cedar(#[from] crate::cedar::Error),
    /// A name or value that the target cannot hold.
    #[error("{0}")]
    Refused(String),
}

impl CompileError {
    /// Takes what the engine of the target's own format said, for rendering.
    pub fn take_said(&mut self) -> Vec<crate::cedar::Said> {
        match self {
            Self::Cedar(error) => error.take_said(),
            Self::Refused(_) => Vec::new(),
        }
    }
}

macro_rules! targets {
    ($($name:ident,)*) => {
        $(pub mod $name;)*
        /// Every target, sorted by name.
        pub static TARGETS: &[&Target] = &[$(&$name::TARGET,)*];
    };
}

targets! {
    cedar,
}

/// The note for a key that a target does not express.
pub static NOT_EXPRESSIBLE: Rule = Rule {
    name: "not-expressible",
    severity: Severity::Note,
    what: "Finds keys in use that a target being compiled cannot express. Keys below one that is reported are not \
           reported again.",
    why: "What a target cannot express is not enforced by it. It has to be enforced elsewhere, or by nobody.",
    fix: "Have another part of the system do it, or leave the target out of the compile. The manifest of the bundle \
          lists these keys too.",
};

/// A key in use that a target does not express.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotExpressed {
    /// Its family.
    pub family: FamilyId,
    /// Its path in the section, cut after the first word that the target knows nothing of.
    pub key: String,
    /// The first place at which it, or something below it, is used.
    pub loc: Loc,
    /// Why the target does not express it.
    pub why: &'static str,
}

/// Every key in use that the target does not express, in the order of the families.
#[must_use]
pub fn not_expressed(target: &Target, model: &Model) -> Vec<NotExpressed> {
    let mut found = Vec::new();
    for family in FamilyId::ALL {
        let Some(why) = (target.coverage)(*family).why() else { continue };
        let words = (target.expressed)(*family);
        let mut keys: BTreeMap<String, Loc> = BTreeMap::new();
        for (path, loc) in model.keys.get(family.key()).into_iter().flatten() {
            if let Some(key) = beyond(path, words) {
                let first = keys.entry(key).or_insert(*loc);
                *first = (*first).min(*loc);
            }
        }
        found.extend(keys.into_iter().map(|(key, loc)| NotExpressed { family: *family, key, loc, why }));
    }
    found
}

/// The path up to the first word that is none of these; `None` where there is no such word.
fn beyond(path: &str, words: &[&str]) -> Option<String> {
    let mut end = 0;
    for part in path.split('.') {
        end += part.len();
        if !words.contains(&part.trim_end_matches("[]")) {
            return path.get(..end).map(|key| key.trim_end_matches("[]").to_owned());
        }
        end += 1;
    }
    None
}

/// What the manifest says of a target: of each family in use, and of each key that is not expressed.
#[must_use]
pub fn entry(target: &Target, model: &Model, sources: &Sources) -> manifest::Target {
    let in_use = |family: &&FamilyId| model.keys.get(family.key()).is_some_and(|keys| !keys.is_empty());
    let coverage = FamilyId::ALL.iter().filter(in_use).map(|family| {
        let coverage = (target.coverage)(*family);
        manifest::FamilyCoverage {
            family: family.key().to_owned(),
            coverage: coverage.word().to_owned(),
            why: coverage.why().map(str::to_owned),
        }
    });
    let not_expressed = not_expressed(target, model).into_iter().map(|found| manifest::NotExpressed {
        family: found.family.key().to_owned(),
        key: found.key,
        at: sources.file_line(found.loc),
        why: found.why.to_owned(),
    });
    manifest::Target {
        name: target.name.to_owned(),
        coverage: coverage.collect(),
        not_expressed: not_expressed.collect(),
        names: (target.names)(model),
    }
}

/// The notes about keys that a target does not express.
#[must_use]
pub fn notes(target: &Target, model: &Model) -> Vec<Diagnostic> {
    not_expressed(target, model)
        .into_iter()
        .map(|found| {
            let message =
                format!("`{}` of `{}` is not expressed by target `{}`", found.key, found.family.key(), target.name);
            Diagnostic::new(&NOT_EXPRESSIBLE, found.loc, message).help(found.why)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_sorted_and_documented() {
        assert!(TARGETS.is_sorted_by_key(|target| target.name));
        for target in TARGETS {
            assert!(!target.doc.is_empty() && !target.summary.is_empty(), "{}", target.name);
            for family in FamilyId::ALL {
                if let Coverage::Full = (target.coverage)(*family) {
                    assert!((target.expressed)(*family).is_empty(), "{} {}", target.name, family.name());
                }
            }
        }
    }

    #[test]
    fn keys_are_cut_after_the_first_unknown_word() {
        let words = ["servers", "tools", "name"];
        assert_eq!(beyond("servers[].tools[].name", &words), None);
        assert_eq!(beyond("servers[].labels.name", &words), Some("servers[].labels".to_owned()));
        assert_eq!(beyond("units[].x", &words), Some("units".to_owned()));
        assert_eq!(beyond("x", &[]), Some("x".to_owned()));
    }

    #[test]
    fn the_manifest_names_families_in_use() {
        let mut sources = Sources::new();
        sources.add(crate::source::SourceFile::new("a.yaml", "x\ny\n"));
        let mut model = Model::default();
        model.keys.insert("caching_strategy", [("layers[].ttl".to_owned(), Loc { start: 2, ..Loc::default() })].into());
        model.keys.insert("progressive_auth", [("levels".to_owned(), Loc::default())].into());
        let entry = entry(&cedar::TARGET, &model, &sources);
        let coverage: Vec<_> = entry.coverage.iter().map(|c| (c.family.as_str(), c.coverage.as_str())).collect();
        assert_eq!(coverage, [("progressive_auth", "full"), ("caching_strategy", "none")]);
        assert_eq!(entry.not_expressed.len(), 1);
        assert_eq!((entry.not_expressed[0].key.as_str(), entry.not_expressed[0].at.as_str()), ("layers", "a.yaml:2"));
    }

    #[test]
    fn only_unexpressed_keys_are_noted_each_once() {
        let mut model = Model::default();
        let at = |start| Loc { start, end: start + 1, ..Loc::default() };
        let keys = [
            ("service_mesh", at(1)),
            ("service_mesh.mutual_tls", at(2)),
            ("network_segmentation[].gateways", at(9)),
            ("network_segmentation[].agents", at(7)),
        ];
        model.keys.insert("zero_trust_config", keys.map(|(key, loc)| (key.to_owned(), loc)).into());
        model.keys.insert("progressive_auth", [("levels".to_owned(), at(20))].into());
        let found = notes(&cedar::TARGET, &model);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].loc, at(7));
        assert_eq!(
            found[0].message,
            "`network_segmentation` of `zero_trust_config` is not expressed by target `cedar`"
        );
    }
}
