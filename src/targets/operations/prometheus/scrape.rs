//! `prometheus.yaml`: what is scraped, as far as the workspace says where it is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::alerts::{DENIED_BY_ONE_RULE, DENIED_BY_RULE, GATEWAYS, RULE, STATISTICS, of_units};
use super::recordings::{GATEWAY, SERVER, series};
use crate::bundle::Artifact;
use crate::model::Model;
use crate::model::url::Url;
use crate::source::Loc;
use crate::targets::CompileError;
use crate::targets::gateways::{CENTRAL, clusters};

#[derive(Serialize)]
struct Config<'m> {
    global: Global,
    rule_files: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    alerting: Option<Alerting>,
    scrape_configs: Vec<Job<'m>>,
}

#[derive(Serialize)]
struct Global {
    scrape_interval: &'static str,
    evaluation_interval: &'static str,
}

#[derive(Serialize)]
struct Alerting {
    alertmanagers: [Alertmanager; 1],
}

#[derive(Serialize)]
struct Alertmanager {
    scheme: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    static_configs: [Targets<'static>; 1],
}

#[derive(Serialize)]
struct Job<'m> {
    job_name: &'static str,
    /// The labels of a metric itself win over those of its target.
    honor_labels: bool,
    metrics_path: &'static str,
    static_configs: Vec<Targets<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metric_relabel_configs: Vec<Relabel>,
}

#[derive(Serialize)]
struct Targets<'m> {
    targets: [String; 1],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'static str, &'m str>,
}

#[derive(Serialize)]
struct Relabel {
    source_labels: [&'static str; 1],
    regex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_label: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<&'static str>,
}

/// `host:port`, as a target is written.
fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The host and the port of a URL.
fn place(url: &Url<'_>) -> String {
    authority(url.host, url.port.unwrap_or(if url.is_plaintext() { 80 } else { 443 }))
}

/// Where the admin interface of each gateway is scraped, and where the settings say so; `None` where nothing tells, or where two
/// gateways would have one address.
pub(super) fn gateways(model: &Model) -> Vec<(&str, Option<(String, Loc)>)> {
    let admin = |name: &str| {
        let settings = model.deployment.envoy.as_ref()?.gateways.of(name)?;
        let admin = settings.admin.as_ref()?;
        let unspecified = admin.value.host.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_unspecified());
        let public = if name == CENTRAL {
            model.topology.central_gateway.as_ref()
        } else {
            model.topology.units.get(name).and_then(|unit| unit.gateway.as_ref())
        };
        // Whoever listens on every address is found by its public name.
        let host = if unspecified { Url::parse(&public?.value)?.host } else { admin.value.host.as_str() };
        Some((authority(host, admin.value.port), admin.loc))
    };
    let all: Vec<(&str, Option<(String, Loc)>)> = clusters(model).map(|name| (name, admin(name))).collect();
    let count = |address: &str| all.iter().filter(|(_, at)| at.as_ref().is_some_and(|(at, _)| at == address)).count();
    let alone = |at: &Option<(String, Loc)>| at.clone().filter(|(address, _)| count(address) == 1);
    all.iter().map(|(name, at)| (*name, alone(at))).collect()
}

/// The servers that are scraped: those with a URL, where there are metrics.
fn servers(model: &Model) -> impl Iterator<Item = (&str, Url<'_>, Loc)> {
    let registered = model.servers.values().filter(|server| !model.metrics.is_empty() && server.registered);
    registered.filter_map(|server| {
        let url = server.url.as_ref()?;
        Some((server.name.value.as_str(), Url::parse(&url.value)?, url.loc))
    })
}

/// Whether there is anything to scrape.
pub(super) fn is_known(model: &Model) -> bool {
    servers(model).next().is_some() || gateways(model).iter().any(|(_, at)| at.is_some())
}

/// `prometheus.yaml`.
pub(super) fn config(model: &Model) -> Result<(String, Artifact), CompileError> {
    let mut from: Vec<Loc> = Vec::new();
    let mut jobs = Vec::new();
    let mut targets = Vec::new();
    for (name, at) in gateways(model) {
        if let Some((address, loc)) = at {
            from.push(loc);
            targets.push(Targets { targets: [address], labels: BTreeMap::from([(GATEWAY, name)]) });
        }
    }
    if !targets.is_empty() {
        jobs.push(Job {
            job_name: GATEWAYS,
            honor_labels: true,
            metrics_path: "/stats/prometheus",
            static_configs: targets,
            metric_relabel_configs: relabelled(model),
        });
    }
    let mut targets = Vec::new();
    for (name, url, loc) in servers(model) {
        let scheme = if url.is_plaintext() { "http" } else { "https" };
        from.push(loc);
        targets
            .push(Targets { targets: [place(&url)], labels: BTreeMap::from([("__scheme__", scheme), (SERVER, name)]) });
    }
    if !targets.is_empty() {
        jobs.push(Job {
            job_name: "mcp-servers",
            honor_labels: true,
            metrics_path: "/metrics",
            static_configs: targets,
            metric_relabel_configs: vec![kept(declared(model))],
        });
    }
    let config = Config {
        global: Global { scrape_interval: "15s", evaluation_interval: "15s" },
        rule_files: ["rules.yaml"],
        alerting: alerting(model),
        scrape_configs: jobs,
    };
    super::yaml("prometheus.yaml", &config, from)
}

fn alerting(model: &Model) -> Option<Alerting> {
    let at = model.deployment.prometheus.as_ref()?.alertmanager.as_ref()?;
    let url = Url::parse(at.value.as_str())?;
    let rest = at.value.as_str().split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("").trim_end_matches('/');
    let targets = Targets { targets: [place(&url)], labels: BTreeMap::new() };
    let scheme = url.scheme.to_ascii_lowercase();
    let path_prefix = (!path.is_empty()).then(|| path.to_owned());
    Some(Alerting { alertmanagers: [Alertmanager { scheme, path_prefix, static_configs: [targets] }] })
}

/// The series of the declared metrics.
fn declared(model: &Model) -> BTreeSet<String> {
    model.metrics_read().flat_map(series).collect()
}

/// These series alone. A server could otherwise give a series of a gateway's, by which an alert about another server is judged.
fn kept(series: impl IntoIterator<Item = String>) -> Relabel {
    let names: Vec<String> = series.into_iter().collect();
    Relabel {
        source_labels: ["__name__"],
        regex: names.join("|"),
        action: Some("keep"),
        target_label: None,
        replacement: None,
    }
}

/// Of Envoy's statistics the declared metrics are kept, under their declared names, and those that alerts read, by server.
fn relabelled(model: &Model) -> Vec<Relabel> {
    let own = declared(model).into_iter().map(|name| format!("envoy_mcpctl_{}", name.replace(':', "_")));
    let all = STATISTICS.iter().copied().chain(of_units(model)).map(str::to_owned).chain(own);
    let named = |source, regex: &str, label| Relabel {
        source_labels: [source],
        regex: regex.to_owned(),
        action: None,
        target_label: Some(label),
        replacement: None,
    };
    vec![
        kept(all),
        named("__name__", "envoy_mcpctl_(.+)", "__name__"),
        named("__name__", DENIED_BY_ONE_RULE, RULE),
        Relabel { replacement: Some(DENIED_BY_RULE), ..named("__name__", DENIED_BY_ONE_RULE, "__name__") },
        named("envoy_cluster_name", "(.+)/messages", SERVER),
    ]
}
