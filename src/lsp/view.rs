//! What an answer is made from: a workspace, and a place in one of its files.

use lsp_types::{Location, Position, Uri};

use super::documents::Documents;
use super::names::Names;
use super::position::{Encoding, Lines};
use super::project::Project;
use super::uri::uri_of;
use crate::analysis::Analysis;
use crate::source::FileId;

/// A file of a workspace that is up to date.
pub struct View<'v> {
    /// What follows from the files.
    pub analysis: &'v Analysis,
    /// Every name in them.
    pub names: Names,
    /// The file.
    pub file: FileId,
    /// Its text.
    pub lines: Lines<'v>,
    /// How the client counts columns.
    pub encoding: Encoding,
    /// The workspace.
    pub project: &'v Project<'v>,
    /// The open files.
    pub documents: &'v Documents,
    /// Where the documentation is served, if anywhere.
    pub docs_url: Option<&'v str>,
}

impl View<'_> {
    /// The byte of a place in the file.
    #[must_use]
    pub fn offset(&self, position: Position) -> usize {
        self.lines.offset(position)
    }

    /// The URI of a file of the workspace.
    #[must_use]
    pub fn uri(&self, file: FileId) -> Option<Uri> {
        uri_in(self.project, self.documents, self.analysis.sources.file(file).name())
    }

    /// Bytes of a file as a place of the protocol.
    #[must_use]
    pub fn location(&self, file: FileId, range: std::ops::Range<usize>) -> Option<Location> {
        let lines = Lines::new(self.analysis.sources.file(file).text(), self.encoding);
        Some(Location::new(self.uri(file)?, lines.range(range)))
    }
}

/// The URI of a file of a workspace by its name: as the client writes it, where it is open.
#[must_use]
pub fn uri_in(project: &Project<'_>, documents: &Documents, name: &str) -> Option<Uri> {
    let path = project.path_of(name);
    documents.get(&path).map(|document| document.uri.clone()).or_else(|| uri_of(&path))
}
