//! `server-of-several-levels`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::policy::ObjectKind;
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "server-of-several-levels",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds servers whose tools have different authentication levels.",
        why: "The document's principle of high cohesion: a server of one level is easier to place, to watch and to explain, and a tool that \
              is put at a wrong level stands out.",
        fix: "Move the tools of the higher level to a server of their own, or switch the check off.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let (model, policy) = (input.model, input.policy);
    // Of each server, by level, the first tool of that level.
    let mut levels: BTreeMap<&str, BTreeMap<u32, (&str, Loc)>> = BTreeMap::new();
    for (_, object, cell) in policy.all_cells() {
        let found = policy.object_at(object);
        let ObjectKind::Tool(tool) = &found.kind else { continue };
        let declared = model.servers.get(&found.server).and_then(|server| server.tools.get(tool));
        if let (Some(level), Some(declared)) = (policy.rule_at(cell.rule).level, declared) {
            levels.entry(found.server.as_str()).or_default().entry(level).or_insert((tool.as_str(), declared.name.loc));
        }
    }
    for (server, of_level) in levels.into_iter().filter(|(_, of_level)| of_level.len() > 1) {
        let Some(server) = model.server(server) else { continue };
        let numbers: Vec<String> = of_level.keys().map(ToString::to_string).collect();
        let message = format!("the tools of `{}` have the levels {}", server.name, numbers.join(", "));
        let labels = of_level.into_iter().map(|(level, (tool, loc))| (loc, format!("`{tool}` has level {level}")));
        report.push(Diagnostic::new(&CHECK.rule, server.name.loc, message).labels(labels));
    }
}
