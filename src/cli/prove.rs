//! `mcpctl prove`.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};

use super::load::{Loaded, Source};
use super::refusal::{self, Refusal};
use super::solver::Proofs;
use super::{Exit, Outcome, Session, ask::answerable, handwritten};
use crate::analysis::{self, Judged};
use crate::diagnostic::one_line;
use crate::render::{AnswerFormat, counted, json as versioned};
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
        let Judged { sources, checked: Ok(checked), .. } = analysis.judged() else {
            let message = "a compile of this workspace writes nothing, so there is nothing to prove".to_owned();
            return Err(Refusal::Usage { message, help: "`mcpctl validate` shows what is wrong".into() }.into());
        };
        let mut solver = self.proofs.solver(session)?;
        let proved = prove(&checked, &sources, solver.as_mut()).map_err(|error| vec![miette::Report::new(error)])?;
        let out = &mut session.out;
        match session.globals.format.of_answers() {
            AnswerFormat::Json => versioned::write_value(&data(&proved), out),
            AnswerFormat::Short => short(&proved, out),
            AnswerFormat::Human => human(&proved, out),
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
    handwritten::human(found, &|_| Vec::new(), out)?;
    for id in &proved.idle {
        writeln!(out, "  `{}` decides no request of any declared principal on anything declared", one_line(id))?;
    }
    Ok(())
}

fn short(proved: &Proved, out: &mut dyn Write) -> io::Result<()> {
    for Claim { name, status, by, .. } in &proved.claims {
        writeln!(out, "{}", one_line(&format!("{}: {name}: {by}", status.word())))?;
    }
    for group in proved.effect.iter().flat_map(handwritten::changed) {
        let (who, what) = handwritten::who_and_what(group);
        writeln!(out, "{}: handwritten: {who} on {what}", group.proof.word())?;
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
        "handwritten": proved.effect.as_ref().map(|found| handwritten::data(found, &|_| Vec::new())),
        "idle": proved.idle,
    })
}
