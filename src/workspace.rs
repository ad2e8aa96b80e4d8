//! Walks and reads a workspace: the only input I/O, behind an injectable [`Reader`].

mod compiled;
pub mod disk;
mod environments;
pub mod git;
pub mod kept;
mod names;
pub mod over;
pub mod recorded;
pub mod stored;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::compiled::compiled;
use self::names::{LeftOut, is_hidden, is_read};
use crate::settings::{self};
use crate::source::yaml::MOST_BYTES;
use crate::source::{FileId, SourceFile};

pub use self::names::is_cedar;
pub use disk::Disk;
pub use environments::{Environment, Wanted, environments};

/// Reads folders and files.
pub trait Reader: Sync {
    /// Whether the path is a folder.
    ///
    /// # Errors
    /// Where the path does not exist or cannot be looked at.
    fn is_folder(&self, path: &Path) -> io::Result<bool>;

    /// Every file below a folder. `skip` is asked for each folder and file, by its path relative to `root`, and nothing
    /// below a skipped folder is visited.
    ///
    /// # Errors
    /// Where the folder itself cannot be read. What cannot be read inside is an entry that says so.
    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>>;

    /// The bytes of a file; at most `most` and one more, so that a larger one is recognised.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>>;
}

/// What a walk came across.
#[derive(Debug)]
pub struct Entry {
    /// Path relative to the root, with `/`.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What a walk came across.
#[derive(Debug)]
pub enum EntryKind {
    /// A file.
    File,
    /// A symbolic link to something inside the workspace: the target's path relative to the root, and whether it is a
    /// folder.
    LinkInside(String, bool),
    /// A symbolic link that leads out of the workspace; never followed.
    LinkOutside,
    /// Something that could not be looked at.
    Failed(io::Error),
}

/// What is to be read.
#[derive(Debug, Clone)]
pub enum Input {
    /// A folder, or a single file.
    Path(PathBuf),
    /// A text that is there already, such as standard input, under that name.
    Text {
        /// The name that findings show.
        name: String,
        /// The text.
        bytes: Vec<u8>,
    },
}

/// A file, read or not.
#[derive(Debug)]
pub struct InputFile {
    /// Path relative to the root, with `/`.
    pub name: String,
    /// Its bytes, or why they could not be had.
    pub bytes: Result<Vec<u8>, Unread>,
}

/// Why a file's bytes could not be had.
#[derive(Debug)]
pub enum Unread {
    /// It could not be read.
    Failed(io::Error),
    /// It is larger than anything that is read.
    TooLarge,
    /// It is a link out of the workspace.
    LinkOutside,
}

/// What was left out, counted for the summary.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Hidden files and folders.
    pub hidden: usize,
    /// What `exclude`, the output folder and the environments' folders leave out.
    pub excluded: usize,
    /// Symbolic links to files that are read under their own name.
    pub links: usize,
    /// Files of bundles that mcpctl wrote.
    pub compiled: usize,
    /// Whether one file was asked for, so that nothing beside it was read, settings included.
    pub alone: bool,
}

/// A workspace's files, sorted by name.
#[derive(Debug)]
pub struct Workspace {
    /// The folder.
    pub root: PathBuf,
    /// Every YAML file but the settings, and every file of hand-written policies.
    pub files: Vec<InputFile>,
    /// `mcpctl.yaml`, if there is one.
    pub settings: Option<InputFile>,
    /// What was left out.
    pub skipped: Skipped,
}

/// Why a workspace could not be read at all.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReadError {
    /// The path cannot be looked at.
    #[error("cannot read `{}`", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No YAML file was found.
    #[error("there is no YAML file to read in `{}`", path.display())]
    #[diagnostic(help("a workspace is a folder of `*.yaml` files; `mcpctl init` writes a small one to start from"))]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// There is nothing but what was compiled.
    #[error("`{}` holds a compiled bundle, and no configuration", path.display())]
    #[diagnostic(help("give the folder of the workspace; `mcpctl diff` compares bundles"))]
    Bundle {
        /// The folder.
        path: PathBuf,
    },
    /// An `exclude` pattern is malformed.
    #[error("`{pattern}` in `exclude` of `mcpctl.yaml` is not a pattern of paths")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        #[source]
        source: globset::Error,
    },
    /// An environment that the settings do not declare.
    #[error("there is no environment called `{name}`")]
    Environment {
        /// As asked for.
        name: String,
        /// What was likely meant, or where environments are declared.
        #[help]
        help: String,
    },
}

/// The folder that `compile` writes to when nothing says otherwise.
pub const DEFAULT_OUTPUT: &str = "bundle";

/// Reads a workspace. `out` is the folder that will be written, which is left out if it stands inside.
///
/// # Errors
/// Where the path cannot be read at all, or holds no YAML file. A single file that cannot be read is an [`InputFile`]
/// that says so.
pub fn read(input: &Input, reader: &dyn Reader, out: Option<&Path>) -> Result<Workspace, ReadError> {
    let path = match input {
        Input::Text { name, bytes } => {
            let too_large = bytes.len() > MOST_BYTES;
            let bytes = if too_large { Err(Unread::TooLarge) } else { Ok(bytes.clone()) };
            return Ok(one_file(PathBuf::from("."), name.clone(), bytes));
        }
        Input::Path(path) => path,
    };
    let failed = |source| ReadError::Path { path: path.clone(), source };
    if reader.is_folder(path).map_err(failed)? {
        return read_folder(path, reader, out);
    }
    let root = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bytes = reader.read(path, MOST_BYTES).map_err(failed)?;
    let bytes = if bytes.len() > MOST_BYTES { Err(Unread::TooLarge) } else { Ok(bytes) };
    Ok(one_file(root, name, bytes))
}

