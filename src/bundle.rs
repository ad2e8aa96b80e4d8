//! What a compile produces: files with their origin, the manifest that lists them, and writing both in one step.
//!
//! The same sources give the same bytes: there is no clock and no environment in any of it.

pub mod disk;
pub mod existing;
pub mod manifest;
pub mod sources;
pub mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use write::write;

use crate::source::Loc;
use manifest::Manifest;

/// Name of the file with the sources, at the root of a bundle.
pub const SOURCES: &str = "sources.json";

/// The folder of the Kustomizations that list everything for one cluster, whichever target made it.
pub const CLUSTERS: &str = "clusters";

/// Name of the manifest, at the root of the bundle.
pub const MANIFEST: &str = "bundle.json";

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its content.
    pub bytes: Vec<u8>,
    /// The places that it was made from.
    pub from: Vec<Loc>,
}

/// Everything that a compile produced.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The files by path: relative, with `/`, the target's name first.
    pub artifacts: BTreeMap<String, Artifact>,
    /// What is said about them in [`MANIFEST`].
    pub manifest: Manifest,
}

impl Bundle {
    /// Every file to be written, the manifest included, by path.
    ///
    /// # Errors
    /// Where the manifest has no JSON form, which cannot happen for one made by [`Manifest::new`].
    pub fn files(&self) -> Result<BTreeMap<&str, Cow<'_, [u8]>>, serde_json::Error> {
        let artifacts = self.artifacts.iter();
        let mut files: BTreeMap<&str, Cow<'_, [u8]>> =
            artifacts.map(|(path, artifact)| (path.as_str(), Cow::Borrowed(artifact.bytes.as_slice()))).collect();
        files.insert(MANIFEST, Cow::Owned(self.manifest.to_json()?));
        Ok(files)
    }
}
