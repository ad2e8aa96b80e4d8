//! The lines of a text, for edits that keep to them.

use std::ops::Range;

/// A text by its lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines<'s>(pub(crate) &'s str);

impl Lines<'_> {
    /// Where the line of an offset starts.
    pub(crate) fn start(self, at: usize) -> usize {
        self.0.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1)
    }

    /// Where the line of an offset ends, before its line break.
    pub(crate) fn end(self, at: usize) -> usize {
        let rest = self.0.get(at..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// The line break that the text has.
    pub(crate) fn break_(self) -> &'static str {
        if self.0.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Whether nothing but a comment follows on the line.
    pub(crate) fn ends_at(self, at: usize) -> bool {
        let rest = self.0.get(at..self.end(at)).unwrap_or_default();
        let trimmed = rest.trim_start();
        trimmed.is_empty() || (trimmed.starts_with('#') && trimmed.len() < rest.len())
    }

    /// The whole lines of a range after which nothing but a comment follows.
    pub(crate) fn whole(self, range: Range<usize>) -> Option<Range<usize>> {
        let end = self.end(range.end);
        let after = self.0.get(end..).unwrap_or_default();
        let line_break = after.find('\n').map_or(0, |found| found + 1);
        self.ends_at(range.end).then(|| self.start(range.start)..end + line_break)
    }

    /// Spaces up to the column of an offset.
    pub(crate) fn indentation(self, at: usize) -> String {
        " ".repeat(self.0.get(self.start(at)..at).unwrap_or_default().chars().count())
    }
}
