//! `targets` of `mcpctl.yaml`, as written. Each target has the keys that it uses and no others: those of its own file here, or
//! none.

mod agentcore;
mod agentgateway;
mod agentic_networking;
mod ai_gateway;
mod egress;
mod envoy;
mod istio;
mod kafka;
mod kubernetes;
mod otel_collector;
mod over;
mod placement;
mod prometheus;
mod redis;
mod toolhive;

use std::collections::BTreeMap;

use self::over::Over as _;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::target::targets;
use crate::model::deployment::{Assumed, Deployment, GatewaySettings, Gateways, Listed, Listen, TargetId, Tls};
use crate::schema::rules::INVALID_VALUE;
use crate::source::Spanned;

/// The settings of one target.
trait Own {
    /// Adds what they mean, and answers with what they take as given.
    fn lower(self, deployment: &mut Deployment, findings: &mut Vec<Diagnostic>) -> Assumed;
}

macro_rules! section {
    ($($kind:ident $variant:ident $module:ident $name:literal $settings:ident $summary:tt;)*) => {
        /// Targets that every compile must produce, and how.
        #[derive(Debug, Default, serde::Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub(super) struct TargetsSection {
            $(
                #[doc = $summary]
                #[serde(rename = $name)]
                $module: Option<Spanned<section!($settings $module)>>,
            )*
        }

        impl TargetsSection {
            /// These settings, and those of `base` where they say nothing.
            pub(super) fn laid_over(self, base: Self) -> Self {
                Self { $($module: self.$module.over(base.$module),)* }
            }

            /// What they mean.
            pub(super) fn lower(self, findings: &mut Vec<Diagnostic>) -> Deployment {
                let mut deployment = Deployment::default();
                $(
                    if let Some(Spanned { value, loc }) = self.$module {
                        let assumed = value.lower(&mut deployment, findings);
                        judge_assumptions(TargetId::$variant, &assumed, findings);
                        deployment.listed.insert(TargetId::$variant, Listed { loc, assumed });
                    }
                )*
                deployment
            }
        }
    };
    (own $module:ident) => { $module::Settings };
    (plain $module:ident) => { PlainSettings };
}
targets!(section);

/// A target without settings of its own.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct PlainSettings {}

impl Own for PlainSettings {
    fn lower(self, _deployment: &mut Deployment, _findings: &mut Vec<Diagnostic>) -> Assumed {
        Assumed::default()
    }
}

/// Files on the machine that the gateway runs on.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct TlsSettings {
    /// Certificate chain, PEM.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-path")))]
    cert: Spanned<String>,
    /// Private key, PEM.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-path")))]
    key: Spanned<String>,
    /// Authorities that peers' certificates must come from, PEM.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-path")))]
    ca: Spanned<String>,
}

/// What one gateway has of its own.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct GatewayEntry {
    /// Address and port that it listens on.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-listen")))]
    listen: Option<Spanned<String>>,
    /// Address and port of its admin interface.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-listen")))]
    admin: Option<Spanned<String>>,
    /// Its certificate, key and trusted authorities.
    tls: Option<TlsSettings>,
}

/// What is said of all gateways stands under `central`, and is what a gateway has where it says nothing itself.
fn gateways(
    all: GatewayEntry,
    each: BTreeMap<String, Spanned<GatewayEntry>>,
    findings: &mut Vec<Diagnostic>,
) -> Gateways {
    let all = settled(all, &GatewaySettings::default(), findings);
    let own = |entry: Spanned<GatewayEntry>, findings: &mut Vec<Diagnostic>| GatewaySettings {
        loc: Some(entry.loc),
        ..settled(entry.value, &all, findings)
    };
    let mut gateways: BTreeMap<String, GatewaySettings> =
        each.into_iter().map(|(name, entry)| (name, own(entry, findings))).collect();
    gateways.entry("central".to_owned()).or_insert(all);
    Gateways(gateways)
}

fn settled(entry: GatewayEntry, all: &GatewaySettings, findings: &mut Vec<Diagnostic>) -> GatewaySettings {
    let mut listen = |written: Option<Spanned<String>>| {
        let written = written?;
        let parsed = Listen::parse(&written.value);
        if parsed.is_none() {
            let message = format!("`{written}` is not an IP address with a port, like `0.0.0.0:8443`");
            findings.push(Diagnostic::new(&INVALID_VALUE, written.loc, message));
        }
        parsed.map(|listen| Spanned::new(listen, written.loc))
    };
    GatewaySettings {
        loc: None,
        listen: listen(entry.listen).or_else(|| all.listen.clone()),
        admin: listen(entry.admin).or_else(|| all.admin.clone()),
        tls: entry.tls.map(|tls| Tls { cert: tls.cert, key: tls.key, ca: tls.ca }).or_else(|| all.tls.clone()),
    }
}

/// An assumption is a hole in the proof, so it comes with its reason.
fn judge_assumptions(target: TargetId, assumed: &Assumed, findings: &mut Vec<Diagnostic>) {
    let reason = assumed.reason.as_ref().filter(|reason| !reason.value.trim().is_empty());
    match (assumed.facts.first(), reason) {
        (Some(fact), None) => {
            let message = format!("target `{target}` assumes `{fact}` without a reason");
            let help = "say in `assume_reason` what makes sure of it; the reason goes into the bundle";
            findings.push(Diagnostic::new(&INVALID_VALUE, fact.loc, message).help(help));
        }
        (None, Some(reason)) => {
            let message = format!("target `{target}` gives a reason and assumes nothing");
            findings.push(Diagnostic::new(&INVALID_VALUE, reason.loc, message));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}
