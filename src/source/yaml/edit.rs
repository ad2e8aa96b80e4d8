//! Changes to a tree that was read: for what is left of a section where a part of it is wrong.

use std::borrow::Cow;
use std::collections::HashSet;

use super::scalar::{Scalar, Style};
use super::{Node, NodeId, NodeKind, Tree};

impl<'s> Tree<'s> {
    /// Gives a key another name, wherever its map is used.
    pub fn rename(&mut self, key: NodeId, name: &str) {
        self.set(key, NodeKind::Scalar(Scalar::new(Cow::Owned(name.to_owned()), Style::Text)));
    }

    /// Reads a scalar as a string, whatever it looks like.
    pub fn read_as_text(&mut self, node: NodeId) {
        let text = self.text(node).to_owned();
        self.rename(self.target(node), &text);
    }

    /// Reads a scalar as a list of one.
    pub fn read_as_list(&mut self, node: NodeId) {
        let node = self.target(node);
        let Some(Node { start, end, kind }) = self.nodes.get_mut(node.0 as usize) else { return };
        let element = Node { start: *start, end: *end, kind: std::mem::replace(kind, NodeKind::Sequence(Vec::new())) };
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(element);
        self.set(node, NodeKind::Sequence(vec![id]));
    }

    /// Takes nodes out of every map and list at and below `root`, aliases followed. An entry goes with its key or its value.
    pub fn take_out(&mut self, root: NodeId, gone: &HashSet<NodeId>) {
        let mut left = vec![self.target(root)];
        let mut seen = HashSet::new();
        while let Some(node) = left.pop() {
            if !seen.insert(node) {
                continue;
            }
            match self.kind(node) {
                NodeKind::Sequence(elements) => {
                    let kept = elements.iter().copied().filter(|id| !gone.contains(&self.target(*id)));
                    let kept: Vec<NodeId> = kept.collect();
                    left.extend(kept.iter().map(|id| self.target(*id)));
                    self.set(node, NodeKind::Sequence(kept));
                }
                NodeKind::Mapping(entries) => {
                    let stays =
                        |(key, value): &(NodeId, NodeId)| !gone.contains(key) && !gone.contains(&self.target(*value));
                    let kept: Vec<(NodeId, NodeId)> = entries.iter().copied().filter(stays).collect();
                    left.extend(kept.iter().map(|(_, value)| self.target(*value)));
                    self.set(node, NodeKind::Mapping(kept));
                }
                NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
            }
        }
    }

    fn set(&mut self, node: NodeId, kind: NodeKind<'s>) {
        if let Some(node) = self.nodes.get_mut(node.0 as usize) {
            node.kind = kind;
        }
    }
}
