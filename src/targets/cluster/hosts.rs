//! What the host of a server's URL is in a cluster.
//!
//! Source: the Kubernetes documentation, "DNS for Services and Pods". A service has the name `SERVICE.NAMESPACE.svc.DOMAIN`.
//! Istio completes names without a dot alone (`ResolveShortnameToFQDN` in its `pilot/pkg/model/config.go`).

use core::net::IpAddr;

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::value::check_dns_label;
use crate::source::Loc;
use crate::targets::TARGET_LIMIT;
use crate::targets::TargetId;

/// The cluster domain where the settings name none.
const DOMAIN: &str = "cluster.local";

/// A host as the mesh knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, in lower case; that of a service is complete.
    pub name: String,
    /// What it names.
    pub kind: HostKind,
}

/// What a host names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKind {
    /// A service of the cluster, in this namespace.
    Service(String),
    /// A name without a dot, which leads to another service in each namespace.
    Short,
    /// A name of two parts, which may be `SERVICE.NAMESPACE`, and may be outside of the cluster.
    PerhapsShort,
    /// A service of another cluster domain.
    OtherDomain,
    /// A name outside of the cluster.
    Outside,
    /// An address.
    Address,
}

impl Host {
    /// Reads the host of a URL.
    #[must_use]
    pub fn of(host: &str, domain: &str) -> Self {
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if name.parse::<IpAddr>().is_ok() {
            return Self { name, kind: HostKind::Address };
        }
        let inside = name.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')).unwrap_or(&name);
        let service = inside.strip_suffix(".svc").and_then(|rest| rest.rsplit_once('.'));
        if let Some((service, namespace)) =
            service.filter(|(service, namespace)| !service.is_empty() && !namespace.is_empty())
        {
            let kind = HostKind::Service(namespace.to_owned());
            return Self { name: format!("{service}.{namespace}.svc.{domain}"), kind };
        }
        let kind = match name.split('.').count() {
            1 => HostKind::Short,
            2 => HostKind::PerhapsShort,
            _ if name.contains(".svc.") => HostKind::OtherDomain,
            _ => HostKind::Outside,
        };
        Self { name, kind }
    }

    /// The namespace of the service that it names.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match &self.kind {
            HostKind::Service(namespace) => Some(namespace),
            HostKind::Short
            | HostKind::PerhapsShort
            | HostKind::OtherDomain
            | HostKind::Outside
            | HostKind::Address => None,
        }
    }

    /// Whether the mesh knows it by an entry alone.
    #[must_use]
    pub fn needs_entry(&self) -> bool {
        match self.kind {
            HostKind::PerhapsShort | HostKind::OtherDomain | HostKind::Outside => true,
            HostKind::Service(_) | HostKind::Short | HostKind::Address => false,
        }
    }
}

/// The cluster domain that the settings of `kubernetes` and `istio` name, which is one.
pub(crate) fn domain(model: &Model, findings: &mut Vec<Diagnostic>) -> String {
    let set = |target| model.deployment.cluster_domain(target);
    let (here, there) = (set(TargetId::Kubernetes), set(TargetId::Istio));
    if let (Some(here), Some(there)) = (here, there)
        && here.value != there.value
    {
        let message =
            format!("`kubernetes` has the cluster domain `{here}` and `istio` has `{there}`; they are for one cluster");
        findings.push(Diagnostic::new(&TARGET_LIMIT, there.loc, message).label(here.loc, format!("`{here}`")));
    }
    let Some(domain) = here.or(there) else { return DOMAIN.to_owned() };
    if !domain.value.split('.').all(|part| check_dns_label(part).is_ok()) {
        let message = format!("`{domain}` cannot be the domain of a cluster");
        let help = "write it in lower case without a dot at either end, such as `cluster.local`";
        findings.push(Diagnostic::new(&TARGET_LIMIT, domain.loc, message).help(help));
    }
    domain.value.clone()
}

/// Why a namespace from a URL is not one for servers.
pub(super) fn refused(namespace: &str, taken: (&str, &str)) -> Option<String> {
    reserved(namespace, taken).map(|what| format!("the namespace `{namespace}` of this URL {what}"))
}

/// Why a namespace is not one for servers, and for what gateways connect to.
pub(crate) fn reserved(namespace: &str, (gateways, agents): (&str, &str)) -> Option<&'static str> {
    let what = match namespace {
        _ if check_dns_label(namespace).is_err() => "cannot be the name of a Kubernetes namespace",
        _ if namespace == gateways => "is the namespace of the gateways",
        _ if namespace == agents => "is the namespace of the agents",
        "istio-system" => "is the namespace of the mesh itself",
        _ if namespace.starts_with("kube-") => "is a namespace of Kubernetes itself",
        _ => return None,
    };
    Some(what)
}

/// The place of a server's URL.
pub(crate) fn url_at(server: &crate::model::server::Server) -> Loc {
    server.url.as_ref().map_or(server.name.loc, |url| url.loc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_its_whole_name() {
        let service = |namespace: &str| HostKind::Service(namespace.to_owned());
        for (host, name, kind) in [
            ("cards.retail.svc", "cards.retail.svc.cluster.local", service("retail")),
            ("Cards.retail.svc.cluster.local.", "cards.retail.svc.cluster.local", service("retail")),
            ("c-0.cards.retail.svc.cluster.local", "c-0.cards.retail.svc.cluster.local", service("retail")),
            ("cards", "cards", HostKind::Short),
            ("cards.retail", "cards.retail", HostKind::PerhapsShort),
            ("retail.svc", "retail.svc", HostKind::PerhapsShort),
            ("svc", "svc", HostKind::Short),
            ("cards.retail.svc.corp.example", "cards.retail.svc.corp.example", HostKind::OtherDomain),
            ("cards.retail.example.org", "cards.retail.example.org", HostKind::Outside),
            ("10.0.0.7", "10.0.0.7", HostKind::Address),
            ("::1", "::1", HostKind::Address),
        ] {
            assert_eq!(Host::of(host, "cluster.local"), Host { name: name.to_owned(), kind }, "{host}");
        }
        let elsewhere = Host::of("cards.retail.svc.corp.example", "corp.example");
        assert_eq!(elsewhere.namespace(), Some("retail"));
    }
}
