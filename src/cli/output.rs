//! Standard output and standard error: colour, closed pipes, and how errors look.

use std::ffi::OsString;
use std::io::{self, Write};

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::diagnostic::is_unprintable;

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
/// A reader that has seen enough (`| head`) closes the pipe. That is no error: the rest is dropped, and the run ends as if
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

    /// Shows an error that has no place in a source: usage, input and output, the compiler's own.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn complain(&mut self, error: &dyn miette::Diagnostic) -> io::Result<()> {
        let plain = draw(error, GraphicalTheme::unicode_nocolor())?;
        // A path or a quoted text may hold anything. Escaping is only possible where no colour codes are in between.
        if plain.chars().any(|c| c != '\n' && is_unprintable(c)) {
            let harmless: String = plain
                .chars()
                .flat_map(|c| if c != '\n' && is_unprintable(c) { c.escape_default().collect() } else { vec![c] })
                .collect();
            return self.write_all(harmless.as_bytes());
        }
        let text = if self.color { draw(error, GraphicalTheme::unicode())? } else { plain };
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

fn draw(error: &dyn miette::Diagnostic, theme: GraphicalTheme) -> io::Result<String> {
    let mut text = String::from("error:\n");
    GraphicalReportHandler::new_themed(theme)
        .with_wrap_lines(false)
        .with_links(false)
        .render_report(&mut text, error)
        .map_err(io::Error::other)?;
    // The handler leaves an empty line in front where there is no code to show.
    Ok(text.replacen("error:\n\n", "error:\n", 1))
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
