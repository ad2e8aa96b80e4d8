//! Comments that accept a finding where it stands: `# mcpctl: ignore[CHECK, ...] REASON`, at the end of the line that it is
//! about or alone on a line above it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use super::rules::{
    GUARDING_CHECK_OFF, IGNORE_WITHOUT_REASON, INVALID_IGNORE, UNKNOWN_CHECK, UNUSED_IGNORE, all_rules,
};
use crate::diagnostic::suppressed::Suppression;
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, nearest};
use crate::source::yaml::comments::comments;
use crate::source::{FileId, Loc, SourceFile, Sources, Spanned};
use crate::workspace::is_cedar;

/// How a comment begins that speaks to mcpctl.
const ADDRESS: &str = "mcpctl:";

/// Rules about comments and waivers themselves, whose findings are made when comments have been applied.
const ABOUT_ACCEPTING: [&str; 5] =
    ["expired-waiver", "ignore-without-reason", "invalid-ignore", "unused-ignore", "unused-waiver"];

/// Whether a comment can accept the findings of a rule.
#[must_use]
pub fn can_be_ignored(rule: &Rule) -> bool {
    !rule.guards_access && !ABOUT_ACCEPTING.contains(&rule.name)
}

/// A check that a comment accepts on a line.
struct Ignore {
    /// The check and its place in the comment.
    check: Spanned<&'static str>,
    /// The line whose findings it accepts, from 1.
    line: u32,
    reason: String,
    used: bool,
    /// The comment, where this is all that it accepts.
    alone: Option<Loc>,
}

impl Ignore {
    /// Takes the comment out, with its line where it is alone on it.
    fn removed(&self, sources: &Sources) -> Option<Fix> {
        let comment = self.alone?;
        let text = sources.file(comment.file).text();
        let (before, after) = (text.get(..comment.start as usize)?, text.get(comment.end as usize..)?);
        let kept = before.trim_end_matches([' ', '\t']);
        let line_break = after.find('\n').map_or(after.len(), |at| at + 1);
        let whole_line = kept.is_empty() || kept.ends_with('\n');
        let end = if whole_line { comment.end as usize + line_break } else { comment.end as usize };
        let at = Loc { file: comment.file, start: kept.len() as u32, end: end as u32 };
        Some(Fix::safe("remove the comment", vec![Edit::Text { at, to: String::new() }]))
    }
}

/// Takes out what comments accept, and puts in what is wrong with a comment. `complete` says whether everything was read, so that
/// a comment without a finding is unused; `compiled`, whether these are the findings of a compile, which alone finds some.
pub(super) fn apply(report: &mut Report, sources: &Sources, (complete, compiled): (bool, bool)) {
    let known = all_rules();
    let mut about = Vec::new();
    let mut ignores: BTreeMap<(FileId, u32, &str), Ignore> = BTreeMap::new();
    let mut repeated = Vec::new();
    for (id, file) in sources.iter().filter(|(_, file)| file.text().contains(ADDRESS) && !is_cedar(file.name())) {
        for ignore in read(id, file, &known, &mut about) {
            match ignores.entry((id, ignore.line, ignore.check.value)) {
                Entry::Vacant(free) => drop(free.insert(ignore)),
                Entry::Occupied(_) => repeated.push(ignore),
            }
        }
    }
    if ignores.is_empty() && about.is_empty() {
        return;
    }
    report.suppress(|finding| {
        let line = sources.file(finding.loc.file).line_column(finding.loc.start).0;
        let ignore = ignores.get_mut(&(finding.loc.file, line, finding.rule.name))?;
        ignore.used = true;
        Some(Suppression::Comment { reason: ignore.reason.clone() })
    });
    // What is wrong with the comments themselves was said by the analysis already.
    if compiled {
        about.clear();
    }
    let of_compile = |name: &str| crate::targets::RULES.iter().any(|rule| rule.name == name);
    let unused = ignores
        .into_values()
        .chain(repeated)
        .filter(|ignore| !ignore.used && of_compile(ignore.check.value) == compiled);
    for ignore in unused.filter(|_| complete) {
        let message =
            format!("`{}` finds nothing on line {}, so this comment accepts nothing", ignore.check, ignore.line);
        about.push(Diagnostic::new(&UNUSED_IGNORE, ignore.check.loc, message).maybe_fix(ignore.removed(sources)));
    }
    report.extend(about);
}

