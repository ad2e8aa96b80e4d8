//! Gateways that one Kustomization installs side by side.

use super::{TargetId, listed};
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;
use crate::source::{Loc, Sources};

/// The note about gateways that stand beside each other.
pub static SEVERAL_GATEWAYS: Rule = Rule {
    name: "several-gateways",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds bundles whose Kustomization installs the gateways of several products for the same servers.",
    why: "Each of the gateways enforces the policy. But whoever applies the whole bundle runs all of them, and limits, breakers and \
          logs of one know nothing of the calls through the others.",
    fix: "List the one product that runs there under `targets` in `mcpctl.yaml`, or compile it with `--target`.",
};

/// The products whose files in a cluster are a gateway. A mesh and network policies stand beside any of them.
const GATEWAYS: [TargetId; 3] = [TargetId::Agentgateway, TargetId::AgenticNetworking, TargetId::AiGateway];

/// The note that the Kustomization of a cluster installs several gateways. `files` are the paths of all files of a bundle.
#[must_use]
pub fn several_gateways<'f>(
    files: impl Iterator<Item = &'f str>,
    model: &Model,
    sources: &Sources,
) -> Option<Diagnostic> {
    let mut found: Vec<(&str, TargetId)> = Vec::new();
    for path in files {
        if let [target, cluster, "kustomization.yaml"] = path.split('/').collect::<Vec<_>>().as_slice() {
            let gateway = GATEWAYS.into_iter().find(|gateway| gateway.target().name() == *target);
            found.extend(gateway.map(|gateway| (*cluster, gateway)));
        }
    }
    let cluster = found.iter().map(|(cluster, _)| *cluster).find(|cluster| of(&found, cluster).count() > 1)?;
    let names: Vec<String> = of(&found, cluster).map(|gateway| format!("`{}`", gateway.target().name())).collect();
    let settings = of(&found, cluster).find_map(|gateway| model.deployment.of(gateway)).map(|settings| settings.loc);
    let first = sources.iter().map(|(id, _)| Loc::start_of(id)).next().unwrap_or_default();
    let message =
        format!("the Kustomization of cluster `{cluster}` installs {} gateways: {}", names.len(), listed(&names));
    let help = "list the product that runs there under `targets` in mcpctl.yaml, or compile it with `--target`";
    Some(Diagnostic::new(&SEVERAL_GATEWAYS, settings.or(model.registry).unwrap_or(first), message).help(help))
}

fn of(found: &[(&str, TargetId)], cluster: &str) -> impl Iterator<Item = TargetId> {
    found.iter().filter(move |(other, _)| *other == cluster).map(|(_, gateway)| *gateway)
}
