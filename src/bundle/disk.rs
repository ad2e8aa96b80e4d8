//! The file system as the writer needs it. Injectable, so that tests can fill the disk, forbid a folder or die at any step.

use std::any::Any;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

/// What stands at a path. Symbolic links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// Nothing.
    Absent,
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, whatever it leads to.
    Link,
    /// A device, a socket or a pipe.
    Other,
}

/// A mark that a live run holds on a folder. Whoever dies loses it.
pub type Mark = Box<dyn Any>;

/// Whether a folder is marked.
pub enum Marked {
    /// The mark is ours now, for as long as it is kept.
    Ours(Mark),
    /// Another live run holds it.
    Theirs,
    /// The system cannot tell.
    Unknown,
}

/// The operations. Each may fail, and a run may end before, within or after any of them.
pub trait Disk {
    /// What stands there.
    ///
    /// # Errors
    /// Where that cannot be told.
    fn kind(&self, path: &Path) -> io::Result<PathKind>;

    /// The names in a folder, sorted. Names that are not Unicode come with replacement characters.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// The content of a file.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;

    /// Makes a folder and those above it, where they are not there.
    ///
    /// # Errors
    /// Where one cannot be made.
    fn create_all(&self, folder: &Path) -> io::Result<()>;

    /// Makes a folder that is not there.
    ///
    /// # Errors
    /// Where it is there, or cannot be made.
    fn create(&self, folder: &Path) -> io::Result<()>;

    /// Writes a file that is not there.
    ///
    /// # Errors
    /// Where it is there, or cannot be written in full.
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Brings a file that was written down to the disk itself.
    ///
    /// # Errors
    /// Where the system refuses, or could not write some of it since.
    fn flush(&self, file: &Path) -> io::Result<()>;

    /// Brings the names in a folder down to the disk itself.
    ///
    /// # Errors
    /// Where the system refuses.
    fn sync(&self, folder: &Path) -> io::Result<()>;

    /// Moves a folder to a path where nothing is. Atomic.
    ///
    /// # Errors
    /// Where something is, or the system refuses.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a folder and everything in it.
    ///
    /// # Errors
    /// Where part of it cannot be removed.
    fn remove(&self, folder: &Path) -> io::Result<()>;

    /// Tries to mark a folder.
    ///
    /// # Errors
    /// Where it cannot be opened.
    fn mark(&self, folder: &Path) -> io::Result<Marked>;
}

/// The real one.
pub struct FileSystem;

impl Disk for FileSystem {
    fn kind(&self, path: &Path) -> io::Result<PathKind> {
        let kind = match fs::symlink_metadata(path) {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PathKind::Absent),
            Err(error) => return Err(error),
        };
        Ok(if kind.is_symlink() {
            PathKind::Link
        } else if kind.is_dir() {
            PathKind::Folder
        } else if kind.is_file() {
            PathKind::File
        } else {
            PathKind::Other
        })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        fs::read(file)
    }

    fn create_all(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn create(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create_new(file)?.write_all(bytes)
    }

    fn flush(&self, file: &Path) -> io::Result<()> {
        // Some systems bring down only what was opened for writing.
        File::options().append(true).open(file)?.sync_all()
    }

    #[cfg(unix)]
    fn sync(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    #[cfg(not(unix))]
    fn sync(&self, _folder: &Path) -> io::Result<()> {
        // A folder cannot be opened as a file here; the system keeps its names itself.
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }

    #[cfg(unix)]
    fn mark(&self, folder: &Path) -> io::Result<Marked> {
        let file = File::open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Marked::Ours(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(Marked::Theirs),
            Err(TryLockError::Error(_)) => Ok(Marked::Unknown),
        }
    }

    #[cfg(not(unix))]
    fn mark(&self, _folder: &Path) -> io::Result<Marked> {
        Ok(Marked::Unknown)
    }
}
