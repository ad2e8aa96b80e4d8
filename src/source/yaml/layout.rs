//! Lays out the YAML of a file: two spaces for each level, one between a key and its value, at most one empty line, no spaces at the
//! end of a line. Order, quotes, comments and line breaks between values stay.
//!
//! The result is read again and compared with what was read before, so a layout never changes what a file means.

mod scalars;
mod spaces;

use std::collections::BTreeMap;
use std::ops::Range;

use super::changes::{Change, applied, joined};
use super::comments::comments;
use super::lines::Lines;
use super::{NodeId, Tree, parse, parse_as_written};
use crate::source::{FileId, SourceFile};

/// Spaces of a level.
const STEP: usize = 2;

/// A text in this layout. `None` where it cannot be read, or cannot be laid out without a change of its meaning.
#[must_use]
pub fn laid_out(text: &str) -> Option<String> {
    let unix = text.replace("\r\n", "\n");
    let source = SourceFile::new("", unix);
    let mut faults = Vec::new();
    if !parse(FileId(0), &source, &mut faults).is_whole() {
        return None;
    }
    let tree = parse_as_written(FileId(0), &source, &mut faults);
    let new = applied(source.text(), &Layout::of(source.text(), &tree).changes()?);
    let new = SourceFile::new("", new);
    let same = same(&tree, &parse_as_written(FileId(0), &new, &mut faults)) && same_comments(source.text(), new.text());
    same.then(|| new.text().to_owned())
}

/// Whether two trees hold the same, in the same order and style.
fn same(one: &Tree<'_>, other: &Tree<'_>) -> bool {
    fn nodes(a: (&Tree<'_>, NodeId), b: (&Tree<'_>, NodeId)) -> bool {
        let ((one, a), (other, b)) = (a, b);
        if (one.target(a) == a) != (other.target(b) == b) {
            return false;
        }
        if one.target(a) != a {
            // What an alias stands for is compared where it is written.
            return true;
        }
        match (one.scalar(a), other.scalar(b)) {
            (Some(a), Some(b)) => return a.text() == b.text() && a.is_plain() == b.is_plain(),
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => return false,
        }
        let (left, right) = (one.written(a), other.written(b));
        one.elements(a).is_some() == other.elements(b).is_some()
            && left.len() == right.len()
            && left.iter().zip(&right).all(|((key, value), (key_there, value_there))| {
                nodes((one, *key), (other, *key_there)) && (key == value || nodes((one, *value), (other, *value_there)))
            })
    }
    let (left, right) = (one.documents(), other.documents());
    let pairs = || left.iter().zip(right);
    other.is_whole() && left.len() == right.len() && pairs().all(|(a, b)| nodes((one, *a), (other, *b)))
}

fn same_comments(one: &str, other: &str) -> bool {
    let of = |text: &str| -> Vec<String> {
        comments(text).into_iter().filter_map(|range| text.get(range)).map(|text| text.trim_end().to_owned()).collect()
    };
    of(one) == of(other)
}

/// What is in front of a value and of its anchor, if it has one, without the spaces between them.
fn without_anchor(before: &str) -> &str {
    let before = before.trim_end();
    let anchor = before.rfind('&').filter(|at| before.get(*at..).is_some_and(|name| !name.contains(' ')));
    anchor.and_then(|at| before.get(..at)).map_or(before, str::trim_end)
}

/// Where a collection is: its column now, and the one that it gets.
#[derive(Debug, Clone, Copy)]
struct Column {
    now: usize,
    then: usize,
}

/// What is known about a line.
#[derive(Debug, Default)]
struct Line {
    /// The indentation that it gets, where something begins on it.
    indentation: Option<usize>,
    /// The blocks around what begins on it, the outermost first.
    around: Vec<Column>,
    /// Whether it continues a scalar, so that nothing but its indentation may change.
    of_scalar: bool,
}

struct Layout<'t> {
    text: &'t str,
    tree: &'t Tree<'t>,
    /// Byte ranges of lines, without their line breaks.
    ranges: Vec<Range<usize>>,
    lines: BTreeMap<usize, Line>,
    changes: Vec<Change>,
}

impl<'t> Layout<'t> {
    fn of(text: &'t str, tree: &'t Tree<'t>) -> Self {
        let mut at = 0;
        let lines = text.split('\n').map(|line| {
            let start = at;
            at += line.len() + 1;
            start..start + line.len()
        });
        let mut layout = Self { text, tree, ranges: lines.collect(), lines: BTreeMap::new(), changes: Vec::new() };
        for document in tree.documents() {
            layout.node(*document, &[], 0);
        }
        layout
    }

    fn line_of(&self, at: usize) -> usize {
        self.ranges.partition_point(|line| line.start <= at).saturating_sub(1)
    }

    /// Spaces in front of what is at an offset; `None` where something else is in front of it.
    fn indentation_before(&self, at: usize) -> Option<usize> {
        let before = self.text.get(Lines(self.text).start(at)..at)?;
        before.bytes().all(|byte| byte == b' ').then_some(before.len())
    }

    fn column(&self, at: usize) -> usize {
        at - Lines(self.text).start(at)
    }

    /// Says that something begins at an offset, which gets a column where it is the first of its line.
    fn begins(&mut self, at: usize, then: usize, around: &[Column]) {
        let line = self.line_of(at);
        if self.indentation_before(at).is_some() && self.lines.get(&line).is_none_or(|line| line.indentation.is_none())
        {
            let known = self.lines.entry(line).or_default();
            known.indentation = Some(then);
            known.around = around.to_vec();
        }
    }

