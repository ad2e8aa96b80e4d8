//! `targets` of `mcpctl.yaml`, as written. Each target has the keys that it uses and no others.

mod egress;
mod over;

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::model::deployment::{Deployment, GatewaySettings, Listen, TargetId, TargetSettings, Tls};
use crate::model::name::FactName;
use crate::model::value::Origin;
use crate::schema::rules::INVALID_VALUE;
use crate::source::{Loc, Spanned};

/// Targets that every compile must produce, and how.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TargetsSection {
    /// Cedar policies for AgentCore gateways of Amazon Bedrock.
    agentcore: Option<Spanned<AgentcoreSettings>>,
    /// Configuration of agentgateway.
    agentgateway: Option<Spanned<AgentgatewaySettings>>,
    /// Routes of the Envoy AI Gateway.
    #[serde(rename = "ai-gateway")]
    ai_gateway: Option<Spanned<AiGatewaySettings>>,
    /// Cedar schema, policies, entities and evidence.
    cedar: Option<Spanned<PlainSettings>>,
    /// Configuration of Envoy, a folder for each gateway.
    envoy: Option<Spanned<EnvoySettings>>,
    /// Policies of the Istio mesh.
    istio: Option<Spanned<IstioSettings>>,
    /// Namespaces, network policies and quotas of Kubernetes.
    kubernetes: Option<Spanned<KubernetesSettings>>,
    /// Cedar policies for ToolHive.
    toolhive: Option<Spanned<ToolhiveSettings>>,
}

/// A target without settings of its own.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct PlainSettings {}

/// Settings of `envoy`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct EnvoySettings {
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
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
}

/// Settings of `agentgateway`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct AgentgatewaySettings {
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
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
}

/// Settings of `ai-gateway`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct AiGatewaySettings {
    /// Kubernetes namespace of the routes; `mcp` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    namespace: Option<Spanned<String>>,
    /// The `Gateway` that routes are attached to; `mcp` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    gateway: Option<Spanned<String>>,
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
}

/// Settings of `istio`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct IstioSettings {
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

/// Settings of `kubernetes`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct KubernetesSettings {
    /// Kubernetes namespace of the servers; `mcp` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    namespace: Option<Spanned<String>>,
    /// Domain of the cluster, with which the full names of its services end; `cluster.local` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-name")))]
    cluster_domain: Option<Spanned<String>>,
    /// What gateways may connect to beside servers and each other, such as token issuers outside of the cluster.
    #[serde(default)]
    egress: Vec<Spanned<egress::EgressEntry>>,
}

/// Settings of `agentcore`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct AgentcoreSettings {
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

/// Settings of `toolhive`.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ToolhiveSettings {
    /// Kubernetes namespace of the resources; `mcp` by default.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    namespace: Option<Spanned<String>>,
    /// Facts to be taken as given although this target cannot see them.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    assume: Vec<Spanned<FactName>>,
    /// Why that is right. Goes into the bundle.
    assume_reason: Option<Spanned<String>>,
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

impl TargetsSection {
    /// What it means.
    pub(super) fn lower(self, findings: &mut Vec<Diagnostic>) -> Deployment {
        let mut deployment = Deployment::default();
        let mut add = |target: TargetId, settings: Option<TargetSettings>| {
            if let Some(settings) = settings {
                judge_assumptions(target, &settings, findings);
                deployment.targets.insert(target, settings);
            }
        };
        let at = |loc: Loc, assume, assume_reason| TargetSettings { loc, assume, assume_reason, ..Default::default() };
        let plain = |written: Option<Spanned<PlainSettings>>| written.map(|written| at(written.loc, Vec::new(), None));
        add(TargetId::Cedar, plain(self.cedar));
        add(
            TargetId::Agentcore,
            self.agentcore.map(|Spanned { value, loc }| TargetSettings {
                gateway_arn: value.gateway_arn,
                ..at(loc, value.assume, value.assume_reason)
            }),
        );
        add(
            TargetId::AiGateway,
            self.ai_gateway.map(|Spanned { value, loc }| TargetSettings {
                namespace: value.namespace,
                gateway: value.gateway,
                ..at(loc, value.assume, value.assume_reason)
            }),
        );
        add(
            TargetId::Istio,
            self.istio.map(|Spanned { value, loc }| TargetSettings {
                namespace: value.namespace,
                cluster_domain: value.cluster_domain,
                verified_headers: value.verified_headers,
                ..at(loc, value.assume, value.assume_reason)
            }),
        );
        let mut faults = Vec::new();
        add(
            TargetId::Kubernetes,
            self.kubernetes.map(|Spanned { value, loc }| TargetSettings {
                namespace: value.namespace,
                cluster_domain: value.cluster_domain,
                egress: egress::settled(value.egress, &mut faults),
                ..at(loc, Vec::new(), None)
            }),
        );
        add(
            TargetId::Toolhive,
            self.toolhive.map(|Spanned { value, loc }| TargetSettings {
                namespace: value.namespace,
                ..at(loc, value.assume, value.assume_reason)
            }),
        );
        add(
            TargetId::Agentgateway,
            self.agentgateway.map(|Spanned { value, loc }| {
                let all = GatewayEntry { listen: value.listen, admin: None, tls: value.tls };
                TargetSettings {
                    gateways: gateways(all, value.gateways, &mut faults),
                    namespace: value.namespace,
                    ..at(loc, value.assume, value.assume_reason)
                }
            }),
        );
        add(
            TargetId::Envoy,
            self.envoy.map(|Spanned { value, loc }| {
                let all = GatewayEntry { listen: value.listen, admin: value.admin, tls: value.tls };
                TargetSettings {
                    gateways: gateways(all, value.gateways, &mut faults),
                    deny_status: value.deny_status,
                    origins: value.origins,
                    ..at(loc, value.assume, value.assume_reason)
                }
            }),
        );
        findings.extend(faults);
        deployment
    }
}

/// What is said of all gateways stands under `central`, and is what a gateway has where it says nothing itself.
fn gateways(
    all: GatewayEntry,
    each: BTreeMap<String, Spanned<GatewayEntry>>,
    findings: &mut Vec<Diagnostic>,
) -> BTreeMap<String, GatewaySettings> {
    let all = settled(all, &GatewaySettings::default(), findings);
    let own = |entry: Spanned<GatewayEntry>, findings: &mut Vec<Diagnostic>| GatewaySettings {
        loc: Some(entry.loc),
        ..settled(entry.value, &all, findings)
    };
    let mut gateways: BTreeMap<String, GatewaySettings> =
        each.into_iter().map(|(name, entry)| (name, own(entry, findings))).collect();
    gateways.entry("central".to_owned()).or_insert(all);
    gateways
}

fn settled(entry: GatewayEntry, all: &GatewaySettings, findings: &mut Vec<Diagnostic>) -> GatewaySettings {
    let mut listen = |written: Option<Spanned<String>>| {
        let written = written?;
        let parsed = Listen::parse(&written.value);
        if parsed.is_none() {
            let message = format!("`{written}` is no IP address with a port, like `0.0.0.0:8443`");
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
fn judge_assumptions(target: TargetId, settings: &TargetSettings, findings: &mut Vec<Diagnostic>) {
    let reason = settings.assume_reason.as_ref().filter(|reason| !reason.value.trim().is_empty());
    match (settings.assume.first(), reason) {
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
