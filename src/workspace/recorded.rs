//! What a run asked of the file system, and what it was answered: a later run that would be answered the same has the same
//! outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Entry, EntryKind, Reader};

/// Questions to a reader, each with a digest of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    folders: BTreeMap<PathBuf, String>,
    walks: Vec<Walk>,
    files: Vec<File>,
}

/// A walk below a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    root: PathBuf,
    /// What the run left out, by its name.
    skipped: BTreeSet<String>,
    /// Of every name that the run was asked about, and of everything found.
    digest: String,
}

/// A file of which at most so many bytes were read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct File {
    path: PathBuf,
    most: usize,
    digest: String,
}

impl Record {
    /// Whether a reader gives the same answers now.
    pub fn holds(&self, reader: &dyn Reader) -> bool {
        self.folders.iter().all(|(path, answer)| *answer == folder(&reader.is_folder(path)))
            && self.walks.iter().all(|walk| {
                let (digest, _) = walked(reader, &walk.root, &mut |name| walk.skipped.contains(name));
                digest == walk.digest
            })
            && self.files.par_iter().all(|file| content(&file.path, &reader.read(&file.path, file.most)) == file.digest)
    }

    /// The folders in which something was looked for.
    #[must_use]
    pub fn places(&self) -> BTreeSet<&Path> {
        let files = self.files.iter().filter_map(|file| file.path.parent());
        self.walks.iter().map(|walk| walk.root.as_path()).chain(files).collect()
    }
}

/// Asks another reader, and keeps a record.
pub struct Recorded<'r> {
    reader: &'r dyn Reader,
    record: Mutex<Record>,
}

impl<'r> Recorded<'r> {
    /// Nothing was asked yet.
    #[must_use]
    pub fn new(reader: &'r dyn Reader) -> Self {
        Self { reader, record: Mutex::default() }
    }

    /// Everything that was asked.
    #[must_use]
    pub fn record(self) -> Record {
        let mut record = self.record.into_inner().unwrap_or_else(PoisonError::into_inner);
        record.files.sort();
        record
    }

    fn kept(&self) -> MutexGuard<'_, Record> {
        // What is kept is whole after each of its changes.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader for Recorded<'_> {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        let answer = self.reader.is_folder(path);
        self.kept().folders.insert(path.to_owned(), folder(&answer));
        answer
    }

    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        let mut skipped = BTreeSet::new();
        let (digest, answer) = walked(self.reader, root, &mut |name| {
            let leave = skip(name);
            if leave {
                skipped.insert(name.to_owned());
            }
            leave
        });
        self.kept().walks.push(Walk { root: root.to_owned(), skipped, digest });
        answer
    }

    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let answer = self.reader.read(path, most);
        let digest = content(path, &answer);
        self.kept().files.push(File { path: path.to_owned(), most, digest });
        answer
    }
}

fn folder(answer: &io::Result<bool>) -> String {
    match answer {
        Ok(is) => is.to_string(),
        Err(error) => error.kind().to_string(),
    }
}

/// A walk, and a digest of all that it asked and found.
fn walked(reader: &dyn Reader, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> (String, io::Result<Vec<Entry>>) {
    let mut hash = Sha256::new();
    let mut part = |kind: &str, text: &str| {
        hash.update(kind);
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    let answer = reader.walk(root, &mut |name| {
        let leave = skip(name);
        part(if leave { "left out" } else { "taken" }, name);
        leave
    });
    match &answer {
        Err(error) => part("failed", &error.kind().to_string()),
        Ok(entries) => {
            for entry in entries {
                part("name", &entry.name);
                match &entry.kind {
                    EntryKind::File => part("file", ""),
                    EntryKind::LinkInside(target, folder) => part(if *folder { "folder" } else { "link" }, target),
                    EntryKind::LinkOutside => part("outside", ""),
                    EntryKind::Failed(error) => part("failed", &error.to_string()),
                }
            }
        }
    }
    (hex(&hash.finalize()), answer)
}

/// A digest of what a file holds and of where it really is: a link may lead elsewhere one day, to the same bytes.
fn content(path: &Path, answer: &io::Result<Vec<u8>>) -> String {
    match answer {
        Ok(bytes) => {
            let mut hash = Sha256::new();
            if path.is_symlink() {
                hash.update(path.canonicalize().unwrap_or_default().as_os_str().as_encoded_bytes());
            }
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
            hex(&hash.finalize())
        }
        Err(error) => error.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Disk;

    /// What a run would ask: a folder, what is in it but for hidden files, two files of which one is not there.
    fn ask(reader: &dyn Reader, root: &Path) {
        assert!(reader.is_folder(root).unwrap());
        reader.walk(root, &mut |name| name.starts_with('.')).unwrap();
        for file in ["a.yaml", "none.yaml"] {
            drop(reader.read(&root.join(file), 100));
        }
    }

    #[test]
    fn a_record_holds_until_an_answer_changes() {
        type Change = (&'static str, bool, fn(&Path));
        let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
        let changes: [Change; 8] = [
            ("nothing", true, |_| ()),
            ("the same bytes again", true, |root| std::fs::write(root.join("a.yaml"), "a: 1\n").unwrap()),
            ("what was left out", true, |root| std::fs::write(root.join(".hidden/c"), "").unwrap()),
            ("other bytes", false, |root| std::fs::write(root.join("a.yaml"), "a: 2\n").unwrap()),
            ("a new file", false, |root| std::fs::write(root.join("c.yaml"), "").unwrap()),
            ("a file that was missed", false, |root| std::fs::write(root.join("none.yaml"), "").unwrap()),
            ("a file is gone", false, |root| std::fs::remove_file(root.join("b.yaml")).unwrap()),
            ("a new folder", false, |root| std::fs::create_dir(root.join("new")).unwrap()),
        ];
        for (what, holds, change) in changes {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            std::fs::create_dir(root.join(".hidden")).unwrap();
            write(&root.join("a.yaml"), "a: 1\n");
            write(&root.join("b.yaml"), "b: 1\n");
            let recorded = Recorded::new(&Disk);
            ask(&recorded, root);
            let record = recorded.record();
            let text = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
            change(root);
            assert_eq!(record.holds(&Disk), holds, "{what}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_same_bytes_elsewhere_is_another_answer() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = inside.path().join("key.pem");
        for folder in [&inside, &outside] {
            std::fs::write(folder.path().join("key.pem"), "the same").unwrap();
        }
        let recorded = Recorded::new(&Disk);
        recorded.read(&file, 100).unwrap();
        let record = recorded.record();
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(outside.path().join("key.pem"), &file).unwrap();
        assert!(!record.holds(&Disk));
    }
}
