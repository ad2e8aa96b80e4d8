//! `targets.otel-collector` of `mcpctl.yaml`, as written.

use super::Own;
use super::over::by_key;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::OtelCollector;
use crate::model::deployment::{Assumed, Deployment};
use crate::model::quantity::{Bytes, Duration};
use crate::model::value::HttpUrl;
use crate::source::Spanned;

/// Settings of `otel-collector`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where SDKs reach the collector by OTLP, such as `http://collector:4318` (HTTP) or `http://collector:4317` (gRPC). Without it SDKs
    /// use their own default, which is the machine that they run on.
    endpoint: Option<Spanned<HttpUrl>>,
    /// The most memory that the collector uses, such as `512Mi`; without it, four fifths of what the machine or the container has.
    memory: Option<Spanned<Bytes>>,
    /// The most sensitive data class whose servers' spans keep a pseudonym of the user: `internal` by default. Spans about servers of
    /// higher classes, and of none, keep nothing of the user.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pseudonyms_up_to: Option<Spanned<String>>,
    /// How long a trace takes that `priority_boost: slow_spans` keeps, such as `5s`.
    slow_after: Option<Spanned<Duration>>,
}

by_key!(Settings { endpoint, memory, pseudonyms_up_to, slow_after });

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, _findings: &mut Vec<Diagnostic>) -> Assumed {
        let Self { endpoint, memory, pseudonyms_up_to, slow_after } = self;
        deployment.otel_collector = Some(OtelCollector { endpoint, memory, pseudonyms_up_to, slow_after });
        Assumed::default()
    }
}
