//! YAML 1.2 with the byte range of every key and value.
//!
//! This is the only module that names the parser crate. Its events become a [`Tree`]: an arena of nodes in which aliases
//! stay references, so that an alias bomb costs nothing to read, and is refused for the size that it would expand to.
//! Merge keys are expanded here, each merged value keeping the place where it was written.

mod edit;
pub mod scalar;
mod syntax;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use self::scalar::{Scalar, Style, Value};
use self::syntax::Stopped;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::source::{FileId, Loc, SourceFile};

/// Largest file that is read, in bytes.
pub const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Most nodes of one file once aliases and merge keys are expanded.
pub const MOST_NODES: u64 = 4_000_000;
/// Deepest nesting of one file once aliases are expanded.
pub const MOST_DEPTH: u32 = 100;
/// Maps with more keys than this are checked for duplicates with a set instead of by looking through them.
const SMALL_MAP: usize = 24;

/// The file is not YAML.
pub static SYNTAX: Rule = Rule {
    name: "yaml-syntax",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds text that is not YAML 1.2.",
    why: "Nothing after the fault can be read. The other files are still checked, but findings that conclude from a \
          name's absence are held back, because the name may be in the part that could not be read.",
    fix: "Mend the syntax at the place shown. Tabs may not indent, and a value that holds `: ` or ` #` needs quotes.",
};

/// A key is in one map twice.
pub static DUPLICATE_KEY: Rule = Rule {
    name: "duplicate-key",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds a key that is in the same map twice.",
    why: "YAML forbids it, and readers disagree on which value counts.",
    fix: "Remove one of the two, or join their values.",
};

/// A file asks for too much.
pub static TOO_LARGE: Rule = Rule {
    name: "yaml-too-large",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds files over 32 MiB, files that would expand to over four million nodes through aliases and merge keys, \
           and files nested over a hundred levels deep.",
    why: "A small file can be made to take all memory of whatever reads it. The limits are far above what people write.",
    fix: "Split the file, or write the repeated part out where it is needed.",
};

/// A YAML feature that configuration has no use for.
pub static UNSUPPORTED: Rule = Rule {
    name: "yaml-unsupported",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds keys that are not plain scalars, application tags (`!secret`), infinite or undefined numbers, merge keys \
           that do not name a map, and aliases inside the value that they name.",
    why: "These have no meaning here, and guessing one could drop what was meant.",
    fix: "Write the value out plainly.",
};

/// A scalar that older YAML readers take for something else.
pub static AMBIGUOUS: Rule = Rule {
    name: "ambiguous-scalar",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds plain values such as `yes`, `off`, `012`, `1_000` or `12:30:00`, which YAML 1.1 and YAML 1.2 read \
           differently.",
    why: "mcpctl reads YAML 1.2: `yes` is a string, `012` the number 12. A tool that reads YAML 1.1 sees true, and 10.",
    fix: "Write `true` or `false`, or put quotes around a string, or write the number plainly.",
};

/// The rules of this module, for the catalogue.
pub static RULES: [&Rule; 5] = [&AMBIGUOUS, &DUPLICATE_KEY, &SYNTAX, &TOO_LARGE, &UNSUPPORTED];

/// A node by number, within one [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// Its number.
    #[must_use]
    pub fn index(self) -> u32 {
        self.0
    }
}

/// A node and its byte range: for a block collection from its first to the end of its last child.
#[derive(Debug)]
pub struct Node<'s> {
    start: u32,
    end: u32,
    kind: Kind<'s>,
}

/// What a node is.
#[derive(Debug)]
pub enum Kind<'s> {
    /// A scalar.
    Scalar(Scalar<'s>),
    /// A sequence.
    Sequence(Vec<NodeId>),
    /// A map; merged entries follow the written ones.
    Mapping(Vec<(NodeId, NodeId)>),
    /// A reference to an anchored node.
    Alias(NodeId),
}

/// The documents of one file.
#[derive(Debug)]
pub struct Tree<'s> {
    file: FileId,
    nodes: Vec<Node<'s>>,
    documents: Vec<NodeId>,
    whole: bool,
    plain: bool,
}

impl<'s> Tree<'s> {
    /// The roots of the documents that could be read, in order. Empty documents are left out.
    #[must_use]
    pub fn documents(&self) -> &[NodeId] {
        &self.documents
    }

