//! Edits of YAML as edits of its text. All that is not edited stays as it is, byte for byte: comments, order, quotes, line breaks.
//!
//! What cannot be edited without touching something else (an entry in a flow collection with a comment in it, a text in a block
//! scalar) is not edited: [`Patcher::changes`] then answers `None`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use crate::diagnostic::Edit;
use crate::source::yaml::changes::{Change, joined};
use crate::source::yaml::lines::Lines;
use crate::source::yaml::{NodeId, Tree, parse};
use crate::source::{FileId, Loc, SourceFile};

/// The collection that a node is in.
#[derive(Debug, Clone, Copy)]
struct Parent {
    collection: NodeId,
    item: usize,
}

/// Edits one file.
#[derive(Debug)]
pub struct Patcher<'s> {
    file: FileId,
    text: &'s str,
    tree: Tree<'s>,
    /// Of keys, values and elements where they are written; what an alias or a merge key brings in has its first place alone.
    parents: HashMap<NodeId, Parent>,
    /// Scalars and collections by their range; of several, the innermost.
    places: HashMap<(u32, u32), NodeId>,
}

impl<'s> Patcher<'s> {
    /// Reads a file.
    #[must_use]
    pub fn new(file: FileId, source: &'s SourceFile) -> Self {
        let tree = parse(file, source, &mut Vec::new());
        let mut patcher = Self { file, text: source.text(), tree, parents: HashMap::new(), places: HashMap::new() };
        for document in patcher.tree.documents().to_vec() {
            patcher.enter(document);
        }
        patcher
    }

    /// The changes that some edits of this file take, sorted and not overlapping; `None` where one of them cannot be made.
    #[must_use]
    pub fn changes(&self, edits: &[&Edit]) -> Option<Vec<Change>> {
        let changes: Option<Vec<Change>> = edits.iter().map(|edit| self.change(edit)).collect();
        joined(changes?)
    }

    fn enter(&mut self, node: NodeId) {
        let mut left = vec![node];
        while let Some(node) = left.pop() {
            let Loc { start, end, .. } = self.tree.loc(node);
            self.places.insert((start, end), node);
            for (item, (first, last)) in self.tree.written(node).into_iter().enumerate() {
                for child in [first, last] {
                    if let Entry::Vacant(free) = self.parents.entry(child) {
                        free.insert(Parent { collection: node, item });
                        left.push(child);
                    }
                }
            }
        }
    }

    fn node_at(&self, loc: Loc) -> Option<NodeId> {
        (loc.file == self.file).then(|| self.places.get(&(loc.start, loc.end)).copied())?
    }

    /// The innermost node around a place.
    fn around(&self, loc: Loc) -> Option<NodeId> {
        if loc.file != self.file {
            return None;
        }
        let holds = |(start, end): &&(u32, u32)| *start <= loc.start && loc.end <= *end;
        let smallest = self.places.keys().filter(holds).min_by_key(|(start, end)| end - start)?;
        self.places.get(smallest).copied()
    }

    fn change(&self, edit: &Edit) -> Option<Change> {
        match edit {
            Edit::Word { at, from, to } => self.word(self.node_at(*at)?, from, to),
            Edit::Value { at, to } => self.value(self.node_at(*at)?, to),
            Edit::Remove(at) => self.remove(self.node_at(*at)?),
            Edit::RemoveElement(at) => {
                let mut node = self.around(*at)?;
                while self.tree.elements(self.parents.get(&node)?.collection).is_none() {
                    node = self.parents.get(&node)?.collection;
                }
                self.remove(node)
            }
            Edit::Append { to, value } => self.append(self.node_at(*to)?, value),
            Edit::Add { after, key, value } => self.add(self.node_at(*after)?, key, value),
            Edit::Text { at, to } => (at.file == self.file).then(|| (at.start as usize..at.end as usize, to.clone())),
        }
    }

