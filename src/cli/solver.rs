//! Which solver is used: `--solver`, else `$CVC5`, else `cvc5` on the search path.

use std::ffi::{OsStr, OsString};

use clap::Args;

use super::Session;
use crate::cedar::solver::Solver;

/// What a command that proves something takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Proofs {
    /// The solver, cvc5 1.0.3 or newer, or `none`; `$CVC5`, or `cvc5` on the search path, by default
    #[arg(long, value_name = "PROGRAM")]
    pub solver: Option<OsString>,
    /// Exit with 1 where something is neither proved nor refuted, as without a solver
    #[arg(long)]
    pub require_proof: bool,
}

impl Proofs {
    /// Starts the solver. One that nobody asked for may be missing.
    ///
    /// # Errors
    /// Where the one that was asked for cannot be used.
    pub fn solver(&self, session: &Session<'_>) -> Result<Option<Solver>, Vec<miette::Report>> {
        let asked = self.solver.clone().or_else(|| (session.env)("CVC5").filter(|value| !value.is_empty()));
        match asked {
            Some(program) if program == "none" => Ok(None),
            Some(program) => Solver::start(&program).map(Some).map_err(|error| vec![miette::Report::new(error)]),
            None => Ok(Solver::start(OsStr::new("cvc5")).ok()),
        }
    }
}