    /// Lays out a node inside of some blocks, which is at a column where it is the first of its line.
    fn node(&mut self, node: NodeId, around: &[Column], then: usize) {
        let range = self.tree.range((node, node));
        let is_collection = self.tree.target(node) == node && self.tree.scalar(node).is_none();
        if !is_collection {
            self.begins(range.start, then, around);
            return self.scalar(range, around, then);
        }
        if self.tree.is_flow(self.text, node) {
            self.begins(range.start, then, around);
            return self.flow(node, around, then);
        }
        let is_map = self.tree.entries(node).is_some();
        let mut column = None;
        for (key, value) in self.tree.written(node) {
            let item = self.tree.range((key, value));
            let start = if is_map { Some(item.start) } else { self.dash(item.start) };
            let Some(start) = start else { continue };
            let own = *column.get_or_insert(Column { now: self.column(start), then });
            let inside: Vec<Column> = around.iter().copied().chain([own]).collect();
            self.begins(start, then, &inside);
            if is_map {
                self.gap(key, value);
            } else {
                self.after_dash(start, item.start);
            }
            self.node(value, &inside, then + STEP);
        }
    }

    /// The dash in front of an element, on its line or on one above it.
    fn dash(&self, element: usize) -> Option<usize> {
        let mut line = self.line_of(element);
        let mut before = without_anchor(self.text.get(self.ranges.get(line)?.start..element)?);
        if before.is_empty() {
            // An element below its dash.
            loop {
                line = line.checked_sub(1)?;
                before = without_anchor(self.text.get(self.ranges.get(line)?.clone())?.split(" #").next()?);
                if !before.is_empty() {
                    break;
                }
            }
        }
        before.ends_with('-').then(|| self.ranges.get(line).map(|range| range.start + before.len() - 1))?
    }

    /// All changes, sorted; `None` where there is a line about which nothing is known.
    fn changes(mut self) -> Option<Vec<Change>> {
        let comments = comments(self.text);
        let mut empty = 0;
        let mut seen = false;
        for line in 0..self.ranges.len() {
            let range = self.ranges.get(line)?.clone();
            let text = self.text.get(range.clone())?;
            let of_scalar = self.lines.get(&line).is_some_and(|line| line.of_scalar);
            if text.trim().is_empty() && !of_scalar {
                empty += 1;
                let last = line + 1 == self.ranges.len();
                if (empty > 1 || !seen) && !last {
                    // With its line break.
                    self.changes.push((range.start..range.end + 1, String::new()));
                } else if !text.is_empty() {
                    self.changes.push((range, String::new()));
                }
                continue;
            }
            (empty, seen) = (0, true);
            if of_scalar {
                continue;
            }
            let content = text.len() - text.trim_start().len();
            let at = range.start + content;
            let is_comment = comments.binary_search_by_key(&at, |comment| comment.start).is_ok();
            let marker = content == 0 && (text.starts_with("---") || text.starts_with("...") || text.starts_with('%'));
            let wanted = match self.lines.get(&line).and_then(|line| line.indentation) {
                Some(wanted) => wanted,
                None if is_comment => self.of_comment(line, content, &comments),
                None if marker => 0,
                None => return None,
            };
            if text.get(..content)? != " ".repeat(wanted) {
                self.changes.push((range.start..at, " ".repeat(wanted)));
            }
            let end = text.trim_end().len();
            if end < text.len() && !self.continues(line + 1) {
                self.changes.push((range.start + end..range.end, String::new()));
            }
        }
        let trimmed = self.text.trim_end_matches(['\n', ' ', '\t']);
        let kept = self.lines.range(self.line_of(trimmed.len()) + 1..).any(|(_, line)| line.of_scalar);
        if !kept {
            // The end of the file, where other changes would be of the same text.
            self.changes.retain(|(range, _)| range.end <= trimmed.len());
            let end = if trimmed.is_empty() { "" } else { "\n" };
            self.changes.push((trimmed.len()..self.text.len(), end.to_owned()));
        }
        self.changes.retain(|(range, new)| self.text.get(range.clone()) != Some(new.as_str()));
        joined(self.changes)
    }

    fn continues(&self, line: usize) -> bool {
        self.lines.get(&line).is_some_and(|line| line.of_scalar)
    }

    /// The indentation of a comment on a line of its own: that of the next line with content, or, where the comment is deeper than
    /// that, of the block that it ends.
    fn of_comment(&self, line: usize, now: usize, comments: &[Range<usize>]) -> usize {
        let is_comment = |line: &Range<usize>| {
            let text = self.text.get(line.clone()).unwrap_or_default();
            let at = line.start + (text.len() - text.trim_start().len());
            text.trim().is_empty() || comments.binary_search_by_key(&at, |comment| comment.start).is_ok()
        };
        let below = self.ranges.iter().enumerate().skip(line + 1).find(|(_, range)| !is_comment(range));
        let next = below.and_then(|(index, range)| {
            let text = self.text.get(range.clone())?;
            Some((text.len() - text.trim_start().len(), self.lines.get(&index)?.indentation?))
        });
        let (next_now, next_then) = next.unwrap_or((0, 0));
        if now <= next_now {
            return next_then;
        }
        let before = self.lines.range(..line).rev().find(|(_, line)| line.indentation.is_some());
        let around = before.map(|(_, line)| line.around.as_slice()).unwrap_or_default();
        around.iter().rev().find(|column| column.now <= now).map_or(next_then, |column| column.then)
    }
}
