//! Files that are in memory already, such as those that a bundle was compiled from, as a [`Reader`].

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path};

use super::{Entry, EntryKind, Input, Reader};
use crate::settings;

/// Texts by path.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    files: BTreeMap<String, String>,
    /// Files that are found by their path and are no part of the workspace's own.
    beside: BTreeMap<String, String>,
}

impl Stored {
    /// A workspace of `files`, which may ask for those `beside` it by their paths.
    #[must_use]
    pub fn new(files: BTreeMap<String, String>, beside: BTreeMap<String, String>) -> Self {
        Self { files, beside }
    }

    /// What is to be read: one file as itself, whatever its name, and several as a folder.
    #[must_use]
    pub fn input(&self) -> Input {
        let mut files = self.files.iter();
        match (files.next(), files.next()) {
            (Some((name, text)), None) if name != settings::FILE_NAME => {
                Input::Text { name: name.clone(), bytes: text.as_bytes().to_vec() }
            }
            _ => Input::Path(".".into()),
        }
    }
}

/// A path as the files are named: what stands below `.`.
fn name_of(path: &Path) -> String {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The part of a path below a folder.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

impl Reader for Stored {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        let name = name_of(path);
        if self.files.contains_key(&name) {
            return Ok(false);
        }
        let holds = self.files.keys().any(|path| below(path, &name).is_some());
        if holds { Ok(true) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
    }

    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        let root = name_of(root);
        let mut judged: BTreeMap<&str, bool> = BTreeMap::new();
        let mut entries = Vec::new();
        let names: BTreeSet<&str> = self.files.keys().filter_map(|path| below(path, &root)).collect();
        for name in names {
            let mut folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
            if folders.any(|folder| *judged.entry(folder).or_insert_with(|| skip(folder))) || skip(name) {
                continue;
            }
            entries.push(Entry { name: name.to_owned(), kind: EntryKind::File });
        }
        Ok(entries)
    }

    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let name = name_of(path);
        let text = self.files.get(&name).or_else(|| self.beside.get(&name));
        let mut bytes = text.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?.as_bytes().to_vec();
        bytes.truncate(most.saturating_add(1));
        Ok(bytes)
    }
}
