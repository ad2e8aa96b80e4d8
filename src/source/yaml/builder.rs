//! How the events of the parser become a tree, and repeated keys are noticed.

mod expansion;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, ScalarStyle, Tag};

use self::expansion::Weight;
use super::MOST_DEPTH;
use super::rules::{AMBIGUOUS, DUPLICATE_KEY, TOO_LARGE, UNSUPPORTED};
use super::scalar::{Scalar, Style, Value};
use super::tree::{Node, NodeId, NodeKind, Tree};
use crate::diagnostic::{Diagnostic, Edit, Fix, Rule};
use crate::source::Loc;

/// Maps with more keys than this are checked for duplicates with a set instead of by looking through them.
const SMALL_MAP: usize = 24;

/// Reading cannot go on; the reason has been reported.
pub(super) struct Stop;

/// A collection that is being read.
pub(super) struct Open {
    pub(super) id: NodeId,
    key: Option<NodeId>,
    /// Whether that key stands in the map already.
    repeated: bool,
    seen: HashSet<String>,
}

pub(super) struct Builder<'s, 'r> {
    pub(super) text: &'s str,
    pub(super) tree: Tree<'s>,
    pub(super) root: Option<NodeId>,
    pub(super) open: Vec<Open>,
    pub(super) anchors: HashMap<usize, NodeId>,
    /// Whether what merge keys add becomes a part of the map.
    pub(super) merges: bool,
    /// Entries that merge keys have added so far.
    pub(super) merged: u64,
    /// The end of the last scalar.
    pub(super) read_to: usize,
    pub(super) weights: Vec<Weight>,
    pub(super) report: &'r mut Vec<Diagnostic>,
}

