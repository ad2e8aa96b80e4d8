//! Which keys a section uses, so that a target can say for each what it does not express.

use std::collections::HashMap;

use crate::source::Loc;
use crate::source::yaml::{NodeId, Tree};

/// The keys in use, by path, with the first place of each.
pub type Keys = HashMap<String, Loc>;

/// Maps whose keys are chosen by people; what stands below them is not listed key by key.
const FREE_FORM: [&str; 3] = ["labels", "requirements", "input_schema"];

/// Adds the path of every key below a node with the first place it is used. Elements of lists, and of lists of one-key
/// maps, share a path: `resource_pools[].resources.cpu_cores`.
pub fn collect(tree: &Tree<'_>, body: NodeId, keys: &mut Keys) {
    walk(tree, body, &mut String::new(), keys);
}

fn walk(tree: &Tree<'_>, node: NodeId, path: &mut String, keys: &mut Keys) {
    let length = path.len();
    if let Some(entries) = tree.entries(node) {
        for (key, value) in entries {
            let name = tree.text(*key);
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            if !keys.contains_key(path.as_str()) {
                keys.insert(path.clone(), tree.loc(*key));
            }
            if !(FREE_FORM.contains(&name) && tree.entries(*value).is_some()) {
                walk(tree, *value, path, keys);
            }
            path.truncate(length);
        }
    } else if let Some(elements) = tree.elements(node) {
        path.push_str("[]");
        for element in elements {
            walk(tree, *element, path, keys);
        }
        path.truncate(length);
    }
}
