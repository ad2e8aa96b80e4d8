//! Documentation text for a terminal.

/// Widest line of prose, in characters.
const WIDTH: usize = 88;

/// Breaks paragraphs into lines, each behind `indent`. Indented lines, list items and fenced code keep their line breaks.
#[must_use]
pub fn wrap(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut open = false;
    let mut fenced = false;
    let mut hanging = "";
    for source in text.trim_end().lines() {
        let fence = source.trim_start().starts_with("```");
        let kept = fenced || fence || source.starts_with("    ") || source.starts_with('|');
        fenced ^= fence;
        if kept || source.trim().is_empty() {
            lines.push(if source.trim().is_empty() { String::new() } else { format!("{indent}{source}") });
            open = false;
            continue;
        }
        let starts_item = source.trim_start().starts_with("- ");
        if starts_item || !open {
            hanging = if starts_item { "  " } else { "" };
        }
        for (number, word) in source.split_whitespace().enumerate() {
            let fits = |line: &String| line.chars().count() + 1 + word.chars().count() <= WIDTH;
            match lines.last_mut() {
                Some(line) if open && !(starts_item && number == 0) && fits(line) => {
                    line.push(' ');
                    line.push_str(word);
                }
                Some(_) | None if starts_item && number == 0 => lines.push(format!("{indent}{word}")),
                Some(_) | None => lines.push(format!("{indent}{hanging}{word}")),
            }
            open = true;
        }
    }
    lines.join("\n")
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
