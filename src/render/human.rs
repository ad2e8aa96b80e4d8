//! `--format human`: the source line with the place marked, the other places, and what to do.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use codespan_reporting::diagnostic as shown;
use codespan_reporting::term::{self, Config, Styles, StylesWriter, termcolor};

use super::{Findings, counted, short};
use crate::diagnostic::{Diagnostic, Severity, one_line};
use crate::render::patches::Patches;
use crate::source::FileId;
use excerpt::Excerpt;

mod excerpt;

/// Places shown for one finding; a cycle through thousands of steps is not more readable for showing them all.
const MOST_PLACES: usize = 20;

/// Writes every finding, each followed by an empty line; of a check that finds more than can be read, the first ones, and at the
/// end how many there are.
///
/// # Errors
/// Those of the writer.
pub fn write(findings: &Findings<'_>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let config = Config::default();
    let styles = if color { Styles::default() } else { Styles::no_color() };
    let patches = Patches::new(findings.sources);
    let mut buffer = Vec::new();
    let mut left_out: BTreeMap<(Reverse<Severity>, &str), usize> = BTreeMap::new();
    let mut written: BTreeMap<&str, usize> = BTreeMap::new();
    for diagnostic in findings.diagnostics {
        let name = diagnostic.rule.name;
        let before = written.entry(name).or_default();
        if *before >= findings.most {
            *left_out.entry((Reverse(diagnostic.severity), name)).or_default() += 1;
            continue;
        }
        *before += 1;
        buffer.clear();
        let (excerpt, view) = view(findings, diagnostic, &patches);
        let drawn = if color {
            let mut writer = StylesWriter::new(termcolor::Ansi::new(&mut buffer), &styles);
            term::emit_to_write_style(&mut writer, &config, &excerpt, &view)
        } else {
            term::emit_to_io_write(&mut buffer, &config, &excerpt, &view)
        };
        // Drawing into memory fails only for a place that is not in its file. The finding counts more than the picture.
        if drawn.is_err() {
            buffer = format!("{}\n\n", short::line(findings, diagnostic)).into_bytes();
        }
        out.write_all(&buffer)?;
    }
    for ((Reverse(severity), name), count) in &left_out {
        let more = counted(*count, &format!("more {}", severity.word()));
        writeln!(out, "{more} of `{name}` not shown")?;
    }
    if left_out.is_empty() { Ok(()) } else { writeln!(out, "`--all` shows all findings\n") }
}

fn view<'a>(
    findings: &Findings<'a>,
    diagnostic: &Diagnostic,
    patches: &Patches<'_>,
) -> (Excerpt<'a>, shown::Diagnostic<FileId>) {
    let severity = match diagnostic.severity {
        Severity::Error => shown::Severity::Error,
        Severity::Warning => shown::Severity::Warning,
        Severity::Note => shown::Severity::Note,
    };
    let others = diagnostic.labels.len().min(MOST_PLACES);
    let labels = diagnostic.labels.iter().take(others);
    let locs: Vec<_> = std::iter::once(diagnostic.loc).chain(labels.clone().map(|label| label.loc)).collect();
    let hidden = (diagnostic.rule.name == "credentials-in-url").then_some(diagnostic.loc);
    let (excerpt, ranges) = Excerpt::of(findings.sources, &locs, hidden);
    let texts = std::iter::once(String::new()).chain(labels.map(|label| one_line(&label.message)));
    let styles = std::iter::once(shown::LabelStyle::Primary).chain(std::iter::repeat(shown::LabelStyle::Secondary));
    let labels = locs
        .iter()
        .zip(ranges)
        .zip(texts)
        .zip(styles)
        .map(|(((loc, range), text), style)| shown::Label::new(style, loc.file, range).with_message(text))
        .collect();
    let mut notes = Vec::new();
    if diagnostic.labels.len() > others {
        notes.push(format!("and {} more places", diagnostic.labels.len() - others));
    }
    notes.extend(diagnostic.help.as_ref().map(|help| format!("help: {}", one_line(help))));
    if let Some(fix) = diagnostic.fix.as_ref().filter(|fix| patches.of(fix).is_some()) {
        let option = if fix.safe { "--fix" } else { "--fix=unsafe" };
        notes.push(format!("fix: {} (`{option}`)", one_line(&fix.title)));
    }
    if let Some(upgrade) = diagnostic.upgrades() {
        notes.push(format!("before: {}", one_line(upgrade.before)));
        notes.push(format!("write now: {}", one_line(upgrade.write)));
    }
    notes.extend(findings.url(diagnostic.rule).map(|url| format!("see: {}", one_line(&url))));
    let view = shown::Diagnostic::new(severity)
        .with_code(diagnostic.rule.name)
        .with_message(one_line(&diagnostic.message))
        .with_labels(labels)
        .with_notes(notes);
    (excerpt, view)
}
