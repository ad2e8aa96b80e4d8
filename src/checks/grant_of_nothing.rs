//! `grant-of-nothing`.

use super::redundant_grant::lists;
use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::{Grant, Granted};
use crate::policy::redundant::granted;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "grant-of-nothing",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds entries of `may_call` that stand for no tool: `only: read_only` where no tool is annotated as read-only, \
               and tools that only a flow names, which exist for that flow alone. A server without any tools, and a tool \
               that does not exist, have findings of their own.",
        why: "The agent is denied what the entry seems to grant.",
        fix: "Annotate the tools (`annotations: {read_only: true}`) where they only read, list the tool in `mcp_registry`, or \
              remove the entry.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry"]) {
        return;
    }
    for (who, list) in lists(input) {
        report.extend(list.iter().filter_map(|grant| finding(input, who, grant)));
    }
}

fn finding(input: &Input<'_>, who: &str, grant: &Grant) -> Option<Diagnostic> {
    // Most entries grant something, which is seen without a look at their tools.
    if grant.what == Granted::All && !grant.only_read_only {
        return None;
    }
    let server = input.model.server(grant.server.as_str()).filter(|server| server.registered)?;
    let named = match &grant.what {
        Granted::All => None,
        // One that the registry does not list has a finding of its own.
        Granted::Readable(_) => return None,
        Granted::Tool(name) => Some(server.tools.get(name)?),
    };
    if named.is_none() && !server.lists_tools || !granted(input.model, input.policy, grant).is_empty() {
        return None;
    }
    let text = &grant.text;
    let message = |why: &str| format!("`{text}` grants `{who}` nothing: {why}");
    let (why, place, says) = match named {
        Some(tool) if !tool.registered => (
            format!(
                "the registry lists no tools of `{}`, and what a flow names is there for the flow alone",
                server.name
            ),
            server.name.loc,
            "this entry lists no tools",
        ),
        Some(tool) => {
            let place = tool.read_only.as_ref().map_or(tool.name.loc, |flag| flag.loc);
            ("the tool is not annotated as read-only".to_owned(), place, "this is not read-only")
        }
        None => (
            format!("no tool of `{}` is annotated as read-only", server.name),
            server.name.loc,
            "none of its tools is read-only",
        ),
    };
    Some(Diagnostic::new(&CHECK.rule, text.loc, message(&why)).label(place, says))
}
