//! What aliases and merge keys add to a tree, and the limits of that.

use std::collections::HashSet;

use super::{Builder, Open, Stop};
use crate::source::Loc;
use crate::source::yaml::rules::{SYNTAX, TOO_LARGE, UNSUPPORTED};
use crate::source::yaml::scalar::Scalar;
use crate::source::yaml::tree::{Node, NodeId, NodeKind};
use crate::source::yaml::{MOST_DEPTH, MOST_NODES};

/// Expanded size and height of a node.
#[derive(Clone, Copy)]
pub(in crate::source::yaml) struct Weight {
    pub(in crate::source::yaml) nodes: u64,
    pub(super) height: u32,
}

impl<'s> Builder<'s, '_> {
    pub(super) fn alias(&mut self, anchor: usize, loc: Loc) -> Result<(), Stop> {
        let Some(target) = self.anchors.get(&anchor).copied() else {
            self.refuse(&SYNTAX, loc, "this alias names no anchor before it".to_owned());
            return Err(Stop);
        };
        if self.open.iter().any(|open| open.id == target) {
            self.refuse(&UNSUPPORTED, loc, "this alias is inside the value that it names".to_owned());
            return Err(Stop);
        }
        let target = self.tree.target(target);
        let id = self.push(loc.start, loc.end, NodeKind::Alias(target), 0);
        self.weights.pop();
        let weight = self.weight(target);
        self.weights.push(weight);
        self.place(id)
    }

    fn weight(&self, id: NodeId) -> Weight {
        self.weights.get(id.0 as usize).copied().unwrap_or(Weight { nodes: 1, height: 1 })
    }

    pub(super) fn end(&mut self, range: std::ops::Range<usize>) -> Result<(), Stop> {
        let Some(Open { id, .. }) = self.open.pop() else { return Err(Stop) };
        if self.merges {
            self.merge(id)?;
        }
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
            NodeKind::Sequence(elements) => elements.iter().copied().for_each(add),
            NodeKind::Mapping(entries) => entries.iter().flat_map(|(key, value)| [*key, *value]).for_each(add),
            NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
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
                NodeKind::Sequence(elements) => elements.clone(),
                NodeKind::Mapping(_) | NodeKind::Scalar(_) | NodeKind::Alias(_) => vec![value],
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
        if let Some(Node { kind: NodeKind::Mapping(entries), .. }) = self.tree.nodes.get_mut(id.0 as usize) {
            *entries = merged;
        }
        Ok(())
    }
}
