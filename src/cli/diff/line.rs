//! A line of a file of one side, as the formats show it.

use crate::diagnostic::one_line;
use crate::review::access::Which;
use crate::source::{Loc, Sources};

/// A line of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) side: Which,
    pub(super) file: String,
    /// The file as its repository knows it.
    pub(super) file_in_repository: String,
    pub(super) line: u32,
    /// What it says, without the space around it.
    pub(super) text: String,
}

/// A place of a side as a line.
pub(super) fn line_at(side: Which, sources: &Sources, loc: Loc) -> Line {
    let line = sources.position(loc).line;
    let text = sources.file(loc.file).text().lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
    Line {
        side,
        file: sources.shown_name(loc.file),
        file_in_repository: sources.name_in_repository(loc.file),
        line,
        text: one_line(text.trim()),
    }
}