    /// Whether all of the file could be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether no text in it holds a URL, a placeholder of another tool, an escape or several lines. Most files are not
    /// walked again for those.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// How many nodes there are, aliases counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    #[expect(clippy::indexing_slicing, reason = "a NodeId is only made by this tree's builder")]
    fn node(&self, id: NodeId) -> &Node<'s> {
        &self.nodes[id.0 as usize]
    }

    /// The node that an alias stands for; any other node is itself.
    #[must_use]
    pub fn target(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            Kind::Alias(target) => target,
            Kind::Scalar(_) | Kind::Sequence(_) | Kind::Mapping(_) => id,
        }
    }

    /// What a node is, aliases followed.
    #[must_use]
    pub fn kind(&self, id: NodeId) -> &Kind<'s> {
        &self.node(self.target(id)).kind
    }

    /// Where a node is written; for an alias, where the alias is.
    #[must_use]
    pub fn loc(&self, id: NodeId) -> Loc {
        let node = self.node(id);
        Loc { file: self.file, start: node.start, end: node.end }
    }

    /// The entries of a map.
    #[must_use]
    pub fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match self.kind(id) {
            Kind::Mapping(entries) => Some(entries),
            Kind::Scalar(_) | Kind::Sequence(_) | Kind::Alias(_) => None,
        }
    }

    /// The elements of a sequence.
    #[must_use]
    pub fn elements(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.kind(id) {
            Kind::Sequence(elements) => Some(elements),
            Kind::Scalar(_) | Kind::Mapping(_) | Kind::Alias(_) => None,
        }
    }

    /// The scalar.
    #[must_use]
    pub fn scalar(&self, id: NodeId) -> Option<&Scalar<'s>> {
        match self.kind(id) {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_) => None,
        }
    }

    /// The text of a scalar, as which every key is taken; empty for what is not a scalar.
    #[must_use]
    pub fn text(&self, id: NodeId) -> &str {
        self.scalar(id).map_or("", |scalar| scalar.text())
    }

    /// The key node and the value node of a key in a map.
    #[must_use]
    pub fn get(&self, map: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        self.entries(map)?.iter().copied().find(|(k, _)| self.text(*k) == key)
    }
}

fn is_plain(text: &str) -> bool {
    !text.contains(['$', '\\', '|', '>']) && ["{{", "{%", "://"].iter().all(|sign| !text.contains(sign))
}

/// Reads one file. Reports every fault it finds; the tree holds the documents before the first syntax error.
#[must_use]
pub fn parse<'s>(file: FileId, source: &'s SourceFile, report: &mut Vec<Diagnostic>) -> Tree<'s> {
    let text = source.text();
    let mut builder = Builder {
        text,
        tree: Tree {
            file,
            nodes: Vec::with_capacity(text.len() / 16),
            documents: Vec::new(),
            whole: true,
            plain: is_plain(text),
        },
        root: None,
        open: Vec::new(),
        anchors: HashMap::new(),
        merged: 0,
        read_to: 0,
        weights: Vec::with_capacity(text.len() / 16),
        report,
    };
    if text.len() > MOST_BYTES {
        let message = format!("the file has {} bytes; the most that is read is {MOST_BYTES}", text.len());
        builder.refuse(&TOO_LARGE, Loc::start_of(file), message);
        return builder.tree;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    for event in Parser::new_from_str_with_options(text, options) {
        let result = match event {
            Ok((event, span)) => builder.event(event, span.byte_range().unwrap_or(0..0)),
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
                let open = builder.open.last().map(|open| builder.tree.loc(open.id).start as usize);
                let stopped = Stopped { file, text, at, said: &error.info(), read_to: builder.read_to, open };
                builder.tree.whole = false;
                builder.report.push(stopped.finding());
                Err(Stop)
            }
        };
        if result.is_err() {
            break;
        }
    }
    builder.tree
}

/// Reading cannot go on; the reason has been reported.
struct Stop;

/// A collection that is being read.
struct Open {
    id: NodeId,
    key: Option<NodeId>,
    /// Whether that key stands in the map already.
    repeated: bool,
    seen: HashSet<String>,
}

/// Expanded size and height of a node.
#[derive(Clone, Copy)]
struct Weight {
    nodes: u64,
    height: u32,
}

struct Builder<'s, 'r> {
    text: &'s str,
    tree: Tree<'s>,
    root: Option<NodeId>,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    /// Entries that merge keys have added so far.
    merged: u64,
    /// The end of the last scalar.
    read_to: usize,
    weights: Vec<Weight>,
    report: &'r mut Vec<Diagnostic>,
}

