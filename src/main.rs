//! The `mcpctl` command: wires the process to [`mcpctl::cli`].

use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;

use mcpctl::{bundle, cli, workspace};

/// A compile builds and drops many small values on all cores, which the allocators of some systems take half its time for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut stdout = BufWriter::new(io::stdout());
    ExitCode::from(cli::run(
        std::env::args_os(),
        cli::Host {
            stdin: &mut io::stdin(),
            stdout: &mut stdout,
            stderr: &mut io::stderr(),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            env: &|name| std::env::var_os(name),
            reader: &workspace::Disk,
            disk: &bundle::write::FileSystem,
            built_from: option_env!("MCPCTL_REVISION").filter(|revision| !revision.is_empty()),
        },
    ))
}
