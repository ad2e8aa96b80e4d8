//! `targets.agentgateway` of `mcpctl.yaml`, as written.

use std::collections::BTreeMap;

use super::over::{Over, by_key};
use super::{GatewayEntry, Own, TlsSettings, gateways};
use crate::diagnostic::Diagnostic;
use crate::families::text::words;
use crate::model::deployment::keys::Agentgateway;
use crate::model::deployment::{Assumed, Deployment};
use crate::model::name::FactName;
use crate::source::Spanned;

words! {
    /// A version of agentgateway that files are written for.
    pub(super) enum VersionWord {
        OneFour = "1.4",
        OneSeven = "1.7",
    }
}

impl Over for VersionWord {
    fn over(self, _: Self) -> Self {
        self
    }
}

/// Settings of `agentgateway`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port that gateways listen on, `0.0.0.0:8443` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-listen")))]
    listen: Option<Spanned<String>>,
    /// Certificate, key and trusted authorities of the gateways.
    tls: Option<TlsSettings>,
    /// What single gateways have of their own, by unit, or `central`.
    #[serde(default)]
    gateways: BTreeMap<String, Spanned<GatewayEntry>>,
    /// Kubernetes namespace of the policy form; `mcp` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    namespace: Option<Spanned<String>>,
    /// The version of agentgateway that the files are for; `1.4` by default.
    version: Option<Spanned<VersionWord>>,
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
}

by_key!(Settings { listen, tls, gateways, namespace, version, assume, assume_reason });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, findings: &mut Vec<Diagnostic>) -> Assumed {
        let all = GatewayEntry { listen: self.listen, admin: None, tls: self.tls };
        deployment.agentgateway = Some(Agentgateway {
            gateways: gateways(all, self.gateways, findings),
            namespace: self.namespace,
            version: self.version.map(|version| version.map(VersionWord::word)),
        });
        Assumed { facts: self.assume, reason: self.assume_reason }
    }
}
