//! `one-layer-of-defence`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::model::deployment::TargetId;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "one-layer-of-defence",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds that calls to servers of the most sensitive class are decided at one layer alone, of those that the targets in \
               `mcpctl.yaml` bring: gateways, the mesh (`istio`), and the network (`kubernetes`, with an `isolation_level` that has network \
               policies). Says nothing where no targets are listed.",
        why: "The document asks for defence in depth: whoever gets round the one layer, or finds a fault in it, meets no other.",
        fix: "List a target of another layer, such as `istio` or `kubernetes`; or switch the check off.",
    },
    run,
};

/// Targets that are gateways: each decides every call that passes it.
const GATEWAYS: [TargetId; 6] = [
    TargetId::Agentcore,
    TargetId::Agentgateway,
    TargetId::AgenticNetworking,
    TargetId::AiGateway,
    TargetId::Envoy,
    TargetId::Toolhive,
];

/// The layers that the listed targets bring.
fn layers(model: &Model) -> Vec<&'static str> {
    let listed = |target: TargetId| model.deployment.of(target).is_some();
    let gateway = GATEWAYS.into_iter().any(listed);
    let network = listed(TargetId::Kubernetes) && model.topology.is_isolated_by_network();
    [(gateway, "the gateways"), (listed(TargetId::Istio), "the mesh"), (network, "the network")]
        .into_iter()
        .filter_map(|(there, name)| there.then_some(name))
        .collect()
}

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let Some(class) = model.access.classes.last().filter(|class| !class.servers.is_empty()) else { return };
    let layers = layers(model);
    let [layer] = layers.as_slice() else { return };
    let (verb, count) = (if *layer == "the gateways" { "decide" } else { "decides" }, class.servers.len());
    let servers = if count == 1 { "one server".to_owned() } else { format!("{count} servers") };
    let message = format!("{layer} alone {verb} about {servers} of class `{}`", class.name);
    let labels = class.servers.iter().take(3).map(|server| (server.loc, "reached through one layer".to_owned()));
    report.push(Diagnostic::new(&CHECK.rule, class.name.loc, message).labels(labels));
}
