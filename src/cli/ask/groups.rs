//! What `mcpctl who-can` and `mcpctl what-can` print.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::{Session, refusal};
use super::answer::{closed_in_words, sets};
use super::listed;
use crate::analysis::Analysis;
use crate::diagnostic::one_line;
use crate::policy::{ObjectIx, Policy, PrincipalIx};
use crate::render::{AnswerFormat, counted, json};
use crate::review::decide::{Groups, is_allowed, reason};
use crate::review::naming::{named, sets_in_words};

/// The question.
pub(super) struct About<'a> {
    pub(super) question: &'static str,
    /// What was asked about: the key in JSON, and its name.
    pub(super) subject: (&'static str, &'a str),
    /// What is listed, as the key in JSON.
    pub(super) items: &'static str,
    /// The facts of the request, where some were given.
    pub(super) with: Option<u64>,
}

/// Settled groups as they are shown, and those that are not settled, by the reason.
type Sorted<'a, T> = (&'a [(&'a Vec<u64>, &'a Vec<T>)], &'a BTreeMap<String, Vec<T>>);

/// Says how many answers are not settled.
pub(super) fn unknown<T>(groups: &Groups<T>, session: &mut Session<'_>) -> Result<(), Vec<miette::Report>> {
    match groups.unknown.values().map(Vec::len).sum::<usize>() {
        0 => Ok(()),
        count => session.say(&format!("{} UNKNOWN: hand-written Cedar is not settled there", counted(count, "answer"))),
    }
}

/// Why no facts would help, and where that stands.
pub(super) fn closed(analysis: &Analysis, principal: PrincipalIx, object: ObjectIx) -> Option<String> {
    let Some(closed) = reason(analysis.model(), analysis.policy(), principal, object).closed else {
        let ids = analysis.whole().policies(principal, object);
        let ids = ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        return (!ids.is_empty()).then(|| format!("hand-written Cedar forbids it ({ids})"));
    };
    let (why, loc) = closed_in_words(analysis.policy(), principal, &closed);
    Some(loc.map_or(why.clone(), |loc| format!("{why} ({})", analysis.sources.shown_line(loc))))
}

/// Prints groups in the format asked for: what is allowed first, what can never be last.
pub(super) fn show<T>(
    about: &About<'_>,
    policy: &Policy,
    groups: &Groups<T>,
    named: &dyn Fn(&T) -> String,
    why: &dyn Fn(&T) -> Option<String>,
    session: &mut Session<'_>,
) -> Result<(), Vec<miette::Report>> {
    let mut sorted: Vec<(&Vec<u64>, &Vec<T>)> = groups.known.iter().collect();
    sorted.sort_by_key(|(missing, _)| {
        let facts = missing.iter().map(|set| set.count_ones()).min();
        (missing.is_empty(), facts, missing.len())
    });
    let format = session.globals.format.of_answers();
    let out = &mut session.out;
    match format {
        AnswerFormat::Human => human(about, policy, (&sorted, &groups.unknown), named, why, out),
        AnswerFormat::Short => short(about, policy, (&sorted, &groups.unknown), named, out),
        AnswerFormat::Json => json::write_value(&data(about, policy, (&sorted, &groups.unknown), named, why), out),
    }
    .map_err(refusal::stdout)
}

/// What a group has in common, in words.
fn head(about: &About<'_>, policy: &Policy, missing: &[u64]) -> String {
    match (missing, about.with) {
        ([], _) => "never".to_owned(),
        (missing, Some(_)) if is_allowed(missing) => "allowed".to_owned(),
        (missing, Some(_)) => format!("lacks {}", sets_in_words(policy, missing)),
        (missing, None) => format!("needs {}", sets_in_words(policy, missing)),
    }
}

fn human<T>(
    about: &About<'_>,
    policy: &Policy,
    (groups, unknown): Sorted<'_, T>,
    named: &dyn Fn(&T) -> String,
    why: &dyn Fn(&T) -> Option<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let with = about.with.map(|facts| format!(" with {}", listed(policy, facts))).unwrap_or_default();
    writeln!(out, "{}", one_line(&format!("`{}`{with}", about.subject.1)))?;
    if groups.is_empty() && unknown.is_empty() {
        return writeln!(out, "  no {}: nothing grants it", about.items);
    }
    for (missing, items) in groups {
        writeln!(out, "  {}:", head(about, policy, missing))?;
        for item in *items {
            let why = if missing.is_empty() { why(item) } else { None };
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            writeln!(out, "    {}", one_line(&format!("{}{why}", named(item))))?;
        }
    }
    for (why, items) in unknown {
        writeln!(out, "  {}:", one_line(&format!("UNKNOWN, {why}")))?;
        for item in items {
            writeln!(out, "    {}", one_line(&named(item)))?;
        }
    }
    Ok(())
}

fn short<T>(
    about: &About<'_>,
    policy: &Policy,
    (groups, unknown): Sorted<'_, T>,
    named: &dyn Fn(&T) -> String,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (missing, items) in groups {
        for item in *items {
            writeln!(out, "{}", one_line(&format!("{}: {}", named(item), head(about, policy, missing))))?;
        }
    }
    for (why, items) in unknown {
        for item in items {
            writeln!(out, "{}", one_line(&format!("{}: UNKNOWN: {why}", named(item))))?;
        }
    }
    Ok(())
}

fn data<T>(
    about: &About<'_>,
    policy: &Policy,
    (groups, unknown): Sorted<'_, T>,
    names: &dyn Fn(&T) -> String,
    why: &dyn Fn(&T) -> Option<String>,
) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|(missing, items)| {
            let mut group = serde_json::Map::new();
            let never = missing.is_empty();
            group.insert("never".into(), never.into());
            group.insert(if about.with.is_some() { "missing" } else { "needs" }.into(), json!(sets(policy, missing)));
            group.insert(about.items.into(), items.iter().map(names).collect());
            if never {
                group.insert("why".into(), items.iter().map(why).collect());
            }
            group.into()
        })
        .collect();
    let with = about.with.map(|facts| named(policy, facts).into_iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut data = json!({"version": json::VERSION, "question": about.question, "with": with, "groups": groups});
    let unknown: Vec<Value> = unknown
        .iter()
        .map(|(why, items)| json!({"why": why, about.items: items.iter().map(names).collect::<Vec<_>>()}))
        .collect();
    if let Some(fields) = data.as_object_mut() {
        fields.insert("unknown".into(), unknown.into());
        fields.insert(about.subject.0.into(), about.subject.1.into());
    }
    data
}
