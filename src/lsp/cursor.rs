//! Where in a section the cursor is, in a text that need not be whole YAML: somebody is typing it.
//!
//! Lines are read by their indentation, so that what is wrong in one place hides nothing elsewhere.

mod flow;
mod line;

use std::ops::Range;

use super::places::Part;

/// What is written at the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A key of a map.
    Key,
    /// The value of a key on its line, or an element between brackets.
    Value,
    /// The value of a key or an element, which may become a map: its first key, or the value itself.
    Either,
}

/// The surroundings of the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The steps from the document to the value, or to the map of the key.
    pub path: Vec<Part>,
    /// What is written there.
    pub slot: Slot,
    /// The bytes of the word at the cursor.
    pub token: Range<usize>,
    /// The keys that the map has beside the one at the cursor.
    pub siblings: Vec<String>,
    /// The open collections, from the document inwards, one for each step of the path.
    frames: Vec<usize>,
    /// Scalars by the map and the key that they are the value of, or an element of the value of.
    values: Vec<(usize, String, String)>,
}

impl Cursor {
    /// The values of a key in the collection that is so many steps below the document.
    #[must_use]
    pub fn values_of(&self, depth: usize, key: &str) -> Vec<String> {
        let Some(frame) = self.frames.get(depth) else { return Vec::new() };
        let of = self.values.iter().filter(|(id, name, _)| id == frame && name == key);
        of.map(|(_, _, value)| value.clone()).collect()
    }

    /// Whether the word at the cursor is followed by a colon: it is a whole key.
    #[must_use]
    pub fn is_whole_key(&self, text: &str) -> bool {
        let after = text.get(self.token.end..).unwrap_or_default().trim_start_matches(['"', '\'']);
        self.slot == Slot::Key && after.trim_start_matches(' ').starts_with(':')
    }
}

/// Finds the surroundings of a byte. `None` in a comment, in a text of several lines, and where nothing can be written.
#[must_use]
pub fn cursor(text: &str, offset: usize) -> Option<Cursor> {
    let mut scan = Scan::new(offset);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        scan.line(start, line.trim_end_matches(['\n', '\r']));
        start += line.len();
    }
    if offset >= start && (text.is_empty() || text.ends_with('\n')) {
        scan.line(start, "");
    }
    let Found { path, slot, token, frames, map } = scan.found?;
    let own = text.get(token.clone()).unwrap_or_default();
    let mut siblings: Vec<String> =
        scan.keys.into_iter().filter(|(id, _)| Some(*id) == map).map(|(_, key)| key).collect();
    if let Some(at) = siblings.iter().position(|key| slot == Slot::Key && key == own) {
        siblings.remove(at);
    }
    Some(Cursor { path, slot, token, siblings, frames, values: scan.values })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Map,
    List,
}

/// An open collection.
#[derive(Debug, Clone)]
struct Frame {
    id: usize,
    shape: Shape,
    /// The column that its keys or dashes are in; of one between brackets, that of the block around it.
    indent: usize,
    between_brackets: bool,
    /// How it is reached from the one around it.
    via: Option<Part>,
    /// The key whose value comes next.
    key: Option<String>,
}

/// What the scan found at the cursor.
struct Found {
    path: Vec<Part>,
    slot: Slot,
    token: Range<usize>,
    frames: Vec<usize>,
    map: Option<usize>,
}

/// A scan of a text, line by line.
struct Scan {
    offset: usize,
    frames: Vec<Frame>,
    next: usize,
    /// Lines deeper than this belong to a text of several lines.
    block: Option<usize>,
    keys: Vec<(usize, String)>,
    values: Vec<(usize, String, String)>,
    found: Option<Found>,
}

impl Scan {
    fn new(offset: usize) -> Self {
        let mut scan = Self {
            offset,
            frames: Vec::new(),
            next: 0,
            block: None,
            keys: Vec::new(),
            values: Vec::new(),
            found: None,
        };
        scan.push(Shape::Map, 0, false, None);
        scan
    }

    fn push(&mut self, shape: Shape, indent: usize, between_brackets: bool, via: Option<Part>) {
        self.frames.push(Frame { id: self.next, shape, indent, between_brackets, via, key: None });
        self.next += 1;
    }

    /// How what comes next is reached from the innermost collection.
    fn via(&self) -> Option<Part> {
        let top = self.frames.last()?;
        match top.shape {
            Shape::List => Some(Part::Element),
            Shape::Map => top.key.clone().map(Part::Key),
        }
    }

    fn path(&self) -> Vec<Part> {
        self.frames.iter().filter_map(|frame| frame.via.clone()).collect()
    }

    /// Another document begins, and nothing of this one is known any more, unless the cursor is in it.
    fn document(&mut self) {
        self.frames.clear();
        self.push(Shape::Map, 0, false, None);
    }

    /// Whether the cursor is in these bytes, or right behind them.
    fn is_at(&self, range: &Range<usize>) -> bool {
        self.found.is_none() && (range.start..=range.end).contains(&self.offset)
    }

    /// Notes what is at the cursor: a key of the innermost map, or a value in the innermost collection.
    fn note(&mut self, slot: Slot, token: Range<usize>) {
        let mut path = self.path();
        if slot != Slot::Key {
            path.extend(self.via());
        }
        let frames = self.frames.iter().map(|frame| frame.id).collect();
        let map = self.frames.last().filter(|_| slot == Slot::Key).map(|frame| frame.id);
        self.found = Some(Found { path, slot, token, frames, map });
    }

    /// A key of the innermost map.
    fn key(&mut self, key: &str) {
        if let Some(top) = self.frames.last_mut() {
            top.key = Some(key.to_owned());
            self.keys.push((top.id, key.to_owned()));
        }
    }

    /// A scalar as a value: of a key, or an element of a list that is one.
    fn scalar(&mut self, value: &str) {
        let mut frames = self.frames.iter().rev();
        let Some(top) = frames.next() else { return };
        let owner = match (top.shape, &top.via) {
            (Shape::Map, _) => top.key.clone().map(|key| (top.id, key)),
            (Shape::List, Some(Part::Key(key))) => frames.next().map(|map| (map.id, key.clone())),
            (Shape::List, _) => None,
        };
        if let Some((id, key)) = owner.filter(|_| !value.is_empty()) {
            self.values.push((id, key, value.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests;
