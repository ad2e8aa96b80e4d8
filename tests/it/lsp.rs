//! The language server, as a process that a client talks to.

mod client;
mod findings;
mod large;
mod navigate;
mod writing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use client::{Client, uri};

/// A workspace on the disk, and an editor that has its folder open.
struct Editor {
    folder: tempfile::TempDir,
    client: Client,
    open: BTreeMap<String, (i32, String)>,
}

impl Editor {
    /// With these files, and a client that offers nothing beyond the protocol's defaults.
    fn with(files: &[(&str, &str)]) -> Self {
        Self::that_offers(&json!({}), files)
    }

    fn that_offers(capabilities: &Value, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self::of(folder, capabilities)
    }

    /// With a copy of a folder of the fixtures.
    fn copy_of(fixture: &str, capabilities: &Value) -> Self {
        let from = crate::checks::fixtures().join(fixture);
        let folder = tempfile::tempdir().unwrap();
        for entry in walkdir::WalkDir::new(&from).into_iter().map(Result::unwrap) {
            let to = folder.path().join(entry.path().strip_prefix(&from).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(to).unwrap();
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
        Self::of(folder, capabilities)
    }

    fn of(folder: tempfile::TempDir, capabilities: &Value) -> Self {
        let mut client = Client::start(&[], folder.path());
        client.initialize(folder.path(), capabilities);
        Self { folder, client, open: BTreeMap::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn uri(&self, name: &str) -> String {
        uri(&self.path(name))
    }

    /// The text of a file: as it is open, or on the disk.
    fn text(&self, name: &str) -> String {
        match self.open.get(name) {
            Some((_, text)) => text.clone(),
            None => std::fs::read_to_string(self.path(name)).unwrap(),
        }
    }

    fn open(&mut self, name: &str) {
        let text = self.text(name);
        self.open_as(name, &text);
    }

    /// Opens a file with another text than the one on the disk, if there is one.
    fn open_as(&mut self, name: &str, text: &str) {
        let document = json!({"uri": self.uri(name), "languageId": "yaml", "version": 1, "text": text});
        self.open.insert(name.to_owned(), (1, text.to_owned()));
        self.client.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Replaces the whole text of an open file.
    fn change(&mut self, name: &str, text: &str) {
        let (version, known) = self.open.get_mut(name).unwrap();
        *version += 1;
        *known = text.to_owned();
        let document = json!({"uri": uri(&self.folder.path().join(name)), "version": *version});
        let params = json!({"textDocument": document, "contentChanges": [{"text": text}]});
        self.client.notify("textDocument/didChange", params);
    }

    fn close(&mut self, name: &str) {
        self.open.remove(name);
        let params = json!({"textDocument": {"uri": self.uri(name)}});
        self.client.notify("textDocument/didClose", params);
    }

    /// The place of the first `needle` in a file, so many bytes further on: the line, and the column in UTF-16.
    fn place(&self, name: &str, needle: &str, further: usize) -> Value {
        let text = self.text(name);
        position(&text, text.find(needle).unwrap_or_else(|| panic!("{needle} in {text}")) + further)
    }

    /// Asks about a place.
    fn ask_at(&mut self, method: &str, name: &str, position: &Value) -> Result<Value, Value> {
        let params = json!({"textDocument": {"uri": self.uri(name)}, "position": position});
        self.client.request(method, params)
    }

    /// What is published of a file when everything before is done.
    fn findings(&mut self, name: &str) -> Vec<Value> {
        self.settle();
        self.client.published.get(&self.uri(name)).cloned().unwrap_or_default()
    }

    /// Waits until what was said is taken in: a request is answered after it.
    fn settle(&mut self) {
        if let Some(name) = self.open.keys().next().cloned() {
            let _ = self.ask_at("textDocument/definition", &name, &json!({"line": 0, "character": 0}));
        }
    }

    /// The checks of the findings in a file.
    fn codes(&mut self, name: &str) -> Vec<String> {
        self.findings(name).iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    }
}

/// A byte as a place in UTF-16.
fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
    json!({"line": line, "character": column})
}

/// The byte of a place in UTF-16.
fn offset(text: &str, position: &Value) -> usize {
    let line = position["line"].as_u64().unwrap() as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let mut left = position["character"].as_u64().unwrap() as usize;
    let mut at = start;
    for c in text[start..].chars() {
        if left == 0 {
            break;
        }
        left -= c.len_utf16();
        at += c.len_utf8();
    }
    at
}

/// The text of a range.
fn text_at<'t>(text: &'t str, range: &Value) -> &'t str {
    &text[offset(text, &range["start"])..offset(text, &range["end"])]
}

/// A text with edits of the protocol made.
fn edited(text: &str, edits: &[Value]) -> String {
    let mut edits: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (offset(text, &range["start"]), offset(text, &range["end"]), edit["newText"].as_str().unwrap())
        })
        .collect();
    edits.sort();
    let mut result = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        result.replace_range(start..end, new);
    }
    result
}

/// The findings of `mcpctl validate` in a folder, as check and message.
fn validated(folder: &Path) -> Vec<(String, String)> {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mcpctl"))
        .args(["validate", "--format", "json", "--quiet"])
        .arg(folder)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let found = report["diagnostics"].as_array().unwrap().iter();
    found.map(|finding| (text(finding, "check"), text(finding, "message"))).collect()
}
