//! One line of a block.

use super::{Scan, Shape, Slot};

/// The bytes of a line up to its comment.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return line.get(..at).unwrap_or_default(),
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(c),
            (Some(open), c) if open == c && before != '\\' => quote = None,
            _ => {}
        }
        before = c;
    }
    line
}

/// Where a key ends: at a colon with a space or nothing behind it.
fn colon(content: &str) -> Option<usize> {
    if content.starts_with(['[', '{', '#', '|', '>']) {
        return None;
    }
    let quoted = content.starts_with(['"', '\'']);
    let from = if quoted {
        let quote = content.chars().next()?;
        content.get(1..)?.find(quote)? + 2
    } else {
        0
    };
    let rest = content.get(from..)?;
    let at = rest.match_indices(':').map(|(at, _)| at).find(|at| {
        let after = rest.get(at + 1..).unwrap_or_default();
        after.is_empty() || after.starts_with([' ', '\t'])
    })?;
    // A text in quotes with a colon somewhere behind it is not a key.
    (!quoted || rest.get(..at).is_some_and(|between| between.trim().is_empty())).then_some(from + at)
}

pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote).map(|text| text.strip_suffix(quote).unwrap_or(text));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

impl Scan {
    /// Reads a line that begins at a byte.
    pub(super) fn line(&mut self, start: usize, whole: &str) {
        let line = without_comment(whole);
        let indent = line.len() - line.trim_start_matches(' ').len();
        let blank = line.trim().is_empty();
        if let Some(deeper) = self.block {
            if blank && !self.is_at(&(start..start + line.len())) || indent > deeper && !blank {
                return;
            }
            self.block = None;
        }
        if self.frames.last().is_some_and(|top| top.between_brackets) {
            let around = self.frames.iter().rev().find(|frame| !frame.between_brackets).map_or(0, |frame| frame.indent);
            let content = line.trim_start();
            let goes_on = indent > around || blank || content.starts_with([']', '}', ',']);
            if goes_on {
                self.flow(start, line);
                return;
            }
            self.frames.retain(|frame| !frame.between_brackets);
        }
        if line.starts_with("---") || line.starts_with("...") {
            self.document();
            return;
        }
        if blank {
            // Where the cursor is on an empty line, its column says what could be written there.
            if self.is_at(&(start..start + line.len())) {
                let column = self.offset - start;
                self.settle(column, false);
                self.blank(column);
            }
            return;
        }
        self.content(start, indent, line);
    }

    /// Closes the collections that what begins in a column is not in.
    fn settle(&mut self, column: usize, is_dash: bool) {
        while self.frames.len() > 1 {
            let Some(top) = self.frames.last() else { return };
            // Dashes may be as deep as the key of their list.
            let other = top.indent == column && top.shape == Shape::List && !is_dash;
            if top.indent <= column && !other {
                return;
            }
            self.frames.pop();
        }
    }

    /// The cursor is on an empty line.
    fn blank(&mut self, column: usize) {
        let Some(top) = self.frames.last() else { return };
        let slot = match top.shape {
            Shape::Map if top.indent == column => Slot::Key,
            Shape::Map if top.key.is_some() => Slot::Either,
            Shape::Map | Shape::List => return,
        };
        self.note(slot, self.offset..self.offset);
    }

    /// What is written from a column on.
    fn content(&mut self, start: usize, column: usize, line: &str) {
        let content = line.get(column..).unwrap_or_default();
        let is_dash = content == "-" || content.starts_with("- ");
        self.settle(column, is_dash);
        if is_dash {
            self.dash(start, column, line);
            return;
        }
        let at = start + column;
        match colon(content) {
            Some(end) => {
                let written = content.get(..end).unwrap_or_default();
                let key = unquoted(written);
                self.enter(Shape::Map, column);
                let from = at + written.find(key).unwrap_or_default();
                if self.is_at(&(from..from + key.len())) {
                    self.note(Slot::Key, from..from + key.len());
                }
                self.key(key);
                let value = content.get(end + 1..).unwrap_or_default();
                self.value(at + end + 1, value, column, Slot::Value);
            }
            // A key that is not typed to its end, or a value.
            None => {
                let top = self.frames.last();
                let between_brackets = content.starts_with(['[', '{']);
                let is_key =
                    !between_brackets && top.is_some_and(|top| top.shape == Shape::Map && top.indent == column);
                let token = at..at + content.trim_end().len();
                if is_key && self.is_at(&token) {
                    self.note(Slot::Key, token);
                } else if !is_key {
                    self.value(at, content, column, Slot::Either);
                }
            }
        }
    }

    /// An element of a list, and what is behind its dash.
    fn dash(&mut self, start: usize, column: usize, line: &str) {
        self.enter(Shape::List, column);
        let rest = line.get(column + 1..).unwrap_or_default();
        let inner = column + 1 + (rest.len() - rest.trim_start_matches(' ').len());
        if rest.trim().is_empty() {
            let here = start + column + 1..start + line.len();
            if self.is_at(&here) && self.offset > start + column + 1 {
                self.note(Slot::Either, self.offset..self.offset);
            }
            return;
        }
        self.content(start, inner, line);
    }

    /// Opens a collection in a column, unless it is open.
    fn enter(&mut self, shape: Shape, column: usize) {
        let open = self.frames.last().is_some_and(|top| top.shape == shape && top.indent == column);
        if !open {
            let via = self.via();
            if via.is_some() {
                self.push(shape, column, false, via);
            }
        }
    }

    /// A value that begins at a byte, or nothing yet. `column` is that of its key.
    fn value(&mut self, at: usize, written: &str, column: usize, slot: Slot) {
        let open = written.trim_start();
        let from = at + (written.len() - open.len());
        let content = open.trim_end();
        if let Some(rest) = content.strip_prefix('&') {
            // An anchor is in front of its value.
            let name = rest.find(' ').unwrap_or(rest.len());
            let rest = rest.get(name..).unwrap_or_default();
            self.value(from + 1 + name, rest, column, slot);
            return;
        }
        if content.starts_with(['[', '{']) {
            self.flow(from, open);
            return;
        }
        if content.starts_with(['|', '>']) {
            self.block = Some(column);
            return;
        }
        let value = unquoted(content);
        let from = from + content.find(value).unwrap_or_default();
        let behind = at + written.len();
        let token = if value.is_empty() {
            self.offset.clamp(at, behind)..self.offset.clamp(at, behind)
        } else {
            from..from + value.len()
        };
        // A space separates a value from its colon.
        let reached = slot != Slot::Value || self.offset > at;
        if reached && self.is_at(&token) {
            self.note(slot, token);
        }
        self.scalar(value);
    }
}
