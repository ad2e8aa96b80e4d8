//! The layout of `mcpctl fmt`, as edits of an open file.

use lsp_types::TextEdit;

use super::position::{Encoding, Lines};
use crate::source::yaml::layout::laid_out;

/// The edits that lay a text out; `None` for a text that cannot be laid out.
#[must_use]
pub fn formatted(text: &str, encoding: Encoding) -> Option<Vec<TextEdit>> {
    let after = laid_out(text)?;
    if after == text {
        return Some(Vec::new());
    }
    // What stays the same at both ends is left out, so that cursors there stay where they are.
    let same = |(a, b): &(char, char)| a == b;
    let head: usize = text.chars().zip(after.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old, new) = (text.get(head..)?, after.get(head..)?);
    let tail: usize = old.chars().rev().zip(new.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let lines = Lines::new(text, encoding);
    let new_text = new.get(..new.len() - tail)?.to_owned();
    Some(vec![TextEdit { range: lines.range(head..text.len() - tail), new_text }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_edited() {
        let edits = formatted("a: 1\nb:   é\nc: 2\n", Encoding::Utf16).unwrap();
        let [edit] = edits.as_slice() else { panic!("{edits:?}") };
        assert_eq!((edit.range.start.line, edit.range.end.line, edit.new_text.as_str()), (1, 1, ""));
        assert_eq!(formatted("a: 1\n", Encoding::Utf16), Some(Vec::new()));
        assert_eq!(formatted("a: [", Encoding::Utf16), None);
    }
}
