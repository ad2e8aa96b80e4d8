//! What the targets of a cluster leave for people to know: hosts that the mesh does not know as services, pools without a
//! namespace for themselves, and token issuers and processors that gateways cannot reach.

use super::hosts::{Host, HostKind, url_at};
use super::{Cluster, ServerPlace, cluster, pools};
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::deployment::egress::{Destination, Egress};
use crate::model::url::Url;
use crate::source::{Loc, Spanned};
use crate::targets::TargetId;

/// The warning about the short name of a service.
pub static SHORT_HOST: Rule = Rule {
    name: "short-host",
    severity: Severity::Warning,
    guards_access: false,
    what: "Finds servers whose URL has a host of two parts, such as `cards.retail`, in a workspace that is compiled for Istio. It \
           may be the short name of a service.",
    why: "Istio completes names without a dot alone. It does not know `cards.retail` as the service `cards`, so limits, outlier \
          detection and TLS of the mesh do not apply to it.",
    fix: "Write the full name of the service, such as `cards.retail.svc.cluster.local`.",
};

/// The note about hosts that are no services of the cluster.
pub static HOST_OUTSIDE_CLUSTER: Rule = Rule {
    name: "host-outside-cluster",
    severity: Severity::Note,
    guards_access: false,
    what: "Finds servers whose URL names no service of the cluster, in a workspace that is compiled for Istio.",
    why: "A `ServiceEntry` tells the mesh that the host leads to the pods with the labels of the server. Where the server runs \
          outside of the cluster, there are no such pods: the mesh protects nothing, and calls through it fail.",
    fix: "Write the full name of the server's service where it has one. Leave `istio` out of the compile for servers that are \
          outside of the cluster.",
};

/// The note about pools without a quota.
pub static POOL_WITHOUT_NAMESPACE: Rule = Rule {
    name: "pool-without-namespace",
    severity: Severity::Note,
    guards_access: false,
    what: "Finds bulkhead pools with `cpu_cores` or `memory` whose servers share a namespace with others, or are in several, in \
           a workspace that is compiled for Kubernetes.",
    why: "A quota is for a namespace. It would hold other servers to the limits of the pool, or let the pool have its limits \
          several times over, so none is written.",
    fix: "Name a namespace of its own in the URLs of the pool's servers, or set limits in their deployments.",
};

/// The warning about issuers that network policies keep gateways from.
pub static ISSUER_OUT_OF_REACH: Rule = Rule {
    name: "issuer-out-of-reach",
    severity: Severity::Warning,
    guards_access: false,
    what: "Finds token issuers outside of the cluster whose keys a gateway fetches, where the network policies of target \
           `kubernetes` let no connection to them through.",
    why: "A gateway without the keys of an issuer denies every call with its tokens.",
    fix: "Write the addresses of the issuer into `targets.kubernetes.egress`, or use `jwks_file`.",
};

/// The warning about processors of controls that network policies keep gateways from.
pub static CONTROL_OUT_OF_REACH: Rule = Rule {
    name: "control-out-of-reach",
    severity: Severity::Warning,
    guards_access: false,
    what: "Finds processors in `targets.envoy.controls` outside the cluster that the network policies of target `kubernetes` keep gateways \
           from reaching.",
    why: "Without an answer from its processor, every call that needs the control fails.",
    fix: "Write the addresses of the processor into `targets.kubernetes.egress`.",
};

/// Targets whose gateways fetch keys themselves.
const FETCHING: [TargetId; 3] = [TargetId::Envoy, TargetId::Agentgateway, TargetId::AiGateway];

/// What is to be known of one target's files, where the targets `beside` are compiled, too.
#[must_use]
pub fn notes(target: TargetId, beside: &[TargetId], model: &Model) -> Vec<Diagnostic> {
    if !matches!(target, TargetId::Istio | TargetId::Kubernetes) {
        return Vec::new();
    }
    // What speaks against the cluster was said by the compile.
    let Ok(found) = cluster(target, model) else { return Vec::new() };
    if target == TargetId::Istio { hosts(&found) } else { [quotas(&found, model), issuers(beside, model)].concat() }
}

fn hosts(cluster: &Cluster<'_>) -> Vec<Diagnostic> {
    let of = |kind: &[HostKind]| -> Vec<&ServerPlace<'_>> {
        cluster.places.iter().filter(|place| kind.contains(&place.host.kind)).collect()
    };
    let mut found = Vec::new();
    for place in of(&[HostKind::PerhapsShort]) {
        let name = &place.host.name;
        let message = format!("`{name}` may be the short name of a service, which Istio does not complete");
        let help = format!("write `{name}.svc.cluster.local` where it is one");
        found.push(Diagnostic::new(&SHORT_HOST, url_at(place.server), message).help(help));
    }
    let outside = of(&[HostKind::Outside, HostKind::OtherDomain, HostKind::Address]);
    if let Some(first) = outside.first() {
        let more = match outside.len() {
            1 => String::new(),
            2 => " and 1 more host".to_owned(),
            several => format!(" and {} more hosts", several - 1),
        };
        let are = if outside.len() == 1 { "is not a service" } else { "are no services" };
        let message =
            format!("`{}`{more} {are} of the cluster by name, so the mesh takes them for pods", first.host.name);
        let message =
            if outside.len() == 1 { message.replace("takes them for pods", "takes it for pods") } else { message };
        let help = format!(
            "calls to `{}` go to the pods with the labels of its server in the namespace `{}`; write the full name of a \
             service, or leave `istio` out for servers outside of the cluster",
            first.host.name, first.namespace
        );
        let finding = Diagnostic::new(&HOST_OUTSIDE_CLUSTER, url_at(first.server), message).help(help);
        let others = outside.iter().skip(1).take(3);
        found.push(
            others
                .fold(finding, |finding, place| finding.label(url_at(place.server), format!("`{}`", place.host.name))),
        );
    }
    found
}