impl<'s> Builder<'s, '_> {
    pub(super) fn refuse(&mut self, rule: &'static Rule, loc: Loc, message: String) {
        self.tree.whole = false;
        self.report.push(Diagnostic::new(rule, loc, message));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the crate may add events")]
    pub(super) fn event(&mut self, event: Event<'s>, range: std::ops::Range<usize>) -> Result<(), Stop> {
        let (start, end) = (range.start as u32, range.end as u32);
        let loc = Loc { file: self.tree.file, start, end };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.read_to = range.end;
                let scalar = self.make_scalar(text, style, tag.as_deref(), loc);
                // A block scalar's range runs into the indentation of the next line.
                let trailing = self.text.get(range.clone()).map_or(0, |text| text.len() - text.trim_end().len());
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let end = if block { end - trailing as u32 } else { end };
                let is_key = self.awaits_key();
                if let Some(taken_as) = scalar.ambiguity().filter(|_| !is_key) {
                    let read = match scalar.value() {
                        Value::Int(number) => format!("the number {number}"),
                        Value::Null | Value::Bool(_) | Value::Float(_) | Value::Text(_) => "a string".to_owned(),
                    };
                    let message = format!("`{}` is {read} here, and {taken_as} to a YAML 1.1 reader", scalar.text());
                    let help = "put quotes around a string; write a number or `true` and `false` plainly";
                    let to = match scalar.value() {
                        Value::Int(number) => number.to_string(),
                        Value::Null | Value::Bool(_) | Value::Float(_) | Value::Text(_) => {
                            format!("\"{}\"", scalar.text())
                        }
                    };
                    let at = Loc { end, ..loc };
                    let fix = Fix::safe(format!("write `{to}`"), vec![Edit::Text { at, to }]);
                    self.report.push(Diagnostic::new(&AMBIGUOUS, at, message).help(help).fix(fix));
                }
                let id = self.push(start, end, NodeKind::Scalar(scalar), anchor);
                self.place(id)
            }
            Event::SequenceStart(_, anchor, tag) => self.start(start, NodeKind::Sequence(Vec::new()), anchor, tag, loc),
            Event::MappingStart(_, anchor, tag) => self.start(start, NodeKind::Mapping(Vec::new()), anchor, tag, loc),
            Event::SequenceEnd | Event::MappingEnd => self.end(range),
            Event::Alias(anchor) => self.alias(anchor, loc),
            Event::DocumentEnd => {
                self.anchors.clear();
                if let Some(root) = self.root.take()
                    && !self.tree.scalar(root).is_some_and(Scalar::is_null)
                {
                    self.tree.documents.push(root);
                }
                Ok(())
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) => Ok(()),
            // The options above ask for none of the other events; one that comes all the same is refused, not skipped.
            other => {
                self.refuse(&UNSUPPORTED, loc, format!("this YAML construct is not supported: {other:?}"));
                Err(Stop)
            }
        }
    }

    fn make_scalar(&mut self, text: Cow<'s, str>, style: ScalarStyle, tag: Option<&Tag>, loc: Loc) -> Scalar<'s> {
        let style = match (style, tag.map(|tag| tag.core_suffix())) {
            (ScalarStyle::Plain, None) => Style::Plain,
            (_, None | Some(Some("str"))) => Style::Text,
            (_, Some(Some("int" | "float" | "bool" | "null"))) => Style::Plain,
            (_, Some(_)) => {
                let message = "tags have no meaning here; write the value plainly".to_owned();
                self.refuse(&UNSUPPORTED, loc, message);
                Style::Text
            }
        };
        let scalar = Scalar::new(text, style);
        if scalar.is_not_finite() {
            self.refuse(&UNSUPPORTED, loc, format!("`{}` is not a finite number", scalar.text()));
        }
        scalar
    }

    pub(super) fn push(&mut self, start: u32, end: u32, kind: NodeKind<'s>, anchor: usize) -> NodeId {
        let id = NodeId(self.tree.nodes.len() as u32);
        self.tree.nodes.push(Node { start, end, kind });
        self.weights.push(Weight { nodes: 1, height: 1 });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        id
    }

    pub(super) fn start(
        &mut self,
        start: u32,
        kind: NodeKind<'s>,
        anchor: usize,
        tag: Option<Cow<'s, Tag>>,
        loc: Loc,
    ) -> Result<(), Stop> {
        if tag.is_some_and(|tag| !matches!(tag.core_suffix(), Some("map" | "seq"))) {
            self.refuse(&UNSUPPORTED, loc, "tags have no meaning here; write the value plainly".to_owned());
        }
        if self.open.len() >= MOST_DEPTH as usize {
            self.refuse(&TOO_LARGE, loc, format!("nested deeper than {MOST_DEPTH} levels"));
            return Err(Stop);
        }
        let id = self.push(start, start, kind, anchor);
        self.place(id)?;
        self.open.push(Open { id, key: None, repeated: false, seen: HashSet::new() });
        Ok(())
    }

    /// Whether the next node is the key of a map entry.
    fn awaits_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.key.is_none() && self.tree.entries(open.id).is_some())
    }

    /// Puts a finished or opened node into the collection that is being read. A complex key is reported when it comes.
    fn place(&mut self, id: NodeId) -> Result<(), Stop> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            return Ok(());
        };
        let parent = open.id;
        let key = open.key.take();
        if std::mem::take(&mut open.repeated) && key.is_some() {
            // The first value of a duplicate key is the one that the rest of the run sees.
            return Ok(());
        }
        let Some(node) = self.tree.nodes.get_mut(parent.0 as usize) else { return Err(Stop) };
        match (&mut node.kind, key) {
            (NodeKind::Sequence(elements), _) => elements.push(id),
            (NodeKind::Mapping(entries), Some(key)) => entries.push((key, id)),
            (NodeKind::Mapping(_), None) => {
                self.check_key(parent, id);
                if let Some(open) = self.open.last_mut() {
                    open.key = Some(id);
                }
            }
            (NodeKind::Scalar(_) | NodeKind::Alias(_), _) => return Err(Stop),
        }
        Ok(())
    }

    fn check_key(&mut self, map: NodeId, key: NodeId) {
        let loc = self.tree.loc(key);
        let Some(scalar) = self.tree.scalar(key) else {
            self.refuse(&UNSUPPORTED, loc, "a key must be a plain word".to_owned());
            return;
        };
        let text = scalar.text();
        let entries = self.tree.entries(map).unwrap_or_default();
        let twice = if entries.len() <= SMALL_MAP {
            entries.iter().any(|(k, _)| self.tree.text(*k) == text)
        } else {
            let Some(open) = self.open.last_mut() else { return };
            if open.seen.is_empty() {
                open.seen.extend(entries.iter().map(|(k, _)| self.tree.text(*k).to_owned()));
            }
            !open.seen.insert(text.to_owned())
        };
        if twice {
            let first = entries.iter().find(|(k, _)| self.tree.text(*k) == text).map(|(k, _)| self.tree.loc(*k));
            let mut finding = Diagnostic::new(&DUPLICATE_KEY, loc, format!("key `{text}` is here a second time"));
            if let Some(first) = first {
                finding = finding.label(first, "first here");
            }
            self.tree.whole = false;
            if let Some(open) = self.open.last_mut() {
                open.repeated = true;
            }
            self.report.push(finding);
        }
    }
}
