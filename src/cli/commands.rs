//! The commands, and what each reads and writes.

use clap::Subcommand;

use super::formats::Writes;
use super::{
    ask, compile, completions, diff, explain, fmt, graph, init, list, lsp, man, prove, report, schema, test, validate,
};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything that is wrong in a workspace
    Validate(validate::Validate),
    /// Compile a workspace into a bundle of policies
    Compile(compile::Compile),
    /// Show how a change widens and narrows access
    Diff(diff::DiffCommand),
    /// Say whether a principal may call a tool, why, and what it lacks
    Can(ask::Can),
    /// Say who may call a tool, and what each needs
    WhoCan(ask::WhoCan),
    /// Say what a principal may call, and what each call needs
    WhatCan(ask::WhatCan),
    /// Draw gateways and servers, what depends on what, a flow, or what a principal may use
    Graph(graph::Graph),
    /// Run the policy tests and invariants of a workspace
    Test(test::Test),
    /// State what is claimed of the compiled files, and check it
    Prove(prove::Prove),
    /// Write one page for an auditor: who may call what, findings, waivers, tests and proofs
    Report(report::Report),
    /// Explain a check, a family of configuration, or a target
    Explain(explain::Explain),
    /// List families, checks and targets, or a workspace's servers, tools and principals
    List(list::List),
    /// Print the JSON Schema of a family, for editors
    Schema(schema::Schema),
    /// Lay out the YAML of a workspace
    Fmt(fmt::Fmt),
    /// Tell an editor what is wrong while you type
    Lsp(lsp::Lsp),
    /// Start a small, valid, commented workspace
    Init(init::Init),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Print the manual pages
    Man(man::Man),
}

impl Command {
    /// What it writes.
    pub(super) fn writes(&self) -> Writes {
        match self {
            Self::Validate(_) | Self::Compile(_) => Writes::Findings,
            Self::Diff(_) => Writes::Comparison,
            Self::Can(_)
            | Self::WhoCan(_)
            | Self::WhatCan(_)
            | Self::Graph(_)
            | Self::Test(_)
            | Self::Prove(_)
            | Self::Report(_)
            | Self::Explain(_)
            | Self::List(_)
            | Self::Schema(_)
            | Self::Fmt(_)
            | Self::Lsp(_)
            | Self::Init(_)
            | Self::Completions(_)
            | Self::Man(_) => Writes::Answers,
        }
    }

    /// Whether it reads a workspace, which may be one in an environment.
    pub(super) fn reads_a_workspace(&self) -> bool {
        match self {
            Self::Validate(_)
            | Self::Compile(_)
            | Self::Diff(_)
            | Self::Can(_)
            | Self::WhoCan(_)
            | Self::WhatCan(_)
            | Self::Graph(_)
            | Self::Test(_)
            | Self::Prove(_)
            | Self::Report(_)
            | Self::Lsp(_) => true,
            Self::List(list) => list.kind.is_of_a_workspace(),
            Self::Explain(_) | Self::Schema(_) | Self::Fmt(_) | Self::Init(_) | Self::Completions(_) | Self::Man(_) => {
                false
            }
        }
    }
}
