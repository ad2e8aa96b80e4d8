//! A bundle that was written before, read back whole: every file as its manifest says.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::MANIFEST;
use super::disk::{Disk, PathKind};
use super::manifest::{FORMAT, Manifest, VERSION, sha256};
use super::{CLUSTERS, SOURCES};
use crate::diagnostic::one_line;

/// A bundle as it stands in its folder.
#[derive(Debug, Clone)]
pub struct Existing {
    /// What is said about its files.
    pub manifest: Manifest,
    /// Digest of the manifest itself, as `sha256:` and hexadecimal digits: whoever knows it knows every file.
    pub digest: String,
    /// Its files by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Why a bundle could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExistingError {
    /// The manifest is not there, or is none.
    #[error("`{}` is not a bundle: its `{MANIFEST}` is not a manifest of format {FORMAT}", .0.display())]
    #[diagnostic(code("no-bundle"), help("name the folder that `mcpctl compile` of this version wrote"))]
    NoBundle(PathBuf),
    /// Another version wrote it in another format.
    #[error("mcpctl {version} wrote the bundle `{}`, in another format than this version, mcpctl {VERSION}, reads", .folder.display())]
    #[diagnostic(
        code("bundle-of-another-version"),
        help("compile the bundle again with this version, or use mcpctl {version} to read it")
    )]
    OtherVersion {
        /// The bundle.
        folder: PathBuf,
        /// What wrote it.
        version: String,
    },
    /// A file is not what the manifest says.
    #[error("the bundle `{}` was changed after it was written: {}", .folder.display(), .files.join(", "))]
    #[diagnostic(
        code("bundle-changed"),
        help("what a changed file decides was never proved; compile the bundle again from its sources")
    )]
    Changed {
        /// The bundle.
        folder: PathBuf,
        /// The files that differ.
        files: Vec<String>,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", .path.display())]
    #[diagnostic(code("bundle-not-read"))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl Existing {
    /// The targets that it holds files of, or says that it was compiled for.
    #[must_use]
    pub fn targets(&self) -> BTreeSet<&str> {
        let of_files = self.manifest.files.iter().map(|file| file.path.split('/').next().unwrap_or_default());
        let of_files = of_files.filter(|name| ![CLUSTERS, SOURCES].contains(name));
        self.manifest.settings.targets.iter().map(String::as_str).chain(of_files).collect()
    }
}

/// Reads a bundle. Files that its manifest does not list are not looked at.
///
/// # Errors
/// Where there is none, a file is missing, or has another digest than the manifest says.
pub fn read(folder: &Path, disk: &dyn Disk) -> Result<Existing, ExistingError> {
    let path = folder.join(MANIFEST);
    let bytes = match disk.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(ExistingError::NoBundle(folder.to_owned()));
        }
        Err(cause) => return Err(ExistingError::Io { path, cause }),
    };
    let manifest = Manifest::parse(&bytes).ok_or_else(|| unread(folder, &bytes))?;
    let mut files = BTreeMap::new();
    let mut changed = Vec::new();
    for file in &manifest.files {
        // A manifest leads to files of its own folder and no others.
        let leaves = file.path.starts_with('/') || file.path.split(['/', '\\']).any(|part| part == "..");
        if leaves {
            return Err(ExistingError::NoBundle(folder.to_owned()));
        }
        let path = folder.join(&file.path);
        match disk.read(&path) {
            Ok(bytes) if bytes.len() as u64 == file.size && sha256(&bytes) == file.sha256 => {
                files.insert(file.path.clone(), bytes);
            }
            Ok(_) => changed.push(format!("`{}`", file.path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => changed.push(format!("`{}` is gone", file.path)),
            Err(cause) => return Err(ExistingError::Io { path, cause }),
        }
    }
    if !changed.is_empty() {
        return Err(ExistingError::Changed { folder: folder.to_owned(), files: changed });
    }
    Ok(Existing { manifest, digest: format!("sha256:{}", sha256(&bytes)), files })
}

/// Why a manifest cannot be read: it may say itself which version wrote it.
fn unread(folder: &Path, manifest: &[u8]) -> ExistingError {
    let folder = folder.to_owned();
    let value: Option<serde_json::Value> = serde_json::from_slice(manifest).ok();
    let tool = value.as_ref().and_then(|value| value.get("tool"));
    let text = |key: &str| tool.and_then(|tool| tool.get(key)).and_then(serde_json::Value::as_str);
    match text("version").filter(|version| text("name") == Some(env!("CARGO_PKG_NAME")) && *version != VERSION) {
        Some(version) => ExistingError::OtherVersion { folder, version: one_line(version) },
        None => ExistingError::NoBundle(folder),
    }
}

/// What stands in the folder of a bundle and not in its manifest, by path: nobody knows what it decides.
///
/// # Errors
/// Where a folder cannot be read.
pub fn unlisted(folder: &Path, manifest: &Manifest, disk: &dyn Disk) -> Result<Vec<String>, ExistingError> {
    let known: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).chain([MANIFEST]).collect();
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(prefix) = folders.pop() {
        let at = folder.join(&prefix);
        let failed = |path: &Path| {
            let path = path.to_owned();
            |cause| ExistingError::Io { path, cause }
        };
        for name in disk.list(&at).map_err(failed(&at))? {
            let (path, inside) = (at.join(&name), format!("{prefix}{name}"));
            match disk.kind(&path).map_err(failed(&path))? {
                PathKind::Folder => folders.push(format!("{inside}/")),
                PathKind::File if known.contains(inside.as_str()) => {}
                PathKind::Absent | PathKind::File | PathKind::Link | PathKind::Other => found.push(inside),
            }
        }
    }
    found.sort();
    Ok(found)
}
