//! Which solver is used: `--solver`, else `$CVC5`, else `cvc5` on the search path.

use std::ffi::{OsStr, OsString};

use clap::Args;

use super::Session;
use crate::analysis::Analysis;
use crate::cedar::solver::Solver;
use crate::review::access::Side;
use crate::review::handwritten::Loaded;
use crate::review::solved::Oracle;

/// Which solver a command asks.
#[derive(Debug, Clone, Default, Args)]
pub struct Choice {
    /// The solver, cvc5 1.0.3 or newer, or `none`; `$CVC5`, or `cvc5` on the search path, by default
    #[arg(long, value_name = "PROGRAM")]
    pub solver: Option<OsString>,
}

/// What a command that proves something takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Proofs {
    /// Which solver.
    #[command(flatten)]
    pub choice: Choice,
    /// Exit with 1 where something is neither proved nor refuted, as without a solver
    #[arg(long)]
    pub require_proof: bool,
}

impl Proofs {
    /// Starts the solver, as [`Choice::start`].
    ///
    /// # Errors
    /// Where the one that was asked for cannot be used.
    pub fn solver(&self, session: &Session<'_>) -> Result<Option<Solver>, Vec<miette::Report>> {
        self.choice.start(session)
    }
}

impl Choice {
    /// The solver with the hand-written policies of a workspace; `None` where there are none, or no solver.
    ///
    /// # Errors
    /// Where the solver that was asked for cannot be used, or Cedar refuses the policies.
    pub fn oracle<'a>(
        &self,
        analysis: &'a Analysis,
        session: &Session<'_>,
    ) -> Result<Option<Oracle<'a>>, Vec<miette::Report>> {
        let solver = if analysis.written.is_some() { self.start(session)? } else { None };
        let Some(solver) = solver else { return Ok(None) };
        let side = Side { model: analysis.model(), policy: analysis.policy() };
        let loaded = Loaded::new(side, &analysis.sources).map_err(|error| vec![miette::Report::new(error)])?;
        Ok(Some(Oracle::new(loaded, side, solver)))
    }

    /// Starts the solver. One that nobody asked for may be missing.
    ///
    /// # Errors
    /// Where the one that was asked for cannot be used.
    pub fn start(&self, session: &Session<'_>) -> Result<Option<Solver>, Vec<miette::Report>> {
        let asked = self.solver.clone().or_else(|| (session.env)("CVC5").filter(|value| !value.is_empty()));
        match asked {
            Some(program) if program == "none" => Ok(None),
            Some(program) => Solver::start(&program).map(Some).map_err(|error| vec![miette::Report::new(error)]),
            None => Ok(Solver::start(OsStr::new("cvc5")).ok()),
        }
    }
}
