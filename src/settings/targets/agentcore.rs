//! `targets.agentcore` of `mcpctl.yaml`, as written.

use super::Own;
use super::over::by_key;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::Agentcore;
use crate::model::deployment::{Assumed, Deployment};
use crate::model::name::FactName;
use crate::source::Spanned;

/// Settings of `agentcore`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// ARN of the gateway that the policies are for.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-arn")))]
    gateway_arn: Option<Spanned<String>>,
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
}

by_key!(Settings { gateway_arn, assume, assume_reason });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, _findings: &mut Vec<Diagnostic>) -> Assumed {
        deployment.agentcore = Some(Agentcore { gateway_arn: self.gateway_arn });
        Assumed { facts: self.assume, reason: self.assume_reason }
    }
}
