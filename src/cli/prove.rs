//! `mcpctl prove`.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};

use super::load::{Loaded, Source};
use super::refusal::{self, Refusal};
use super::solver::Proofs;
use super::{Exit, Outcome, Session, ask::answerable};
use crate::analysis;
use crate::checks;
use crate::diagnostic::{Report, one_line};
use crate::render::{Format, counted, json as versioned};
use crate::review::handwritten::{Found, Judged, Proof};
use crate::review::proof::{Claim, Proved, prove};

const EXAMPLES: &str = "\
Examples:
  mcpctl prove                            every claim of what a compile of this folder writes
  mcpctl prove fleet --require-proof      fail where something could not be proved
  mcpctl prove --solver /opt/cvc5/bin/cvc5

A solver (cvc5) is needed for what hand-written Cedar does, and for a second
opinion on generated Cedar. Everything else is proved without one.

Exit codes: 0 nothing is refuted, 1 something is (with --require-proof also
what is not proved), 2 could not run.";

/// States what is claimed of the files that a compile writes, and checks it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Prove {
    /// What to read.
    #[command(flatten)]
    pub source: Source,
    /// The solver.
    #[command(flatten)]
    pub proofs: Proofs,
}

impl Prove {
    /// Runs it.
    ///
    /// # Errors
    /// Where the workspace cannot be read or has errors, or the solver that was asked for cannot be used.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let Loaded { mut analysis, .. } = answerable(&self.source, session)?;
        analysis::schemas::attach(&mut analysis);
        let (model, policy, sources) = (analysis.model, analysis.policy, analysis.sources);
        let Ok(checked) = checks::accept(model, policy, &Report::default()) else {
            let message = "the workspace could not be read whole, so nothing can be proved".to_owned();
            return Err(Refusal::Usage { message, help: "`mcpctl validate` shows what is wrong".into() }.into());
        };
        let mut solver = self.proofs.solver(session)?;
        let proved = prove(&checked, &sources, solver.as_mut()).map_err(|error| vec![miette::Report::new(error)])?;
        let out = &mut session.out;
        match session.globals.format {
            Format::Json => versioned::write_value(&data(&proved), out),
            Format::Short | Format::Github => short(&proved, out),
            Format::Human | Format::Markdown | Format::Html => human(&proved, out),
        }
        .map_err(refusal::stdout)?;
        session.out.flush().map_err(refusal::stdout)?;
        let open = proved.claims.iter().filter(|claim| claim.status.word() == "UNPROVED").count();
        let refuted = proved.claims.iter().filter(|claim| claim.status.word() == "REFUTED").count();
        let with = solver.map_or("no solver".to_owned(), |solver| solver.name);
        session.say(&format!(
            "{} checked, {refuted} refuted, {open} unproved; {with}",
            counted(proved.claims.len(), "claim")
        ))?;
        let failed = proved.refuted() || (self.proofs.require_proof && proved.unproved());
        Ok(if failed { Exit::Findings } else { Exit::Clean })
    }
}

fn human(proved: &Proved, out: &mut dyn Write) -> io::Result<()> {
    for Claim { what, status, by, .. } in &proved.claims {
        writeln!(out, "{:<9} {}", status.word(), one_line(what))?;
        writeln!(out, "          {}", one_line(by))?;
    }
    let Some(found) = &proved.effect else { return Ok(()) };
    writeln!(out, "\nHAND-WRITTEN CEDAR, against the access relation alone")?;
    effect(found, out)?;
    for id in &proved.idle {
        writeln!(out, "  `{}` decides no request of any declared principal on anything declared", one_line(id))?;
    }
    Ok(())
}