fn quotas(cluster: &Cluster<'_>, model: &Model) -> Vec<Diagnostic> {
    let own = |number: usize| {
        let (all, _) = pools(model);
        let pool = all.get(number).copied();
        let is = |one: &&_| pool.is_some_and(|pool| core::ptr::eq(*one, pool));
        cluster.server_namespaces.values().flatten().any(is)
    };
    let (all, of_server) = pools(model);
    let placed = |number: usize| {
        cluster.places.iter().any(|place| of_server.get(place.server.name.value.as_str()) == Some(&number))
    };
    let without: Vec<_> = all
        .iter()
        .enumerate()
        .filter(|(number, pool)| {
            (pool.cpu_millicores.is_some() || pool.memory.is_some()) && placed(*number) && !own(*number)
        })
        .map(|(_, pool)| &pool.name)
        .collect();
    let Some(first) = without.first() else { return Vec::new() };
    let (names, have) = match without.len() {
        1 => (format!("pool `{first}`"), "has no namespace for itself"),
        several => (format!("pool `{first}` and {} more", several - 1), "have no namespaces for themselves"),
    };
    let message = format!("{names} {have}, so target `kubernetes` writes no quota for it");
    let help =
        "name a namespace of its own in the URLs of the pool's servers, such as `http://SERVER.POOL.svc.cluster.local`";
    let finding = Diagnostic::new(&POOL_WITHOUT_NAMESPACE, first.loc, message).help(help);
    vec![without.iter().skip(1).take(3).fold(finding, |finding, pool| finding.label(pool.loc, format!("`{pool}`")))]
}

fn issuers(beside: &[TargetId], model: &Model) -> Vec<Diagnostic> {
    let Some(gateway) = beside.iter().find(|target| FETCHING.contains(target)) else { return Vec::new() };
    let domain = super::hosts::domain(model, &mut Vec::new());
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    let unfetched = issuers.filter_map(|issuer| {
        let Some(Spanned { value: Jwks::Url(url), loc }) = &issuer.keys else { return None };
        let address = unreached(url, &domain, model)?;
        Some(finding(&ISSUER_OUT_OF_REACH, *gateway, "keys", &address, *loc))
    });
    let processors = model.control_processors().into_values().filter(|_| beside.contains(&TargetId::Envoy));
    let silent = processors.filter_map(|url| {
        let address = unreached(url.value.as_str(), &domain, model)?;
        Some(finding(&CONTROL_OUT_OF_REACH, TargetId::Envoy, "processor", &address, url.loc))
    });
    unfetched.chain(silent).collect()
}

/// The address of a URL that network policies let nobody connect to.
fn unreached(url: &str, domain: &str, model: &Model) -> Option<Address> {
    let address = Address::of(url, domain)?;
    let open =
        address.host.namespace().is_some() || model.deployment.egress().iter().any(|egress| address.is_in(egress));
    (!open).then_some(address)
}

fn finding(rule: &'static Rule, gateway: TargetId, what: &str, address: &Address, loc: Loc) -> Diagnostic {
    let (host, port) = (&address.host.name, address.port);
    let message =
        format!("the network policies of `kubernetes` keep the gateways of `{gateway}` from the {what} at `{host}`");
    let help = format!(
        "add `targets.kubernetes.egress: [{{cidr: ADDRESSES, port: {port}}}]` to mcpctl.yaml, with the addresses of `{host}` in \
         the place of `ADDRESSES`"
    );
    Diagnostic::new(rule, loc, message).help(help)
}

/// Where keys are fetched.
pub(crate) struct Address {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl Address {
    /// That of a URL.
    pub(crate) fn of(url: &str, domain: &str) -> Option<Self> {
        let url = Url::parse(url)?;
        let port = url.port.unwrap_or(if url.is_plaintext() { 80 } else { 443 });
        Some(Self { host: Host::of(url.host, domain), port })
    }

    /// Whether a destination may be it: by its address where that is known, and by its port.
    fn is_in(&self, egress: &Egress) -> bool {
        let known = self.host.name.parse().ok();
        let there = match &egress.to {
            Destination::Addresses(range) => known.is_none_or(|address| range.contains(address)),
            Destination::Pods { .. } => known.is_none(),
        };
        there && egress.port == self.port
    }
}
