//! Spaces within a line: after a dash, around a colon, and in flow collections.

use std::ops::Range;

use super::{Column, Layout, STEP};
use crate::source::yaml::NodeId;

impl Layout<'_> {
    /// One space between a key and its value.
    pub(super) fn gap(&mut self, key: NodeId, value: NodeId) {
        let (from, to) = (self.tree.loc(key).end as usize, self.tree.loc(value).start as usize);
        // Whatever else YAML allows there, such as an anchor, stays.
        if self.text.get(from..to).is_some_and(|text| text.trim_matches(' ') == ":" && text.ends_with(' ')) {
            self.changes.push((from..to, ": ".to_owned()));
        }
    }

    /// One space after a dash.
    pub(super) fn after_dash(&mut self, dash: usize, element: usize) {
        let from = dash + 1;
        if self.text.get(from..element).is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte == b' ')) {
            self.changes.push((from..element, " ".to_owned()));
        }
    }

    /// A list or a map between brackets. `then` is the column of what begins on a line of its own.
    pub(super) fn flow(&mut self, node: NodeId, around: &[Column], then: usize) {
        let start = self.tree.range((node, node)).start;
        let is_element = self.text.get(..start).is_some_and(|before| before.trim_end_matches(' ').ends_with('-'));
        let own_line = self.indentation_before(start).is_some();
        let parent = around.last().map_or(then, |column| column.then);
        self.between(node, if is_element || own_line { then } else { parent }, around);
    }

    /// Spaces between the parts of a flow collection, and the indentation of its lines: what is inside is a step deeper than the
    /// line that opens it, and the closing bracket is not.
    fn between(&mut self, node: NodeId, base: usize, around: &[Column]) {
        let range = self.tree.range((node, node));
        let is_map = self.tree.entries(node).is_some();
        let mut at = range.start + 1;
        for (index, (key, value)) in self.tree.written(node).into_iter().enumerate() {
            let item = self.tree.range((key, value));
            self.separator(at..item.start, if index == 0 { "" } else { ", " });
            self.begins(item.start, base + STEP, around);
            if is_map {
                self.gap(key, value);
            }
            let written = self.tree.range((value, value));
            let is_collection = self.tree.target(value) == value && self.tree.scalar(value).is_none();
            if is_collection {
                let opening = self.line_of(written.start);
                let own = self.lines.get(&opening).and_then(|line| line.indentation);
                let same_line = opening == self.line_of(range.start);
                self.between(value, if same_line { base } else { own.unwrap_or(base) }, around);
            } else {
                self.scalar(written, around, base + STEP);
            }
            at = item.end;
        }
        let close = range.end.saturating_sub(1);
        self.separator(at..close, "");
        self.begins(close, base, around);
    }

    /// What is between two parts, where it is nothing but spaces and a comma on one line.
    fn separator(&mut self, range: Range<usize>, wanted: &str) {
        let Some(text) = self.text.get(range.clone()) else { return };
        if !text.contains(['\n', '#']) && text.trim_matches(' ') == wanted.trim_end() {
            self.changes.push((range, wanted.to_owned()));
        }
    }
}
