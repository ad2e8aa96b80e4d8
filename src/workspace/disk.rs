//! The file system as a [`Reader`].

use std::io::{self, Read};
use std::path::Path;

use walkdir::WalkDir;

use super::{Entry, EntryKind, Reader};

/// The file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Reader for Disk {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        std::fs::metadata(path).map(|metadata| metadata.is_dir())
    }

    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        let canonical = std::fs::canonicalize(root)?;
        let mut entries = Vec::new();
        let mut walk = WalkDir::new(root).follow_links(false).sort_by_file_name().into_iter();
        while let Some(step) = walk.next() {
            let found = match step {
                Ok(found) if found.depth() == 0 => continue,
                Ok(found) => found,
                Err(error) => {
                    let name = error.path().map(|path| name_of(root, path)).unwrap_or_default();
                    let depth = error.depth();
                    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links"));
                    if depth == 0 {
                        return Err(error);
                    }
                    entries.push(Entry { name, kind: EntryKind::Failed(error) });
                    continue;
                }
            };
            let name = name_of(root, found.path());
            if skip(&name) {
                if found.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            }
            let kind = if found.file_type().is_symlink() {
                link(&canonical, found.path(), &name)
            } else if found.file_type().is_file() {
                Some(EntryKind::File)
            } else if !found.file_type().is_dir() && super::is_read(&name) {
                Some(EntryKind::Failed(io::Error::other("it is not a regular file")))
            } else {
                None
            };
            entries.extend(kind.map(|kind| Entry { name, kind }));
        }
        Ok(entries)
    }

    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let file = std::fs::File::open(path)?;
        let size = file.metadata()?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(most).min(most) + 1);
        file.take(most as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The path relative to the root, with `/`. Bytes that are no Unicode become replacement characters, which no file that
/// can be opened has.
fn name_of(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    if let Some(name) = relative.to_str().filter(|_| std::path::MAIN_SEPARATOR == '/') {
        return name.to_owned();
    }
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// Links are never followed out of the workspace. What a link inside leads to is for the caller to judge, who knows what is
/// read under its own name: a file in a hidden folder, as in a mounted ConfigMap, is not.
fn link(root: &Path, path: &Path, name: &str) -> Option<EntryKind> {
    let read = super::is_read(name);
    let target = match std::fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) => return read.then_some(EntryKind::Failed(error)),
    };
    let Ok(inside) = target.strip_prefix(root) else {
        return (read || target.is_dir()).then_some(EntryKind::LinkOutside);
    };
    let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Some(EntryKind::LinkInside(parts.join("/"), target.is_dir()))
}
