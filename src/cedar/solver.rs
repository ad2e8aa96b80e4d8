//! The SMT solver: an external process that speaks SMT-LIB. The only code that starts one.

use std::ffi::{OsStr, OsString};

use cedar_policy_symcc::CedarSymCompiler;
use cedar_policy_symcc::solver::LocalSolver;
use tokio::process::Command;
use tokio::runtime::{Builder, Runtime};

use super::Error;

/// Most milliseconds for one question. Beyond it the answer is unknown.
const MOST_MILLISECONDS: u32 = 60_000;

/// A running solver.
pub struct Solver {
    pub(super) runtime: Runtime,
    pub(super) compiler: CedarSymCompiler<LocalSolver>,
    /// What it calls itself: `cvc5 1.0.3`.
    pub name: String,
}

impl std::fmt::Debug for Solver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Solver").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Solver {
    /// Starts cvc5, by its path or its name on the search path.
    ///
    /// # Errors
    /// Where there is no such program, or it is not a cvc5.
    pub fn start(program: &OsStr) -> Result<Self, Error> {
        let failed =
            |why: String| Error::new(format!("the solver `{}` cannot be used: {why}", program.to_string_lossy()));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| failed(cause.to_string()))?;
        let said = runtime
            .block_on(async { Command::new(program).arg("--version").kill_on_drop(true).output().await })
            .map_err(|cause| failed(cause.to_string()))?;
        let name = version(&String::from_utf8_lossy(&said.stdout))
            .ok_or_else(|| failed("it does not call itself cvc5".to_owned()))?;
        // Patterns of texts are among what cvc5 does not do unasked.
        let limit = format!("--tlimit-per={MOST_MILLISECONDS}");
        let arguments: [OsString; 4] = ["--lang".into(), "smt".into(), "--strings-exp".into(), limit.into()];
        let process = runtime
            .block_on(async { LocalSolver::from_command(Command::new(program).args(arguments).kill_on_drop(true)) })
            .map_err(|cause| failed(cause.to_string()))?;
        let compiler = CedarSymCompiler::new(process).map_err(|cause| failed(cause.to_string()))?;
        Ok(Self { runtime, compiler, name })
    }
}

/// `cvc5 1.0.3` out of what it prints of itself.
fn version(text: &str) -> Option<String> {
    let words = text.lines().next()?.split_whitespace();
    let mut after = words.skip_while(|word| *word != "cvc5" && *word != "version");
    after.find(|word| word.chars().next().is_some_and(|c| c.is_ascii_digit())).map(|number| format!("cvc5 {number}"))
}
