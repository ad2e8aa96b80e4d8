//! Open files: their texts as the editor has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsp_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};

use super::position::{Encoding, Lines};
use super::uri::path_of;

/// An open file.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its URI, as the client writes it.
    pub uri: Uri,
    /// The number of its text.
    pub version: i32,
    /// Its text.
    pub text: String,
}

/// The open files by their paths. URIs of other schemes are left out.
#[derive(Debug, Default)]
pub struct Documents(BTreeMap<PathBuf, Document>);

impl Documents {
    /// Takes a file that was opened, and answers its path.
    pub fn open(&mut self, item: TextDocumentItem) -> Option<PathBuf> {
        let path = path_of(item.uri.as_str())?;
        self.0.insert(path.clone(), Document { uri: item.uri, version: item.version, text: item.text });
        Some(path)
    }

    /// Makes changes, one after the other, and answers the new text. `None` for a file that is not open.
    pub fn change(
        &mut self,
        path: &Path,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Option<&str> {
        let document = self.0.get_mut(path)?;
        document.version = version;
        for change in changes {
            let Some(range) = change.range else {
                document.text = change.text;
                continue;
            };
            let lines = Lines::new(&document.text, encoding);
            let (start, end) = (lines.offset(range.start), lines.offset(range.end));
            document.text.replace_range(start..end.max(start), &change.text);
        }
        Some(&document.text)
    }

    /// Forgets a file.
    pub fn close(&mut self, path: &Path) {
        self.0.remove(path);
    }

    /// An open file.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.0.get(path)
    }

    /// Every open file.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Document)> {
        self.0.iter().map(|(path, document)| (path.as_path(), document))
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use lsp_types::{Position, Range};

    use super::*;

    #[test]
    fn changes_are_made_in_order_wherever_they_point() {
        let mut documents = Documents::default();
        let uri = Uri::from_str("file:///a.yaml").unwrap();
        let item = TextDocumentItem::new(uri, "yaml".to_owned(), 1, "é😀: 1\nb: 2\n".to_owned());
        let path = documents.open(item).unwrap();
        let change = |from: (u32, u32), to: (u32, u32), text: &str| TextDocumentContentChangeEvent {
            range: Some(Range::new(Position::new(from.0, from.1), Position::new(to.0, to.1))),
            range_length: None,
            text: text.to_owned(),
        };
        let changes = vec![change((0, 3), (0, 3), "x"), change((1, 0), (2, 0), ""), change((9, 9), (1, 0), "end")];
        let text = documents.change(&path, 2, changes, Encoding::Utf16);
        assert_eq!(text, Some("é😀x: 1\nend"));
        let whole = TextDocumentContentChangeEvent { range: None, range_length: None, text: "new".to_owned() };
        assert_eq!(documents.change(&path, 3, vec![whole], Encoding::Utf16), Some("new"));
        documents.close(&path);
        assert!(documents.get(&path).is_none());
    }
}
