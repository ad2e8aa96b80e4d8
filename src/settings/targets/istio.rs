//! `targets.istio` of `mcpctl.yaml`, as written.

use super::Own;
use super::over::by_key;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::Istio;
use crate::model::deployment::{Assumed, Deployment};
use crate::model::name::FactName;
use crate::source::Spanned;

/// Settings of `istio`.
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
    /// Whether the gateway in front verifies the headers `Mcp-Method` and `Mcp-Name` against the body, so that they can
    /// tell tools apart. Without it, rules are for whole servers.
    verified_headers: Option<Spanned<bool>>,
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
}

by_key!(Settings { namespace, cluster_domain, verified_headers, assume, assume_reason });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, _findings: &mut Vec<Diagnostic>) -> Assumed {
        deployment.istio = Some(Istio {
            namespace: self.namespace,
            cluster_domain: self.cluster_domain,
            verified_headers: self.verified_headers,
        });
        Assumed { facts: self.assume, reason: self.assume_reason }
    }
}