impl<'s> Builder<'s, '_> {
    fn refuse(&mut self, rule: &'static Rule, loc: Loc, message: String) {
        self.tree.whole = false;
        self.report.push(Diagnostic::new(rule, loc, message));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the crate may add events")]
    fn event(&mut self, event: Event<'s>, range: std::ops::Range<usize>) -> Result<(), Stop> {
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
                    self.report.push(Diagnostic::new(&AMBIGUOUS, Loc { end, ..loc }, message).help(help));
                }
                let id = self.push(start, end, Kind::Scalar(scalar), anchor);
                self.place(id)
            }
            Event::SequenceStart(_, anchor, tag) => self.start(start, Kind::Sequence(Vec::new()), anchor, tag, loc),
            Event::MappingStart(_, anchor, tag) => self.start(start, Kind::Mapping(Vec::new()), anchor, tag, loc),
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

    fn push(&mut self, start: u32, end: u32, kind: Kind<'s>, anchor: usize) -> NodeId {
        let id = NodeId(self.tree.nodes.len() as u32);
        self.tree.nodes.push(Node { start, end, kind });
        self.weights.push(Weight { nodes: 1, height: 1 });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        id
    }

    fn start(
        &mut self,
        start: u32,
        kind: Kind<'s>,
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
            (Kind::Sequence(elements), _) => elements.push(id),
            (Kind::Mapping(entries), Some(key)) => entries.push((key, id)),
            (Kind::Mapping(_), None) => {
                self.check_key(parent, id);
                if let Some(open) = self.open.last_mut() {
                    open.key = Some(id);
                }
            }
            (Kind::Scalar(_) | Kind::Alias(_), _) => return Err(Stop),
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
            let mut finding = Diagnostic::new(&DUPLICATE_KEY, loc, format!("key `{text}` stands here a second time"));
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

    fn alias(&mut self, anchor: usize, loc: Loc) -> Result<(), Stop> {
        let Some(target) = self.anchors.get(&anchor).copied() else {
            self.refuse(&SYNTAX, loc, "this alias names no anchor before it".to_owned());
            return Err(Stop);
        };
        if self.open.iter().any(|open| open.id == target) {
            self.refuse(&UNSUPPORTED, loc, "this alias stands inside the value that it names".to_owned());
            return Err(Stop);
        }
        let target = self.tree.target(target);
        let id = self.push(loc.start, loc.end, Kind::Alias(target), 0);
        self.weights.pop();
        let weight = self.weight(target);
        self.weights.push(weight);
        self.place(id)
    }

    fn weight(&self, id: NodeId) -> Weight {
        self.weights.get(id.0 as usize).copied().unwrap_or(Weight { nodes: 1, height: 1 })
    }

    fn end(&mut self, range: std::ops::Range<usize>) -> Result<(), Stop> {
        let Some(Open { id, .. }) = self.open.pop() else { return Err(Stop) };
        self.merge(id)?;
        let mut weight = Weight { nodes: 1, height: 1 };
        let start = self.tree.loc(id).start;
        let mut end = if range.end > range.start { range.end as u32 } else { start };
        let add = |child: NodeId| {
            let of_child = self.weight(child);
            weight.nodes = weight.nodes.saturating_add(of_child.nodes);
            weight.height = weight.height.max(of_child.height.saturating_add(1));
            // A merged value may stand anywhere; only what is written inside counts for the range.
            let loc = self.tree.loc(child);
            if loc.start >= start && range.end <= range.start {
                end = end.max(loc.end);
            }
        };
        match self.tree.kind(id) {
            Kind::Sequence(elements) => elements.iter().copied().for_each(add),
            Kind::Mapping(entries) => entries.iter().flat_map(|(key, value)| [*key, *value]).for_each(add),
            Kind::Scalar(_) | Kind::Alias(_) => {}
        }
        let loc = Loc { file: self.tree.file, start, end };
        if weight.nodes > MOST_NODES {
            self.refuse(&TOO_LARGE, loc, format!("this expands to more than {MOST_NODES} nodes"));
            return Err(Stop);
        }
        if weight.height > MOST_DEPTH {
            self.refuse(&TOO_LARGE, loc, format!("this expands to more than {MOST_DEPTH} levels"));
            return Err(Stop);
        }
        if let Some(node) = self.tree.nodes.get_mut(id.0 as usize) {
            node.end = end.max(node.start);
        }
        if let Some(slot) = self.weights.get_mut(id.0 as usize) {
            *slot = weight;
        }
        Ok(())
    }

    /// Expands `<<: *anchor` and `<<: [*a, *b]`: entries whose key is not written in the map itself are added, from the
    /// first map that has them.
    fn merge(&mut self, id: NodeId) -> Result<(), Stop> {
        let entries = self.tree.entries(id).unwrap_or_default();
        let is_merge = |key: NodeId| self.tree.scalar(key).is_some_and(Scalar::is_merge);
        if !entries.iter().any(|(key, _)| is_merge(*key)) {
            return Ok(());
        }
        let (merges, mut merged): (Vec<_>, Vec<_>) = entries.iter().copied().partition(|(key, _)| is_merge(*key));
        let mut keys: HashSet<String> = merged.iter().map(|(key, _)| self.tree.text(*key).to_owned()).collect();
        for (_, value) in merges {
            let sources = match self.tree.kind(value) {
                Kind::Sequence(elements) => elements.clone(),
                Kind::Mapping(_) | Kind::Scalar(_) | Kind::Alias(_) => vec![value],
            };
            for source in sources {
                let Some(entries) = self.tree.entries(source) else {
                    let loc = self.tree.loc(source);
                    self.refuse(&UNSUPPORTED, loc, "`<<` must name a map or a list of maps".to_owned());
                    return Err(Stop);
                };
                self.merged = self.merged.saturating_add(entries.len() as u64);
                if self.merged > MOST_NODES {
                    let loc = self.tree.loc(source);
                    self.refuse(&TOO_LARGE, loc, format!("merge keys add more than {MOST_NODES} entries"));
                    return Err(Stop);
                }
                for (key, value) in entries {
                    if keys.insert(self.tree.text(*key).to_owned()) {
                        merged.push((*key, *value));
                    }
                }
            }
        }
        if let Some(Node { kind: Kind::Mapping(entries), .. }) = self.tree.nodes.get_mut(id.0 as usize) {
            *entries = merged;
        }
        Ok(())
    }
}
