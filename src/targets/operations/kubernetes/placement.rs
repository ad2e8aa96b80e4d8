//! Where pods may run: those of servers at the location that the registry gives, and those of gateways where the classes of the data
//! that passes them demand it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::api::{
    LabelSelector, MatchConstraints, MatchResources, ResourceRule, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, Validation,
};
use super::peers::{NAME, labelled, selector};
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::access::RequiredLocation;
use crate::model::deployment::placement::Placement;
use crate::model::server::Location;
use crate::source::Loc;
use crate::targets::cluster::{Cluster, GATEWAY, ServerPlace};
use crate::targets::gateways::CENTRAL;
use crate::targets::objects::{Metadata, document};
use crate::targets::{CompileError, NotExpressed};

/// Pods that have to run at one of these locations.
struct Placed<'m> {
    namespace: &'m str,
    /// Name of the object that binds them to it.
    name: String,
    pods: LabelSelector,
    at: Vec<&'m Placement>,
}

/// The objects of a cluster, and where they come from.
pub(super) fn objects(model: &Model, cluster: &Cluster<'_>) -> Result<(Vec<Value>, Vec<Loc>), CompileError> {
    let known = model.deployment.kubernetes.iter().flat_map(|keys| &keys.locations).collect::<Vec<_>>();
    let (mut policies, mut bindings, mut from) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
    for Placed { namespace, name, pods, at } in placed(model, cluster, &known) {
        from.extend(at.iter().map(|place| place.loc));
        let policy = format!("{}.{}", policy_name(&at), cluster.gateways_namespace);
        let binding = ValidatingAdmissionPolicyBinding {
            match_resources: MatchResources {
                namespace_selector: labelled(&[(NAME, namespace)]),
                object_selector: pods,
            },
            policy_name: policy.clone(),
            validation_actions: ["Deny"],
        };
        // As for policies: where two bundles place the pods of one server, each has a binding of its own, and both hold.
        let bundle = Some(&cluster.gateways_namespace).filter(|own| own.as_str() != namespace);
        let name =
            [name.as_str(), namespace].into_iter().chain(bundle.map(String::as_str)).collect::<Vec<_>>().join(".");
        bindings.push(document(&of_cluster(name), &binding)?);
        policies.insert(policy.clone(), document(&of_cluster(policy), &policy_at(&at))?);
    }
    Ok((policies.into_values().chain(bindings).collect(), from.into_iter().collect()))
}

/// Locations for which the settings name no nodes: each of servers and of classes once, where it is first written.
pub(super) fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let known = |places: &[Location]| {
        model
            .deployment
            .kubernetes
            .iter()
            .flat_map(|keys| &keys.locations)
            .any(|place| places.contains(&place.location))
    };
    let servers = model.servers.values().filter_map(|server| server.location.as_ref());
    let servers = servers.map(|location| {
        (FamilyId::Registry, "servers[]", [location.value].to_vec(), location.loc, location.value.word())
    });
    let classes = model.class_treatment().filter_map(|(class, _)| class.location.as_ref());
    let classes = classes.map(|demand| {
        (FamilyId::DataRouting, "classifications[]", allowed(demand.value).to_vec(), demand.loc, demand.value.word())
    });
    let mut first: BTreeMap<(FamilyId, String), Loc> = BTreeMap::new();
    for (family, at, places, loc, word) in servers.chain(classes) {
        if !places.is_empty() && !known(&places) {
            let first = first.entry((family, format!("{at}.location: {word}"))).or_insert(loc);
            *first = loc.min(*first);
        }
    }
    let why = "no nodes are named for it in `targets.kubernetes.locations`, so pods may run on any";
    first.into_iter().map(|((family, key), loc)| NotExpressed { family, key, loc, why, own: false }).collect()
}

