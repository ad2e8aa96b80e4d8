//! Changes of files, as a client makes them.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::position::Lines;
use super::view::View;
use crate::source::FileId;

/// A replacement of bytes of a file.
pub type Replaced = (FileId, Range<usize>, String);

/// Some replacements as an edit of a workspace: with the versions of open files, where the client takes them.
#[must_use]
pub fn workspace_edit(view: &View<'_>, versioned: bool, replaced: &[Replaced]) -> Value {
    let mut files: BTreeMap<FileId, Vec<Value>> = BTreeMap::new();
    for (file, range, text) in replaced {
        let lines = Lines::new(view.analysis.sources.file(*file).text(), view.encoding);
        let edit = json!({ "range": lines.range(range.clone()), "newText": text });
        files.entry(*file).or_default().push(edit);
    }
    let files = files.into_iter().filter_map(|(file, edits)| Some((file, view.uri(file)?, edits)));
    if versioned {
        let changes: Vec<Value> = files
            .map(|(file, uri, edits)| {
                let path = view.project.path_of(view.analysis.sources.file(file).name());
                let version = view.documents.get(&path).map(|document| document.version);
                json!({ "textDocument": { "uri": uri, "version": version }, "edits": edits })
            })
            .collect();
        return json!({ "documentChanges": changes });
    }
    let changes: Map<String, Value> = files.map(|(_, uri, edits)| (uri.as_str().to_owned(), edits.into())).collect();
    json!({ "changes": changes })
}
