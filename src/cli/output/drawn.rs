//! An error as it is drawn: what is wrong, what caused it, the place in a text where the error has one, and what helps.

use std::error::Error;
use std::fmt::Write;

use miette::{Diagnostic, LabeledSpan, SourceCode};

/// What colours a part: red for what is wrong, cyan for what helps.
#[derive(Clone, Copy)]
enum Paint {
    Red = 31,
    Cyan = 36,
}

/// Something behind an error.
#[derive(Clone, Copy)]
enum Cause<'e> {
    /// It may have a place and a help of its own.
    Told(&'e dyn Diagnostic),
    /// It has a text alone.
    Plain(&'e (dyn Error + 'static)),
}

impl<'e> Cause<'e> {
    fn of(error: &'e dyn Diagnostic) -> Option<Self> {
        error.diagnostic_source().map(Cause::Told).or_else(|| error.source().map(Cause::Plain))
    }

    fn next(self) -> Option<Self> {
        match self {
            Cause::Told(error) => Cause::of(error),
            Cause::Plain(error) => error.source().map(Cause::Plain),
        }
    }
}

/// An error, below a line with its code.
pub(super) fn drawn(error: &dyn Diagnostic, colored: bool) -> String {
    let code = error.code().map(|code| format!("[{code}]")).unwrap_or_default();
    let body = Drawn { colored }.body(error, None, true);
    format!("error{code}:\n{body}")
}

struct Drawn {
    colored: bool,
}

impl Drawn {
    fn paint(&self, paint: Paint, text: &str) -> String {
        if self.colored { format!("\u{1b}[{}m{text}\u{1b}[0m", paint as u8) } else { text.to_owned() }
    }

    /// `source` is the text that the places of an outer error are in.
    fn body(&self, error: &dyn Diagnostic, source: Option<&dyn SourceCode>, with_causes: bool) -> String {
        let source = error.source_code().or(source);
        let [first, rest] = ["×", "│"].map(|sign| format!("  {} ", self.paint(Paint::Red, sign)));
        let mut out = indented(&error.to_string(), &first, &rest);
        let causes = std::iter::successors(Cause::of(error).filter(|_| with_causes), |cause| cause.next());
        let mut causes = causes.peekable();
        while let Some(cause) = causes.next() {
            let [first, rest] =
                if causes.peek().is_some() { ["  ├─▶ ", "  │   "] } else { ["  ╰─▶ ", "      "] };
            let text = match cause {
                Cause::Told(error) => coded(error) + &self.body(error, source, false),
                Cause::Plain(error) => error.to_string(),
            };
            out.push_str(&indented(&text, &self.paint(Paint::Red, first), &self.paint(Paint::Red, rest)));
        }
        let mut labels: Vec<LabeledSpan> = error.labels().into_iter().flatten().collect();
        labels.sort_by_key(LabeledSpan::offset);
        for label in labels {
            // What a place says is said without it, too.
            let alone = || indented(label.label().unwrap_or_default(), "  ", "  ");
            out.push_str(&source.and_then(|source| self.place(&label, source)).unwrap_or_else(alone));
        }
        if let Some(help) = error.help() {
            out.push_str(&indented(&help.to_string(), &self.paint(Paint::Cyan, "  help: "), "        "));
        }
        for related in error.related().into_iter().flatten() {
            let code = related.code().map(|code| format!("{code}\n")).unwrap_or_default();
            let _ = write!(out, "\nError: {code}\n{}", self.body(related, source, true));
        }
        out
    }

    /// The line that a label begins on, with a mark below it.
    fn place(&self, label: &LabeledSpan, source: &dyn SourceCode) -> Option<String> {
        let contents = source.read_span(label.inner(), 1, 1).ok()?;
        let around = String::from_utf8_lossy(contents.data());
        let (before, after) = around.split_at_checked(label.offset().checked_sub(contents.span().offset())?)?;
        let (line, column) = (contents.line() + before.matches('\n').count() + 1, before.lines().last());
        let column = column.filter(|_| !before.ends_with('\n')).unwrap_or_default();
        let after = after.split('\n').next().unwrap_or_default();
        let marked = after.get(..label.len()).unwrap_or(after).chars().count().max(1);
        let margin = " ".repeat(line.to_string().len());
        let mark = " ".repeat(column.chars().count()) + &self.paint(Paint::Red, &"─".repeat(marked));
        let text = label.label().unwrap_or_default();
        Some(format!(
            " {margin} ╭─[{line}:{}]\n {line} │ {column}{after}\n {margin} · {mark} {text}\n {margin} ╰────\n",
            column.chars().count() + 1
        ))
    }
}

/// The code of an error that another one holds, on a line of its own.
fn coded(error: &dyn Diagnostic) -> String {
    error.code().map(|code| format!("{code}\n\n")).unwrap_or_default()
}

/// A text behind one indent, and its other lines behind another.
fn indented(text: &str, first: &str, rest: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.split_terminator('\n').enumerate() {
        let indent = if index == 0 { first } else { rest };
        out.push_str(if line.trim().is_empty() { indent.trim_end() } else { indent });
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error, miette::Diagnostic)]
    #[error("cannot read\nthe folder")]
    #[diagnostic(code("unreadable"), help("look\nagain"))]
    struct Outer {
        source: Middle,
        #[related]
        said: Vec<Inner>,
    }

    #[derive(Debug, thiserror::Error, miette::Diagnostic)]
    #[error("no line")]
    struct Middle(#[source] std::fmt::Error);

    #[derive(Debug, thiserror::Error, miette::Diagnostic)]
    #[error("unexpected")]
    #[diagnostic(code("unexpected"))]
    struct Inner {
        #[source_code]
        text: &'static str,
        #[label("here")]
        at: miette::SourceSpan,
    }

    #[test]
    fn what_a_label_says_is_not_lost_with_its_place() {
        let inner = Inner { text: "short", at: (60, 3).into() };
        assert_eq!(drawn(&inner, false), "error[unexpected]:\n  × unexpected\n  here\n");
    }

    #[test]
    fn causes_places_and_help_are_below_each_other() {
        let said = vec![Inner { text: "one\ntwo x\nthree", at: (6, 3).into() }];
        let shown = drawn(&Outer { source: Middle(std::fmt::Error), said }, false);
        let expected = "\
error[unreadable]:
  × cannot read
  │ the folder
  ├─▶ no line
  ╰─▶ an error occurred when formatting an argument
  help: look
        again

Error: unexpected

  × unexpected
   ╭─[2:3]
 2 │ two x
   ·   ─── here
   ╰────
";
        assert_eq!(shown, expected);
    }
}
