//! The comments of a file. They carry no meaning, but for those that speak to mcpctl itself.

use std::ops::Range;

use granit_parser::{Event, Options, Parser};

/// The byte range of each comment, from its `#` to the end of its line, in order. A `#` in a quoted text or a block of text begins
/// none. Of a file with a syntax error, those before it.
#[must_use]
pub fn comments(text: &str) -> Vec<Range<usize>> {
    let mut options = Options::default();
    options.set_emit_comments(true);
    Parser::new_from_str_with_options(text, options)
        .map_while(Result::ok)
        .filter(|(event, _)| matches!(event, Event::Comment(..)))
        .filter_map(|(_, span)| span.byte_range())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_yaml_takes_for_a_comment_is_one() {
        let text = "# first\na: b # second é\nc: 'x # no'\nd: |\n  # no\n\n# third\ne: x#no\n\t# fourth\nf: \"\\\n # no\"\n# last";
        let found: Vec<&str> = comments(text).into_iter().filter_map(|range| text.get(range)).collect();
        assert_eq!(found, ["# first", "# second é", "# third", "# fourth", "# last"]);
    }

    #[test]
    fn those_before_a_fault_are_given() {
        let text = "a: b # one\nc: [ # two\n]: ]\n# never\n";
        let found: Vec<&str> = comments(text).into_iter().filter_map(|range| text.get(range)).collect();
        assert_eq!(found, ["# one", "# two"]);
    }
}
