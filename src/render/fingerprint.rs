//! What tells one finding from another, wherever its section is moved: the check, the path of the value in its section and the
//! message. Neither the file nor the line is part of it.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::diagnostic::Diagnostic;
use crate::source::yaml::{self, NodeId, Tree};
use crate::source::{FileId, Loc, Sources};

/// Which way of making fingerprints this is. A baseline of another way is not comparable.
pub const VERSION: u32 = 1;

/// The keys that name an item of a list, the first one that is there.
const NAMES: [&str; 6] = ["name", "id", "level", "server", "tool", "check"];

/// A fingerprint for each finding, 32 hexadecimal digits. Findings that nothing tells apart have the same one.
#[must_use]
pub fn fingerprints<'a>(sources: &Sources, findings: impl Iterator<Item = &'a Diagnostic>) -> Vec<String> {
    let findings: Vec<&Diagnostic> = findings.collect();
    let mut of_files: BTreeMap<FileId, Vec<usize>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        of_files.entry(finding.loc.file).or_default().push(index);
    }
    let mut made = vec![String::new(); findings.len()];
    for (file, indices) in of_files {
        let source = sources.file(file);
        // A file of another language is one long scalar at most, and its findings are told apart by their messages.
        let tree = yaml::parse(file, source, &mut Vec::new());
        for index in indices {
            let Some((finding, made)) = findings.get(index).zip(made.get_mut(index)) else { continue };
            *made = of(&[finding.rule.name, &path(&tree, finding.loc), &finding.message]);
        }
    }
    made
}

/// The fingerprint of what these parts describe.
#[must_use]
pub fn of(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Where a place is in the sections of its file: keys, and items of lists by their names: `mcp_registry/servers/crm/url`.
fn path(tree: &Tree<'_>, loc: Loc) -> String {
    let holds = |id: NodeId| {
        let at = tree.loc(id);
        at.start <= loc.start && loc.start < at.end.max(at.start + 1)
    };
    let mut path = String::new();
    let mut next = tree.documents().iter().copied().find(|document| holds(*document));
    while let Some(node) = next {
        next = None;
        if let Some(entries) = tree.entries(node) {
            let Some((key, value)) = entries.iter().copied().find(|(key, value)| holds(*key) || holds(*value)) else {
                break;
            };
            path.push('/');
            path.push_str(tree.text(key));
            next = holds(value).then_some(value);
        } else if let Some((index, item)) =
            tree.elements(node).into_iter().flatten().copied().enumerate().find(|(_, item)| holds(*item))
        {
            path.push('/');
            let name = NAMES.iter().find_map(|key| tree.get(item, key)).map_or("", |(_, value)| tree.text(value));
            match (name, tree.text(item)) {
                ("", "") => path.push_str(&index.to_string()),
                ("", text) | (text, _) => path.push_str(text),
            }
            next = Some(item);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn path_of(text: &str, part: &str) -> String {
        let file = SourceFile::new("a.yaml", text);
        let start = text.find(part).unwrap() as u32;
        let tree = yaml::parse(FileId(0), &file, &mut Vec::new());
        path(&tree, Loc { file: FileId(0), start, end: start + part.len() as u32 })
    }

    #[test]
    fn a_place_has_the_path_of_its_key_and_items_their_names() {
        let text =
            "a: 1\n---\nmcp_registry:\n  servers:\n    - name: crm\n      url: x\n    - {url: y}\n  list: [one, two]\n";
        assert_eq!(path_of(text, "a:"), "/a");
        assert_eq!(path_of(text, "mcp_registry"), "/mcp_registry");
        assert_eq!(path_of(text, "crm"), "/mcp_registry/servers/crm/name");
        assert_eq!(path_of(text, "url: x"), "/mcp_registry/servers/crm/url");
        assert_eq!(path_of(text, "y}"), "/mcp_registry/servers/1/url");
        assert_eq!(path_of(text, "two"), "/mcp_registry/list/two");
    }

    #[test]
    fn a_file_that_is_no_yaml_has_no_path() {
        assert_eq!(path_of("permit(principal, action, resource);", "action"), "");
        assert_eq!(path_of("", ""), "");
    }
}
