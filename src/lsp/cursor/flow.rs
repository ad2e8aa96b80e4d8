//! Collections between brackets, on one line or several.

use std::ops::Range;

use super::line::unquoted;
use super::{Scan, Shape, Slot};

impl Scan {
    /// Reads what is between brackets, from a byte on to the end of the line.
    pub(super) fn flow(&mut self, start: usize, line: &str) {
        let mut from = 0;
        let mut quote = None;
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') if line.get(from..at).is_some_and(|text| text.trim().is_empty()) => quote = Some(c),
                (None, '[' | '{') => {
                    let shape = if c == '[' { Shape::List } else { Shape::Map };
                    let indent = self.frames.last().map_or(0, |top| top.indent);
                    let via = self.via();
                    self.push(shape, indent, true, via);
                    from = at + 1;
                }
                (None, ']' | '}' | ',') => {
                    self.item(start, line, from..at);
                    from = at + 1;
                    let open = self.frames.last_mut().filter(|top| top.between_brackets);
                    match (open, c) {
                        (Some(top), ',') if top.shape == Shape::Map => top.key = None,
                        (Some(_), ']' | '}') => drop(self.frames.pop()),
                        _ => {}
                    }
                    if self.frames.last().is_none_or(|top| !top.between_brackets) {
                        return;
                    }
                }
                (None, ':') => {
                    let after = line.get(at + 1..).and_then(|rest| rest.chars().next());
                    let is_map = self.frames.last().is_some_and(|top| top.shape == Shape::Map && top.key.is_none());
                    if is_map && (after.is_none_or(char::is_whitespace) || matches!(before, '"' | '\'')) {
                        self.flow_key(start, line, from..at);
                        from = at + 1;
                    }
                }
                (None, _) => {}
            }
            before = c;
        }
        if self.frames.last().is_some_and(|top| top.between_brackets) {
            self.item(start, line, from..line.len());
        }
    }

    fn flow_key(&mut self, start: usize, line: &str, range: Range<usize>) {
        let (key, token) = word(start, line, range);
        if self.is_at(&token) {
            self.note(Slot::Key, token);
        }
        self.key(key);
    }

    /// A value, an element, or a key without its colon.
    fn item(&mut self, start: usize, line: &str, range: Range<usize>) {
        let (text, token) = word(start, line, range.clone());
        let around = start + range.start..start + range.end;
        let Some(top) = self.frames.last() else { return };
        let slot = if top.shape == Shape::Map && top.key.is_none() { Slot::Key } else { Slot::Value };
        if text.is_empty() {
            if self.is_at(&around) {
                self.note(slot, self.offset..self.offset);
            }
        } else if self.is_at(&token) {
            self.note(slot, token);
        }
        if slot == Slot::Value {
            self.scalar(text);
        }
    }
}

/// The word in a range of a line, and its bytes in the text.
fn word(start: usize, line: &str, range: Range<usize>) -> (&str, Range<usize>) {
    let written = line.get(range.clone()).unwrap_or_default();
    let text = unquoted(written);
    let from = start + range.start + written.find(text).unwrap_or_default();
    (text, from..from + text.len())
}
