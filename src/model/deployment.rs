//! How the workspace is deployed: what `mcpctl.yaml` says of each target.
//! Source: `targets` of `mcpctl.yaml`, the tool's own settings.

pub mod egress;
pub mod keys;
pub mod placement;
pub mod target;

use std::collections::BTreeMap;

use self::egress::Egress;
use self::keys::{
    Agentcore, Agentgateway, AgenticNetworking, AiGateway, Envoy, Istio, Kafka, Kubernetes, OtelCollector, Prometheus,
    Redis, Toolhive,
};
pub use self::target::TargetId;
use super::name::FactName;
use super::protocol::REVISIONS;
use crate::source::{Loc, Spanned};

/// Settings by target. A target that stands here is mandatory: a compile that cannot produce it fails.
#[derive(Debug, Clone, Default)]
pub struct Deployment {
    /// What is said of each target that is listed.
    pub listed: BTreeMap<TargetId, Listed>,
    /// Keys of `agentcore`.
    pub agentcore: Option<Agentcore>,
    /// Keys of `agentgateway`.
    pub agentgateway: Option<Agentgateway>,
    /// Keys of `agentic-networking`.
    pub agentic_networking: Option<AgenticNetworking>,
    /// Keys of `ai-gateway`.
    pub ai_gateway: Option<AiGateway>,
    /// Keys of `envoy`.
    pub envoy: Option<Envoy>,
    /// Keys of `istio`.
    pub istio: Option<Istio>,
    /// Keys of `kafka`.
    pub kafka: Option<Kafka>,
    /// Keys of `kubernetes`.
    pub kubernetes: Option<Kubernetes>,
    /// Keys of `otel-collector`.
    pub otel_collector: Option<OtelCollector>,
    /// Keys of `prometheus`.
    pub prometheus: Option<Prometheus>,
    /// Keys of `redis`.
    pub redis: Option<Redis>,
    /// Keys of `toolhive`.
    pub toolhive: Option<Toolhive>,
    /// The name of the bundle, where `bundle.name` of `mcpctl.yaml` says it: a value that a Kubernetes label can have.
    pub bundle: Option<Spanned<String>>,
    /// Where a copy of the book is published, where `docs_url` of `mcpctl.yaml` says it; without a slash at the end.
    pub docs: Option<String>,
    /// The name of the workspace's folder, where it is known.
    pub folder: Option<String>,
    /// The revisions of MCP that gateways accept, the oldest first; empty where the settings name none, which is all.
    pub revisions: Vec<&'static str>,
}

/// Most characters of the value of a Kubernetes label.
const MOST_OF_LABEL: usize = 63;

/// The name of a bundle where neither the settings nor a folder give one.
const UNNAMED: &str = "workspace";

/// Whether a Kubernetes label can have this value: 1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both
/// ends. Source: the Kubernetes documentation, "Labels and Selectors".
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.len() <= MOST_OF_LABEL && end(text.chars().next()) && end(text.chars().last()) && text.chars().all(inner)
}

/// The value of a label that is nearest to a text; `None` where no letter or digit is in it.
fn label_value(text: &str) -> Option<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') { c } else { '-' };
    let edge = |c: char| !c.is_ascii_alphanumeric();
    let cut: String = text.trim_matches(edge).chars().map(plain).take(MOST_OF_LABEL).collect();
    let cut = cut.trim_matches(edge);
    (!cut.is_empty()).then(|| cut.to_owned())
}

impl Deployment {
    /// What is said of a target; `None` where it is not listed.
    #[must_use]
    pub fn of(&self, target: TargetId) -> Option<&Listed> {
        self.listed.get(&target)
    }

