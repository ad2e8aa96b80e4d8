//! Checks the files of the target `kubernetes`: an interpreter of network policies, to which every kind of pod is put.
//!
//! A pod that no policy selects for a direction is open in it; one that some select may do what any of them lets through. A
//! connection needs both ends.

mod network;
mod placement;
mod pods;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::cluster::{Expected, Resource, clusters, shaped, unexpected};
use crate::lift::names::label;
use crate::model::Model;
use crate::model::deployment::TargetId;
use crate::model::operations::ResourcePool;
use crate::policy::Policy;
use network::Network;
use placement::Admission;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceQuota {
    hard: BTreeMap<String, String>,
}

/// Checks that the files let through exactly the connections that the model has, and hold its pools to their limits.
///
/// # Errors
/// Where they cannot be read exactly, or do anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, relation: &Policy) -> Result<(), LiftError> {
    let all = Expected::of(model);
    let found = clusters(artifacts, "kubernetes", model)?;
    for (gateway, resources) in &found {
        let expected = all.in_cluster(gateway);
        check_cluster(resources, model, relation, (&all, &expected))
            .map_err(|cause| LiftError::Unexpected(format!("in the cluster `{gateway}`: {cause}")))?;
    }
    if found.len() == 1 {
        return Ok(());
    }
    // Gateways reach each other where several of them are in one cluster.
    let keyed = found.into_values().flatten().map(|resource| {
        let key = (resource.kind.clone(), resource.namespace.clone(), resource.name.clone());
        (key, resource)
    });
    let together: BTreeMap<_, Resource> = keyed.collect();
    let together: Vec<Resource> = together.into_values().collect();
    check_cluster(&together, model, relation, (&all, &all))
}

/// Checks what one cluster has.
fn check_cluster(
    resources: &[Resource],
    model: &Model,
    relation: &Policy,
    (all, expected): (&Expected<'_>, &Expected<'_>),
) -> Result<(), LiftError> {
    let mut namespaces: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut quotas: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut accounts = BTreeSet::new();
    let mut network = Network::default();
    let mut admission = Admission::default();
    for resource in resources.iter().cloned() {
        let Resource { api, kind, name, namespace, labels, spec } = resource;
        let what = format!("the {kind} `{name}`");
        match (api.as_str(), kind.as_str(), namespace, spec) {
            ("v1", "Namespace", None, None) => drop(namespaces.insert(name, labels)),
            ("v1", "ServiceAccount", Some(at), None) if labels.is_empty() && at == expected.gateways_namespace => {
                accounts.insert(name);
            }
            ("v1", "ResourceQuota", Some(at), Some(spec)) if labels.is_empty() => {
                let ResourceQuota { hard } = shaped(spec, &what)?;
                if quotas.insert(at, hard).is_some() {
                    return unexpected(format!("{what} is not the only one in its namespace"));
                }
            }
            ("networking.k8s.io/v1", "NetworkPolicy", Some(at), Some(spec)) if labels.is_empty() => {
                network.add(at, spec, &what)?;
            }
            ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", None, Some(spec)) if labels.is_empty() => {
                admission.add_policy(name, spec, &what)?;
            }
            ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", None, Some(spec))
                if labels.is_empty() =>
            {
                admission.add_binding(spec, &what)?;
            }
            _ => return unexpected(format!("{what} is none that this target makes")),
        }
    }
    let mut wanted = expected_namespaces(model, expected);
    // Which targets are compiled together is not known here; that each has its namespace is seen from all their files.
    let others =
        others(model).into_iter().filter(|other| namespaces.contains_key(other) && !wanted.contains_key(other));
    let others: Vec<String> = others.collect();
    wanted.extend(others.into_iter().map(|other| {
        // It may be one of servers in another cluster.
        let servers = all.namespaces.contains_key(&other);
        let (segment, role) = if servers { ("servers", "mcp_servers") } else { ("policies", "policies") };
        (other, labels_of(model, segment, role))
    }));
    if namespaces != wanted {
        return unexpected("the namespaces, or their labels, are not those of the model");
    }
    if !accounts.iter().eq(expected.gateways.values().collect::<BTreeSet<_>>()) {
        return unexpected("the service accounts are not those of the gateways");
    }
    let pools = expected.namespaces.iter().filter_map(|(namespace, pool)| Some((namespace.clone(), limits((*pool)?))));
    if quotas != pools.filter(|(_, limits)| !limits.is_empty()).collect() {
        return unexpected("the quotas are not those of the pools");
    }
    admission.check(model, expected)?;
    network.check((model, relation), expected, &namespaces)
}

/// The namespaces that the objects of other targets go to.
fn others(model: &Model) -> BTreeSet<String> {
    let of = |target: TargetId| {
        let set = model.deployment.namespace(target);
        set.map_or_else(|| "mcp".to_owned(), |namespace| namespace.value.clone())
    };
    let targets = [TargetId::Toolhive, TargetId::AiGateway, TargetId::AgenticNetworking, TargetId::Agentgateway];
    targets.into_iter().map(of).collect()
}

/// The labels of a namespace of this segment, with the subnet of this role.
fn labels_of(model: &Model, segment: &str, role: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    labels.insert("istio-injection".to_owned(), "enabled".to_owned());
    labels.insert("mcpctl.io/segment".to_owned(), segment.to_owned());
    // The first one that names the role.
    let subnet = model.topology.segments.iter().find(|(named, _)| named.value == role);
    labels.extend(subnet.map(|(_, subnet)| ("mcpctl.io/subnet".to_owned(), label(&subnet.value))));
    labels
}

fn expected_namespaces(model: &Model, expected: &Expected<'_>) -> BTreeMap<String, BTreeMap<String, String>> {
    let servers = expected.namespaces.keys().map(|name| (name.clone(), labels_of(model, "servers", "mcp_servers")));
    let others = [
        (expected.agents_namespace.clone(), labels_of(model, "agents", "agents")),
        (expected.gateways_namespace.clone(), labels_of(model, "gateways", "gateways")),
    ];
    servers.chain(others).collect()
}

/// What a quota should say of a pool.
fn limits(pool: &ResourcePool) -> BTreeMap<String, String> {
    let mut limits = BTreeMap::new();
    if let Some(cpu) = &pool.cpu_millicores {
        let amount = if cpu.value % 1_000 == 0 { format!("{}", cpu.value / 1_000) } else { format!("{}m", cpu.value) };
        limits.insert("limits.cpu".to_owned(), amount.clone());
        limits.insert("requests.cpu".to_owned(), amount);
    }
    if let Some(memory) = &pool.memory {
        let bytes = memory.value.0;
        let steps = (1..=3_u32).rev().find(|step| bytes > 0 && bytes % 1024_u64.pow(*step) == 0).unwrap_or(0);
        let word = ["", "Ki", "Mi", "Gi"].get(steps as usize).copied().unwrap_or_default();
        let amount = format!("{}{word}", bytes / 1024_u64.pow(steps));
        limits.insert("limits.memory".to_owned(), amount.clone());
        limits.insert("requests.memory".to_owned(), amount);
    }
    limits
}
