//! `targets.prometheus` of `mcpctl.yaml`, as written.

use super::Own;
use super::over::by_key;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::Prometheus;
use crate::model::deployment::{Assumed, Deployment};
use crate::model::value::HttpUrl;
use crate::source::Spanned;

/// Settings of `prometheus`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// URL of Alertmanager, such as `http://alertmanager:9093`. Without it Prometheus evaluates the alerts and sends none.
    alertmanager: Option<Spanned<HttpUrl>>,
}

by_key!(Settings { alertmanager });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, _findings: &mut Vec<Diagnostic>) -> Assumed {
        deployment.prometheus = Some(Prometheus { alertmanager: self.alertmanager });
        Assumed::default()
    }
}