/// The comments of a file that accept something.
fn read(id: FileId, file: &SourceFile, known: &[&'static Rule], about: &mut Vec<Diagnostic>) -> Vec<Ignore> {
    let text = file.text();
    let ranges = comments(text);
    let mut found = Vec::new();
    for range in &ranges {
        let comment = text.get(range.clone()).unwrap_or_default();
        let Some(said) = comment.trim_start_matches('#').trim_start().strip_prefix(ADDRESS) else { continue };
        let loc = Loc { file: id, start: range.start as u32, end: range.end as u32 };
        let Some((names, reason)) = directive(said) else {
            let message = "this comment begins with `mcpctl:`, and what follows is not known";
            let help = "write `# mcpctl: ignore[CHECK] REASON`";
            about.push(Diagnostic::new(&INVALID_IGNORE, loc, message).help(help));
            continue;
        };
        if reason.is_empty() {
            let message = "this comment gives no reason, so it accepts nothing";
            let help = format!("write why: `# mcpctl: ignore[{}] REASON`", names.trim());
            about.push(Diagnostic::new(&IGNORE_WITHOUT_REASON, loc, message).help(help));
            continue;
        }
        let line = line_of(file, range.start, &ranges);
        for name in names.split(',').map(str::trim) {
            let start = range.start + (name.as_ptr() as usize - comment.as_ptr() as usize);
            let at = Loc { file: id, start: start as u32, end: (start + name.len()) as u32 };
            if let Some(rule) = check(name, at, known, about) {
                let check = Spanned { value: rule.name, loc: at };
                let alone = (!names.contains(',')).then_some(loc);
                found.push(Ignore { check, line, reason: reason.to_owned(), used: false, alone });
            }
        }
    }
    found
}

/// The names between the brackets of `ignore[...]`, and what follows them.
fn directive(said: &str) -> Option<(&str, &str)> {
    let rest = said.trim_start().strip_prefix("ignore")?.trim_start().strip_prefix('[')?;
    let (names, reason) = rest.split_once(']')?;
    (!names.trim().is_empty()).then(|| (names, reason.trim().trim_start_matches([':', '-']).trim()))
}

/// The check of a name, where its findings can be accepted by a comment.
fn check(name: &str, at: Loc, known: &[&'static Rule], about: &mut Vec<Diagnostic>) -> Option<&'static Rule> {
    let Some(rule) = known.iter().find(|rule| rule.name == name).copied() else {
        let names = known.iter().filter(|rule| !rule.guards_access).map(|rule| rule.name);
        let finding = Diagnostic::new(&UNKNOWN_CHECK, at, format!("no check is called `{name}`"));
        about.push(match nearest(name, names) {
            Some(meant) => {
                let write = Edit::Text { at, to: meant.to_owned() };
                finding
                    .help(format!("did you mean `{meant}`?"))
                    .fix(Fix::guess(format!("write `{meant}`"), vec![write]))
            }
            None => finding,
        });
        return None;
    };
    if rule.guards_access {
        let message = format!("`{name}` guards access, and no comment accepts its findings");
        let help = "correct what it finds, or accept it in `waivers`, with an owner and a last day";
        about.push(Diagnostic::new(&GUARDING_CHECK_OFF, at, message).help(help));
        return None;
    }
    Some(rule)
}

/// The line that a comment is about: its own, or the next one with content where it is alone on its line.
fn line_of(file: &SourceFile, start: usize, comments: &[Range<usize>]) -> u32 {
    let text = file.text();
    let begin = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let mut at = start;
    if text.get(begin..start).is_none_or(|before| before.trim().is_empty()) {
        while let Ok(comment) = comments.binary_search_by_key(&at, |comment| comment.start) {
            let end = comments.get(comment).map_or(text.len(), |comment| comment.end);
            let rest = text.get(end..).unwrap_or_default();
            at = end + (rest.len() - rest.trim_start().len());
        }
    }
    file.line_column(at as u32).0
}
