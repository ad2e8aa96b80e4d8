//! For people in a terminal.

use std::io::{self, Write};

use super::super::handwritten;
use super::cedar_changes;
use super::line::Line;
use super::phrases::{decisions, in_short, needs, plainly, some};
use super::short::{in_line, place, values, with_note};
use super::view::{Row, View};
use crate::diagnostic::one_line;
use crate::model::name::FactName;
use crate::review::access::Change;
use crate::review::access::Which;
use crate::review::handwritten::Judged;

/// Most lines of a cause that are shown.
const MOST_CAUSES: usize = 8;

/// Most objects that are shown one by one.
const MOST_OBJECTS: usize = 20;

/// Most blocks of pairs that are shown one by one.
const MOST_BLOCKS: usize = 4;

/// Colours of a terminal: bold, red for what opens, green for what closes.
struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn head(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn change(&self, change: Change) -> String {
        self.with(if change.widens() { "1;31" } else { "1;32" }, change.word())
    }
}

/// Everything, in sections; a section without a change is left out.
pub(super) fn human(view: &View<'_>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(color);
    if !view.new_errors.is_empty() {
        writeln!(out, "{}", paint.head("NEW ERRORS"))?;
        for fault in view.new_errors {
            writeln!(out, "  {}", in_line(fault))?;
        }
        writeln!(out)?;
    }
    for caution in view.cautions {
        writeln!(out, "{} {}\n", paint.head("caution:"), one_line(caution))?;
    }
    if !view.diff.groups.is_empty() {
        writeln!(out, "{}", paint.head("ACCESS"))?;
        // What the same lines explain stands together, and the lines once.
        let mut explained: Vec<(Vec<Line>, Vec<Row<'_>>)> = Vec::new();
        for row in view.rows() {
            let same = |(causes, of): &&mut (Vec<Line>, Vec<Row<'_>>)| {
                *causes == row.causes && of.first().is_some_and(|first| first.first.change == row.first.change)
            };
            match explained.iter_mut().find(same) {
                Some((_, rows)) => rows.push(row),
                None => explained.push((row.causes.clone(), vec![row])),
            }
        }
        for rename in &view.diff.renames {
            writeln!(out, "  {}: {}\n", paint.head("renamed (a guess)"), one_line(&view.renamed(rename)))?;
        }
        for (causes, rows) in explained {
            rows.iter().try_for_each(|row| access(row, &paint, out))?;
            because(&causes, out)?;
        }
    }
    if let Some(found) = view.diff.handwritten.as_ref().filter(|found| !found.is_same()) {
        writeln!(out, "{}", paint.head("HAND-WRITTEN CEDAR"))?;
        let because = |group: &Judged| cedar_changes::causes(view, group).iter().map(cedar_changes::in_diff).collect();
        handwritten::human(found, &because, out)?;
        writeln!(out)?;
    }
    if !view.diff.trust.is_empty() {
        writeln!(out, "{}", paint.head("TRUST"))?;
        for change in &view.diff.trust {
            let waiver = change.excuse.and_then(|excuse| view.waiver(excuse));
            let mark = match &waiver {
                Some(waiver) if !waiver.expired => paint.with("1;33", "waived   "),
                _ if change.widening => paint.with("1;31", "widening "),
                _ => "other    ".to_owned(),
            };
            let value = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), one_line);
            writeln!(
                out,
                "  {mark} {}: {} -> {}{}",
                one_line(&change.what),
                value(&change.before),
                value(&change.after),
                place(view.at(change))
            )?;
            let waiver = waiver.map(|waiver| format!("{} {}", waiver.state(), waiver.why()));
            for more in waiver.into_iter().chain(view.radius(change)) {
                writeln!(out, "            {more}")?;
            }
        }
        writeln!(out)?;
    }
    if !view.diff.operation.is_empty() {
        writeln!(out, "{}", paint.head("OPERATION"))?;
        for change in &view.diff.operation {
            writeln!(
                out,
                "  {}  {}: {}{}",
                change.risk,
                one_line(&change.what),
                with_note(values(&change.before, &change.after), change.note.as_deref()),
                place(Some(view.line(change.at.0, change.at.1)))
            )?;
        }
        writeln!(out)?;
    }
    if let Some(files) = view.artifacts.filter(|files| !files.is_empty()) {
        writeln!(out, "{}", paint.head("ARTIFACTS"))?;
        for file in files {
            writeln!(out, "  {:<8} {}", file.change.word(), one_line(&file.path))?;
        }
        writeln!(out)?;
    }
    let order = view.order();
    if !order.is_empty() {
        writeln!(out, "{}", paint.head("ORDER OF ROLL-OUT"))?;
        for (step, gateways) in (1..).zip(&order) {
            let noun = if gateways.len() == 1 { "gateway" } else { "gateways" };
            writeln!(out, "  {step}. {noun} {}", one_line(&gateways.join(", ")))?;
        }
        writeln!(out)?;
    }
    if !view.removed.is_empty() {
        writeln!(out, "{}", paint.head("OBJECTS THAT DISAPPEAR"))?;
        for gone in view.removed.iter().take(MOST_OBJECTS) {
            writeln!(out, "  {}", one_line(&gone.to_string().replace('`', "")))?;
        }
        if let Some(rest) = view.removed.len().checked_sub(MOST_OBJECTS).filter(|rest| *rest > 0) {
            writeln!(out, "  and {rest} more; `--format prune` lists all")?;
        }
        writeln!(out)?;
    }
    let answers = view.answers();
    if !answers.is_empty() {
        writeln!(out, "{}", paint.head("GATE"))?;
        for answer in answers {
            let code = if answer.fails { "1;31" } else { "1;32" };
            let text = answer.text.strip_prefix("gate ").unwrap_or(&answer.text);
            writeln!(out, "  {}", paint.with(code, &one_line(text)))?;
        }
        writeln!(out)?;
    }
    if view.diff.is_empty() && view.head_errors == 0 {
        writeln!(out, "{} allows exactly what {} allows.", view.head, view.base)?;
    }
    Ok(())
}

