//! Evidence in a claim of the token.

use super::{PieceEntry, texts};
use crate::diagnostic::Diagnostic;
use crate::families::decode::OneOrMany;
use crate::families::identity::scalar::ScalarWord;
use crate::lower::{Lowering, rules};
use crate::model::access::{ClaimEvidence, ClaimTest, Evidence, Scalar};
use crate::source::{Loc, Spanned};

impl PieceEntry {
    pub(super) fn of_claim(mut self, path: OneOrMany<Spanned<String>>, out: &mut Lowering, loc: Loc) -> Evidence {
        let at = path.0.first().map_or(loc, |part| part.loc);
        let path = texts(path);
        let written = self.separator.take().map(|text| (text.value.chars().next().unwrap_or(' '), text.loc));
        let split = matches!(path.as_slice(), [only] if only == "scope" || only == "scp");
        let separator = written.map(|(letter, _)| letter).or(split.then_some(' '));
        let contains = self.contains.take().map(|value| vec![value]);
        let values = contains.into_iter().chain(self.one_of.take());
        let tests: Vec<ClaimTest> = values
            .map(|found| ClaimTest::Contains(values_of(found, separator, out)))
            .chain(self.present.take().map(|_| ClaimTest::Present))
            .chain(self.differs_from.take().map(|other| ClaimTest::DiffersFrom(texts(other))))
            .collect();
        let scope = self.scope.take().map(|scope| scope.value);
        self.stray(out, loc, "claim");
        let test = match <[ClaimTest; 1]>::try_from(tests) {
            Ok([one]) => one,
            Err(tests) => {
                let name = path.join(".");
                let (message, help) = if tests.is_empty() {
                    (
                        format!("the claim `{name}` is not compared with anything, so any value of it would do"),
                        "write `contains`, `one_of` or `differs_from`; or `present: true`, if any value that is not empty will do",
                    )
                } else {
                    (
                        format!("the claim `{name}` is compared in {} ways", tests.len()),
                        "keep one of `contains`, `one_of`, `present` and `differs_from`; `all` joins several",
                    )
                };
                out.report.push(Diagnostic::new(&rules::EVIDENCE_WITHOUT_TEST, at, message).help(help));
                tests.into_iter().next().unwrap_or(ClaimTest::Present)
            }
        };
        if let Some((letter, separator)) = written
            && !matches!(test, ClaimTest::Contains(_))
        {
            let message =
                format!("a claim separated by `{letter}` is compared element by element, by `contains` or `one_of`");
            out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, separator, message));
        }
        // A scope that a token must have is the scope to ask for.
        let itself = match &test {
            ClaimTest::Contains(values) if split => match values.as_slice() {
                [Scalar::Text(text)] if !text.contains('{') => Some(text.clone()),
                _ => None,
            },
            ClaimTest::Contains(_) | ClaimTest::Is(_) | ClaimTest::Present | ClaimTest::DiffersFrom(_) => None,
        };
        Evidence::Claim(ClaimEvidence { path, test, separator, scope: scope.or(itself) })
    }
}

fn has_unknown_placeholder(text: &str) -> bool {
    let known = ["{server}", "{tool}", "{unit}"].iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
    known.contains(['{', '}'])
}

/// The values that a claim is compared with.
fn values_of(values: Vec<Spanned<ScalarWord>>, separator: Option<char>, out: &mut Lowering) -> Vec<Scalar> {
    let mut found = Vec::new();
    for Spanned { value: ScalarWord(value), loc } in values {
        if let Some(text) = value.as_text() {
            let message = if has_unknown_placeholder(text) {
                Some(format!("`{text}` holds a placeholder that is none of `{{server}}`, `{{tool}}` and `{{unit}}`"))
            } else if text.is_empty() {
                Some("an empty text never matches".to_owned())
            } else {
                let inside = separator.filter(|letter| text.contains(*letter));
                inside.map(|letter| {
                    format!("`{text}` holds the separator `{letter}`, so no element of the claim is this text")
                })
            };
            if let Some(message) = message {
                out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, loc, message));
            }
        }
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}
