//! `bundle.json`: what a bundle holds, where each file came from, and what its targets do not express.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Artifact;
use crate::source::Sources;

/// The format's version. A reader refuses any other.
pub const FORMAT: u32 = 1;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Most source places listed for one file; the rest is counted.
pub const MOST_PLACES: usize = 50;

/// The manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// The name of the bundle: the value of the label `mcpctl.io/bundle` on its Kubernetes objects.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub name: String,
    /// Digest of all source files, by [`sources_digest`].
    pub sources: String,
    /// The settings that the compile used.
    pub settings: Settings,
    /// Every file but the manifest itself, sorted by path.
    pub files: Vec<File>,
    /// Every target, in the order compiled.
    pub targets: Vec<Target>,
}

/// Name and version of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// `mcpctl`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The settings that shaped a bundle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The targets asked for.
    pub targets: Vec<String>,
    /// Whatever else was set.
    pub other: Other,
}

/// Settings that not every compile has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// Where two policies are in the bundle: the digest of the bundle whose policy goes on deciding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced_bundle: Option<String>,
    /// Where two policies are in the bundle: the digest of the sources of the one that goes on deciding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced_sources: Option<String>,
    /// The environment that was compiled for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Where two policies are in the bundle: the target that holds both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path in the bundle, with `/`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The target that it belongs to; `sources` for [`super::SOURCES`] and `clusters` for [`super::CLUSTERS`], which belong to none.
    pub target: String,
    /// Source places that it was made from, as `file.yaml:line`: the first [`MOST_PLACES`] in the order of the sources.
    pub from: Vec<String>,
    /// How many such places there are in all.
    pub from_count: u64,
}

/// What is said about one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// For each family that the workspace uses, how much of it the target enforces.
    pub coverage: Vec<FamilyCoverage>,
    /// Keys that the workspace uses and the target does not express.
    pub not_expressed: Vec<NotExpressed>,
    /// Names in the target's files and the names in YAML that they stand for, where the two differ.
    pub names: BTreeMap<String, String>,
    /// What the proof that it decides as the model says rests on.
    pub proof: Proof,
    /// Facts that are taken as given, because the settings say so.
    pub assumed: Vec<Assumed>,
    /// What it denies although the model allows it, because its product cannot see what is needed.
    pub stricter: Vec<Stricter>,
    /// What its product lets through or not by rules of its own, so that the proof does not speak of it.
    pub undecided: Vec<Undecided>,
    /// The files of hand-written Cedar, and whether its product enforces them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub handwritten: Vec<Handwritten>,
}

/// A file of hand-written Cedar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handwritten {
    /// Its name in the workspace.
    pub file: String,
    /// Whether the target holds its policies.
    pub enforced: bool,
}

/// Objects that a product judges by rules of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undecided {
    /// Which, and by what rules.
    pub why: String,
    /// How many cells of the access relation they have; none where it is about what the relation does not know.
    pub cells: u64,
    /// The servers that have to refuse it by themselves: those of which somebody may use something.
    #[serde(default)]
    pub servers: Vec<String>,
}

/// What a proof rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// `RUN`: the real product is exercised. `ENGINE`: its own policy engine is. `MODEL`: a reading of its rules. `SCHEMA`: its schema
    /// alone.
    pub rests_on: String,
    /// What shows it: products with their versions, and readings.
    #[serde(default)]
    pub by: String,
    /// What they show.
    pub what: String,
    /// What nothing shows.
    #[serde(default)]
    pub not_shown: String,
}

/// A fact that is taken as given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed {
    /// The fact.
    pub fact: String,
    /// Why that is right, in the words of the settings.
    pub reason: String,
}

/// Something that a product denies although the model allows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stricter {
    /// What is denied: `fact mfa`, or `objects`.
    pub what: String,
    /// Why.
    pub why: String,
    /// How many cells of the access relation are narrower.
    pub cells: u64,
}

