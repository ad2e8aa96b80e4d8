//! The files of a workspace that an earlier run wrote.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::{Entry, EntryKind, Reader};
use crate::source::yaml::MOST_BYTES;

/// The files of bundles, wherever they lie: those that the manifest of one lists. What else lies beside a manifest is
/// somebody's own, and read.
pub(super) fn compiled(root: &Path, reader: &dyn Reader, entries: &[Entry]) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for entry in entries.iter().filter(|entry| matches!(entry.kind, EntryKind::File)) {
        let Some(folder) = entry.name.strip_suffix(BUNDLE_MANIFEST) else { continue };
        if !folder.is_empty() && !folder.ends_with('/') {
            continue;
        }
        let Ok(bytes) = reader.read(&root.join(&entry.name), MOST_BYTES) else { continue };
        let Ok(manifest) = serde_json::from_slice::<BundleManifest>(&bytes) else { continue };
        if manifest.tool.name == TOOL {
            files.extend(manifest.files.into_iter().map(|file| format!("{folder}{}", file.path)));
        }
    }
    files
}

/// What of a manifest tells whose it is.
#[derive(Deserialize)]
struct BundleManifest {
    tool: BundleTool,
    pub(super) files: Vec<BundleFile>,
}

#[derive(Deserialize)]
struct BundleTool {
    pub(super) name: String,
}

#[derive(Deserialize)]
struct BundleFile {
    pub(super) path: String,
}

/// The name of the program in a manifest.
const TOOL: &str = "mcpctl";

/// The name of a bundle's manifest.
pub(super) const BUNDLE_MANIFEST: &str = "bundle.json";
