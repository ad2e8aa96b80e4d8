//! Destinations of `targets.kubernetes.egress` that cannot be told apart from what the workspace decides itself.

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::deployment::egress::{Destination, Egress};
use crate::source::{Loc, Spanned};
use crate::targets::TARGET_LIMIT;
use crate::targets::cluster::hosts::HostKind;
use crate::targets::cluster::notes::Address;
use crate::targets::cluster::{Cluster, ServerPlace, hosts};

/// A finding for each destination that is in the namespace of something else, or whose pods could be those of a server: rules for
/// one would hold for the other, too.
pub(super) fn judge(model: &Model, cluster: &Cluster<'_>) -> Vec<Diagnostic> {
    let destinations = model.deployment.egress().iter().filter_map(|destination| of_destination(destination, cluster));
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    let keys = issuers.filter_map(|issuer| match &issuer.keys {
        Some(Spanned { value: Jwks::Url(url), loc }) => Some((url.as_str(), *loc)),
        Some(_) | None => None,
    });
    let processors = model.control_processors().into_values().map(|url| (url.value.as_str(), url.loc));
    let of_urls = keys.chain(processors).filter_map(|(url, loc)| of_url(url, loc, model, cluster));
    destinations.chain(of_urls).collect()
}

/// What gateways connect to by a URL has a namespace of its own, or the rules for gateways and agents would hold for it.
fn of_url(url: &str, loc: Loc, model: &Model, cluster: &Cluster<'_>) -> Option<Diagnostic> {
    let address = Address::of(url, &hosts::domain(model, &mut Vec::new()))?;
    let HostKind::Service(namespace) = &address.host.kind else { return None };
    let taken = (cluster.gateways_namespace.as_str(), cluster.agents_namespace.as_str());
    let message = format!("the namespace `{namespace}` of this URL {}", hosts::reserved(namespace, taken)?);
    let help = "let what gateways connect to be in a namespace of its own";
    Some(Diagnostic::new(&TARGET_LIMIT, loc, message).help(help))
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
