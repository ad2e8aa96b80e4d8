//! Where a syntax error is, in the terms of whoever wrote the file: the tab itself, and also where the quote or bracket
//! opens that is not closed.

use std::ops::Range;

use super::SYNTAX;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Loc};

/// What is known where the parser stopped.
pub(super) struct Stopped<'a> {
    pub(super) file: FileId,
    pub(super) text: &'a str,
    /// The byte that it stopped at.
    pub(super) at: usize,
    /// What it says.
    pub(super) said: &'a str,
    /// The end of the last key or value that was read.
    pub(super) read_to: usize,
    /// Where the innermost list or map begins that is open, if one is.
    pub(super) open: Option<usize>,
}

impl Stopped<'_> {
    /// The finding.
    pub(super) fn finding(&self) -> Diagnostic {
        if let Some(tab) = self.tab() {
            return Diagnostic::new(&SYNTAX, self.loc(tab), "this is not YAML: a tab indents this line")
                .help("indent with spaces");
        }
        let end = self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let finding =
            Diagnostic::new(&SYNTAX, self.loc(self.at..self.at + end), format!("this is not YAML: {}", self.said));
        let finding = match self.opened() {
            Some((place, what)) => finding.label(self.loc(place), what),
            None => finding,
        };
        finding.maybe_help(self.help().map(str::to_owned))
    }

    fn loc(&self, place: Range<usize>) -> Loc {
        Loc { file: self.file, start: place.start as u32, end: place.end as u32 }
    }

    /// The first tab that indents a line, from the line on that the parser stopped at: it may stop at the value before.
    fn tab(&self) -> Option<Range<usize>> {
        if !self.said.contains("tab") {
            return None;
        }
        let mut start = self.text.get(..self.at)?.rfind('\n').map_or(0, |before| before + 1);
        for line in self.text.get(start..)?.split_inclusive('\n') {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if let Some(tab) = line.get(..indent).and_then(|indent| indent.find('\t')) {
                return Some(start + tab..start + tab + 1);
            }
            start += line.len();
        }
        None
    }

    /// Where the quote opens that the parser was in or had just left, else the list or map in brackets that it is in.
    fn opened(&self) -> Option<(Range<usize>, &'static str)> {
        let here = |place: &usize| *place != self.at;
        if let Some(quote) = self.quote().filter(here) {
            return Some((quote..quote + 1, "the quote opens here"));
        }
        let bracket = self.open.filter(here)?;
        match self.text.as_bytes().get(bracket)? {
            b'[' => Some((bracket..bracket + 1, "this list is not closed")),
            b'{' => Some((bracket..bracket + 1, "this map is not closed")),
            _ => None,
        }
    }

    /// The first quote that opens a value after what was read whole.
    fn quote(&self) -> Option<usize> {
        let between = self.text.get(self.read_to..self.at)?;
        let mut before = ' ';
        let mut comment = false;
        for (at, c) in between.char_indices() {
            comment = (comment || (c == '#' && before.is_whitespace())) && c != '\n';
            let opens = before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':');
            if !comment && opens && matches!(c, '"' | '\'') {
                return Some(self.read_to + at);
            }
            before = c;
        }
        None
    }

    fn help(&self) -> Option<&'static str> {
        if self.said.contains("quote") {
            return Some(
                "close the quote on its own line, and write `\\\"` for a quote inside double quotes, `''` inside single ones",
            );
        }
        let of_indentation = self.said.contains("mapping values") || self.said.contains("expected key");
        of_indentation.then_some(
            "check the indentation of this line and the one before it, and put quotes around a value with `: `",
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::source::yaml::parse;
    use crate::source::{FileId, SourceFile};

    /// Line and column of the finding and of its label, and what the label says.
    fn found(text: &str) -> (u32, u32, Option<(u32, u32, String)>) {
        let file = SourceFile::new("a.yaml", text);
        let mut findings = Vec::new();
        let _tree = parse(FileId(0), &file, &mut findings);
        assert_eq!(findings.len(), 1, "{text}: {findings:#?}");
        let finding = &findings[0];
        let (line, column) = file.line_column(finding.loc.start);
        let label = finding.labels.first().map(|label| {
            let (line, column) = file.line_column(label.loc.start);
            (line, column, label.message.clone())
        });
        (line, column, label)
    }

    #[test]
    fn a_quote_that_is_not_closed_is_shown_where_it_opens() {
        let opens = |line, column| Some((line, column, "the quote opens here".to_owned()));
        assert_eq!(found("a:\n  b: 'c\n  d: 1\nfoo: 'x'\n"), (4, 7, opens(2, 6)));
        assert_eq!(found("a:\n  b: \"c\n  d: 1\n  foo: \"x\"\n"), (4, 9, opens(2, 6)));
        assert_eq!(found("a: [b, 'c, d]\ne: 'f'\n"), (2, 5, opens(1, 8)));
        assert_eq!(found("a: b # it's\nc: 'd\ne: 'f'\n"), (3, 5, opens(2, 4)));
        let (line, column, _) = found("a:\n  b: \"c\n  d: 1\n");
        assert_eq!((line, column), (2, 6), "one that nothing closes is the place itself");
    }

    #[test]
    fn a_list_or_map_that_is_not_closed_is_shown_where_it_opens() {
        let (_, _, label) = found("a:\n  b: [c, d\ne:\n  f: g\n");
        assert_eq!(label, Some((2, 6, "this list is not closed".to_owned())));
        let (_, _, label) = found("a:\n  b: {c: d\n    - e: f\n");
        assert_eq!(label, Some((2, 6, "this map is not closed".to_owned())));
    }

    #[test]
    fn a_tab_is_shown_at_its_own_line() {
        assert_eq!(found("a:\n\tb: c\n"), (2, 1, None));
        assert_eq!(found("a:\n  - b: c\n\t  d: e\n"), (3, 1, None));
        assert_eq!(found("a:\n  - b: c\n  \td: e\n  - f: g\n"), (3, 3, None));
        assert_eq!(found("a: b\nc:\n    - d: e\n\tf: [g]\n    - h: i\n"), (4, 1, None));
    }
}
