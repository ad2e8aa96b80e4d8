//! Coverage and mutation, for people.

use std::io::{self, Write};

use super::Found;
use super::failures::facts;
use crate::diagnostic::one_line;
use crate::render::{Format, counted};
use crate::review::coverage::{Coverage, Covered};
use crate::review::mutate::{Mutation, MutationKind};
use crate::review::naming::spelled;

/// Most cells that are shown as worth a test.
const READABLE: usize = 12;

pub(super) fn write(found: &Found<'_>, format: Format, out: &mut dyn Write) -> io::Result<()> {
    if let Some(coverage) = &found.coverage {
        of_coverage(found, coverage, format, out)?;
    }
    match &found.mutation {
        Some(mutation) => of_mutation(found, mutation, out),
        None => Ok(()),
    }
}

fn of_coverage(found: &Found<'_>, coverage: &Coverage, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let of = |covered: Covered, noun: &str| format!("{} of {}", covered.covered, counted(covered.all, noun));
    let cells = of(coverage.cells, "cell");
    let percent = coverage.cells.percent();
    let (levels, rules) = (of(coverage.levels, "level"), of(coverage.rules, "rule"));
    writeln!(out, "coverage: {cells} ({percent}%), {levels}, {rules}")?;
    if coverage.untested.is_empty() {
        return Ok(());
    }
    writeln!(out, "  worth a test:")?;
    let most = if format == Format::Human { READABLE } else { usize::MAX };
    let policy = found.analysis.policy();
    for cell in coverage.untested.iter().take(most) {
        let rule = policy.rule_at(cell.cell.rule);
        let sets = policy.conditions.get(cell.cell.condition).minimal_sets();
        let needs = sets.iter().min_by_key(|set| (set.count_ones(), **set));
        let needs = needs.map_or("never allowed".to_owned(), |set| format!("with {}", facts(found.analysis, *set)));
        let new = if cell.new_rule { ", a rule without a test" } else { "" };
        let (who, what) = (&policy.principal_at(cell.principal).id, spelled(policy.object_at(cell.object)));
        writeln!(out, "    {}", one_line(&format!("`{who}` calls `{what}` {needs}: rule `{}`{new}", rule.name)))?;
    }
    match coverage.untested.len().saturating_sub(most) {
        0 => Ok(()),
        more => writeln!(out, "    and {more} more; --format short or json shows them all"),
    }
}

fn of_mutation(found: &Found<'_>, mutation: &Mutation, out: &mut dyn Write) -> io::Result<()> {
    let of = |kind: MutationKind| match kind {
        MutationKind::Drop => "requirements dropped",
        MutationKind::Lower => "levels lowered",
        MutationKind::Grant => "tools granted",
    };
    let scores = MutationKind::ALL.iter().zip(mutation.scores);
    let scores: Vec<String> =
        scores.map(|(kind, score)| format!("{} of {} {}", score.noticed, score.made, of(*kind))).collect();
    writeln!(out, "mutation: the tests notice {}", scores.join(", "))?;
    if mutation.untried > 0 {
        writeln!(out, "  no tool was granted: {} are too many", counted(mutation.untried, "pair"))?;
    }
    if !mutation.survivors.is_empty() {
        writeln!(out, "  not noticed:")?;
    }
    for survivor in &mutation.survivors {
        let place = found.analysis.sources.shown_line(survivor.loc);
        writeln!(out, "    {}", one_line(&format!("{place}: {}: {}", survivor.kind.word(), survivor.what)))?;
    }
    Ok(())
}
