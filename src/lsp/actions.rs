//! What can be done about a finding: its fix, or a comment that accepts it.

use std::ops::Range;

use lsp_types::{CodeActionKind, CodeActionParams};
use serde_json::{Value, json};

use super::edits::{Replaced, workspace_edit};
use super::findings::{Places, diagnostic};
use super::view::{View, uri_in};
use crate::analysis::ignore::can_be_ignored;
use crate::diagnostic::Diagnostic;
use crate::render::patches::Patches;
use crate::source::yaml::comments::comments;
use crate::workspace::is_cedar;

/// The actions for the findings in a range, the fixes first.
#[must_use]
pub fn actions(view: &View<'_>, params: &CodeActionParams, versioned: bool) -> Vec<Value> {
    let wanted = |kind: &CodeActionKind| {
        let only = params.context.only.as_ref();
        only.is_none_or(|only| only.iter().any(|one| kind.as_str().starts_with(one.as_str())))
    };
    if !wanted(&CodeActionKind::QUICKFIX) {
        return Vec::new();
    }
    let asked = view.offset(params.range.start)..view.offset(params.range.end);
    let here = |finding: &&Diagnostic| {
        let (start, end) = (finding.loc.start as usize, finding.loc.end as usize);
        finding.loc.file == view.file && start <= asked.end && asked.start <= end
    };
    let findings: Vec<&Diagnostic> = view.analysis.report().diagnostics.iter().filter(here).collect();
    let patches = Patches::new(&view.analysis.sources);
    let fixes = findings.iter().filter_map(|finding| {
        let fix = finding.fix.as_ref()?;
        let replaced: Vec<Replaced> = patches
            .of(fix)?
            .into_iter()
            .map(|(loc, text)| (loc.file, loc.start as usize..loc.end as usize, text))
            .collect();
        let title = if fix.safe { fix.title.clone() } else { format!("{} (a guess)", fix.title) };
        Some(action(view, finding, &title, fix.safe, versioned, &replaced))
    });
    let ignores = findings.iter().filter_map(|finding| {
        let title = format!("accept this finding of `{}` in a comment, with a reason", finding.rule.name);
        Some(action(view, finding, &title, false, versioned, &[ignored(view, finding)?]))
    });
    fixes.chain(ignores).collect()
}

fn action(
    view: &View<'_>,
    finding: &Diagnostic,
    title: &str,
    preferred: bool,
    versioned: bool,
    replaced: &[Replaced],
) -> Value {
    let uri = |name: &str| uri_in(view.project, view.documents, name);
    let mut places = Places::new(view.analysis, view.encoding, &uri);
    let of = diagnostic(finding, &mut places, view.docs_url);
    json!({
        "title": title,
        "kind": CodeActionKind::QUICKFIX,
        "diagnostics": [of],
        "isPreferred": preferred,
        "edit": workspace_edit(view, versioned, replaced),
    })
}

/// A comment above the line of a finding that accepts it, as soon as a reason is written behind it. Without one it accepts nothing,
/// and a finding asks for it.
fn ignored(view: &View<'_>, finding: &Diagnostic) -> Option<Replaced> {
    let name = view.analysis.sources.file(view.file).name();
    if !can_be_ignored(finding.rule) || is_cedar(name) {
        return None;
    }
    let text = view.lines.text();
    let line = view.lines.line(view.lines.line_of(finding.loc.start as usize));
    let written = text.get(line.clone())?;
    let indentation = written.get(..written.len() - written.trim_start_matches(' ').len())?;
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let comment = format!("{indentation}# mcpctl: ignore[{}] {line_break}", finding.rule.name);
    // In a text of several lines it would be a part of the text.
    let start = line.start + indentation.len();
    let with: String = [text.get(..line.start)?, comment.as_str(), text.get(line.start..)?].concat();
    let is_comment = |range: &Range<usize>| range.start == start;
    comments(&with).iter().any(is_comment).then_some((view.file, line.start..line.start, comment))
}
