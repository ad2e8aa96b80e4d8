//! Another name for one thing, in all files. Refused where it would not stay the same workspace.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lsp_types::Position;
use serde_json::{Value, json};

use super::Host;
use super::edits::{Replaced, workspace_edit};
use super::mentions::Mention;
use super::places::{Kind, Role};
use super::view::View;
use crate::analysis::Analysis;
use crate::model::access::DEFAULT_EVIDENCE;
use crate::source::FileId;
use crate::source::yaml::changes::applied;
use crate::workspace::Input;
use crate::workspace::over::Over;

/// Facts that mean something by their name.
const FACTS_OF_THE_CONNECTION: [&str; 2] = ["tls", "mtls"];

/// What can be renamed at a place: the range and the name, or why not.
///
/// # Errors
/// Why nothing can be renamed there, in words.
pub fn prepared(view: &View<'_>, position: Position) -> Result<Value, String> {
    let (names, found) = renamed(view, position)?;
    let first = names.first().filter(|_| !found.is_empty()).ok_or_else(nothing)?;
    Ok(json!({ "range": view.lines.range(first.range.clone()), "placeholder": first.name }))
}

/// The edit that gives the name at a place a new one.
///
/// # Errors
/// Why the new name cannot be given, in words.
pub fn rename(
    view: &View<'_>,
    position: Position,
    new: &str,
    versioned: bool,
    host: &Host<'_>,
) -> Result<Value, String> {
    let (names, found) = renamed(view, position)?;
    let first = names.first().ok_or_else(nothing)?;
    if first.name == new {
        return Ok(Value::Null);
    }
    check(first.kind, new)?;
    taken(view, &names, new)?;
    let replaced: Vec<Replaced> =
        found.into_iter().map(|(file, mention)| (file, mention.range.clone(), new.to_owned())).collect();
    confirm(view, &replaced, host)?;
    Ok(workspace_edit(view, versioned, &replaced))
}

fn nothing() -> String {
    "there is no name here that can be changed".to_owned()
}

/// The names at a place, and every place where they are written.
type Found<'v> = (Vec<&'v Mention>, Vec<(FileId, &'v Mention)>);

fn renamed<'v>(view: &'v View<'_>, position: Position) -> Result<Found<'v>, String> {
    let names = view.names.at(view.file, view.offset(position));
    let first = names.first().ok_or_else(nothing)?;
    let name = &first.name;
    match first.kind {
        Kind::Check => return Err(format!("`{name}` is a check of mcpctl")),
        Kind::Level => return Err("the number of a level is its place among the levels".to_owned()),
        Kind::Resource => return Err("a resource is known by its URI, which its server decides".to_owned()),
        Kind::Fact if is_known_fact(name) => return Err(format!("`{name}` is a fact that mcpctl knows by its name")),
        Kind::Server
        | Kind::Tool
        | Kind::Prompt
        | Kind::Agent
        | Kind::Workflow
        | Kind::Saga
        | Kind::Processor
        | Kind::Step
        | Kind::Topic
        | Kind::Fact
        | Kind::Class
        | Kind::Unit
        | Kind::Issuer
        | Kind::Entry => {}
    }
    let model = view.analysis.model();
    if model.unread_files || !model.unread.is_empty() {
        return Err("part of the workspace cannot be read, so places of the name could be missed".to_owned());
    }
    // A use that does not say of what it is, is changed only where one thing alone has the name.
    let mut found = view.names.same(&names);
    let declared: Vec<&Mention> =
        found.iter().filter(|(_, one)| one.role == Role::Definition).map(|(_, one)| *one).collect();
    let one_thing =
        declared.iter().all(|one| declared.iter().all(|other| one.is_same(other) || one.kind != other.kind));
    let elsewhere = view.names.all().any(|(_, other)| {
        other.role == Role::Definition
            && other.name == first.name
            && names.iter().any(|name| name.kind == other.kind && !name.is_same(other))
    });
    if declared.is_empty() && !matches!(first.kind, Kind::Server | Kind::Fact | Kind::Tool) {
        return Err(format!("no file of this workspace declares the {} `{name}`", first.kind.word()));
    }
    if !one_thing || (first.within.is_empty() && elsewhere) {
        return Err(format!("several things are called `{name}`; rename one of them where it is declared"));
    }
    let is_open = |mention: &Mention| {
        mention.within.is_empty() && names.iter().any(|name| name.kind == mention.kind && !name.within.is_empty())
    };
    if elsewhere {
        found.retain(|(_, mention)| !is_open(mention));
    }
    if let Some((file, _)) = found.iter().find(|(_, mention)| !mention.exact) {
        let file = view.analysis.sources.file(*file).name();
        return Err(format!("`{file}` writes `{name}` with escapes; write it plainly first"));
    }
    Ok((names, found))
}

fn is_known_fact(name: &str) -> bool {
    FACTS_OF_THE_CONNECTION.contains(&name) || DEFAULT_EVIDENCE.contains_key(name)
}

/// Whether a name can be written where the old one is, whatever quotes are there.
fn check(kind: Kind, new: &str) -> Result<(), String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let valid = if kind == Kind::Issuer {
        new.starts_with("http") && new.chars().all(|c| letter(c) || matches!(c, ':' | '/'))
    } else {
        let word = matches!(new.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "null");
        new.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && new.chars().all(letter) && !word
    };
    if valid {
        Ok(())
    } else {
        Err(format!("`{}` is not a name for a {}", crate::diagnostic::one_line(new), kind.word()))
    }
}

/// Whether something has the name already.
fn taken(view: &View<'_>, names: &[&Mention], new: &str) -> Result<(), String> {
    for name in names {
        let wanted = Mention { name: new.to_owned(), ..(*name).clone() };
        if view.names.all().any(|(_, other)| other.is_same(&wanted)) {
            return Err(format!("there is a {} called `{new}` already", name.kind.word()));
        }
    }
    Ok(())
}

/// Analyses the workspace as it would be, and refuses what has findings that it does not have now.
fn confirm(view: &View<'_>, replaced: &[Replaced], host: &Host<'_>) -> Result<(), String> {
    let mut files: BTreeMap<FileId, Vec<(std::ops::Range<usize>, String)>> = BTreeMap::new();
    for (file, range, text) in replaced {
        files.entry(*file).or_default().push((range.clone(), text.clone()));
    }
    let texts: BTreeMap<PathBuf, Vec<u8>> = files
        .into_iter()
        .map(|(file, mut changes)| {
            changes.sort_by_key(|(range, _)| range.start);
            let source = view.analysis.sources.file(file);
            (view.project.path_of(source.name()), applied(source.text(), &changes).into_bytes())
        })
        .collect();
    view.project.reader.begin();
    let over = Over { reader: &view.project.reader, texts };
    let after = (host.analyse)(&Input::Path(view.project.root.clone()), &over).map_err(|error| error.to_string())?;
    let (was, is) = (counts(view.analysis), counts(&after));
    let worse = is.iter().find(|(check, (count, _))| was.get(*check).is_none_or(|(before, _)| before < count));
    match worse {
        None => Ok(()),
        Some((check, (_, message))) => Err(format!("with that name there would be a finding of `{check}`: {message}")),
    }
}

/// How many findings each check has, and the message of one of them.
fn counts(analysis: &Analysis) -> BTreeMap<&'static str, (usize, &str)> {
    let mut counts = BTreeMap::new();
    for finding in &analysis.report().diagnostics {
        let count = counts.entry(finding.rule.name).or_insert((0, finding.message.as_str()));
        count.0 += 1;
        count.1 = finding.message.as_str();
    }
    counts
}
