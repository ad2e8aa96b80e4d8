//! The folders of environments, which are read beside the workspace.

use std::path::Path;

use super::{InputFile, LeftOut, ReadError, Reader, Workspace, files_of, is_hidden, without_bom};
use crate::diagnostic::{Severity, did_you_mean};
use crate::settings::{self, Settings};
use crate::source::{FileId, Loc, SourceFile};

/// Which environments are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// None.
    None,
    /// Every one that the settings declare.
    All,
    /// The one of that name.
    One(&'a str),
}

/// The files of an environment.
#[derive(Debug)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its folder, relative to the workspace, with `/`.
    pub folder: String,
    /// Where the settings declare it.
    pub declared: Loc,
    /// Its YAML files by their paths in the workspace, settings included.
    pub files: Vec<InputFile>,
}

/// Reads the folders of environments; settings that cannot be read declare none. What is read counts as left out no more.
///
/// # Errors
/// Where no environment has the name that is wanted, or the workspace cannot be walked.
pub fn environments(
    workspace: &mut Workspace,
    reader: &dyn Reader,
    wanted: Wanted<'_>,
) -> Result<Vec<Environment>, ReadError> {
    if wanted == Wanted::None {
        return Ok(Vec::new());
    }
    let text = workspace.settings.as_ref().and_then(|file| file.bytes.as_deref().ok());
    let Some(settings) = settings_of(text) else { return Ok(Vec::new()) };
    if let Wanted::One(name) = wanted
        && !settings.environments.contains_key(name)
    {
        let known = settings.environments.keys().map(String::as_str);
        let help =
            did_you_mean(name, known).unwrap_or_else(|| "`environments` of mcpctl.yaml declares them".to_owned());
        return Err(ReadError::Environment { name: name.to_owned(), help });
    }
    let left_out = LeftOut::patterns_of(&settings)?;
    let mut found = Vec::new();
    for (name, folder) in &settings.environments {
        if matches!(wanted, Wanted::One(one) if one != name) {
            continue;
        }
        let files = read_folder(workspace, reader, &folder.value, &left_out)?;
        if !files.is_empty() {
            workspace.skipped.excluded = workspace.skipped.excluded.saturating_sub(1);
        }
        found.push(Environment { name: name.clone(), folder: folder.value.clone(), declared: folder.loc, files });
    }
    Ok(found)
}

/// The settings, or `None` where they have faults, which the analysis reports.
fn settings_of(text: Option<&[u8]>) -> Option<Settings> {
    let Some(text) = text else { return Some(Settings::default()) };
    let text = std::str::from_utf8(text).ok()?;
    let (settings, findings) = settings::parse(FileId(0), &SourceFile::new(settings::FILE_NAME, without_bom(text)));
    findings.iter().all(|finding| finding.severity != Severity::Error).then_some(settings)
}

fn read_folder(
    workspace: &mut Workspace,
    reader: &dyn Reader,
    folder: &str,
    left_out: &LeftOut,
) -> Result<Vec<InputFile>, ReadError> {
    let root: &Path = &workspace.root;
    let below = format!("{folder}/");
    let skipped = &mut workspace.skipped;
    let entries = reader.walk(root, &mut |name| {
        let inside = name == folder || name.starts_with(&below);
        if !inside {
            return !folder.starts_with(&format!("{name}/"));
        }
        let (hidden, excluded) = (is_hidden(name), left_out.patterns.is_match(name));
        skipped.hidden += usize::from(hidden);
        skipped.excluded += usize::from(!hidden && excluded);
        hidden || excluded
    });
    let entries = entries.map_err(|source| ReadError::Path { path: root.to_path_buf(), source })?;
    Ok(files_of(root, reader, entries, &|_| false, skipped))
}