fn access(row: &Row<'_>, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    let group = row.first;
    let word = group.change.word();
    if row.groups.len() > MOST_BLOCKS {
        let (who, what) = row.who_and_what();
        writeln!(out, "  {}: {who} on {what}", paint.change(group.change))?;
    } else {
        for (index, block) in row.groups.iter().enumerate() {
            let label =
                if index == 0 { format!("{}:", paint.change(group.change)) } else { " ".repeat(word.len() + 1) };
            writeln!(out, "  {label} {} on {}", some(&block.principals), some(&block.objects))?;
        }
    }
    if let Some(waiver) = &row.waiver {
        writeln!(out, "    {} {}", paint.with("1;33", &waiver.state()), waiver.why())?;
    }
    if let Some(short) = in_short(&group.before, &group.after) {
        writeln!(out, "    in short {}", short.replace('`', ""))?;
    }
    writeln!(out, "    before   {}", needs(&group.before))?;
    writeln!(out, "    now      {}", needs(&group.after))?;
    let example = &group.example;
    let [before, after] = decisions(example.allowed);
    let (principal, object) = (&example.principal, one_line(&example.object.to_string()));
    writeln!(out, "    such as  `{principal}` on `{object}` {}: {before} -> {after}", with(&example.facts))
}

fn because(causes: &[Line], out: &mut dyn Write) -> io::Result<()> {
    for (index, cause) in causes.iter().take(MOST_CAUSES).enumerate() {
        let mark = match cause.side {
            Which::Base => '-',
            Which::Head => '+',
        };
        let label = if index == 0 { "because" } else { "" };
        writeln!(out, "    {label:<8} {mark} {}:{}: {}", cause.file, cause.line, cause.text)?;
    }
    if let Some(rest) = causes.len().checked_sub(MOST_CAUSES).filter(|rest| *rest > 0) {
        writeln!(out, "             and {rest} lines more")?;
    }
    writeln!(out)
}

/// `with mfa, mtls`.
fn with(facts: &[FactName]) -> String {
    match facts {
        [] => "with nothing".to_owned(),
        facts => format!("with {}", plainly(facts).join(", ")),
    }
}
