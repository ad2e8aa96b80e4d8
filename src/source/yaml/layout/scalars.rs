//! Scalars of several lines: only their indentation changes, and only as far as it means nothing.

use std::ops::Range;

use super::{Column, Layout, STEP};

impl<'t> Layout<'t> {
    /// Lays out the further lines of a scalar. `then` is the column of what begins on a line of its own.
    pub(super) fn scalar(&mut self, range: Range<usize>, around: &[Column], then: usize) {
        let (first, last) = (self.line_of(range.start), self.line_of(range.end.max(range.start)));
        if let Some((line, header)) = self.header(range.start) {
            return self.block(line, last, header, around);
        }
        for line in first + 1..=last {
            let Some(text) = self.ranges.get(line).and_then(|range| self.text.get(range.clone())) else { continue };
            let content = text.len() - text.trim_start().len();
            self.lines.entry(line).or_default().of_scalar = true;
            if content < text.len() {
                self.indent(line, content, then);
            }
        }
    }

    /// The line and the header (`|`, `>-`) of the text in a block that begins at an offset, if it is one.
    fn header(&self, start: usize) -> Option<(usize, &'t str)> {
        self.indentation_before(start)?;
        let above = (0..self.line_of(start)).rev();
        let text = |line: usize| self.text.get(self.ranges.get(line)?.clone());
        let line = above.into_iter().find(|line| text(*line).is_some_and(|text| !text.trim().is_empty()))?;
        let header = text(line)?.split(" #").next()?.split_whitespace().next_back()?;
        let indicators = header.strip_prefix(['|', '>'])?;
        indicators.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-')).then_some((line, header))
    }

    /// A text in a block, below the line of its header.
    fn block(&mut self, first: usize, last: usize, header: &str, around: &[Column]) {
        let explicit = header.bytes().skip(1).take(2).find(u8::is_ascii_digit).map(|digit| usize::from(digit - b'0'));
        let keeps = header.bytes().skip(1).take(2).any(|byte| byte == b'+');
        let is_empty = |line: usize| {
            let text = self.ranges.get(line).and_then(|range| self.text.get(range.clone()));
            text.is_some_and(|text| text.trim_matches(' ').is_empty())
        };
        let mut end = last;
        // Empty lines behind it belong to a text that keeps them.
        while keeps && is_empty(end + 1) {
            end += 1;
        }
        let spaces = |line: usize| {
            let text = self.ranges.get(line).and_then(|range| self.text.get(range.clone())).unwrap_or_default();
            text.len() - text.trim_start_matches(' ').len()
        };
        let parent = around.last().copied().unwrap_or(Column { now: 0, then: 0 });
        let now = match explicit {
            Some(own) => Some(parent.now + own),
            None => (first + 1..=end).find(|line| !is_empty(*line)).map(spaces),
        };
        let Some(now) = now else { return };
        // A document may be a text as a whole, whose lines need no indentation.
        let then = if around.is_empty() { now } else { parent.then + explicit.unwrap_or(STEP) };
        let lines: Vec<(usize, bool, usize)> =
            (first + 1..=end).map(|line| (line, is_empty(line), spaces(line))).collect();
        for (line, empty, spaces) in lines {
            self.lines.entry(line).or_default().of_scalar = true;
            match empty {
                false => self.indent(line, now.min(spaces), then),
                true if spaces <= now => self.indent(line, spaces, 0),
                true => self.indent(line, now, then),
            }
        }
    }

    /// Replaces the first bytes of a line by spaces.
    fn indent(&mut self, line: usize, now: usize, then: usize) {
        if let Some(range) = self.ranges.get(line) {
            self.changes.push((range.start..range.start + now, " ".repeat(then)));
        }
    }
}
