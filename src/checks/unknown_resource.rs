//! `unknown-resource`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::{Granted, Readable};
use crate::model::server::Server;
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-resource",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds resources and prompts that a grant, a step of a flow or a test names and that the registry does not list. A URI, or a \
               pattern, may also lie within a pattern that the registry lists. Where an event processor triggers several servers, exactly \
               one of them must list it.",
        why: "A resource or prompt that nobody lists does not exist for the gateways, so the grant gives nothing.",
        fix: "Correct the name, or add it to `resources` or `prompts` of its server in `mcp_registry`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["mcp_registry"]) {
        return;
    }
    let mut named: BTreeMap<(&str, String), Vec<Loc>> = BTreeMap::new();
    for grant in model.grants() {
        if let Granted::Readable(readable) = &grant.what {
            named.entry((grant.server.as_str(), readable.to_string())).or_default().push(grant.text.loc);
        }
    }
    for call in model.tested_calls() {
        if let Some((server, name)) = call.value.split_once('/')
            && Readable::parse(name).is_some()
        {
            named.entry((server, name.to_owned())).or_default().push(call.loc);
        }
    }
    for step in model.flows.values().flat_map(|flow| &flow.steps) {
        for read in &step.reads {
            match (&read.server, step.servers.as_slice()) {
                (Some(server), _) => {
                    named.entry((server.as_str(), read.what.value.to_string())).or_default().push(read.what.loc);
                }
                (None, servers) => {
                    let message = format!(
                        "{} is listed by none, or by several, of the {} servers of `{}`",
                        in_words(&read.what.value),
                        servers.len(),
                        step.name
                    );
                    report.push(Diagnostic::new(&CHECK.rule, read.what.loc, message));
                }
            }
        }
    }
    for ((server, name), mut places) in named {
        let readable = Readable::parse(&name);
        let entry = model.server(server).filter(|server| server.registered);
        let (Some(server), Some(readable)) = (entry, readable) else { continue };
        places.sort();
        if let Some((first, others)) = places.split_first().filter(|_| !server.offers(&readable)) {
            let message = format!("server `{}` has no {}", server.name, in_words(&readable));
            let finding = Diagnostic::new(&CHECK.rule, *first, message)
                .label(server.name.loc, format!("the registry lists what `{}` offers here", server.name))
                .labels(others.iter().map(|loc| (*loc, "also named here".to_owned())));
            let (Readable::Resource(written) | Readable::Prompt(written)) = &readable;
            report.push(finding.suggest(written, meant(input, server, &readable)));
        }
    }
}

fn in_words(readable: &Readable) -> String {
    match readable {
        Readable::Resource(uri) => format!("resource `{uri}`"),
        Readable::Prompt(name) => format!("prompt `{name}`"),
    }
}

/// The name that was likely meant.
fn meant<'a>(input: &Input<'_>, server: &'a Server, readable: &Readable) -> Option<&'a str> {
    match readable {
        Readable::Resource(uri) => input.nearest(uri, server.resources.iter().map(|known| known.uri.value.as_str())),
        Readable::Prompt(name) => input.nearest(name, server.prompts.iter().map(|known| known.name.value.as_str())),
    }
}
