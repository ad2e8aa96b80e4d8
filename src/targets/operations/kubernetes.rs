//! The target `kubernetes`: namespaces, who may connect to whom, and quotas.

mod api;
mod coverage;
mod egress;
mod network;
mod peers;
mod placement;
mod ports;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use api::ResourceQuota;

use crate::model::Model;
use crate::model::operations::ResourcePool;
use crate::source::Loc;
use crate::targets::cluster::{Cluster, ServerPlace, cluster, renamed};
use crate::targets::gateways::used;
use crate::targets::names::dns_label;
use crate::targets::objects::{Metadata, NAMESPACE, document, folder, metadata, objects, without_spec};
use crate::targets::{CompileError, Does, Files, Input, Need, Proof, Shown, Target, TargetId};

/// The label that names the segment of a namespace.
const SEGMENT: &str = "mcpctl.io/segment";
/// The label that names the subnet of a namespace, where the network's segments are declared.
const SUBNET: &str = "mcpctl.io/subnet";

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Kubernetes,
    summary: "Kubernetes namespaces, network policies and quotas for the segments and bulkheads",
    doc: "\
A folder for Kustomize for each cluster: `central`, and one for each unit that has a gateway of its own. A server is in the \
cluster of the gateway in front of it. Apply one folder in each cluster, with `kubectl apply -k kubernetes/CLUSTER`, or use it as \
the base of an overlay. An object that two folders have is the same in both, so all clusters may be one: apply every folder then.

- `namespaces.yaml`: one for the gateways (`mcp-gateways`), one for the agents and for whatever runs the flows (`mcp-agents`), \
and those of the servers: the namespace that the URL of a server names (`http://cards.retail.svc.cluster.local`), else that of \
its unit (`mcp-UNIT`), else `mcp`. The setting `namespace` replaces `mcp`. Labels name the segment, and the subnet that \
`network_segmentation` gives it; Istio's sidecars are switched on. The namespaces of the objects that other targets of the same \
compile write are there, too.
- `network-policies.yaml`: in each namespace, nothing connects and nothing is connected to but for this: agents to gateways at \
the port of their listener, the central gateway to those of units at theirs, each gateway to its servers (every gateway to all \
servers where `isolation_level` is `iam` or `none`) at the ports of their \
URLs, and everything to the cluster's DNS and to the control plane of the mesh. A server that is suspended, or that nobody is \
granted, takes no connection. The port of a listener is that of `listen` in the settings of the gateways, `8443` by default.
- `quotas.yaml`: for each pool with `cpu_cores` or `memory` that has a namespace for itself, what the pods of that namespace \
may ask for together. With a quota every pod has to say its requests and limits, or is refused. A pool that shares a namespace \
has no quota, and a note says so.
- `service-accounts.yaml`: one for each gateway.
- `admission.yaml`: where `targets.kubernetes.locations` says what tells the nodes of a location from others, a pod of a server is refused \
unless it asks for a node at the server's `location`. A pod of a gateway is refused unless it asks for one where the classes of the \
data that passes it demand: a gateway reads what it passes, and the central one passes what is for the gateways of units, too.

