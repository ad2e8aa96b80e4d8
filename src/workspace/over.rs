//! A workspace with other texts in some of its files.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Entry, Reader};

/// Reads as another reader, but for some files.
pub struct Over<'r> {
    /// Where all other files are.
    pub reader: &'r dyn Reader,
    /// What some files hold, by the paths that they are asked for.
    pub texts: BTreeMap<PathBuf, Vec<u8>>,
}

impl Reader for Over<'_> {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        self.reader.is_folder(path)
    }

    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        self.reader.walk(root, skip)
    }

    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        match self.texts.get(path) {
            Some(text) => Ok(text.iter().copied().take(most.saturating_add(1)).collect()),
            None => self.reader.read(path, most),
        }
    }
}
