//! `--format github`: what a change does to access as annotations, each at the line that causes it. A line that only the base
//! has is marked as such: the head has other text there, or none.

use std::io::{self, Write};

use super::results::{Found, found};
use super::view::View;
use crate::diagnostic::one_line;
use crate::render::github::Annotation;
use crate::review::access::Which;

/// Every change, and every caution.
pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    for found in found(view) {
        one(&found, found.message_with_waiver(view), out)?;
    }
    for file in view.artifacts.unwrap_or_default() {
        writeln!(out, "artifact: {} {}", file.change.word(), one_line(&file.path))?;
    }
    Ok(())
}

fn one(found: &Found, mut message: String, out: &mut dyn Write) -> io::Result<()> {
    let place = found.line();
    let of_base = place.is_some_and(|line| line.side == Which::Base);
    let title = if of_base { format!("{} (line of the base)", found.title) } else { found.title.clone() };
    for line in &found.causes {
        let side = if line.side == Which::Base { " (base)" } else { "" };
        message.push_str(&format!("\n{}:{}{side}: {}", one_line(&line.file_in_repository), line.line, line.text));
    }
    let lines = place.map_or((1, 1), |line| (line.line, line.line));
    let file = place.map_or("", |line| line.file_in_repository.as_str());
    let annotation =
        Annotation { severity: found.severity, file, lines, columns: None, title: &title, message: &message };
    writeln!(out, "{annotation}")
}
