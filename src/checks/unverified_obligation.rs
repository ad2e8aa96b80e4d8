//! `unverified-obligation`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::access::{ClassEncryption, DataClass, RequiredLocation};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unverified-obligation",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds data classes that demand a location, encryption at rest or additional controls of servers of which \
               nothing is known, because there is no `mcp_registry`.",
        why: "These are properties of servers, which no request can prove. Without a registry they are wishes.",
        fix: "Register the servers with their `location`, `encryption_at_rest` and `controls`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if model.registry.is_some() || !model.complete_for(&["mcp_registry"]) {
        return;
    }
    let overlays = model.overlays.values().flat_map(|rules| &rules.classes);
    for class in model.access.classes.iter().chain(overlays).filter(|class| !class.servers.is_empty()) {
        let demands = demands(class);
        let Some((_, loc)) = demands.first() else { continue };
        let said: Vec<_> = demands.iter().map(|(what, _)| what.as_str()).collect();
        let servers = quoted(class.servers.iter().map(|server| server.value.as_str()));
        let message = format!("class `{}` demands {}, which nothing shows for {servers}", class.name, listed(&said));
        let places = class.servers.iter().map(|server| (server.loc, format!("nothing is known of `{server}`")));
        report.push(
            Diagnostic::new(&CHECK.rule, *loc, message)
                .labels(places)
                .help("describe the servers in `mcp_registry.servers`"),
        );
    }
}

fn listed(demands: &[&str]) -> String {
    match demands.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

fn demands(class: &DataClass) -> Vec<(String, Loc)> {
    let mut demands = Vec::new();
    if let Some(encryption) = class.encryption.as_ref().filter(|e| e.value == ClassEncryption::InTransitAndAtRest) {
        demands.push(("encryption at rest".to_owned(), encryption.loc));
    }
    if let Some(location) = &class.location {
        match location.value {
            RequiredLocation::Any => {}
            RequiredLocation::OnPremisesOnly => demands.push(("a place on premises".to_owned(), location.loc)),
            RequiredLocation::SecureEnclave => demands.push(("a secure enclave".to_owned(), location.loc)),
        }
    }
    demands.extend(class.additional_controls.iter().map(|control| (format!("`{control}`"), control.loc)));
    demands
}
