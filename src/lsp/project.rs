//! A workspace that is open in an editor: what was read of it, and what follows.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::Host;
use super::names::{Names, Read};
use crate::analysis::Analysis;
use crate::settings;
use crate::source::{FileId, SourceFile};
use crate::workspace::kept::{Kept, name_below};
use crate::workspace::{Input, Reader};

/// An open workspace.
pub struct Project<'h> {
    /// Its folder, or the one file that it consists of.
    pub root: PathBuf,
    /// Whether it is one file, outside of every workspace.
    pub alone: bool,
    /// Reads its files, the open ones as they are in the editor.
    pub reader: Kept<'h>,
    /// What follows from the files; `None` where they could not be read at all.
    pub analysis: Option<Analysis>,
    /// Why they could not be read.
    pub failed: Option<String>,
    stale: bool,
    read: RefCell<Read>,
}

impl<'h> Project<'h> {
    /// A workspace of which nothing is read yet.
    #[must_use]
    pub fn new(root: PathBuf, alone: bool, reader: &'h dyn Reader) -> Self {
        Self {
            root,
            alone,
            reader: Kept::new(reader),
            analysis: None,
            failed: None,
            stale: true,
            read: RefCell::default(),
        }
    }

    /// Whether something has changed since the last analysis.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Something has changed.
    pub fn touch(&mut self) {
        self.stale = true;
    }

    /// Takes the text of an open file.
    pub fn set_text(&mut self, path: &Path, text: &str) {
        self.reader.open(path, text);
        if path.file_name().is_some_and(|name| name == settings::FILE_NAME) {
            // Other files may be left out now.
            self.reader.forget_walks();
        }
        self.stale = true;
    }

    /// Analyses again, where something has changed. Answers whether it did.
    pub fn refresh(&mut self, host: &Host<'_>) -> bool {
        if !self.stale {
            return false;
        }
        self.stale = false;
        self.reader.begin();
        match (host.analyse)(&Input::Path(self.root.clone()), &self.reader) {
            Ok(analysis) => (self.analysis, self.failed) = (Some(analysis), None),
            Err(error) => (self.analysis, self.failed) = (None, Some(error.to_string())),
        }
        true
    }

    /// The name of a file in the workspace.
    #[must_use]
    pub fn name_of(&self, path: &Path) -> Option<String> {
        if self.alone {
            return (path == self.root).then(|| path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        name_below(&self.root, path)
    }

    /// The path of a file of the workspace.
    #[must_use]
    pub fn path_of(&self, name: &str) -> PathBuf {
        if self.alone { self.root.clone() } else { self.root.join(name) }
    }

    /// Every name of the last analysis.
    #[must_use]
    pub fn names(&self) -> Names {
        self.analysis.as_ref().map(|analysis| self.read.borrow_mut().of(analysis)).unwrap_or_default()
    }

    /// A file of the last analysis.
    #[must_use]
    pub fn file(&self, path: &Path) -> Option<(FileId, &SourceFile)> {
        let name = self.name_of(path)?;
        self.analysis.as_ref()?.sources.iter().find(|(_, file)| file.name() == name)
    }
}

/// The folder of the workspace that a file is in, and whether the file is alone. That is the nearest folder around it with settings,
/// else the folder that the editor has open; `given` takes the place of both.
#[must_use]
pub fn root_of(path: &Path, given: Option<&Path>, open: &[PathBuf], reader: &dyn Reader) -> (PathBuf, bool) {
    if let Some(given) = given.filter(|given| path.starts_with(given)) {
        return (given.to_owned(), false);
    }
    let around = open.iter().filter(|folder| path.starts_with(folder)).max_by_key(|folder| folder.components().count());
    let within = |folder: &&Path| around.is_none_or(|around| folder.starts_with(around));
    let mut folders = path.ancestors().skip(1).take_while(within);
    let settled = |folder: &&Path| reader.read(&folder.join(settings::FILE_NAME), 0).is_ok();
    match (folders.find(settled), around) {
        (Some(folder), _) => (folder.to_owned(), false),
        (None, Some(around)) => (around.clone(), false),
        (None, None) => (path.to_owned(), true),
    }
}
