//! `targets.redis` of `mcpctl.yaml`, as written.

use super::Own;
use super::over::by_key;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::Redis;
use crate::model::deployment::{Assumed, Deployment};
use crate::source::Spanned;

/// Settings of `redis`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Masters of a cluster, between which the size of a layer is divided: 3 by default, which is the fewest that Redis takes.
    #[cfg_attr(test, schemars(range(min = 3, max = 1000)))]
    masters: Option<Spanned<u32>>,
}

by_key!(Settings { masters });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, _findings: &mut Vec<Diagnostic>) -> Assumed {
        deployment.redis = Some(Redis { masters: self.masters });
        Assumed::default()
    }
}
