//! Expressions by their texts. Parsing takes long, so the parts of `a && b && c` are told apart by a look at the text, and
//! each is parsed once, wherever it stands.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::Expression;
use crate::lift::LiftError;

/// Parts of expressions by their texts.
#[derive(Debug, Default)]
pub struct Parsed<'t>(BTreeMap<&'t str, Expression>);

impl<'t> Parsed<'t> {
    /// Parses all of them.
    ///
    /// # Errors
    /// Those of [`Expression::parse`], the first by the text of the part.
    pub fn of(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, LiftError> {
        let parts: BTreeSet<&str> = texts.into_iter().collect::<BTreeSet<_>>().into_iter().flat_map(parts).collect();
        let parts: Vec<&str> = parts.into_iter().collect();
        let parsed: Vec<_> = parts.par_iter().map(|part| Expression::parse(part)).collect();
        let parsed = parsed.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Self(parts.into_iter().zip(parsed).collect()))
    }

    /// One of them.
    ///
    /// # Errors
    /// Where it is none of them, and no expression.
    pub fn get(&self, text: &str) -> Result<Expression, LiftError> {
        let known = |part| self.0.get(part).map_or_else(|| Expression::parse(part), |parsed| Ok(parsed.clone()));
        parts(text).into_iter().map(known).collect::<Result<_, _>>().map(Expression::all_of)
    }
}

/// The texts that a text joins by `&&`. A text in which something else may bind less tightly, or that is written in a way of
/// which this knows nothing, is one part.
fn parts(text: &str) -> Vec<&str> {
    let whole = vec![text];
    let (mut found, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    let mut letters = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, letter)) = letters.next() {
        match letter {
            // A letter before it makes it another kind of text, and two of them may be the start of a longer mark.
            '"' if before.is_alphanumeric() || before == '"' => return whole,
            '"' => loop {
                match letters.next() {
                    Some((_, '\\')) => drop(letters.next()),
                    Some((_, '"')) => break,
                    Some(_) => {}
                    None => return whole,
                }
            },
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return whole,
            },
            '\'' | '/' => return whole,
            '?' | '|' if depth == 0 => return whole,
            '&' if depth == 0 => match letters.next() {
                Some((second, '&')) => {
                    found.extend(text.get(start..at));
                    start = second + 1;
                }
                _ => return whole,
            },
            _ => {}
        }
        before = letter;
    }
    if depth > 0 {
        return whole;
    }
    found.extend(text.get(start..));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_apart_where_the_parser_would_take_it_apart() {
        let join = |texts: &[&str]| texts.join(" && ");
        for (text, expected) in [
            (join(&["a", "b.c in [\"x && y\", \"\\\"&&\"]", "(c || d && e)"]), 3),
            (join(&["a", "!(b && c)"]), 2),
            (join(&["(a ? b : c) in [\"?\"]", "d"]), 2),
            ("a || b && c".to_owned(), 1),
            ("a ? b && c : d".to_owned(), 1),
            ("a && b == 'x && y'".to_owned(), 1),
            ("a && b == r\"\\\" && c".to_owned(), 1),
            ("a && b == \"\"\"x\" && y\"\"\"".to_owned(), 1),
            ("a // b && c\n && d".to_owned(), 1),
            ("a && b)".to_owned(), 1),
            ("a && (b".to_owned(), 1),
            ("a && \"b".to_owned(), 1),
            ("a & b".to_owned(), 1),
            (String::new(), 1),
        ] {
            assert_eq!(parts(&text).len(), expected, "{text}");
        }
    }

    #[test]
    fn parts_come_to_what_the_whole_comes_to() {
        let atoms = [
            "jwt.a == \"x && y\"",
            "!(jwt.b in [null, \"\", [], {}])",
            "(jwt.c == \"1\" || jwt.d == \"2\" && jwt.e == \"(\")",
            "mcp.tool.name in [\"a\\\"b\", \"c\"]",
            "(\"act\" in jwt ? jwt.act.sub : jwt.sub) in [\"]\", \"\"]",
            "json(request.body).method.startsWith(\"notifications/\")",
        ];
        for number in 0..1_usize << (2 * atoms.len()) {
            let chosen: Vec<&str> = (0..atoms.len())
                .filter(|at| number >> (2 * at) & 3 == 1)
                .filter_map(|at| atoms.get(at).copied())
                .collect();
            if chosen.len() < 2 {
                continue;
            }
            for joint in [" && ", "&&", "  &&\n"] {
                let text = chosen.join(joint);
                let parsed = Parsed::of([text.as_str()]).unwrap().get(&text).unwrap();
                assert_eq!(parsed, Expression::parse(&text).unwrap(), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_expression_is_none_in_parts_either() {
        for text in ["a && ", "&& a", "a && && b", "", "a &&& b", "a && b)", "a ++ b && c"] {
            assert!(Expression::parse(text).is_err(), "{text}");
            assert!(Parsed::of([text]).is_err(), "{text}");
            assert!(Parsed::default().get(text).is_err(), "{text}");
        }
    }
}
