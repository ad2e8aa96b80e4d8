//! Places as the protocol counts them: lines from 0, columns in UTF-16 units unless the client offers to count bytes.

use lsp_types::{Position, PositionEncodingKind, Range};

/// How a client counts columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// In bytes.
    Utf8,
    /// In units of two bytes, of which some characters take two. Every client knows this one.
    #[default]
    Utf16,
}

impl Encoding {
    /// The one to use with a client that offers these: bytes, where it can count them.
    #[must_use]
    pub fn chosen(offered: Option<&[PositionEncodingKind]>) -> Self {
        let bytes = offered.is_some_and(|offered| offered.contains(&PositionEncodingKind::UTF8));
        if bytes { Self::Utf8 } else { Self::Utf16 }
    }

    /// Its name in the protocol.
    #[must_use]
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
        }
    }
}

/// A text with the start of each of its lines.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    /// Finds the lines of a text. One ends at `\n`, `\r\n` or `\r`.
    #[must_use]
    pub fn new(text: &'t str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let ends = |at: usize| match bytes.get(at) {
            Some(b'\n') => true,
            Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
            Some(_) | None => false,
        };
        let after = (0..bytes.len()).filter(|at| ends(*at)).map(|at| at + 1);
        Self { text, starts: std::iter::once(0).chain(after).collect(), encoding }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The place of a byte.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        let column: usize = before.chars().map(|c| self.encoding.width(c)).sum();
        Position::new(line as u32, column as u32)
    }

    /// The place of a byte range.
    #[must_use]
    pub fn range(&self, range: std::ops::Range<usize>) -> Range {
        Range::new(self.position(range.start), self.position(range.end.max(range.start)))
    }

    /// The byte range of a line, without its break.
    #[must_use]
    pub fn line(&self, line: usize) -> std::ops::Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end_matches(['\r', '\n']).len()
    }

    /// The line of a byte, from 0.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The byte at a place. A column behind the end of its line is that end, and a line behind the last one the end of the text, as
    /// the protocol has it.
    #[must_use]
    pub fn offset(&self, position: Position) -> usize {
        let range = self.line(position.line as usize);
        let mut left = position.character as usize;
        let text = self.text.get(range.clone()).unwrap_or_default();
        for (at, c) in text.char_indices() {
            if left == 0 || left < self.encoding.width(c) {
                return range.start + at;
            }
            left -= self.encoding.width(c);
        }
        range.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_the_client_counts() {
        let text = "a: é😀x\r\nb\rc\n";
        for (encoding, column) in [(Encoding::Utf16, 6), (Encoding::Utf8, 9)] {
            let lines = Lines::new(text, encoding);
            let at = text.find('x').unwrap();
            assert_eq!(lines.position(at), Position::new(0, column));
            assert_eq!(lines.offset(Position::new(0, column)), at);
            assert_eq!(lines.position(text.find('b').unwrap()), Position::new(1, 0));
            assert_eq!(lines.position(text.find('c').unwrap()), Position::new(2, 0));
            assert_eq!(lines.position(text.len()), Position::new(3, 0));
            assert_eq!(lines.offset(Position::new(0, 99)), text.find('\r').unwrap());
            assert_eq!(lines.offset(Position::new(99, 9)), text.len());
        }
        // Within a character: its start.
        assert_eq!(Lines::new(text, Encoding::Utf16).offset(Position::new(0, 5)), text.find('😀').unwrap());
    }

    #[test]
    fn bytes_are_chosen_where_they_are_offered() {
        assert_eq!(Encoding::chosen(None), Encoding::Utf16);
        let both = [PositionEncodingKind::UTF16, PositionEncodingKind::UTF8];
        assert_eq!(Encoding::chosen(Some(&both)), Encoding::Utf8);
    }
}
