//! Which files are read, told by their names and by what the settings leave out.

use std::collections::BTreeSet;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::compiled::BUNDLE_MANIFEST;
use super::{DEFAULT_OUTPUT, ReadError, Reader};
use crate::settings::Settings;

/// Whether a file of that name holds configuration or hand-written policies.
pub(super) fn is_read(name: &str) -> bool {
    is_yaml(name) || is_cedar(name)
}

/// Whether a file of that name holds hand-written policies.
#[must_use]
pub fn is_cedar(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".cedar")
}

/// Whether a name is that of a hidden file or folder.
pub(super) fn is_hidden(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.starts_with('.'))
}

/// Whether a file of that name holds configuration.
fn is_yaml(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".yaml") || lower.ends_with(".yml")
}

/// What is not read although it is there.
pub(super) struct LeftOut {
    folders: BTreeSet<String>,
    pub(super) patterns: GlobSet,
}

impl LeftOut {
    pub(super) fn new(
        root: &Path,
        reader: &dyn Reader,
        settings: &Settings,
        out: Option<&Path>,
    ) -> Result<Self, ReadError> {
        let output = plain(settings.output.as_ref().map_or(DEFAULT_OUTPUT, |output| output.value.as_str()));
        let outputs = std::iter::once(output).chain(out.and_then(|out| relative(root, out)));
        // A folder that holds no bundle is somebody's own, whatever it is called: what is in it must not vanish.
        let is_bundle = |folder: &String| reader.read(&root.join(folder).join(BUNDLE_MANIFEST), 0).is_ok();
        let mut folders: BTreeSet<String> = outputs.filter(is_bundle).collect();
        folders.extend(settings.environments.values().map(|folder| folder.value.clone()));
        Ok(Self { folders, ..Self::patterns_of(settings)? })
    }

    /// What `exclude` leaves out, without the folders.
    pub(super) fn patterns_of(settings: &Settings) -> Result<Self, ReadError> {
        let mut patterns = GlobSetBuilder::new();
        let fault = |pattern: &str| {
            let pattern = pattern.to_owned();
            move |source| ReadError::Pattern { pattern, source }
        };
        for pattern in &settings.exclude {
            let path = plain(&pattern.value);
            let glob = GlobBuilder::new(&path).literal_separator(true).build().map_err(fault(&pattern.value))?;
            patterns.add(glob);
        }
        let patterns = patterns.build().map_err(fault("exclude"))?;
        Ok(Self { folders: BTreeSet::new(), patterns })
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        self.folders.contains(name) || self.patterns.is_match(name)
    }
}

/// A path of the settings as the names of files begin.
fn plain(path: &str) -> String {
    path.trim_start_matches("./").trim_end_matches('/').to_owned()
}

/// The path of `out` relative to `root`, where it stands inside; both as they are written, made absolute.
fn relative(root: &Path, out: &Path) -> Option<String> {
    let root = std::path::absolute(root).ok()?;
    let out = std::path::absolute(out).ok()?;
    let inside = out.strip_prefix(&root).ok()?;
    let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}
