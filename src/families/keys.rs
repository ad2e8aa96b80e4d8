//! Which keys a section uses, so that a target can say for each what it does not express.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::source::Loc;
use crate::source::yaml::{NodeId, Tree};

/// Maps whose keys are chosen by people; what stands below them is not listed key by key.
const FREE_FORM: [&str; 3] = ["labels", "requirements", "input_schema"];

/// The keys in use, each with the first place it is used: of a map its keys and what stands below each, of a list what
/// stands in all its elements together.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    below: IndexMap<String, (Loc, Keys), RandomState>,
    elements: Option<Box<Keys>>,
}

impl Keys {
    /// Adds every key below a node.
    pub fn add(&mut self, tree: &Tree<'_>, node: NodeId) {
        if let Some(entries) = tree.entries(node) {
            for (key, value) in entries {
                let name = tree.text(*key);
                let new = || (tree.loc(*key), Self::default());
                let (_, inside) = match self.below.get_mut(name) {
                    Some(known) => known,
                    None => self.below.entry(name.to_owned()).or_insert_with(new),
                };
                if !(FREE_FORM.contains(&name) && tree.entries(*value).is_some()) {
                    inside.add(tree, *value);
                }
            }
        } else if let Some(elements) = tree.elements(node) {
            let inside = self.elements.get_or_insert_default();
            elements.iter().for_each(|element| inside.add(tree, *element));
        }
    }

    /// The path of every key with its place. Elements of lists, and of lists of one-key maps, share a path:
    /// `resource_pools[].resources.cpu_cores`.
    #[must_use]
    pub fn into_paths(self) -> Vec<(String, Loc)> {
        let mut paths = Vec::new();
        self.list(&mut String::new(), &mut paths);
        paths
    }

    fn list(self, path: &mut String, paths: &mut Vec<(String, Loc)>) {
        let length = path.len();
        for (name, (loc, inside)) in self.below {
            if length > 0 {
                path.push('.');
            }
            path.push_str(&name);
            paths.push((path.clone(), loc));
            inside.list(path, paths);
            path.truncate(length);
        }
        if let Some(inside) = self.elements {
            path.push_str("[]");
            inside.list(path, paths);
            path.truncate(length);
        }
    }
}
