//! What hand-written Cedar changes, in each format but the terminal's and JSON, which are [`crate::cli::handwritten`].

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::super::handwritten;
use super::line::Line;
use super::view::View;
use crate::cedar::handwritten::parse;
use crate::diagnostic::one_line;
use crate::review::access::Which;
use crate::review::handwritten::Judged;
use crate::source::{Loc, Sources};
use crate::workspace::is_cedar;

/// The hand-written policies of a side by id: where each begins, and its text.
fn policies(sources: &Sources) -> BTreeMap<String, (Loc, &str)> {
    let mut found = BTreeMap::new();
    for (id, file) in sources.iter().filter(|(_, file)| is_cedar(file.name())) {
        for written in parse(file.name(), file.text()).unwrap_or_default() {
            let text = file.text().get(written.at.clone()).unwrap_or_default();
            // Its own line is that of `permit` or `forbid`, not of an annotation.
            let word = if written.permits { "permit" } else { "forbid" };
            let offset = text.match_indices(word).map(|(at, _)| at).find(|at| begins_line(text, *at)).unwrap_or(0);
            let start = (written.at.start + offset) as u32;
            found.insert(written.id, (Loc { file: id, start, end: written.at.end as u32 }, text));
        }
    }
    found
}

fn begins_line(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.rsplit('\n').next().is_some_and(|line| line.trim().is_empty()))
}

/// The policies that have a say in a group and are not the same on both sides.
pub(super) fn causes(view: &View<'_>, group: &Judged) -> Vec<Line> {
    let [base, head] = view.sides.map(policies);
    let mut lines = Vec::new();
    for (side, decided, own, other) in
        [(Which::Base, &group.before, &base, &head), (Which::Head, &group.after, &head, &base)]
    {
        for id in &decided.effect.policies {
            let Some((loc, text)) = own.get(id) else { continue };
            if other.get(id).is_none_or(|(_, there)| there != text) {
                let line = view.line(side, *loc);
                let whole = view.sides.into_iter().zip([Which::Base, Which::Head]).find(|(_, which)| *which == side);
                let text = whole.map(|(sources, _)| in_one_line(sources.text_at(*loc))).unwrap_or_default();
                lines.push(Line { text, ..line });
            }
        }
    }
    lines.dedup();
    lines
}

/// A policy on one line, without the space between its parts, as much of it as can be read.
fn in_one_line(text: &str) -> String {
    const READABLE: usize = 240;
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = one_line(&words.join(" ")).replace("( ", "(").replace(" )", ")");
    match text.char_indices().nth(READABLE) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// `+ freeze.cedar:3: forbid (...)`.
pub(super) fn in_diff(line: &Line) -> String {
    let mark = if line.side == Which::Base { '-' } else { '+' };
    format!("{mark} {}:{}: {}", line.file, line.line, line.text)
}

/// One line a group.
pub(super) fn short(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    for group in view.diff.handwritten.iter().flat_map(handwritten::changed) {
        let (who, what) = handwritten::who_and_what(group);
        let at = causes(view, group).first().map(|line| format!("{}:{}: ", line.file, line.line)).unwrap_or_default();
        writeln!(
            out,
            "{at}hand-written {}: {who} on {what}: {} -> {}",
            group.proof.word(),
            one_line(&handwritten::in_words(&group.before)),
            one_line(&handwritten::in_words(&group.after))
        )?;
    }
    Ok(())
}

/// How a group is shown on a page or in a comment: its parts as text with code in backticks.
pub(super) struct Shown {
    pub(super) verdict: &'static str,
    pub(super) may_open: bool,
    pub(super) who: String,
    pub(super) what: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) examples: Vec<String>,
    pub(super) remark: Option<String>,
    pub(super) causes: Vec<Line>,
}

/// Every group that people are shown.
pub(super) fn shown(view: &View<'_>) -> Vec<Shown> {
    let groups = view.diff.handwritten.iter().flat_map(handwritten::changed);
    let one = |group: &Judged| {
        let (who, what) = handwritten::who_and_what(group);
        Shown {
            verdict: group.proof.word(),
            may_open: group.proof.may_open(),
            who,
            what,
            before: handwritten::in_words(&group.before),
            after: handwritten::in_words(&group.after),
            examples: group.examples.iter().map(handwritten::such_as).collect(),
            remark: handwritten::remark(&group.proof),
            causes: causes(view, group),
        }
    };
    groups.map(one).collect()
}
