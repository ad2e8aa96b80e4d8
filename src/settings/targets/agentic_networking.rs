//! `targets.agentic-networking` of `mcpctl.yaml`, as written.

use super::Own;
use super::over::by_key;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::AgenticNetworking;
use crate::model::deployment::{Assumed, Deployment};
use crate::model::name::FactName;
use crate::source::Spanned;

/// Settings of `agentic-networking`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Kubernetes namespace of the policies, which is that of the `XBackend`s that they are for.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    namespace: Option<Spanned<String>>,
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
}

by_key!(Settings { namespace, assume, assume_reason });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, _findings: &mut Vec<Diagnostic>) -> Assumed {
        deployment.agentic_networking = Some(AgenticNetworking { namespace: self.namespace });
        Assumed { facts: self.assume, reason: self.assume_reason }
    }
}
