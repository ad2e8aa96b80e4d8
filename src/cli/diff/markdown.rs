//! A comment on a pull request: a sentence, a table, the details folded.

use std::io::{self, Write};

use super::cedar_changes;
use super::phrases::{decisions, in_short, needs, plainly};
use super::view::{Row, View, Waiver};
use crate::diagnostic::one_line;
use crate::render::escape::{code_span, html, markdown};
use crate::review::access::Which;

/// Most names that a list shows: a comment on a pull request has a limit.
const MOST_NAMES: usize = 25;

/// Most places that a cell of the table shows.
const MOST_PLACES: usize = 2;

/// Most rows with details, and most blocks in one.
const MOST_DETAILS: usize = 20;

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "## Access review\n\n**{}** {} ({} → {}).\n",
        markdown(&view.headline()),
        first_up(&markdown(&view.compared())),
        code_span(view.base),
        code_span(view.head)
    )?;
    for answer in view.answers() {
        let mark = if answer.fails { "❌" } else { "✅" };
        writeln!(out, "{mark} {}.\n", first_up(&shown(&answer.text)))?;
    }
    if !view.new_errors.is_empty() {
        writeln!(out, "### New errors\n")?;
        for fault in view.new_errors.iter().take(MOST_NAMES) {
            let at = code_span(&format!("{}:{}", fault.at.file, fault.at.line));
            writeln!(out, "- {at} {}: {}", markdown(fault.rule.name), shown(&fault.message))?;
        }
        if let Some(rest) = view.new_errors.len().checked_sub(MOST_NAMES).filter(|rest| *rest > 0) {
            writeln!(out, "- and {rest} more")?;
        }
        writeln!(out)?;
    }
    for caution in view.cautions {
        writeln!(out, "> [!CAUTION]\n> {}\n", shown(caution))?;
    }
    for rename in &view.diff.renames {
        writeln!(out, "**Renamed (a guess):** {}.\n", shown(&view.renamed(rename)))?;
    }
    if !view.rows().is_empty() {
        writeln!(out, "| change | who | what | in short | because of |\n|---|---|---|---|---|")?;
        let rows = view.rows();
        for row in &rows {
            let (who, what) = row.who_and_what();
            let group = row.first;
            writeln!(
                out,
                "| {} {} | {} | {} | {} | {} |",
                mark(group.change.widens()),
                with_waiver(group.change.word(), row.waiver.as_ref()),
                shown(&who),
                shown(&what),
                shown(&short(row)),
                causes(row)
            )?;
        }
        writeln!(out)?;
        rows.iter().take(MOST_DETAILS).try_for_each(|row| details(row, out))?;
        if rows.len() > MOST_DETAILS {
            writeln!(out, "Details of the first {MOST_DETAILS}; `--format json` holds all.\n")?;
        }
    }
    let groups = cedar_changes::shown(view);
    if !groups.is_empty() {
        writeln!(
            out,
            "### Hand-written Cedar\n\n| verdict | who | what | before | now | because of |\n|---|---|---|---|---|---|"
        )?;
        for group in &groups {
            let places: Vec<String> = group.causes.iter().take(MOST_PLACES).map(place).collect();
            writeln!(
                out,
                "| {} {} | {} | {} | {} | {} | {} |",
                mark(group.may_open),
                group.verdict,
                shown(&group.who),
                shown(&group.what),
                code_span(&group.before),
                code_span(&group.after),
                places.join(", ")
            )?;
        }
        writeln!(out)?;
        for line in groups.iter().flat_map(|group| group.examples.iter().chain(&group.remark)) {
            writeln!(out, "- {}", shown(line))?;
        }
        writeln!(out)?;
    }
    if !view.diff.trust.is_empty() {
        writeln!(out, "### Trust\n\n| | what | before | now | where |\n|---|---|---|---|---|")?;
        for change in &view.diff.trust {
            let at = view.at(change).map_or_else(String::new, |line| place(&line));
            let value = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), code_span);
            let waiver = change.excuse.and_then(|excuse| view.waiver(excuse));
            let kind = with_waiver(if change.widening { "widening" } else { "other" }, waiver.as_ref());
            writeln!(
                out,
                "| {} {kind} | {}{} | {} | {} | {at} |",
                mark(change.widening),
                shown(&change.what),
                view.radius(change).map_or_else(String::new, |said| format!("<br>{}", shown(&said))),
                value(&change.before),
                value(&change.after)
            )?;
        }
        writeln!(out)?;
    }
    if !view.diff.operation.is_empty() {
        writeln!(out, "### Operation\n\n| risk | what | before | now | where |\n|---|---|---|---|---|")?;
        for change in &view.diff.operation {
            let value = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), code_span);
            let at = place(&view.line(change.at.0, change.at.1));
            writeln!(
                out,
                "| {} | {} | {} | {} | {at} |",
                change.risk,
                shown(&change.what),
                value(&change.before),
                with_note(value(&change.after), change.note.as_deref())
            )?;
        }
        writeln!(out)?;
    }
    if let Some(files) = view.artifacts.filter(|files| !files.is_empty()) {
        writeln!(out, "<details><summary>{} to roll out</summary>\n", crate::render::counted(files.len(), "file"))?;
        for file in files {
            writeln!(out, "- {} {}", file.change.word(), code_span(&file.path))?;
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

fn with_note(value: String, note: Option<&str>) -> String {
    note.map_or(value.clone(), |note| format!("{value}; {}", shown(note)))
}

fn first_up(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn mark(widens: bool) -> &'static str {
    if widens { "🔓" } else { "🔒" }
}

/// Text with parts in backticks, each of them a code span.
fn shown(text: &str) -> String {
    text.split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 { code_span(part) } else { markdown(part) })
        .collect()
}

/// What is otherwise, as short as it can be said.
fn short(row: &Row<'_>) -> String {
    let (before, after) = (&row.first.before, &row.first.after);
    in_short(before, after).unwrap_or_else(|| match (before.is_empty(), after.is_empty()) {
        (true, _) => needs(after),
        (_, true) => "denied regardless of its evidence".to_owned(),
        _ => format!("{}; before: {}", needs(after), needs(before)),
    })
}

/// The first places that explain it.
fn causes(row: &Row<'_>) -> String {
    let places: Vec<String> = row.causes.iter().take(MOST_PLACES).map(place).collect();
    let rest = row.causes.len().saturating_sub(MOST_PLACES);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", places.join(", "))
}

/// The word, and below it the waiver with its reason.
fn with_waiver(word: &str, waiver: Option<&Waiver>) -> String {
    waiver.map_or_else(|| word.to_owned(), |it| format!("{word}<br>**{}** {}", it.state(), markdown(&it.why())))
}

fn place(line: &super::line::Line) -> String {
    let gone = if line.side == Which::Base { " (base)" } else { "" };
    format!("{}{gone}", code_span(&format!("{}:{}", line.file, line.line)))
}

fn details(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    let group = row.first;
    let (who, what) = row.who_and_what();
    let summary = html(&format!("{who} on {what}").replace('`', ""));
    writeln!(out, "<details><summary>{}: {summary}</summary>\n", group.change.word())?;
    writeln!(out, "Before: {}.<br>\nNow: {}.\n", markdown(&needs(&group.before)), markdown(&needs(&group.after)))?;
    writeln!(out, "Because of these lines:\n\n```diff")?;
    for cause in row.causes.iter().take(MOST_NAMES) {
        let mark = if cause.side == Which::Base { '-' } else { '+' };
        // A fence inside of a line cannot end the block, since a mark stands before it.
        writeln!(out, "{mark} {}:{}  {}", one_line(&cause.file), cause.line, cause.text)?;
    }
    writeln!(out, "```\n")?;
    let example = &group.example;
    let [before, after] = decisions(example.allowed);
    let facts: Vec<String> = plainly(&example.facts).into_iter().map(code_span).collect();
    let with = if facts.is_empty() { "nothing".to_owned() } else { facts.join(", ") };
    writeln!(
        out,
        "For example {} on {} with {with}: {before} → **{after}** (by Cedar's own authorizer).\n",
        code_span(&example.principal.to_string()),
        code_span(&example.object.to_string())
    )?;
    let list = |names: Vec<String>| {
        let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|name| code_span(name)).collect();
        let rest = names.len().saturating_sub(MOST_NAMES);
        if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
    };
    for group in row.groups.iter().take(MOST_DETAILS) {
        writeln!(out, "- {}", list(group.principals.iter().map(ToString::to_string).collect()))?;
        writeln!(out, "  on {}", list(group.objects.iter().map(ToString::to_string).collect()))?;
    }
    if row.groups.len() > MOST_DETAILS {
        writeln!(out, "- and {} more such blocks", row.groups.len() - MOST_DETAILS)?;
    }
    writeln!(out, "\n</details>\n")
}