    /// The Kubernetes namespace that the settings of a target name.
    #[must_use]
    pub fn namespace(&self, target: TargetId) -> Option<&Spanned<String>> {
        let named = [
            (TargetId::Agentgateway, self.agentgateway.as_ref().and_then(|keys| keys.namespace.as_ref())),
            (TargetId::AgenticNetworking, self.agentic_networking.as_ref().and_then(|keys| keys.namespace.as_ref())),
            (TargetId::AiGateway, self.ai_gateway.as_ref().and_then(|keys| keys.namespace.as_ref())),
            (TargetId::Istio, self.istio.as_ref().and_then(|keys| keys.namespace.as_ref())),
            (TargetId::Kubernetes, self.kubernetes.as_ref().and_then(|keys| keys.namespace.as_ref())),
            (TargetId::Toolhive, self.toolhive.as_ref().and_then(|keys| keys.namespace.as_ref())),
        ];
        named.into_iter().find(|(known, _)| *known == target)?.1
    }

    /// The domain of the cluster that the settings of a target name.
    #[must_use]
    pub fn cluster_domain(&self, target: TargetId) -> Option<&Spanned<String>> {
        let named = [
            (TargetId::Istio, self.istio.as_ref().and_then(|keys| keys.cluster_domain.as_ref())),
            (TargetId::Kubernetes, self.kubernetes.as_ref().and_then(|keys| keys.cluster_domain.as_ref())),
        ];
        named.into_iter().find(|(known, _)| *known == target)?.1
    }

    /// What gateways in a Kubernetes cluster may connect to beside servers and each other.
    #[must_use]
    pub fn egress(&self) -> &[Egress] {
        self.kubernetes.as_ref().map(|keys| keys.egress.as_slice()).unwrap_or_default()
    }

    /// What the settings of a target say of a gateway.
    #[must_use]
    pub fn gateway(&self, target: TargetId, name: &str) -> Option<&GatewaySettings> {
        self.gateways().find(|(known, _)| *known == target)?.1.of(name)
    }

    /// The targets whose gateways listen where the settings say, as far as they are listed.
    pub fn gateways(&self) -> impl Iterator<Item = (TargetId, &Gateways)> {
        let agentgateway = self.agentgateway.as_ref().map(|keys| (TargetId::Agentgateway, &keys.gateways));
        let envoy = self.envoy.as_ref().map(|keys| (TargetId::Envoy, &keys.gateways));
        agentgateway.into_iter().chain(envoy)
    }

    /// The `Kafka` resource of Strimzi whose topics they are; `kafka` where the settings name none.
    #[must_use]
    pub fn kafka_cluster(&self) -> &str {
        let set = self.kafka.as_ref().and_then(|keys| keys.cluster.as_ref());
        set.map_or("kafka", |cluster| cluster.value.as_str())
    }

    /// How many brokers hold each partition of a topic: three where the settings do not say, as a cluster that may lose one needs.
    #[must_use]
    pub fn kafka_replicas(&self) -> u32 {
        const USUAL: u32 = 3;
        let set = self.kafka.as_ref().and_then(|keys| keys.replicas.as_ref());
        set.map_or(USUAL, |replicas| replicas.value)
    }

    /// The masters of a cluster of Redis, between which its keys are spread. Redis asks for three, which is the default.
    #[must_use]
    pub fn redis_masters(&self) -> u32 {
        const LEAST: u32 = 3;
        let set = self.redis.as_ref().and_then(|keys| keys.masters.as_ref());
        set.map_or(LEAST, |masters| masters.value)
    }

    /// The revisions of MCP that gateways accept, the oldest first.
    #[must_use]
    pub fn accepted_revisions(&self) -> &[&'static str] {
        if self.revisions.is_empty() { &REVISIONS } else { &self.revisions }
    }

    /// The name of the bundle: the value of the label on each of its Kubernetes objects. That of the settings, else the name
    /// of the workspace's folder in the characters that a label takes.
    #[must_use]
    pub fn bundle_name(&self) -> String {
        let set = self.bundle.as_ref().map(|name| name.value.clone());
        let folder = || self.folder.as_deref().and_then(label_value);
        set.or_else(folder).unwrap_or_else(|| UNNAMED.to_owned())
    }
}

/// What is said of any target.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// Where it stands.
    pub loc: Loc,
    /// What it takes as given.
    pub assumed: Assumed,
}

