//! A comment on a pull request: a sentence, a table, the details folded.

use std::io::{self, Write};

use super::view::{Row, View, decisions, needs, plainly};
use crate::diagnostic::one_line;
use crate::review::group::Which;

/// Most names that a list shows: a comment on a pull request has a limit.
const MOST_NAMES: usize = 25;

/// Most rows with details, and most blocks in one.
const MOST_DETAILS: usize = 20;

/// Text that cannot end a table cell or begin markup.
fn plain(text: &str) -> String {
    let mut safe = String::new();
    for c in one_line(text).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '@' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Text in a code span, which a backtick in it cannot end and a bar cannot leave.
fn code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (opened, closed) = view.changed();
    let verdict = if view.diff.widens() {
        format!("**This change opens access**: {} wider, {} narrower.", super::cells(opened), super::cells(closed))
    } else if closed > 0 {
        format!("This change only closes access: {} narrower.", super::cells(closed))
    } else if view.diff.is_empty() {
        "This change neither opens nor closes anything.".to_owned()
    } else {
        "This change opens and closes no access.".to_owned()
    };
    writeln!(
        out,
        "## Access review\n\n{verdict} {} ({} → {}).\n",
        first_up(&plain(&view.compared())),
        code(view.base),
        code(view.head)
    )?;
    if let Some(caution) = view.caution() {
        writeln!(out, "> [!CAUTION]\n> {}\n", plain(&caution))?;
    }
    if !view.diff.groups.is_empty() {
        writeln!(out, "| change | who | what | before | now |\n|---|---|---|---|---|")?;
        let rows = view.rows();
        for row in &rows {
            let (who, what) = row.who_and_what();
            let group = row.first;
            writeln!(
                out,
                "| {} {} | {} | {} | {} | {} |",
                mark(group.change.widens()),
                group.change.word(),
                shown(&who),
                shown(&what),
                plain(&needs(&group.before)),
                plain(&needs(&group.after))
            )?;
        }
        writeln!(out)?;
        rows.iter().take(MOST_DETAILS).try_for_each(|row| details(row, out))?;
        if rows.len() > MOST_DETAILS {
            writeln!(out, "Details of the first {MOST_DETAILS}; `--format json` holds all.\n")?;
        }
    }
    if !view.diff.trust.is_empty() {
        writeln!(out, "### Trust\n\n| | what | before | now | where |\n|---|---|---|---|---|")?;
        for change in &view.diff.trust {
            let at = change.at.map_or_else(String::new, |(side, loc)| place(&view.line(side, loc)));
            let value = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), code);
            let kind = if change.widening { "widening" } else { "other" };
            writeln!(
                out,
                "| {} {kind} | {} | {} | {} | {at} |",
                mark(change.widening),
                shown(&change.what),
                value(&change.before),
                value(&change.after)
            )?;
        }
        writeln!(out)?;
    }
    if !view.diff.operation.is_empty() {
        writeln!(out, "### Operation\n\n| risk | what | before | now | where |\n|---|---|---|---|---|")?;
        for change in &view.diff.operation {
            let value = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), code);
            let at = place(&view.line(change.at.0, change.at.1));
            writeln!(
                out,
                "| {} | {} | {} | {} | {at} |",
                change.risk,
                shown(&change.what),
                value(&change.before),
                value(&change.after)
            )?;
        }
        writeln!(out)?;
    }
    if let Some(files) = view.artifacts.filter(|files| !files.is_empty()) {
        writeln!(out, "<details><summary>{} to roll out</summary>\n", crate::render::counted(files.len(), "file"))?;
        for file in files {
            writeln!(out, "- {} {}", file.change.word(), code(&file.path))?;
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
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
    text.split('`').enumerate().map(|(index, part)| if index % 2 == 1 { code(part) } else { plain(part) }).collect()
}

fn place(line: &super::view::Line) -> String {
    let gone = if line.side == Which::Base { " (base)" } else { "" };
    format!("{}{gone}", code(&format!("{}:{}", line.file, line.line)))
}

fn details(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    let group = row.first;
    let (who, what) = row.who_and_what();
    let summary: String = format!("{who} on {what}")
        .replace('`', "")
        .chars()
        .map(|c| match c {
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '&' => "&amp;".to_owned(),
            c => c.to_string(),
        })
        .collect();
    writeln!(out, "<details><summary>{}: {summary}</summary>\n", group.change.word())?;
    writeln!(out, "Because of these lines:\n\n```diff")?;
    for cause in row.causes.iter().take(MOST_NAMES) {
        let mark = if cause.side == Which::Base { '-' } else { '+' };
        // A fence inside of a line cannot end the block, since a mark stands before it.
        writeln!(out, "{mark} {}:{}  {}", one_line(&cause.file), cause.line, cause.text)?;
    }
    writeln!(out, "```\n")?;
    let example = &group.example;
    let [before, after] = decisions(example.allowed);
    let facts: Vec<String> = plainly(&example.facts).into_iter().map(code).collect();
    let with = if facts.is_empty() { "nothing".to_owned() } else { facts.join(", ") };
    writeln!(
        out,
        "For example {} on {} with {with}: {before} → **{after}** (by Cedar's own authorizer).\n",
        code(&example.principal.to_string()),
        code(&example.object.to_string())
    )?;
    let list = |names: Vec<String>| {
        let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|name| code(name)).collect();
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
