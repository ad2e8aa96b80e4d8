//! `targets.envoy` of `mcpctl.yaml`, as written.

use std::collections::BTreeMap;

use super::over::by_key;
use super::{GatewayEntry, Own, TlsSettings, gateways};
use crate::diagnostic::Diagnostic;
use crate::model::deployment::keys::Envoy;
use crate::model::deployment::{Assumed, Deployment};
use crate::model::name::FactName;
use crate::model::quantity::Duration;
use crate::model::url::Url;
use crate::model::value::{HttpUrl, Origin};
use crate::schema::rules::INVALID_VALUE;
use crate::source::Spanned;

/// Settings of `envoy`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port that gateways listen on, `0.0.0.0:8443` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-listen")))]
    listen: Option<Spanned<String>>,
    /// Address and port of the admin interface, `127.0.0.1:9901` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-listen")))]
    admin: Option<Spanned<String>>,
    /// Certificate, key and trusted authorities of the gateways.
    tls: Option<TlsSettings>,
    /// What single gateways have of their own, by unit, or `central`.
    #[serde(default)]
    gateways: BTreeMap<String, Spanned<GatewayEntry>>,
    /// HTTP status of a denial: 403, or 200 for clients that end their session at any other.
    #[cfg_attr(test, schemars(extend("enum" = [200, 403])))]
    deny_status: Option<Spanned<u32>>,
    /// Origins of web pages that may call the gateways, such as `https://console.example.com`. A request without `Origin`, and
    /// one of a gateway's own origin, needs no entry; any other is refused.
    #[serde(default)]
    origins: Vec<Spanned<Origin>>,
    /// How many Envoys run each gateway; 1 by default. Each counts calls by itself, so it gets that part of the connections of a bulkhead.
    #[cfg_attr(test, schemars(range(min = 1)))]
    replicas: Option<Spanned<u32>>,
    /// The oldest that an event stream, any other answer, or a connection may get, such as `15m`, which is the default with
    /// `policy_enforcement: per_request`. No answer outlives the token of its request, whatever is written here.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-duration")))]
    max_stream_age: Option<Spanned<Duration>>,
    /// Where a processor is that runs one of the `additional_controls` of data classes, such as
    /// `data_loss_prevention: https://dlp.example.com:9002`. It speaks Envoy's `ext_proc` over gRPC. Gateways send it what is allowed to and
    /// from the servers of the class that lack the control, over TLS: `https`, a host and a port.
    #[serde(default)]
    controls: BTreeMap<String, Spanned<HttpUrl>>,
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
}

by_key!(Settings {
    listen,
    admin,
    tls,
    gateways,
    deny_status,
    origins,
    replicas,
    max_stream_age,
    controls,
    assume,
    assume_reason
});

impl Own for Settings {
    fn lower(self, deployment: &mut Deployment, findings: &mut Vec<Diagnostic>) -> Assumed {
        let all = GatewayEntry { listen: self.listen, admin: self.admin, tls: self.tls };
        deployment.envoy = Some(Envoy {
            gateways: gateways(all, self.gateways, findings),
            deny_status: self.deny_status,
            origins: self.origins,
            replicas: self.replicas,
            max_stream_age: self.max_stream_age,
            controls: processors(self.controls, findings),
        });
        Assumed { facts: self.assume, reason: self.assume_reason }
    }
}

/// The processors that gateways can call: over TLS, because they get what calls and answers hold; and by host and port alone, because
/// gRPC has paths of its own. A finding says what is wrong with each of the others.
fn processors(
    written: BTreeMap<String, Spanned<HttpUrl>>,
    findings: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Spanned<HttpUrl>> {
    written
        .into_iter()
        .filter(|(control, url)| {
            let text = url.value.as_str();
            let rest = text.split_once("://").map_or("", |(_, rest)| rest);
            let why = if Url::parse(text).is_none_or(|url| url.is_plaintext()) {
                "must be `https`: it gets what calls and answers hold"
            } else if rest.trim_end_matches('/').contains(['/', '?', '#', '@']) {
                "must be a host and a port alone: gRPC has paths of its own"
            } else {
                return true;
            };
            let message = format!("the processor of `{control}` {why}");
            let help = "write it as `https://dlp.example.com:9002`";
            findings.push(Diagnostic::new(&INVALID_VALUE, url.loc, message).help(help));
            false
        })
        .collect()
}
