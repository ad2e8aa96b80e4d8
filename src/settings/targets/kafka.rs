//! `targets.kafka` of `mcpctl.yaml`, as written.

use super::Own;
use super::over::by_key;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::Kafka;
use crate::model::deployment::{Assumed, Deployment};
use crate::source::Spanned;

/// Settings of `kafka`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the `Kafka` resource of Strimzi whose topics they are; `kafka` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    cluster: Option<Spanned<String>>,
    /// How many brokers hold each partition of a topic: 3 by default. A broker refuses more than there are brokers.
    #[cfg_attr(test, schemars(range(min = 1, max = 32767)))]
    replicas: Option<Spanned<u32>>,
}

by_key!(Settings { cluster, replicas });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, _findings: &mut Vec<Diagnostic>) -> Assumed {
        deployment.kafka = Some(Kafka { cluster: self.cluster, replicas: self.replicas });
        Assumed::default()
    }
}