fn one_file(root: PathBuf, name: String, bytes: Result<Vec<u8>, Unread>) -> Workspace {
    let file = InputFile { bytes, name };
    let is_settings = file.name == settings::FILE_NAME;
    let (files, settings) = if is_settings { (Vec::new(), Some(file)) } else { (vec![file], None) };
    Workspace { root, files, settings, skipped: Skipped { alone: true, ..Skipped::default() } }
}

fn read_folder(root: &Path, reader: &dyn Reader, out: Option<&Path>) -> Result<Workspace, ReadError> {
    let failed = |source| ReadError::Path { path: root.to_path_buf(), source };
    let settings = match reader.read(&root.join(settings::FILE_NAME), MOST_BYTES) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(ReadError::Path { path: root.join(settings::FILE_NAME), source }),
    };
    let parsed = settings
        .as_deref()
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .map(|text| settings::parse(FileId(0), &SourceFile::new(settings::FILE_NAME, without_bom(text))).0);
    let left_out = LeftOut::new(root, reader, &parsed.unwrap_or_default(), out)?;
    let mut skipped = Skipped::default();
    let entries = reader
        .walk(root, &mut |name| {
            let hidden = is_hidden(name);
            let excluded = !hidden && left_out.matches(name);
            skipped.hidden += usize::from(hidden);
            skipped.excluded += usize::from(excluded);
            hidden || excluded
        })
        .map_err(failed)?;
    let files: Vec<InputFile> = files_of(root, reader, entries, &|name| name == settings::FILE_NAME, &mut skipped);
    if files.is_empty() && skipped.compiled > 0 {
        return Err(ReadError::Bundle { path: root.to_path_buf() });
    }
    if files.is_empty() {
        return Err(ReadError::Empty { path: root.to_path_buf() });
    }
    let settings = settings.map(|bytes| {
        let bytes = if bytes.len() > MOST_BYTES { Err(Unread::TooLarge) } else { Ok(bytes) };
        InputFile { name: settings::FILE_NAME.to_owned(), bytes }
    });
    Ok(Workspace { root: root.to_path_buf(), files, settings, skipped })
}

/// Reads the files of YAML and of Cedar among what a walk came across, but for those that `other` reads.
fn files_of(
    root: &Path,
    reader: &dyn Reader,
    entries: Vec<Entry>,
    other: &dyn Fn(&str) -> bool,
    skipped: &mut Skipped,
) -> Vec<InputFile> {
    let regular = |entry: &&Entry| matches!(entry.kind, EntryKind::File) && is_read(&entry.name);
    // Only links ask for it.
    let any_link = entries.iter().any(|entry| matches!(entry.kind, EntryKind::LinkInside(..)));
    let visited: BTreeSet<String> =
        entries.iter().filter(|_| any_link).filter(regular).map(|entry| entry.name.clone()).collect();
    let compiled = compiled(root, reader, &entries);
    let mut wanted: Vec<Entry> = Vec::new();
    for mut entry in entries {
        if compiled.contains(&entry.name) {
            skipped.compiled += usize::from(is_read(&entry.name));
            continue;
        }
        let read = is_read(&entry.name);
        if let EntryKind::LinkInside(target, folder) = &entry.kind {
            // What is read under its own name is not read twice; what is not, must not vanish.
            let below = format!("{target}/");
            let of_folder = || visited.range(below.clone()..).next().is_some_and(|name| name.starts_with(&below));
            if visited.contains(target) || (*folder && (target.is_empty() || of_folder())) {
                skipped.links += 1;
                continue;
            }
            entry.kind = match (read, folder) {
                (true, false) => EntryKind::File,
                (false, false) => continue,
                (_, true) => {
                    EntryKind::Failed(io::Error::other(format!("it links to the folder `{target}`, which is not read")))
                }
            };
        }
        match entry.kind {
            EntryKind::File if !read || other(&entry.name) => {}
            EntryKind::File | EntryKind::LinkOutside | EntryKind::LinkInside(..) | EntryKind::Failed(_) => {
                wanted.push(entry)
            }
        }
    }
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    wanted
        .into_par_iter()
        .map(|entry| {
            let bytes = match entry.kind {
                EntryKind::File | EntryKind::LinkInside(..) => match reader.read(&root.join(&entry.name), MOST_BYTES) {
                    Ok(bytes) if bytes.len() > MOST_BYTES => Err(Unread::TooLarge),
                    Ok(bytes) => Ok(bytes),
                    Err(error) => Err(Unread::Failed(error)),
                },
                EntryKind::LinkOutside => Err(Unread::LinkOutside),
                EntryKind::Failed(error) => Err(Unread::Failed(error)),
            };
            InputFile { name: entry.name, bytes }
        })
        .collect()
}

/// A text without its byte order mark.
#[must_use]
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
