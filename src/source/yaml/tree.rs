//! The documents of a file: an arena of nodes, each with its place.

use super::scalar::Scalar;
use crate::source::{FileId, Loc};

/// A node by number, within one [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

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
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: NodeKind<'s>,
}

/// What a node is.
#[derive(Debug)]
pub enum NodeKind<'s> {
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
    pub(super) file: FileId,
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) documents: Vec<NodeId>,
    pub(super) whole: bool,
    pub(super) plain: bool,
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
            NodeKind::Alias(target) => target,
            NodeKind::Scalar(_) | NodeKind::Sequence(_) | NodeKind::Mapping(_) => id,
        }
    }

    /// What a node is, aliases followed.
    #[must_use]
    pub fn kind(&self, id: NodeId) -> &NodeKind<'s> {
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
            NodeKind::Mapping(entries) => Some(entries),
            NodeKind::Scalar(_) | NodeKind::Sequence(_) | NodeKind::Alias(_) => None,
        }
    }

    /// The elements of a sequence.
    #[must_use]
    pub fn elements(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.kind(id) {
            NodeKind::Sequence(elements) => Some(elements),
            NodeKind::Scalar(_) | NodeKind::Mapping(_) | NodeKind::Alias(_) => None,
        }
    }

    /// The elements of a list, each as a pair with itself, or the keys and values of a map: those that are written in its own
    /// text, so neither what an alias stands for nor what a merge key brings in.
    #[must_use]
    pub fn written(&self, id: NodeId) -> Vec<(NodeId, NodeId)> {
        let Loc { start, end, .. } = self.loc(id);
        let within = |(first, _): &(NodeId, NodeId)| (start..=end).contains(&self.loc(*first).start);
        match &self.node(id).kind {
            NodeKind::Sequence(elements) => elements.iter().map(|one| (*one, *one)).filter(within).collect(),
            NodeKind::Mapping(entries) => entries.iter().copied().filter(within).collect(),
            NodeKind::Scalar(_) | NodeKind::Alias(_) => Vec::new(),
        }
    }

    /// The byte range of what [`Tree::written`] gives: of a key and its value together.
    #[must_use]
    pub fn range(&self, (first, last): (NodeId, NodeId)) -> std::ops::Range<usize> {
        let (first, last) = (self.loc(first), self.loc(last));
        first.start as usize..last.end.max(first.end) as usize
    }

    /// Whether a collection is written between brackets, in the text that was read. The range of a list whose dashes are below its
    /// key begins at its first element, which may be one.
    #[must_use]
    pub fn is_flow(&self, text: &str, id: NodeId) -> bool {
        let range = self.range((id, id));
        let first = self.written(id).first().map(|first| self.range(*first).start);
        first.is_none_or(|first| first > range.start)
            && text.get(range).is_some_and(|text| text.starts_with(['[', '{']))
    }

    /// The scalar.
    #[must_use]
    pub fn scalar(&self, id: NodeId) -> Option<&Scalar<'s>> {
        match self.kind(id) {
            NodeKind::Scalar(scalar) => Some(scalar),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) | NodeKind::Alias(_) => None,
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