    fn slice(&self, range: Range<usize>) -> Option<&'s str> {
        self.text.get(range)
    }

    fn value(&self, node: NodeId, to: &str) -> Option<Change> {
        let range = self.tree.range((node, node));
        let written = self.slice(range.clone())?;
        let quoted = |quote: char| written.len() > 1 && written.starts_with(quote) && written.ends_with(quote);
        let text = if quoted('\'') && !to.contains(char::is_control) {
            format!("'{}'", to.replace('\'', "''"))
        } else if quoted('"') || !is_plain(to) {
            serde_json::to_string(to).ok()?
        } else {
            to.to_owned()
        };
        let one_line = self.tree.scalar(node).is_some() && !written.contains('\n') && !written.starts_with(['|', '>']);
        one_line.then_some((range, text))
    }

    fn word(&self, node: NodeId, from: &str, to: &str) -> Option<Change> {
        let text = self.tree.scalar(node)?.text();
        let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let is_whole = |at: usize| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(at + from.len()..).and_then(|after| after.chars().next());
            ![before, after].into_iter().flatten().any(part_of_word)
        };
        let mut found = text.match_indices(from).map(|(at, _)| at).filter(|at| text == from || is_whole(*at));
        let (Some(at), None) = (found.next(), found.next()) else { return None };
        self.value(node, &format!("{}{to}{}", text.get(..at)?, text.get(at + from.len()..)?))
    }

    fn remove(&self, node: NodeId) -> Option<Change> {
        let Parent { collection, item } = *self.parents.get(&node)?;
        let ranges: Vec<Range<usize>> =
            self.tree.written(collection).into_iter().map(|item| self.tree.range(item)).collect();
        if ranges.len() == 1 {
            return self.remove(collection);
        }
        let range = ranges.get(item)?.clone();
        let next = ranges.get(item + 1);
        if self.tree.is_flow(self.text, collection) {
            let gone = match next {
                Some(next) => range.start..next.start,
                None => ranges.get(item.checked_sub(1)?)?.end..range.end,
            };
            return (!self.slice(gone.clone())?.contains('#')).then(|| (gone, String::new()));
        }
        let lines = Lines(self.text);
        let start = self.item_start(collection, &range)?;
        if self.slice(lines.start(start)..start)?.trim().is_empty() {
            return lines.whole(start..range.end).map(|gone| (gone, String::new()));
        }
        // The first entry of a map that is an element of a list shares its line with the dash.
        let gone = start..self.item_start(collection, next?)?;
        let plain = lines.ends_at(range.end) && !self.slice(gone.clone())?.contains('#');
        plain.then(|| (gone, String::new()))
    }

    /// Where an item of a block begins: at its key, or at the dash before an element.
    fn item_start(&self, collection: NodeId, item: &Range<usize>) -> Option<usize> {
        if self.tree.entries(collection).is_some() {
            return Some(item.start);
        }
        let line = Lines(self.text).start(item.start);
        let before = self.slice(line..item.start)?.trim_end_matches(' ');
        before.ends_with('-').then(|| line + before.len() - 1)
    }

    fn append(&self, node: NodeId, value: &str) -> Option<Change> {
        let list = match self.tree.elements(node) {
            Some(_) => node,
            None => self.parents.get(&node)?.collection,
        };
        self.tree.elements(list)?;
        let last = self.tree.written(list).last().map(|last| self.tree.range(*last));
        let value = if is_plain(value) { value.to_owned() } else { serde_json::to_string(value).ok()? };
        if self.tree.is_flow(self.text, list) {
            return Some(match last {
                Some(last) => (last.end..last.end, format!(", {value}")),
                None => {
                    let inside = self.tree.range((list, list)).start + 1;
                    (inside..inside, value)
                }
            });
        }
        let last = last?;
        let lines = Lines(self.text);
        let start = self.item_start(list, &last)?;
        let end = lines.end(last.end);
        lines.ends_at(last.end).then(|| (end..end, format!("{}{}- {value}", lines.break_(), lines.indentation(start))))
    }

    fn add(&self, node: NodeId, key: &str, value: &str) -> Option<Change> {
        let Parent { collection, item } = *self.parents.get(&node)?;
        self.tree.entries(collection)?;
        let range = self.tree.range(*self.tree.written(collection).get(item)?);
        let value = if is_plain(value) { value.to_owned() } else { serde_json::to_string(value).ok()? };
        if self.tree.is_flow(self.text, collection) {
            return Some((range.end..range.end, format!(", {key}: {value}")));
        }
        let lines = Lines(self.text);
        let end = lines.end(range.end);
        let entry = format!("{}{}{key}: {value}", lines.break_(), lines.indentation(range.start));
        lines.ends_at(range.end).then_some((end..end, entry))
    }
}

/// Whether a text can be written without quotes, in a block and in a flow collection.
fn is_plain(text: &str) -> bool {
    let inside =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '*' | '+' | '%' | ':');
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.'))
        && text.chars().all(inside)
        && !text.ends_with(':')
}
