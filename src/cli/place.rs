//! Where a workspace is, as the reader of the output sees it: people from the folder that they are in, services such
//! as GitHub from the repository. Programs that read JSON are given paths in the workspace.

use std::path::{Component, Path, PathBuf};

use crate::render::Format;

/// What stands in front of the names of files in a format, for a workspace in the folder `root`; empty for nothing.
#[must_use]
pub fn shown_below(root: &Path, format: Format) -> String {
    match format {
        Format::Json | Format::Jsonl => String::new(),
        Format::Human | Format::Short => from_here(root),
        Format::Sarif
        | Format::Github
        | Format::Gitlab
        | Format::Junit
        | Format::Rdjson
        | Format::Azure
        | Format::Markdown
        | Format::Html
        | Format::Prune => in_repository(root),
    }
}

/// A folder as seen from the current one: as it was given, without what changes nothing, and without the current folder in
/// front.
fn from_here(root: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let root = root.strip_prefix(&here).unwrap_or(root);
    let parts: PathBuf = root.components().filter(|component| *component != Component::CurDir).collect();
    shown(&parts)
}

/// A folder as seen from the work tree of the repository that holds it. Outside of a repository, as seen from here.
#[must_use]
pub fn in_repository(root: &Path) -> String {
    let Ok(real) = std::fs::canonicalize(root) else { return from_here(root) };
    match real.ancestors().find(|folder| folder.join(".git").exists()) {
        Some(repository) => shown(real.strip_prefix(repository).unwrap_or(&real)),
        None => from_here(root),
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}