/// How much of a family a target enforces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyCoverage {
    /// The family's key in YAML.
    pub family: String,
    /// `full`, `partial` or `none`.
    pub coverage: String,
    /// Why, where it is not full.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
}

/// A key that is used and not expressed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotExpressed {
    /// The family's key in YAML.
    pub family: String,
    /// The key's path in the section.
    pub key: String,
    /// Where it is used first, as `file.yaml:line`.
    pub at: String,
    /// Why it is not expressed.
    pub why: String,
}

impl Manifest {
    /// The manifest of these files. The target of a file is the first part of its path.
    #[must_use]
    pub fn new(
        artifacts: &BTreeMap<String, Artifact>,
        sources: &Sources,
        digest: &str,
        settings: Settings,
        targets: Vec<Target>,
    ) -> Self {
        let files = artifacts.par_iter().map(|(path, artifact)| {
            let locs: BTreeSet<_> = artifact.from.iter().copied().collect();
            let mut from: Vec<String> = locs.into_iter().map(|loc| sources.file_line(loc)).collect();
            // Places are in the order of the sources, so the places of one line stand together.
            from.dedup();
            let from_count = from.len() as u64;
            from.truncate(MOST_PLACES);
            File {
                path: path.clone(),
                size: artifact.bytes.len() as u64,
                sha256: sha256(&artifact.bytes),
                target: path.split('/').next().unwrap_or_default().to_owned(),
                from,
                from_count,
            }
        });
        Self {
            version: FORMAT,
            tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: VERSION.to_owned() },
            name: String::new(),
            sources: digest.to_owned(),
            settings,
            files: files.collect(),
            targets,
        }
    }

    /// The text of the manifest.
    ///
    /// # Errors
    /// None in practice: there is nothing in it that JSON cannot hold.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a manifest; `None` where it is none of this [`FORMAT`].
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|manifest: &Self| manifest.version == FORMAT)
    }
}

/// SHA-256 in hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The digest of a workspace's files, given by name and content in the order of their names: over each name's length, the
/// name, the content's length and the content, so that no two workspaces look alike. Lengths are 8 bytes, the least
/// significant first.
pub fn sources_digest<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in files {
        for part in [name.as_bytes(), bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    format!("sha256:{}", hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Loc, SourceFile};

    #[test]
    fn the_digest_tells_names_and_contents_apart() {
        let digest = |files: &[(&str, &str)]| sources_digest(files.iter().map(|(n, b)| (*n, b.as_bytes())));
        assert_eq!(digest(&[("a", "bc")]), digest(&[("a", "bc")]));
        assert_ne!(digest(&[("a", "bc")]), digest(&[("ab", "c")]));
        assert_ne!(digest(&[("a", ""), ("b", "")]), digest(&[("a", "b")]));
        assert_eq!(digest(&[]), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn places_are_lines_without_repetition_counted_beyond_the_limit() {
        let mut sources = Sources::new();
        let file = sources.add(SourceFile::new("a.yaml", "x y\n".repeat(200)));
        let from = (0..200).flat_map(|line| {
            [Loc { file, start: line * 4 + 2, end: line * 4 + 3 }, Loc { file, start: line * 4, end: line * 4 + 1 }]
        });
        let artifact = Artifact { bytes: b"abc".to_vec(), from: from.collect() };
        let artifacts = BTreeMap::from([("cedar/x".to_owned(), artifact)]);
        let manifest = Manifest::new(&artifacts, &sources, "sha256:0", Settings::default(), Vec::new());
        let file = &manifest.files[0];
        assert_eq!((file.from.len(), file.from_count, file.target.as_str()), (MOST_PLACES, 200, "cedar"));
        assert_eq!(file.from[1], "a.yaml:2");
        assert_eq!(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Manifest::parse(&manifest.to_json().unwrap()), Some(manifest.clone()));
        let later = Manifest { version: 2, ..manifest };
        assert_eq!(Manifest::parse(&later.to_json().unwrap()), None);
    }
}