/// Facts to be taken as given although a target cannot see them.
#[derive(Debug, Clone, Default)]
pub struct Assumed {
    /// The facts.
    pub facts: Vec<Spanned<FactName>>,
    /// Why that is right; set where there are facts.
    pub reason: Option<Spanned<String>>,
}

/// The listeners of a target's gateways, by gateway: `central`, or a unit.
#[derive(Debug, Clone, Default)]
pub struct Gateways(pub BTreeMap<String, GatewaySettings>);

impl Gateways {
    /// The settings of a gateway: its own, else those of `central`, which stand for every gateway that has none.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&GatewaySettings> {
        self.0.get(name).or_else(|| self.0.get("central"))
    }
}

/// One gateway's listener.
#[derive(Debug, Clone, Default)]
pub struct GatewaySettings {
    /// Where they stand, where they are of one gateway; those of all have no place of their own.
    pub loc: Option<Loc>,
    /// Address and port that it listens on.
    pub listen: Option<Spanned<Listen>>,
    /// Address and port of its admin interface.
    pub admin: Option<Spanned<Listen>>,
    /// Its certificate, key and trusted authorities.
    pub tls: Option<Tls>,
}

/// `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Listen {
    /// Reads `127.0.0.1:8443` or `[::1]:8443`; an IP address, since a listener binds no name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let address: core::net::SocketAddr = text.parse().ok()?;
        // A port of 0 is any free one, which no caller could know.
        (address.port() > 0).then(|| Self { host: address.ip().to_string(), port: address.port() })
    }
}

/// Files on the machine that the gateway runs on; none is read when compiling.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub cert: Spanned<String>,
    /// Private key, PEM.
    pub key: Spanned<String>,
    /// Authorities that peers' certificates must come from, PEM.
    pub ca: Spanned<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_has_the_name_of_the_settings_else_of_the_folder() {
        let named = |name: Option<&str>, folder: Option<&str>| {
            let bundle = name.map(|name| Spanned::new(name.to_owned(), Loc::default()));
            Deployment { bundle, folder: folder.map(str::to_owned), ..Deployment::default() }.bundle_name()
        };
        assert_eq!(named(Some("retail"), Some("fleet")), "retail");
        assert_eq!(named(None, Some("fleet")), "fleet");
        for (folder, expected) in [(" My fleet!", "My-fleet"), ("_x_", "x"), ("\u{fc}ber", "ber"), ("\u{fc}", UNNAMED)]
        {
            assert_eq!(named(None, Some(folder)), expected, "{folder}");
            assert!(is_label_value(expected));
        }
        assert_eq!(named(None, None), UNNAMED);
        assert_eq!(named(None, Some(&format!("{}-{}", "x".repeat(62), "y".repeat(9)))), "x".repeat(62));
        for bad in ["", "-a", "a-", "a b", "\u{fc}", &"x".repeat(64)] {
            assert!(!is_label_value(bad), "{bad}");
        }
    }

    #[test]
    fn a_listener_binds_an_address() {
        let listen = |text| Listen::parse(text).map(|listen| (listen.host, listen.port));
        assert_eq!(listen("127.0.0.1:8443"), Some(("127.0.0.1".to_owned(), 8443)));
        assert_eq!(listen("[::1]:80"), Some(("::1".to_owned(), 80)));
        for bad in ["localhost:80", "127.0.0.1", ":80", "127.0.0.1:70000", "127.0.0.1:0", ""] {
            assert_eq!(listen(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_gateway_without_settings_has_those_of_the_centre() {
        let with = |port| GatewaySettings {
            listen: Some(Spanned::new(Listen { host: "::".to_owned(), port }, Loc::default())),
            ..GatewaySettings::default()
        };
        let gateways = [("central".to_owned(), with(1)), ("retail".to_owned(), with(2))].into();
        let settings = Gateways(gateways);
        let port = |name| settings.of(name).and_then(|g| g.listen.as_ref()).map(|listen| listen.value.port);
        assert_eq!((port("central"), port("retail"), port("logistics")), (Some(1), Some(2), Some(1)));
    }
}
