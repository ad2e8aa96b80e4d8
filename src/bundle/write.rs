//! Writing a bundle so that there is always a whole one.
//!
//! Next to the output folder `out`, three names are this program's own: `.out.mcpctl-new.PID` is being written,
//! `.out.mcpctl-old` is the last whole bundle while it is being replaced, `.out.mcpctl-trash.PID` is being removed.
//! The new folder is written in full and brought down to the disk; then `out` becomes `old`, `new` becomes `out`, and `old`
//! goes to the trash. Each step is one atomic rename. Between the first two `out` is absent for a moment, because the
//! standard library cannot exchange two folders, and a symbolic link would not be the folder that people expect; a run
//! that dies just there leaves `old` whole, and the next run puts it back before anything else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub use super::disk::{Disk, FileSystem};
use super::disk::{Marked, PathKind};
use super::manifest::{Manifest, sha256};
use super::{Bundle, MANIFEST};

/// Most foreign files named in an error; the rest is counted.
const MOST_NAMED: usize = 10;

/// Why a bundle was not written, or not brought down to the disk for certain. A whole bundle that was there is not lost.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WriteError {
    /// The output is not a folder's name.
    #[error("`{}` cannot be the output folder", .0.display())]
    #[diagnostic(code("no-output-folder"), help("name a folder that is not the root, `.` or `..`"))]
    NoFolder(PathBuf),
    /// Something else stands where the folder should be.
    #[error("the output `{}` is {what}, not a folder", .path.display())]
    #[diagnostic(code("output-is-no-folder"), help("choose another output, or remove it yourself"))]
    NotAFolder {
        /// Where.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The folder holds files that no bundle of ours accounts for.
    #[error("the output folder `{}` holds files that mcpctl did not write: {}", .path.display(), .files.join(", "))]
    #[diagnostic(
        code("foreign-files"),
        help("choose another folder, or use `--force` to remove it with everything in it")
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Some of the files, with what is foreign about them.
        files: Vec<String>,
    },
    /// Another run is writing the same folder.
    #[error("another run is writing `{}`", .0.display())]
    #[diagnostic(code("output-in-use"), help("wait for it, or choose another output"))]
    InUse(PathBuf),
    /// The system refused.
    #[error("cannot {doing} `{}`", .path.display())]
    #[diagnostic(code("output-not-written"))]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The manifest has no JSON form.
    #[error("the manifest has no JSON form")]
    #[diagnostic(code("no-manifest"))]
    Manifest(#[source] serde_json::Error),
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    move |cause| WriteError::Io { doing, path: path.to_owned(), cause }
}

/// Writes a bundle to the folder `out`, replacing the bundle that is there. With `force` a folder that holds other files
/// is replaced too: everything in it is removed.
///
/// # Errors
/// Where `out` is not a folder, holds other files, is being written by another run, or the disk fails. The old bundle is then
/// whole: at `out`, or, if the run was killed between two renames, put back there by the next run.
pub fn write(bundle: &Bundle, out: &Path, force: bool, disk: &dyn Disk) -> Result<(), WriteError> {
    let files = bundle.files().map_err(WriteError::Manifest)?;
    let place = Destination::of(out)?;
    disk.create_all(&place.parent).map_err(failed("make the folder", &place.parent))?;
    place.recover(disk)?;
    let old_there = check_output(out, force, disk)?;
    let new = place.sibling(&format!("new.{}", std::process::id()));
    disk.create(&new).map_err(failed("make the folder", &new))?;
    // Held until the end, so that another run can see that this one lives.
    let _mark = match disk.mark(&new).map_err(failed("mark the folder", &new))? {
        Marked::Theirs => return Err(WriteError::InUse(out.to_owned())),
        mark @ (Marked::Ours(_) | Marked::Unknown) => mark,
    };
    let replaced = fill(&new, &files, disk).and_then(|()| place.swap(&new, old_there, disk));
    if replaced.is_err() {
        // What cannot be removed now is removed by the next run.
        let _ = disk.remove(&new);
    }
    replaced
}

/// Writes the files into the new folder, down to the disk: all of them first, since bringing one down takes along what was
/// written before, and a bundle may have a thousand.
fn fill(new: &Path, files: &BTreeMap<&str, Cow<'_, [u8]>>, disk: &dyn Disk) -> Result<(), WriteError> {
    let mut folders: BTreeMap<PathBuf, ()> = BTreeMap::new();
    for (name, bytes) in files {
        let path = new.join(name);
        if let Some(folder) = path.parent().filter(|folder| *folder != new) {
            disk.create_all(folder).map_err(failed("make the folder", folder))?;
            folders.insert(folder.to_owned(), ());
        }
        disk.write(&path, bytes).map_err(failed("write", &path))?;
    }
    for path in files.keys().map(|name| new.join(name)) {
        disk.flush(&path).map_err(failed("bring to the disk", &path))?;
    }
    for folder in folders.keys().map(PathBuf::as_path).chain([new]) {
        disk.sync(folder).map_err(failed("bring to the disk", folder))?;
    }
    Ok(())
}

/// Whether a bundle is at `out` that may be replaced.
fn check_output(out: &Path, force: bool, disk: &dyn Disk) -> Result<bool, WriteError> {
    let not_a_folder = |what| Err(WriteError::NotAFolder { path: out.to_owned(), what });
    match disk.kind(out).map_err(failed("look at", out))? {
        PathKind::Absent => return Ok(false),
        PathKind::File => return not_a_folder("a file"),
        PathKind::Link => return not_a_folder("a symbolic link"),
        PathKind::Other => return not_a_folder("a device, socket or pipe"),
        PathKind::Folder => {}
    }
    if !force {
        let mut files = foreign(out, disk)?;
        if !files.is_empty() {
            let more = files.len().saturating_sub(MOST_NAMED);
            files.truncate(MOST_NAMED);
            if more > 0 {
                files.push(format!("{more} more"));
            }
            return Err(WriteError::Foreign { path: out.to_owned(), files });
        }
    }
    Ok(true)
}

