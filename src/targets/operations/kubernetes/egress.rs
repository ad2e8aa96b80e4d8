//! Destinations of `targets.kubernetes.egress` that cannot be told apart from what the workspace decides itself.

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::deployment::egress::{Destination, Egress};
use crate::targets::TARGET_LIMIT;
use crate::targets::cluster::{Cluster, ServerPlace, hosts};

/// A finding for each destination that is in the namespace of something else, or whose pods could be those of a server: rules for
/// one would hold for the other, too.
pub(super) fn judge(model: &Model, cluster: &Cluster<'_>) -> Vec<Diagnostic> {
    model.deployment.egress().iter().filter_map(|destination| of_destination(destination, cluster)).collect()
}

fn of_destination(destination: &Egress, cluster: &Cluster<'_>) -> Option<Diagnostic> {
    let Destination::Pods { namespace, labels } = &destination.to else { return None };
    let taken = (cluster.gateways_namespace.as_str(), cluster.agents_namespace.as_str());
    if let Some(what) = hosts::reserved(namespace, taken) {
        let message = format!("the namespace `{namespace}` {what}");
        let help = "let what gateways connect to be in a namespace of its own";
        return Some(Diagnostic::new(&TARGET_LIMIT, destination.loc, message).help(help));
    }
    // Pods can have more labels than a selector asks for, but no other value of the same one.
    let both = |place: &&ServerPlace<'_>| {
        let differs = |(key, value): (&String, &String)| place.labels.get(key).is_some_and(|other| other != value);
        place.namespace == *namespace && !labels.iter().any(differs) && {
            let fewer = |a: &std::collections::BTreeMap<String, String>,
                         b: &std::collections::BTreeMap<String, String>| {
                a.keys().all(|key| b.contains_key(key))
            };
            fewer(labels, &place.labels) || fewer(&place.labels, labels)
        }
    };
    let place = cluster.places.iter().find(both)?;
    let message = format!("the labels of this destination are also those of server `{}`", place.server.name);
    let help = "give its pods a label that no pod of a server has, or remove it: gateways reach the servers without it";
    let finding = Diagnostic::new(&TARGET_LIMIT, destination.loc, message).help(help);
    Some(finding.label(place.loc(), format!("`{}`", place.server.name)))
}
