//! Files as an editor has them: open ones with their unsaved texts, and what was read of all others until somebody says that it
//! changed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Entry, EntryKind, Reader};

/// Reads each file once, and texts of open files instead of files.
pub struct Kept<'r> {
    reader: &'r dyn Reader,
    texts: BTreeMap<PathBuf, Arc<[u8]>>,
    seen: Mutex<Seen>,
}

/// What was read, or why it could not be.
type Bytes = Result<Arc<[u8]>, (io::ErrorKind, String)>;

#[derive(Default)]
struct Seen {
    /// What each walk came across, in the order in which a workspace is read.
    walks: Vec<Vec<Entry>>,
    /// The number of the next walk.
    next: usize,
    /// By path and the most bytes that were asked for.
    files: BTreeMap<(PathBuf, usize), Bytes>,
}

impl<'r> Kept<'r> {
    /// Nothing is read yet, and no file is open.
    #[must_use]
    pub fn new(reader: &'r dyn Reader) -> Self {
        Self { reader, texts: BTreeMap::new(), seen: Mutex::default() }
    }

    /// A file is open in an editor, with this text.
    pub fn open(&mut self, path: &Path, text: &str) {
        self.texts.insert(path.to_owned(), text.as_bytes().into());
    }

    /// A file is not open any more: what is on the disk counts again.
    pub fn close(&mut self, path: &Path) {
        self.texts.remove(path);
        self.forget(path);
    }

    /// The text of an open file.
    #[must_use]
    pub fn text(&self, path: &Path) -> Option<&[u8]> {
        self.texts.get(path).map(|text| &**text)
    }

    /// Another analysis begins.
    pub fn begin(&self) {
        self.seen().next = 0;
    }

    /// A file has changed on the disk.
    pub fn forget(&self, path: &Path) {
        self.seen().files.retain(|(known, _), _| known != path);
    }

    /// Files may have come or gone, or the settings may leave out others.
    pub fn forget_walks(&self) {
        self.seen().walks.clear();
    }

    /// Anything may have changed on the disk.
    pub fn forget_all(&self) {
        *self.seen() = Seen::default();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // What is kept is whole after each of its changes.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next walk, if it was made before.
    fn walked(&self) -> (usize, Option<Vec<Entry>>) {
        let mut seen = self.seen();
        let number = seen.next;
        seen.next += 1;
        (number, seen.walks.get(number).map(|entries| entries.iter().map(copied).collect()))
    }
}

fn copied(entry: &Entry) -> Entry {
    let kind = match &entry.kind {
        EntryKind::File => EntryKind::File,
        EntryKind::LinkInside(target, folder) => EntryKind::LinkInside(target.clone(), *folder),
        EntryKind::LinkOutside => EntryKind::LinkOutside,
        EntryKind::Failed(error) => EntryKind::Failed(io::Error::new(error.kind(), error.to_string())),
    };
    Entry { name: entry.name.clone(), kind }
}

/// The path relative to a folder, with `/`; `None` where it is elsewhere.
#[must_use]
pub fn name_below(root: &Path, path: &Path) -> Option<String> {
    let parts = path.strip_prefix(root).ok()?.components();
    Some(parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
}

impl Reader for Kept<'_> {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        if self.texts.contains_key(path) { Ok(false) } else { self.reader.is_folder(path) }
    }

    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        let (number, known) = self.walked();
        let mut entries = match known {
            Some(entries) => entries,
            None => {
                let entries = self.reader.walk(root, skip)?;
                let mut seen = self.seen();
                if seen.walks.len() == number {
                    seen.walks.push(entries.iter().map(copied).collect());
                }
                entries
            }
        };
        // A new file may be open before it is on the disk.
        for name in self.texts.keys().filter_map(|path| name_below(root, path)) {
            let mut folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
            if !entries.iter().any(|entry| entry.name == name) && !folders.any(&mut *skip) && !skip(&name) {
                entries.push(Entry { name, kind: EntryKind::File });
            }
        }
        Ok(entries)
    }

    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        if let Some(text) = self.texts.get(path) {
            return Ok(text.iter().copied().take(most.saturating_add(1)).collect());
        }
        let key = (path.to_owned(), most);
        let known = self.seen().files.get(&key).cloned();
        let bytes = known.unwrap_or_else(|| {
            let read = self.reader.read(path, most);
            let bytes: Bytes = read.map(Into::into).map_err(|error| (error.kind(), error.to_string()));
            self.seen().files.insert(key, bytes.clone());
            bytes
        });
        bytes.map(|bytes| bytes.to_vec()).map_err(|(kind, why)| io::Error::new(kind, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::stored::Stored;

    fn names(entries: Vec<Entry>) -> Vec<String> {
        entries.into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn open_texts_come_first_and_are_part_of_the_folder() {
        let files = [("a.yaml", "on disk"), ("b.yaml", "b")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        let disk = Stored::new(files.into(), BTreeMap::new());
        let mut kept = Kept::new(&disk);
        kept.open(Path::new("./a.yaml"), "open");
        kept.open(Path::new("./new/c.yaml"), "c");
        let root = Path::new(".");
        assert_eq!(kept.read(&root.join("a.yaml"), 100).unwrap(), b"open");
        assert_eq!(kept.read(&root.join("b.yaml"), 100).unwrap(), b"b");
        for _ in 0..2 {
            kept.begin();
            assert_eq!(names(kept.walk(root, &mut |_| false).unwrap()), ["a.yaml", "b.yaml", "new/c.yaml"]);
        }
        kept.forget_walks();
        kept.begin();
        assert_eq!(names(kept.walk(root, &mut |name| name == "new").unwrap()), ["a.yaml", "b.yaml"]);
        kept.close(Path::new("./a.yaml"));
        assert_eq!(kept.read(&root.join("a.yaml"), 100).unwrap(), b"on disk");
    }
}