/// What hand-written policies change, for people.
///
/// # Errors
/// Those of the writer.
pub(super) fn effect(found: &Found, out: &mut dyn Write) -> io::Result<()> {
    let unchanged = |group: &&Judged| group.proof == Proof::Equivalent;
    for group in found.groups.iter().filter(|group| !unchanged(group)) {
        writeln!(out, "  {}: {}", group.proof.word(), one_line(&of_whom(group)))?;
        writeln!(out, "    before   {}", one_line(&in_words(&group.before)))?;
        writeln!(out, "    now      {}", one_line(&in_words(&group.after)))?;
        for example in &group.examples {
            let facts = if example.facts.is_empty() { "no facts".to_owned() } else { example.facts.join(", ") };
            let change = if example.allowed { "deny -> allow" } else { "allow -> deny" };
            let by: Vec<String> = example.policies.iter().map(|id| format!("`{id}`")).collect();
            writeln!(out, "    such as  with {}: {change}, by {}", one_line(&facts), one_line(&by.join(", ")))?;
        }
        match &group.proof {
            Proof::Unknown(why) => writeln!(out, "    because  {}", one_line(why))?,
            Proof::Unproved { opens_nothing: true } => {
                writeln!(out, "    without a solver; by its form it opens nothing")?;
            }
            Proof::Unproved { opens_nothing: false } => writeln!(out, "    without a solver; it may open something")?,
            Proof::Equivalent | Proof::Widened | Proof::Narrowed | Proof::Incomparable => {}
        }
    }
    let proved: usize = found.groups.iter().filter(unchanged).map(|group| group.pairs).sum();
    writeln!(
        out,
        "  {} in which hand-written policies have a say; {} decided by the same conditions, {proved} more PROVED EQUIVALENT",
        counted(found.pairs, "pair"),
        found.same
    )
}

/// Who, and on what: the first of many.
fn of_whom(group: &Judged) -> String {
    const READABLE: usize = 4;
    let some = |names: Vec<String>| {
        let more = names.len().saturating_sub(READABLE);
        let shown = names.iter().take(READABLE).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if more == 0 { shown } else { format!("{shown} and {more} more") }
    };
    let principals = some(group.principals.iter().map(ToString::to_string).collect());
    let objects = some(group.objects.iter().map(ToString::to_string).collect());
    format!("{principals} on {objects} ({})", counted(group.pairs, "pair"))
}

/// A decision: the relation's sets of facts, and the hand-written conditions.
pub(super) fn in_words(decided: &crate::cedar::symbolic::Decided) -> String {
    let set = |set: &Vec<String>| if set.is_empty() { "nothing".to_owned() } else { set.join(" + ") };
    let sets: Vec<String> = decided.generated.iter().map(set).collect();
    let generated = if sets.is_empty() { "never".to_owned() } else { format!("needs {}", sets.join(", or ")) };
    let written = decided.effect.in_words();
    if written.is_empty() { generated } else { format!("{generated}; {}", written.join("; ")) }
}

fn short(proved: &Proved, out: &mut dyn Write) -> io::Result<()> {
    for Claim { name, status, by, .. } in &proved.claims {
        writeln!(out, "{}", one_line(&format!("{}: {name}: {by}", status.word())))?;
    }
    for group in proved.effect.iter().flat_map(|found| &found.groups).filter(|group| group.proof != Proof::Equivalent) {
        writeln!(out, "{}", one_line(&format!("{}: handwritten: {}", group.proof.word(), of_whom(group))))?;
    }
    for id in &proved.idle {
        writeln!(out, "{}", one_line(&format!("idle: {id}")))?;
    }
    Ok(())
}

fn data(proved: &Proved) -> Value {
    let claims = proved
        .claims
        .iter()
        .map(|claim| json!({"name": claim.name, "claim": claim.what, "status": claim.status.word(), "by": claim.by}));
    json!({
        "version": versioned::VERSION,
        "claims": claims.collect::<Vec<_>>(),
        "handwritten": proved.effect.as_ref().map(effect_data),
        "idle": proved.idle,
    })
}

/// What hand-written policies change, as data.
pub(super) fn effect_data(found: &Found) -> Value {
    let groups = found.groups.iter().map(|group| {
        let side = |decided: &crate::cedar::symbolic::Decided| {
            json!({"facts": decided.generated, "policies": decided.effect.policies, "conditions": decided.effect.in_words()})
        };
        let examples = group.examples.iter().map(|example| {
            json!({
                "facts": example.facts, "before": if example.allowed { "deny" } else { "allow" },
                "after": if example.allowed { "allow" } else { "deny" }, "policies": example.policies,
            })
        });
        json!({
            "verdict": group.proof.word(),
            "may_open": group.proof.may_open(),
            "why": match &group.proof { Proof::Unknown(why) => Some(why), _ => None },
            "principals": group.principals.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "tools": group.objects.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "pairs": group.pairs,
            "before": side(&group.before),
            "after": side(&group.after),
            "examples": examples.collect::<Vec<_>>(),
        })
    });
    json!({
        "pairs": found.pairs, "same": found.same, "solver": found.solver,
        "groups": groups.collect::<Vec<_>>(),
    })
}
