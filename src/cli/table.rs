//! Aligned columns for people.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::diagnostic::one_line;

/// Writes a head and rows, each column as wide as its widest cell.
///
/// # Errors
/// Those of the writer.
pub fn write(head: &[&str], rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    let head: Vec<String> = head.iter().map(|cell| cell.to_uppercase()).collect();
    let lines: Vec<Vec<String>> =
        std::iter::once(&head).chain(rows).map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let mut widths = vec![0; head.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.width().max(*width);
        }
    }
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| padded(cell, *width)).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// A text and as many spaces as fill a column.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::write;

    #[test]
    fn columns_are_as_wide_as_what_a_terminal_shows() {
        let mut out = Vec::new();
        let rows = [["名前", "1"], ["cafe\u{301}", "2"]].map(|row| row.map(str::to_owned).to_vec());
        write(&["name", "n"], &rows, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "NAME  N\n名前  1\ncafe\u{301}  2\n");
    }
}
