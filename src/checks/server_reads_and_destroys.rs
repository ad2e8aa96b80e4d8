//! `server-reads-and-destroys`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::server::Tool;
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "server-reads-and-destroys",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds servers with a tool that only reads and a tool that destroys, by their annotations.",
        why: "The document's principle of high cohesion: whoever runs the server for its readers runs it for those who destroy, too, with \
              one identity, one network and one class.",
        fix: "Split the server in two, so that each can be granted, limited and placed by itself; or switch the check off.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let is = |flag: &Option<Spanned<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
    for server in input.model.servers.values() {
        let first = |wanted: &dyn Fn(&Tool) -> bool| server.tools.values().find(|tool| wanted(tool));
        let (Some(reads), Some(destroys)) = (first(&|tool| is(&tool.read_only)), first(&|tool| is(&tool.destructive)))
        else {
            continue;
        };
        let message = format!("`{}` has tools that only read, and tools that destroy", server.name);
        report.push(
            Diagnostic::new(&CHECK.rule, server.name.loc, message)
                .label(reads.name.loc, "only reads")
                .label(destroys.name.loc, "destroys"),
        );
    }
}
