//! A revision of a git repository as a [`Reader`]: read from the object database, without a checkout. The only code that names
//! `gix`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::tree::EntryKind as GitKind;

use super::{Entry, EntryKind, Reader};

/// One revision, below one folder of it.
pub struct Revision {
    repository: gix::ThreadSafeRepository,
    /// Files by path below the folder.
    files: BTreeMap<String, (ObjectId, GitKind)>,
}

/// Why a revision could not be opened.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RevisionError {
    /// There is no repository.
    #[error("`{revision}` is not a folder, and no git revision either: `{}` is in no git repository: {why}", folder.display())]
    #[diagnostic(help("give a folder instead of a revision, or run mcpctl inside of the repository"))]
    Repository {
        /// As given.
        revision: String,
        /// The folder.
        folder: PathBuf,
        /// What git says.
        why: String,
    },
    /// The revision does not exist.
    #[error("`{revision}` is neither a folder nor a git revision here: {why}")]
    #[diagnostic(help(
        "in a shallow clone only the last commit is there: fetch the base of the change too, such as with `git fetch \
         origin main`"
    ))]
    Revision {
        /// As given.
        revision: String,
        /// What git says.
        why: String,
    },
}

impl Revision {
    /// Opens a revision of the repository that holds a folder, as seen from that folder.
    ///
    /// # Errors
    /// Where there is no repository or no such revision.
    pub fn open(folder: &Path, revision: &str) -> Result<Self, RevisionError> {
        let repository = gix::discover(folder).map_err(|error| RevisionError::Repository {
            revision: revision.to_owned(),
            folder: folder.to_owned(),
            why: error.to_string(),
        })?;
        let refused = |why: &dyn std::fmt::Display| RevisionError::Revision {
            revision: revision.to_owned(),
            why: why.to_string(),
        };
        let prefix = below(&repository, folder);
        let id = repository.rev_parse_single(revision).map_err(|error| refused(&error))?;
        let object = id.object().map_err(|error| refused(&error))?;
        let tree = object.peel_to_tree().map_err(|error| refused(&error))?;
        let entries = tree.traverse().breadthfirst.files().map_err(|error| refused(&error))?;
        let mut files = BTreeMap::new();
        for entry in entries {
            let path = String::from_utf8_lossy(&entry.filepath).into_owned();
            let inside = match prefix.as_str() {
                "" => Some(path.as_str()),
                prefix => path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')),
            };
            if let Some(inside) = inside.filter(|_| !entry.mode.is_tree()) {
                files.insert(inside.to_owned(), (entry.oid, entry.mode.kind()));
            }
        }
        Ok(Self { repository: repository.clone().into_sync(), files })
    }

    fn blob(&self, name: &str) -> io::Result<Vec<u8>> {
        let (id, _) = self.files.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let repository = self.repository.to_thread_local();
        let object = repository.find_object(*id).map_err(io::Error::other)?;
        Ok(object.detach().data)
    }

    fn holds_folder(&self, name: &str) -> bool {
        let inside = format!("{name}/");
        name.is_empty() || self.files.range(inside.clone()..).next().is_some_and(|(path, _)| path.starts_with(&inside))
    }

    fn kind(&self, name: &str, kind: GitKind) -> EntryKind {
        match kind {
            GitKind::Blob | GitKind::BlobExecutable => EntryKind::File,
            GitKind::Commit => {
                EntryKind::Failed(io::Error::other("it is a submodule, whose files are in another repository"))
            }
            GitKind::Tree => EntryKind::Failed(io::Error::other("it is a folder")),
            GitKind::Link => match self.blob(name) {
                Err(error) => EntryKind::Failed(error),
                Ok(target) => match resolved(name, &String::from_utf8_lossy(&target)) {
                    None => EntryKind::LinkOutside,
                    Some(target) if self.files.contains_key(&target) => EntryKind::LinkInside(target, false),
                    Some(target) if self.holds_folder(&target) => EntryKind::LinkInside(target, true),
                    Some(_) => EntryKind::Failed(io::Error::from(io::ErrorKind::NotFound)),
                },
            },
        }
    }
}

/// The folder as a path below the repository's work tree, with `/`; empty where it is the work tree.
fn below(repository: &gix::Repository, folder: &Path) -> String {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let Some(root) = repository.workdir().map(real) else { return String::new() };
    let folder = real(folder);
    let inside = folder.strip_prefix(&root).unwrap_or(Path::new(""));
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Where a symbolic link leads, as a path below the same folder; `None` where it leads out.
fn resolved(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A path as the files are named: what stands below `.`.
fn name_of(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        std::path::Component::Normal(part) => Some(part.to_string_lossy()),
        std::path::Component::CurDir
        | std::path::Component::ParentDir
        | std::path::Component::RootDir
        | std::path::Component::Prefix(_) => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

impl Reader for Revision {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        let name = name_of(path);
        if self.files.contains_key(&name) {
            return Ok(false);
        }
        if self.holds_folder(&name) { Ok(true) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
    }

    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        let root = name_of(root);
        let mut asked: BTreeMap<String, bool> = BTreeMap::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut entries = Vec::new();
        for (path, (_, kind)) in &self.files {
            let Some(name) =
                (if root.is_empty() { Some(path.as_str()) } else { path.strip_prefix(&format!("{root}/")) })
            else {
                continue;
            };
            let folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
            let mut skipped = false;
            for folder in folders {
                skipped = *asked.entry(folder.to_owned()).or_insert_with(|| skip(folder));
                if skipped {
                    break;
                }
            }
            if !skipped && seen.insert(name) && !skip(name) {
                entries.push(Entry { name: name.to_owned(), kind: self.kind(path, *kind) });
            }
        }
        Ok(entries)
    }

    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let name = name_of(path);
        let mut bytes = self.blob(&name)?;
        bytes.truncate(most.saturating_add(1));
        Ok(bytes)
    }
}