/// The files in a folder that its manifest does not account for, byte for byte.
fn foreign(out: &Path, disk: &dyn Disk) -> Result<Vec<String>, WriteError> {
    let mut files = Vec::new();
    collect(out, "", disk, &mut files)?;
    let read = |name: &str| {
        let path = out.join(name);
        disk.read(&path).map_err(failed("read", &path))
    };
    let manifest = match files.iter().any(|(name, kind)| name == MANIFEST && *kind == PathKind::File) {
        true => Manifest::parse(&read(MANIFEST)?),
        false => None,
    };
    let Some(manifest) = manifest else {
        return Ok(files.into_iter().map(|(name, _)| format!("`{name}`")).collect());
    };
    let known: BTreeMap<&str, &str> =
        manifest.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
    let mut found = Vec::new();
    for (name, kind) in &files {
        match known.get(name.as_str()) {
            _ if name == MANIFEST => {}
            Some(digest) if *kind == PathKind::File => {
                if sha256(&read(name)?) != *digest {
                    found.push(format!("`{name}` (changed since)"));
                }
            }
            Some(_) | None => found.push(format!("`{name}`")),
        }
    }
    Ok(found)
}

/// Everything below a folder that is not a folder, by path with `/`.
fn collect(folder: &Path, prefix: &str, disk: &dyn Disk, into: &mut Vec<(String, PathKind)>) -> Result<(), WriteError> {
    for name in disk.list(folder).map_err(failed("read the folder", folder))? {
        let path = folder.join(&name);
        let shown = format!("{prefix}{name}");
        match disk.kind(&path).map_err(failed("look at", &path))? {
            PathKind::Folder => collect(&path, &format!("{shown}/"), disk, into)?,
            kind @ (PathKind::Absent | PathKind::File | PathKind::Link | PathKind::Other) => into.push((shown, kind)),
        }
    }
    Ok(())
}

/// The output folder and the names beside it.
struct Destination {
    out: PathBuf,
    parent: PathBuf,
    prefix: String,
}

impl Destination {
    fn of(out: &Path) -> Result<Self, WriteError> {
        let no_folder = || WriteError::NoFolder(out.to_owned());
        let name = out.file_name().and_then(|name| name.to_str()).ok_or_else(no_folder)?;
        let parent = out.parent().ok_or_else(no_folder)?;
        let parent = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() };
        Ok(Self { out: out.to_owned(), prefix: format!(".{name}.mcpctl-"), parent })
    }

    fn sibling(&self, what: &str) -> PathBuf {
        self.parent.join(format!("{}{what}", self.prefix))
    }

    /// Cleans up after runs that died: puts back the old bundle where there is none, and removes what is left over.
    fn recover(&self, disk: &dyn Disk) -> Result<(), WriteError> {
        let names = disk.list(&self.parent).map_err(failed("read the folder", &self.parent))?;
        for name in names {
            let Some(what) = name.strip_prefix(&self.prefix) else { continue };
            if !what.starts_with("new.") && !what.starts_with("trash.") {
                continue;
            }
            let left = self.parent.join(&name);
            match disk.mark(&left).map_err(failed("look at", &left))? {
                Marked::Theirs => return Err(WriteError::InUse(self.out.clone())),
                // Only a name with our own number is certain to be a dead run's.
                Marked::Unknown if !what.ends_with(&format!(".{}", std::process::id())) => {}
                Marked::Unknown | Marked::Ours(_) => disk.remove(&left).map_err(failed("remove", &left))?,
            }
        }
        let old = self.sibling("old");
        match disk.kind(&old).map_err(failed("look at", &old))? {
            PathKind::Folder => {}
            PathKind::Absent => return Ok(()),
            PathKind::File | PathKind::Link | PathKind::Other => {
                return Err(WriteError::NotAFolder { path: old, what: "in the way" });
            }
        }
        match disk.kind(&self.out).map_err(failed("look at", &self.out))? {
            PathKind::Absent => {
                disk.rename(&old, &self.out).map_err(failed("put back", &self.out))?;
                disk.sync(&self.parent).map_err(failed("bring to the disk", &self.parent))
            }
            PathKind::Folder | PathKind::File | PathKind::Link | PathKind::Other => self.discard(&old, disk),
        }
    }

    /// Puts the new folder in the place of the old one.
    fn swap(&self, new: &Path, old_there: bool, disk: &dyn Disk) -> Result<(), WriteError> {
        let old = self.sibling("old");
        if old_there {
            disk.rename(&self.out, &old).map_err(failed("move away", &self.out))?;
        }
        if let Err(cause) = disk.rename(new, &self.out) {
            if old_there {
                // If this fails too, the next run puts it back.
                let _ = disk.rename(&old, &self.out);
            }
            return Err(failed("put in place", &self.out)(cause));
        }
        disk.sync(&self.parent).map_err(failed("bring to the disk", &self.parent))?;
        if old_there {
            // The new bundle is in place. What cannot be removed now is removed by the next run.
            let _ = self.discard(&old, disk);
        }
        Ok(())
    }

    /// Removes the old bundle, under another name, so that what has the name `old` is always whole.
    fn discard(&self, old: &Path, disk: &dyn Disk) -> Result<(), WriteError> {
        let trash = self.sibling(&format!("trash.{}", std::process::id()));
        disk.rename(old, &trash).map_err(failed("move away", old))?;
        disk.remove(&trash).map_err(failed("remove", &trash))
    }
}

#[cfg(test)]
mod tests;
