//! Workspaces in memory, for tests.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use mcpctl::analysis::{self, Analysis};
use mcpctl::workspace::{self, Entry, EntryKind, Input, ReadError, Reader, Wanted};

/// Files by name; an error is what reading that file gives.
#[derive(Default)]
pub(crate) struct Files(BTreeMap<String, Result<Vec<u8>, io::ErrorKind>>);

impl Files {
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(files.into_iter().map(|(name, text)| (name.to_owned(), Ok(text.as_bytes().to_vec()))).collect())
    }

    pub(crate) fn with(mut self, name: &str, content: Result<Vec<u8>, io::ErrorKind>) -> Self {
        self.0.insert(name.to_owned(), content);
        self
    }

    pub(crate) fn read(&self) -> Result<workspace::Workspace, ReadError> {
        workspace::read(&Input::Path(PathBuf::from("/")), self, None)
    }

    pub(crate) fn analyse(&self) -> Analysis {
        analysis::analyse(self.read().unwrap(), None)
    }

    /// As [`Files::analyse`], with the files of environments.
    pub(crate) fn analyse_in(&self, wanted: Wanted<'_>) -> Result<Analysis, ReadError> {
        let mut workspace = self.read()?;
        let environments = workspace::environments(&mut workspace, self, wanted)?;
        let chosen = if let Wanted::One(name) = wanted { Some(name) } else { None };
        Ok(analysis::analyse_in(workspace, environments, chosen, None, None))
    }

    /// Every finding as `file:line:col rule`.
    pub(crate) fn findings(&self) -> Vec<String> {
        shown(&self.analyse())
    }
}

/// Every finding as `file:line:col rule`.
pub(crate) fn shown(analysis: &Analysis) -> Vec<String> {
    let show = |finding: &mcpctl::diagnostic::Diagnostic| {
        let at = analysis.sources.position(finding.loc);
        let file = analysis.sources.file(finding.loc.file).name();
        format!("{file}:{}:{} {}", at.line, at.column, finding.rule.name)
    };
    analysis.report().diagnostics.iter().map(show).collect()
}

impl Reader for Files {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        Ok(path == Path::new("/"))
    }

    fn walk(&self, _: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        // A folder that is skipped is skipped with all that is in it.
        let mut skipped = |name: &str| {
            let folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
            folders.chain([name]).any(&mut *skip)
        };
        let names = self.0.keys().filter(|name| !skipped(name));
        Ok(names.map(|name| Entry { name: name.clone(), kind: EntryKind::File }).collect())
    }

    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let name = path.strip_prefix("/").unwrap().to_str().unwrap();
        match self.0.get(name) {
            None => Err(io::ErrorKind::NotFound.into()),
            Some(Err(kind)) => Err((*kind).into()),
            Some(Ok(bytes)) => Ok(bytes.iter().copied().take(most + 1).collect()),
        }
    }
}
