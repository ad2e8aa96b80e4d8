//! `unknown-server`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-server",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds servers that a flow, a class, a pool, a grant or a test names and that `mcp_registry` does not list. \
               Without a registry nothing is unknown; `server-mentioned-once` then looks for slips of the pen.",
        why: "The registry is the inventory. A name outside it is a slip of the pen or a server that nobody registered: \
              its unit, its place and its tools are unknown, so nothing about it can be enforced.",
        fix: "Correct the name, or add the server:\n\n```yaml\nmcp_registry:\n  servers:\n    - name: payment_server\n```",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let Some(registry) = model.registry else { return };
    if !model.names_known(&["mcp_registry"]) {
        return;
    }
    let mut unknown: BTreeMap<&str, BTreeMap<Loc, &'static str>> = BTreeMap::new();
    let mut mention = |name, loc, what| {
        unknown.entry(name).or_default().entry(loc).or_insert(what);
    };
    for server in model.servers.values().filter(|server| !server.registered) {
        server.mentions.iter().for_each(|(loc, what)| mention(server.name.value.as_str(), *loc, *what));
    }
    let registered = |name: &str| model.server(name).is_some_and(|server| server.registered);
    for grant in model.grants().filter(|grant| !registered(grant.server.as_str())) {
        mention(grant.server.as_str(), grant.text.loc, "granted to an agent");
    }
    for call in model.tested_calls() {
        if let Some((server, _)) = call.value.split_once('/')
            && !registered(server)
        {
            mention(server, call.loc, "called in a policy test");
        }
    }
    let known = || model.servers.values().filter(|server| server.registered).map(|server| server.name.value.as_str());
    for (name, places) in unknown {
        let all: Vec<Loc> = places.keys().copied().collect();
        let mut places = places.into_iter();
        let Some((first, _)) = places.next() else { continue };
        let finding = Diagnostic::new(&CHECK.rule, first, format!("server `{name}` is not in the registry"))
            .labels(places.map(|(loc, what)| (loc, format!("also named here: {what}"))))
            .label(registry, "the registry");
        report.push(finding.suggest_at(all, name, input.nearest(name, known())));
    }
}