/// Where data may be for which a class demands this; empty where it may be anywhere.
fn allowed(demand: RequiredLocation) -> &'static [Location] {
    match demand {
        RequiredLocation::Any => &[],
        RequiredLocation::OnPremisesOnly => &[Location::OnPremises, Location::SecureEnclave],
        RequiredLocation::SecureEnclave => &[Location::SecureEnclave],
    }
}

fn of_cluster(name: String) -> Metadata {
    Metadata { labels: BTreeMap::new(), name, namespace: None }
}

fn placed<'c>(model: &Model, cluster: &'c Cluster<'_>, known: &[&'c Placement]) -> Vec<Placed<'c>> {
    let at = |allowed: &[Location]| {
        let these = known.iter().filter(|place| allowed.contains(&place.location));
        these.copied().collect::<Vec<_>>()
    };
    let server = |place: &'c ServerPlace<'_>| Placed {
        namespace: &place.namespace,
        name: place.name.clone(),
        pods: selector(place.labels.clone()),
        at: place.server.location.as_ref().map(|location| at(&[location.value])).unwrap_or_default(),
    };
    let gateway = |(name, account): (&&str, &'c String)| Placed {
        namespace: &cluster.gateways_namespace,
        name: account.clone(),
        pods: labelled(&[(GATEWAY, account)]),
        at: at(passing(model, name)),
    };
    let all = cluster.places.iter().map(server).chain(cluster.gateways.iter().map(gateway));
    all.filter(|placed| !placed.at.is_empty()).collect()
}

/// Where a gateway may stand, by what the classes of the servers behind it demand. The central one also passes what is for the
/// gateways of units.
fn passing(model: &Model, gateway: &str) -> &'static [Location] {
    let behind = model.class_treatment().filter(|(_, server)| {
        let unit = server.unit.as_ref().map(|unit| &unit.value);
        gateway == CENTRAL || crate::targets::gateways::cluster_of(model, unit) == gateway
    });
    let demands = behind.filter_map(|(class, _)| class.location.as_ref()).map(|location| allowed(location.value));
    // The fewer places, the higher the demand.
    demands.filter(|places| !places.is_empty()).min_by_key(|places| places.len()).unwrap_or_default()
}

/// The first part of the name of a policy. The second is the namespace of the bundle's gateways, so that two bundles in one cluster have
/// policies of their own.
fn policy_name(at: &[&Placement]) -> String {
    let words: Vec<String> = at.iter().map(|place| place.location.word().replace('_', "-")).collect();
    format!("mcpctl-location-{}", words.join("-or-"))
}

/// A pod must ask for what tells the nodes of one of these locations. The scheduler, and the kubelet of a node that a pod names itself,
/// hold it to that.
fn policy_at(at: &[&Placement]) -> ValidatingAdmissionPolicy {
    let each: Vec<String> = at.iter().map(|place| asks_for(place)).collect();
    let words: Vec<String> = at.iter().map(|place| format!("{place}")).collect();
    ValidatingAdmissionPolicy {
        failure_policy: "Fail",
        match_constraints: MatchConstraints {
            resource_rules: [ResourceRule {
                api_groups: [""],
                api_versions: ["v1"],
                operations: ["CREATE", "UPDATE"],
                resources: ["pods"],
            }],
        },
        validations: [Validation {
            expression: each.join(" || "),
            message: format!("this pod has to ask for {}", words.join(", or ")),
        }],
    }
}

/// Keys and values are those of labels, and names of classes those of objects, so none has a quote.
fn asks_for(place: &Placement) -> String {
    let label = |(key, value): (&String, &String)| {
        format!(
            "has(object.spec.nodeSelector) && '{key}' in object.spec.nodeSelector && object.spec.nodeSelector['{key}'] == '{value}'"
        )
    };
    let class = place
        .runtime_class
        .iter()
        .map(|class| format!("has(object.spec.runtimeClassName) && object.spec.runtimeClassName == '{class}'"));
    let parts: Vec<String> = place.node_labels.iter().map(label).chain(class).collect();
    format!("({})", parts.join(" && "))
}
