//! Source text and places in it.
//!
//! Every value that a person wrote carries a [`Loc`]: the file and the byte range it was written at. Lines and columns
//! are computed only when something is printed, from an index of line starts that is built on first use.

use std::cmp::Ordering;
use std::fmt;
use std::sync::OnceLock;

pub mod credential;
pub mod placeholder;
pub mod yaml;

/// A file of the workspace, as an index into [`Sources`]. Files are numbered in the order of their names, so comparing
/// ids compares names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// A place: a half-open byte range of one file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Loc {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Loc {
    /// The start of a file: where findings about the file as a whole point.
    #[must_use]
    pub fn start_of(file: FileId) -> Self {
        Self { file, start: 0, end: 0 }
    }
}

impl Loc {
    /// From the first of some places to the last, such as the elements of a list; `None` for none.
    #[must_use]
    pub fn around(places: impl IntoIterator<Item = Loc>) -> Option<Self> {
        places.into_iter().reduce(|all, one| {
            // What an alias brings in from another file or section is not part of the list's own text.
            if one.file == all.file && one.start >= all.start { Loc { end: all.end.max(one.end), ..all } } else { all }
        })
    }
}

/// A value and where it was written. Comparing compares the value alone, so a `Spanned<String>` can be a map key.
#[derive(Debug, Clone, Default)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub loc: Loc,
}

impl<T> Spanned<T> {
    /// Pairs a value with its place.
    pub fn new(value: T, loc: Loc) -> Self {
        Self { value, loc }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), loc: self.loc }
    }

    /// Borrows the value, keeping the place.
    pub fn as_ref(&self) -> Spanned<&T> {
        Spanned { value: &self.value, loc: self.loc }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<T: Eq> Eq for Spanned<T> {}
impl<T: PartialOrd> PartialOrd for Spanned<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}
impl<T: Ord> Ord for Spanned<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}
impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// One file: its name relative to the workspace root (always with `/`) and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    name: String,
    text: String,
    line_starts: OnceLock<Vec<u32>>,
}

impl SourceFile {
    /// A file of that name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), line_starts: OnceLock::new() }
    }

    /// The name relative to the workspace root.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Byte offset at which each line starts; never empty.
    #[must_use]
    pub fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let mut starts = vec![0];
            starts.extend(self.text.bytes().zip(1..).filter(|(byte, _)| *byte == b'\n').map(|(_, next)| next));
            starts
        })
    }

    /// The line of a byte offset, from 0.
    #[must_use]
    pub fn line_index(&self, offset: u32) -> usize {
        self.line_starts().partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The line of a byte offset, from 0, and where that line starts.
    fn line_of(&self, offset: u32) -> (usize, u32) {
        let line = self.line_index(offset);
        (line, self.line_starts().get(line).copied().unwrap_or(0))
    }

    /// Column of a byte offset in its line, from 1, in bytes.
    #[must_use]
    pub fn byte_column(&self, offset: u32) -> u32 {
        offset.saturating_sub(self.line_of(offset).1) + 1
    }

    /// Line and column of a byte offset, both from 1, the column in Unicode characters.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let (line, start) = self.line_of(offset);
        let before = self.text.get(start as usize..offset as usize).unwrap_or("");
        (line as u32 + 1, before.chars().count() as u32 + 1)
    }
}

/// A place in the terms people use: line and column from 1, columns in Unicode characters, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column one past the last character.
    pub end_column: u32,
}

/// All files of a workspace, in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// What stands in front of every name where it is shown.
    below: String,
    /// What stands in front of every name, as seen from the root of the repository.
    in_repository: String,
}

impl Sources {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file and numbers it. The caller adds files in the order of their names.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        let id = FileId(self.files.len() as u32);
        self.files.push(file);
        id
    }

    /// The file with that number.
    ///
    /// # Panics
    /// Never for an id that this set gave out.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "a FileId is only made by `add`")]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Every file with its id, in order.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().zip(0..).map(|(file, id)| (FileId(id), file))
    }

    /// The text at a place; empty where the place is out of range.
    #[must_use]
    pub fn text_at(&self, loc: Loc) -> &str {
        self.file(loc.file).text().get(loc.start as usize..loc.end as usize).unwrap_or("")
    }

    /// Lines and columns of a place.
    #[must_use]
    pub fn position(&self, loc: Loc) -> Position {
        let file = self.file(loc.file);
        let (line, column) = file.line_column(loc.start);
        let (end_line, end_column) = file.line_column(loc.end.max(loc.start));
        Position { line, column, end_line, end_column }
    }

    /// Shows every file below a folder: the workspace's, as seen from where the reader of the output is. `in_repository` is the
    /// same folder as seen from the root of the repository.
    pub fn show_below(&mut self, folder: impl Into<String>, in_repository: impl Into<String>) {
        self.below = folder.into();
        self.in_repository = in_repository.into();
    }

    /// The path of a file as people are shown it: one that they can open.
    #[must_use]
    pub fn shown_name(&self, file: FileId) -> String {
        below(&self.below, self.file(file).name())
    }

    /// The path of a file in its repository, which is how services that keep repositories know it.
    #[must_use]
    pub fn name_in_repository(&self, file: FileId) -> String {
        below(&self.in_repository, self.file(file).name())
    }

    /// `file:line`, for people.
    #[must_use]
    pub fn shown_line(&self, loc: Loc) -> String {
        format!("{}:{}", self.shown_name(loc.file), self.position(loc).line)
    }

    /// `file:line`, as provenance in artifacts: wherever the workspace is.
    #[must_use]
    pub fn file_line(&self, loc: Loc) -> String {
        format!("{}:{}", self.file(loc.file).name(), self.position(loc).line)
    }
}

fn below(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder if folder.ends_with('/') => format!("{folder}{name}"),
        folder => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let mut sources = Sources::new();
        let file = sources.add(SourceFile::new("a.yaml", "é: 1\nnaïve: x\n"));
        let at = Loc { file, start: 14, end: 15 };
        assert_eq!(sources.text_at(at), "x");
        assert_eq!(sources.position(at), Position { line: 2, column: 8, end_line: 2, end_column: 9 });
        assert_eq!(sources.file_line(at), "a.yaml:2");
    }
}
