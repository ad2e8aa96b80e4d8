//! Documentation text for a terminal.

use std::borrow::Cow;

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Widest line of prose, in columns.
const WIDTH: usize = 88;

/// Breaks paragraphs into lines, each behind `indent`. Indented lines, list items and fenced code keep their line breaks.
#[must_use]
pub fn wrap(text: &str, indent: &str) -> String {
    let (mut lines, mut words) = (Vec::new(), Vec::new());
    let mut fenced = false;
    for source in text.trim_end().lines() {
        let line = source.trim();
        let fence = line.starts_with("```");
        let kept = fenced || fence || source.starts_with("    ") || source.starts_with('|') || line.is_empty();
        fenced ^= fence;
        if kept || line.starts_with("- ") {
            fill(&mut words, indent, &mut lines);
        }
        if kept {
            lines.push(if line.is_empty() { String::new() } else { format!("{indent}{source}") });
        } else {
            words.extend(line.split_whitespace());
        }
    }
    fill(&mut words, indent, &mut lines);
    lines.join("\n")
}

/// Makes lines of the words of a paragraph or of a list item, whose later lines hang.
fn fill(words: &mut Vec<&str>, indent: &str, lines: &mut Vec<String>) {
    let hanging = if words.first() == Some(&"-") { "  " } else { "" };
    let hanging = format!("{indent}{hanging}");
    let options = Options::new(WIDTH)
        .initial_indent(indent)
        .subsequent_indent(&hanging)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    if !words.is_empty() {
        lines.extend(textwrap::wrap(&words.join(" "), options).into_iter().map(Cow::into_owned));
        words.clear();
    }
}

/// The first sentence, for tables.
#[must_use]
pub fn first_sentence(text: &str) -> &str {
    let paragraph = text.split("\n\n").next().unwrap_or(text).trim();
    paragraph.find(". ").map_or(paragraph, |end| paragraph.get(..=end).unwrap_or(paragraph)).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_filled_and_code_is_not() {
        let words = "word ".repeat(30);
        let item = "item ".repeat(20);
        let text = format!("{words}\nend.\n\n- {item}\n- two\n\n```yaml\na:\n  b: 1\n```\n");
        let wrapped = wrap(&text, "  ");
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH), "{wrapped}");
        assert!(wrapped.ends_with("\n    item item item\n  - two\n\n  ```yaml\n  a:\n    b: 1\n  ```"), "{wrapped}");
    }

    #[test]
    fn the_first_sentence_ends_at_its_stop() {
        assert_eq!(first_sentence("Finds `a.b` twice. Then more."), "Finds `a.b` twice");
        assert_eq!(first_sentence("All there is.\n\nMore."), "All there is");
    }
}
