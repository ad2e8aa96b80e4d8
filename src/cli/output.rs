//! Standard output and standard error: colour, closed pipes, and how errors look.

mod drawn;

use std::ffi::OsString;
use std::io::{self, Write};

use drawn::drawn;

use crate::diagnostic::is_unprintable;
use crate::source::credential::redacted;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A stream that people or programs read.
///
/// A reader that has seen enough (`| head`) closes the pipe. That is not an error: the rest is dropped, and the run ends as if
/// it had been read.
pub struct Output<'a> {
    writer: &'a mut dyn Write,
    terminal: bool,
    color: bool,
    closed: bool,
}

impl<'a> Output<'a> {
    /// A stream over a writer.
    pub fn new(
        writer: &'a mut dyn Write,
        terminal: bool,
        choice: ColorChoice,
        env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Self {
        let mut output = Self { writer, terminal, color: false, closed: false };
        output.choose(choice, env);
        output
    }

    /// Decides on colour. `NO_COLOR` wins over `CLICOLOR_FORCE`; both only speak where the user did not.
    pub fn choose(&mut self, choice: ColorChoice, env: &dyn Fn(&str) -> Option<OsString>) {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        self.color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if set("NO_COLOR").is_some() => false,
            ColorChoice::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            ColorChoice::Auto => self.terminal && set("TERM").is_none_or(|value| value != "dumb"),
        };
    }

    /// Whether to write in colour.
    #[must_use]
    pub fn color(&self) -> bool {
        self.color
    }

    /// Whether a person watches it.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether nobody reads it any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Shows an error that has no place in a source: usage, input and output, the compiler's own.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn complain(&mut self, error: &dyn miette::Diagnostic) -> io::Result<()> {
        let plain = drawn(error, false);
        let safe = redacted(&plain);
        // A path or a quoted text may hold anything. Escaping is only possible where no colour codes are in between.
        if safe != plain || plain.chars().any(|c| c != '\n' && is_unprintable(c)) {
            let harmless: String = safe
                .chars()
                .flat_map(|c| if c != '\n' && is_unprintable(c) { c.escape_default().collect() } else { vec![c] })
                .collect();
            return self.write_all(harmless.as_bytes());
        }
        let text = if self.color { drawn(error, true) } else { plain };
        self.write_all(text.as_bytes())
    }

    fn forgive<T>(&mut self, result: io::Result<T>, otherwise: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(otherwise)
            }
            other => other,
        }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let written = self.writer.write(bytes);
        self.forgive(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.writer.flush();
        self.forgive(flushed, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error, miette::Diagnostic)]
    #[error("target `cedar` cannot be compiled")]
    #[diagnostic(code(target_not_compiled), help("nothing was written"))]
    struct Outer {
        #[source]
        #[diagnostic_source]
        cause: Inner,
    }

    #[derive(Debug, thiserror::Error, miette::Diagnostic)]
    #[error("unexpected token")]
    struct Inner {
        #[source_code]
        text: String,
        #[label("here")]
        at: miette::SourceSpan,
    }

    fn complained(text: &str, choice: ColorChoice) -> String {
        let mut written = Vec::new();
        let mut output = Output::new(&mut written, false, choice, &|_| None);
        let error = Outer { cause: Inner { text: text.to_owned(), at: (7, 3).into() } };
        output.complain(&error).unwrap();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn an_error_shows_its_code_its_cause_the_place_and_the_help() {
        let shown = complained("permit(foo)", ColorChoice::Never);
        let expected = [
            "error[target_not_compiled]:\n  × target `cedar`",
            "unexpected token",
            "permit(foo)",
            "here",
            "help: nothing was",
        ];
        let mut rest = shown.as_str();
        for part in expected {
            let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not, in order, in\n{shown}"));
            rest = after;
        }
        assert!(complained("permit(foo)", ColorChoice::Always).contains("\u{1b}["));
    }

    #[test]
    fn an_error_cannot_write_to_the_terminal() {
        for choice in [ColorChoice::Never, ColorChoice::Always] {
            let shown = complained("permit(\u{1b}[2J)", choice);
            assert!(!shown.contains('\u{1b}') && shown.contains("permit(\\u{1b}[2J)"), "{shown}");
        }
    }
}
