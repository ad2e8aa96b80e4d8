//! `level-below-derived`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::server::Server;
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "level-below-derived",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds an `auth_level` of a server, tool, resource or prompt that is lower than the level its server's data \
               class leads to.",
        why: "The class says how sensitive the data is; a single entry of the registry must not undercut it.",
        fix: "Raise the `auth_level`, leave it out, put the server into a less sensitive class, or set the class's \
              `min_auth_level`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["data_routing", "progressive_auth"]) {
        return;
    }
    let classes = input.classes;
    for server in model.servers.values() {
        let name = server.name.value.as_str();
        let Some(derived) = classes.derived_level(name) else { continue };
        for (what, level) in written(server) {
            if level.value >= derived || !model.access.levels.contains_key(&level.value) {
                continue;
            }
            let message = format!("{what} has auth level {level}, below the {derived} of its data class");
            let fix = Fix::value(level.loc, derived.to_string());
            let finding = Diagnostic::new(&CHECK.rule, level.loc, message).fix(fix);
            report.push(match (classes.listed(name), classes.governing(name)) {
                (Some(listing), _) => {
                    let class = &listing.class.name;
                    finding.label(listing.loc, format!("class `{class}` leads to level {derived}"))
                }
                (None, Some((_, class))) => finding
                    .label(class.name.loc, format!("no class lists `{name}`, so `{class}` holds", class = class.name))
                    .help(format!("list `{name}` in the class of its data")),
                (None, None) => finding.help("without `data_routing` everything needs the highest level"),
            });
        }
    }
}

/// Every level that the central registry sets on a server or a thing of it, with what it is set on.
fn written(server: &Server) -> Vec<(String, &Spanned<u32>)> {
    let name = &server.name;
    let own = server.access.auth_level.iter().map(|level| (format!("server `{name}`"), level));
    let tools = server.access.tools.iter();
    let tools = tools.filter_map(|(tool, access)| Some((format!("tool `{name}/{tool}`"), access.auth_level.as_ref()?)));
    let resources = server.resources.iter();
    let resources =
        resources.filter_map(|it| Some((format!("resource `{}` of `{name}`", it.uri), it.auth_level.as_ref()?)));
    let prompts = server.prompts.iter();
    let prompts = prompts.filter_map(|it| Some((format!("prompt `{}` of `{name}`", it.name), it.auth_level.as_ref()?)));
    own.chain(tools).chain(resources).chain(prompts).collect()
}
