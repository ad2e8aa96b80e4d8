//! `targets.kubernetes` of `mcpctl.yaml`, as written.

use super::Own;
use super::egress::{EgressEntry, settled};
use super::over::by_key;
use super::placement::{self, Locations};
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::Kubernetes;
use crate::model::deployment::{Assumed, Deployment};
use crate::source::Spanned;

/// Settings of `kubernetes`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Kubernetes namespace of the servers; `mcp` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    namespace: Option<Spanned<String>>,
    /// Domain of the cluster, with which the full names of its services end; `cluster.local` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-name")))]
    cluster_domain: Option<Spanned<String>>,
    /// What gateways may connect to beside servers and each other, such as token issuers outside of the cluster.
    #[serde(default)]
    egress: Vec<Spanned<EgressEntry>>,
    /// What tells the nodes of a location from others. Pods of servers at the location, and of gateways that pass data of a class that
    /// demands it, are refused unless they ask for such a node.
    locations: Option<Locations>,
}

by_key!(Settings { namespace, cluster_domain, egress, locations });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, findings: &mut Vec<Diagnostic>) -> Assumed {
        deployment.kubernetes = Some(Kubernetes {
            namespace: self.namespace,
            cluster_domain: self.cluster_domain,
            egress: settled(self.egress, findings),
            locations: placement::settled(self.locations, findings),
        });
        Assumed::default()
    }
}
