//! `any-agent-overreach`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::{Grant, Granted};
use crate::model::server::Server;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "any-agent-overreach",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds grants of `any_agent` that reach more than tools annotated as read-only on servers of the lowest class.",
        why: "`any_agent` is everybody with a valid token, declared or not. What changes something, or shows data that is not \
              public, is better granted to agents by name.",
        fix: "Grant it to declared agents, add `only: read_only`, or annotate the tool with `read_only: true` if it is.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let Some(any) = &input.model.any_agent else { return };
    if !input.model.complete_for(&["data_routing", "mcp_registry"]) {
        return;
    }
    let classes = input.classes;
    for grant in &any.may_call {
        let Some(server) = input.model.servers.get(&grant.server) else { continue };
        if let Some((rank, class)) = classes.governing(grant.server.as_str())
            && rank > 0
        {
            let message = format!("every caller is granted `{}`, a server of the class `{}`", grant.text, class.name);
            let finding = Diagnostic::new(&CHECK.rule, grant.text.loc, message);
            let listed = classes.listed(grant.server.as_str());
            report.push(match listed {
                Some(listing) => finding.label(listing.loc, format!("listed as `{}` here", class.name)),
                None => finding.label(class.name.loc, "no class lists it, so the most sensitive one holds"),
            });
        } else if let Some(tool) = writing_tool(grant, server) {
            let message =
                format!("every caller is granted `{}/{tool}`, which is not annotated as read-only", server.name);
            report.push(Diagnostic::new(&CHECK.rule, grant.text.loc, message));
        }
    }
}

/// The first tool of the grant that may change something.
fn writing_tool<'a>(grant: &Grant, server: &'a Server) -> Option<&'a str> {
    let covered = |name: &str| match &grant.what {
        Granted::All => true,
        Granted::Tool(one) => one.as_str() == name,
        Granted::Readable(_) => false,
    };
    let mut tools = server.tools.values().filter(|tool| covered(tool.name.value.as_str()));
    let writes = tools.find(|tool| !tool.read_only.as_ref().is_some_and(|flag| flag.value))?;
    (!grant.only_read_only).then(|| writes.name.value.as_str())
}