**What to do.** Run each server in its namespace, with the labels of its registry entry (`app.kubernetes.io/name` with the \
server's name where it gives none), listening at the port of its URL. Run each gateway in `mcp-gateways` under its service \
account (`central`, or the unit) with the label `mcpctl.io/gateway` of the same value; for agentgateway set `namespace` of its \
settings to that namespace, because its pods run where its objects are. The cluster's network has to enforce network policies; \
some do not.

**All of a cluster at once.** `clusters/CLUSTER` of the bundle lists what every target of the compile has for a cluster, and \
`kubectl apply -k clusters/CLUSTER` applies it, also to an empty one. Gateways are alternatives: compile for the one that runs \
there. [A cluster with one command](../guide/cluster.md) has every step, also with Argo CD and Flux.

**Locations.** Labels of nodes, a `RuntimeClass`, or both:

```yaml
targets:
  kubernetes:
    locations:
      on_premises: {node_labels: {site.example.com/kind: datacentre}}
      secure_enclave: {node_labels: {site.example.com/kind: enclave}, runtime_class: kata-cc}
```

A `ValidatingAdmissionPolicy` then refuses pods that do not name all of it in `nodeSelector` and `runtimeClassName`; write them into \
your `Deployment`. A gateway for a class with `on_premises_only` may stand at either location, or at the only one that is named. A pod that \
runs elsewhere when the policy is first applied stays where it is until it is replaced, and the API server refuses other changes of it. \
A note lists the locations without named nodes: their pods may run anywhere. The policies need Kubernetes 1.30 or later. Use labels that nodes cannot give themselves, such as those that begin \
with `node-restriction.kubernetes.io/`.

**Token issuers.** Gateways may connect to an issuer in the cluster by the URL of its keys: to the pods that have the name of the \
service as `app.kubernetes.io/name`, at that port. An issuer outside of the cluster has to be in the settings by its addresses, \
and any other pod by its labels:

```yaml
targets:
  kubernetes:
    egress:
      - {cidr: 203.0.113.0/24, port: 443}
      - {namespace: auth, labels: {app: keycloak}, port: 8443}
```

A range of addresses shares at least 8 bits (16 in IPv6), so it is never the whole Internet.

**Removing what is gone.** `kubectl apply` removes nothing: the rules of a server that a bundle no longer has stay in force. Keep the \
bundle that is deployed, apply the next one, and remove what disappears, what lets through first, cluster by cluster:

```sh
kubectl apply -k new/clusters/central
mcpctl diff old new --format prune --cluster central | kubectl delete --ignore-not-found -f -
```

A namespace that disappears goes with all that runs in it. Every object has the label `mcpctl.io/bundle` with the name of the \
bundle (`bundle.name` in `mcpctl.yaml`, the name of the workspace's folder by default), in its metadata alone. Overlays of Kustomize \
may use `labels` and `patches`; `commonLabels`, `namePrefix` and `namespace` change selectors and names that rules rest on. \
`kubectl apply --prune` refuses objects that were applied on the server's side; an ApplySet whose parent belongs to no namespace \
prunes the same objects.

**What is not there.** Servers reach no databases, and nobody from outside reaches a gateway, until you add policies for that: \
network policies only ever add up. The policies that let the central gateway and the gateway of a unit connect select pods, so \
they work where both gateways are in one cluster. In clusters apart, write the address of the unit's gateway into `egress`, and \
add a policy in the unit's cluster that lets the addresses of the central gateway in.

This target decides connections, not calls. It is checked that no connections but these are let through.",
    covers: coverage::COVERS,
    unexpressed: placement::unexpressed,
    names: renamed,
    proof: Proof::Model(Shown {
        by: "an interpreter of network policies, network-config-analyzer, kube-network-policies, and an API server of Kubernetes 1.37",
        what: "the first three find the same pairs of agents, gateways, servers and strangers that may connect; the API server \
         itself takes the objects of every cluster in one command when it is empty, the documented way removes \
         exactly what a later bundle lacks, and another removes everything",
        beyond: "a network plugin that enforces the policies, and controllers, such as those that count quotas",
    }),
    needs,
    does: Does::Configures,
    compile,
};

fn needs(model: &Model) -> Vec<Need> {
    let without: Vec<_> = model.servers.values().filter(|s| s.url.is_none() && !s.tools.is_empty()).collect();
    if let Some(first) = without.first() {
        let more = if without.len() == 1 { String::new() } else { format!(" and {} more", without.len() - 1) };
        return vec![Need {
            what: format!("the URL of server `{}`{more}", first.name),
            how: "add `url` to the server's entry in `mcp_registry`: connections are let through to its port"
                .to_owned(),
            loc: Some(first.name.loc),
        }];
    }
    if model.servers.is_empty() {
        let how = "add `mcp_registry` with `servers`".to_owned();
        return vec![Need { what: "servers".to_owned(), how, loc: None }];
    }
    Vec::new()
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let cluster = cluster(TargetId::Kubernetes, model).map_err(CompileError::Findings)?;
    let findings = egress::judge(model, &cluster);
    if !findings.is_empty() {
        return Err(CompileError::Findings(findings));
    }
    let used = used(model, input.policy).into_iter().map(|server| server.name.value.as_str()).collect();
    let mut files = Files::new();
    for (name, here) in cluster.each() {
        let others = others(input, &here);
        let servers: Vec<Loc> = here.places.iter().map(ServerPlace::loc).collect();
        let segments = model.topology.segments.iter().map(|(role, _)| role.loc);
        let spaces = namespaces(model, &cluster, &here, &others);
        let policies = network::policies(model, (&cluster, &here), &used, &others)?;
        let mut own = vec![
            objects(model, "namespaces.yaml", spaces, segments.chain(servers.iter().copied()).collect())?,
            objects(model, "network-policies.yaml", policies, servers.clone())?,
            objects(model, "service-accounts.yaml", service_accounts(&here), servers.clone())?,
        ];
        let (quotas, from) = quotas(&here)?;
        if !quotas.is_empty() {
            own.push(objects(model, "quotas.yaml", quotas, from)?);
        }
        let (placed, from) = placement::objects(model, &here)?;
        if !placed.is_empty() {
            own.push(objects(model, "admission.yaml", placed, from)?);
        }
        files.extend(folder(name, own, servers)?);
    }
    Ok(files)
}

/// Namespaces that every cluster has.
const EXISTING: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// The namespaces of the objects of other targets of the same compile, where they are none of the segments'.
fn others(input: &Input<'_>, cluster: &Cluster<'_>) -> BTreeSet<String> {
    let here = [TargetId::Agentgateway, TargetId::AgenticNetworking, TargetId::AiGateway, TargetId::Toolhive]
        .into_iter()
        .filter(|target| input.beside.contains(target));
    let namespace = |target: TargetId| {
        let settings = input.model.deployment.namespace(target);
        settings.map_or(NAMESPACE, |namespace| namespace.value.as_str())
    };
    let known = |namespace: &&str| {
        [cluster.agents_namespace.as_str(), cluster.gateways_namespace.as_str()].contains(namespace)
            || cluster.server_namespaces.contains_key(*namespace)
            || EXISTING.contains(namespace)
    };
    here.map(namespace).filter(|namespace| !known(namespace)).map(str::to_owned).collect()
}

fn namespaces(model: &Model, all: &Cluster<'_>, cluster: &Cluster<'_>, others: &BTreeSet<String>) -> Vec<Value> {
    let segment = |namespace: &str, segment: &str, role: &str| {
        let subnet = model.topology.segments.iter().find(|(name, _)| name.value == role).map(|(_, subnet)| subnet);
        let mut labels = BTreeMap::from([
            ("istio-injection".to_owned(), "enabled".to_owned()),
            (SEGMENT.to_owned(), segment.to_owned()),
        ]);
        labels.extend(subnet.map(|subnet| (SUBNET.to_owned(), dns_label(&subnet.value))));
        without_spec("Namespace", &Metadata { labels, name: namespace.to_owned(), namespace: None })
    };
    let mut found = vec![
        segment(&cluster.agents_namespace, "agents", "agents"),
        segment(&cluster.gateways_namespace, "gateways", "gateways"),
    ];
    for namespace in cluster.server_namespaces.keys() {
        found.push(segment(namespace, "servers", "mcp_servers"));
    }
    for namespace in others {
        // It may be one of servers in another cluster.
        let servers = all.server_namespaces.contains_key(namespace);
        let (kind, role) = if servers { ("servers", "mcp_servers") } else { ("policies", "policies") };
        found.push(segment(namespace, kind, role));
    }
    found
}

fn service_accounts(cluster: &Cluster<'_>) -> Vec<Value> {
    let account = |name: &String| without_spec("ServiceAccount", &metadata(name, &cluster.gateways_namespace));
    cluster.gateways.values().map(account).collect()
}

fn quotas(cluster: &Cluster<'_>) -> Result<(Vec<Value>, Vec<Loc>), CompileError> {
    let (mut documents, mut from) = (Vec::new(), Vec::new());
    for (namespace, pool) in &cluster.server_namespaces {
        let Some((pool, hard)) = pool.map(|pool| (pool, hard(pool))).filter(|(_, hard)| !hard.is_empty()) else {
            continue;
        };
        documents.push(document(&metadata("pool", namespace), &ResourceQuota { hard })?);
        from.push(pool.name.loc);
    }
    Ok((documents, from))
}

/// What the pods of a pool may ask for, and use, together.
fn hard(pool: &ResourcePool) -> BTreeMap<String, String> {
    let cpu = pool.cpu_millicores.as_ref().map(|cpu| match cpu.value {
        whole if whole.is_multiple_of(1_000) => (whole / 1_000).to_string(),
        part => format!("{part}m"),
    });
    let memory = pool.memory.as_ref().map(|memory| {
        let binary = [(1_u64 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
        let fits = binary.into_iter().find(|(unit, _)| memory.value.0 > 0 && memory.value.0.is_multiple_of(*unit));
        fits.map_or_else(|| memory.value.0.to_string(), |(unit, word)| format!("{}{word}", memory.value.0 / unit))
    });
    [("cpu", cpu), ("memory", memory)]
        .into_iter()
        .filter_map(|(resource, amount)| amount.map(|amount| (resource, amount)))
        .flat_map(|(resource, amount)| {
            ["limits", "requests"].map(|kind| (format!("{kind}.{resource}"), amount.clone()))
        })
        .collect()
}
