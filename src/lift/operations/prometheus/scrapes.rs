//! What is scraped.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{between, unexpected};
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::url::Url;
use crate::model::vocabulary::MetricKind;

/// The file of Prometheus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    global: BTreeMap<String, String>,
    rule_files: Vec<String>,
    alerting: Option<Alerting>,
    scrape_configs: Vec<Job>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alerting {
    alertmanagers: Vec<Alertmanager>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alertmanager {
    scheme: String,
    #[serde(default)]
    path_prefix: String,
    static_configs: Vec<Targets>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    job_name: String,
    honor_labels: bool,
    metrics_path: String,
    static_configs: Vec<Targets>,
    #[serde(default)]
    metric_relabel_configs: Vec<Relabel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Targets {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Relabel {
    source_labels: Vec<String>,
    regex: String,
    action: Option<String>,
    target_label: Option<String>,
    replacement: Option<String>,
}

/// What is scraped, and where alerts are sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scraped {
    /// Addresses by the name of the gateway.
    gateways: BTreeMap<String, String>,
    /// Schemes and addresses by the name of the server.
    servers: BTreeMap<String, (String, String)>,
    /// The series that are kept of gateways.
    kept: BTreeSet<String>,
    /// Those that are kept of servers.
    kept_of_servers: BTreeSet<String>,
    /// Scheme, address and path.
    alertmanager: Option<(String, String, String)>,
}

/// Checks that what is scraped is what the model knows the place of.
pub(super) fn read(config: Option<Config>, model: &Model) -> Result<(), LiftError> {
    let mut wanted = Scraped { gateways: gateways(model), servers: servers(model), ..Scraped::default() };
    if wanted == Scraped::default() {
        return if config.is_none() { Ok(()) } else { unexpected("something is scraped whose place is not known") };
    }
    if !wanted.gateways.is_empty() {
        wanted.kept = kept(model);
    }
    if !wanted.servers.is_empty() {
        wanted.kept_of_servers = declared(model).collect();
    }
    let declared = model.deployment.prometheus.as_ref().and_then(|keys| keys.alertmanager.as_ref());
    wanted.alertmanager = declared.and_then(|url| {
        let text = url.value.as_str();
        let host = Url::parse(text)?;
        let path = text.split_once("://")?.1.split_once('/').map_or("", |(_, path)| path).trim_end_matches('/');
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Some((host.scheme.to_ascii_lowercase(), address(&host), path))
    });
    let config = config.ok_or_else(|| LiftError::File("prometheus.yaml".to_owned()))?;
    if scraped(config)? == wanted { Ok(()) } else { unexpected("what is scraped is not what the model declares") }
}

fn scraped(config: Config) -> Result<Scraped, LiftError> {
    let seconds = |key: &str| (key.to_owned(), "15s".to_owned());
    let globals = [seconds("scrape_interval"), seconds("evaluation_interval")].into();
    if config.global != globals || config.rule_files != ["rules.yaml"] {
        return unexpected("`prometheus.yaml` loads other rules, or scrapes at other times");
    }
    let mut found = Scraped::default();
    if let Some(alerting) = config.alerting {
        let [one] = alerting.alertmanagers.as_slice() else { return unexpected("there are several Alertmanagers") };
        let [targets] = one.static_configs.as_slice() else { return unexpected("Alertmanager has several places") };
        let ([address], true) = (targets.targets.as_slice(), targets.labels.is_empty()) else {
            return unexpected("Alertmanager has several places");
        };
        found.alertmanager = Some((one.scheme.clone(), address.clone(), one.path_prefix.clone()));
    }
    let names: Vec<&str> = config.scrape_configs.iter().map(|job| job.job_name.as_str()).collect();
    if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
        return unexpected("a job is there twice");
    }
    for job in config.scrape_configs {
        let of_gateways = match (job.job_name.as_str(), job.metrics_path.as_str()) {
            ("mcp-gateways", "/stats/prometheus") => true,
            ("mcp-servers", "/metrics") => false,
            _ => return unexpected(format!("the job `{}` reads `{}`", job.job_name, job.metrics_path)),
        };
        if !job.honor_labels || job.static_configs.is_empty() {
            return unexpected("labels of targets win over those of metrics, or a job has no target");
        }
        if of_gateways {
            found.kept = relabelled(&job.metric_relabel_configs)?;
        } else {
            found.kept_of_servers = kept_alone(&job.metric_relabel_configs)?;
        }
        for Targets { targets, mut labels } in job.static_configs {
            let [address] = targets.as_slice() else { return unexpected("a target has several addresses") };
            let mut take = |label: &str| labels.remove(label).unwrap_or_default();
            let again = if of_gateways {
                found.gateways.insert(take("gateway"), address.clone()).is_some()
            } else {
                found.servers.insert(take("mcp_server"), (take("__scheme__"), address.clone())).is_some()
            };
            if again || !labels.is_empty() {
                return unexpected(format!("the target `{address}` has other labels, or is there twice"));
            }
        }
    }
    Ok(found)
}

/// The series that are kept of gateways.
fn relabelled(steps: &[Relabel]) -> Result<BTreeSet<String>, LiftError> {
    let [keep, name, rule, of_rule, server] = steps else {
        return unexpected("the statistics of gateways are relabelled otherwise");
    };
    let is = |step: &Relabel, source: &str, action: Option<&str>, target: Option<&str>| {
        step.source_labels == [source] && step.action.as_deref() == action && step.target_label.as_deref() == target
    };
    let right = is(keep, "__name__", Some("keep"), None)
        && is(name, "__name__", None, Some("__name__"))
        && name.regex == "envoy_mcpctl_(.+)"
        && is(rule, "__name__", None, Some("envoy_rbac_policy_name"))
        && is(of_rule, "__name__", None, Some("__name__"))
        && [rule, of_rule].into_iter().all(|step| step.regex == "envoy_http_rbac_policy_(.+)_denied")
        && of_rule.replacement.as_deref() == Some("envoy_http_rbac_policy_denied")
        && [keep, name, rule, server].into_iter().all(|step| step.replacement.is_none())
        && is(server, "envoy_cluster_name", None, Some("mcp_server"))
        && between(&server.regex, "(.+)", "/messages") == Some("");
    let kept: Vec<&str> = keep.regex.split('|').collect();
    let set: BTreeSet<String> = kept.iter().map(|name| (*name).to_owned()).collect();
    if right && set.len() == kept.len() {
        Ok(set)
    } else {
        unexpected("the statistics of gateways are relabelled otherwise")
    }
}

/// The series that are kept of servers.
fn kept_alone(steps: &[Relabel]) -> Result<BTreeSet<String>, LiftError> {
    let fault = || unexpected("other metrics of servers are kept than some by their names");
    let [keep] = steps else { return fault() };
    let names: BTreeSet<String> = keep.regex.split('|').map(str::to_owned).collect();
    let right = keep.source_labels == ["__name__"]
        && keep.action.as_deref() == Some("keep")
        && keep.target_label.is_none()
        && keep.replacement.is_none()
        && names.len() == keep.regex.split('|').count();
    if right { Ok(names) } else { fault() }
}

/// The series of the declared metrics.
fn declared(model: &Model) -> impl Iterator<Item = String> {
    model.metrics_read().flat_map(|metric| {
        let ends = match metric.kind.value {
            MetricKind::Counter | MetricKind::Gauge => vec![""],
            MetricKind::Histogram => vec!["_bucket", "_count", "_sum"],
            MetricKind::Summary => vec!["", "_count", "_sum"],
        };
        ends.into_iter().map(|end| format!("{}{end}", metric.name))
    })
}

fn kept(model: &Model) -> BTreeSet<String> {
    let of_alarms = ["membership_healthy", "outlier_detection_ejections_active", "upstream_rq_active"];
    let of_calls = ["upstream_rq_active_overflow", "upstream_rq_pending_overflow", "upstream_rq_per_try_idle_timeout"];
    let of_alarms = of_alarms.into_iter().chain(of_calls);
    let metrics = declared(model).map(|name| format!("envoy_mcpctl_{}", name.replace(':', "_")));
    let of_denials = ["jwt_authn_denied", "rbac_denied", "rbac_policy_denied", "rbac_policy_(.+)_denied"]
        .map(|name| format!("envoy_http_{name}"));
    let units = model.topology.units.values().any(|unit| unit.gateway.is_some());
    let versions = units.then(|| "envoy_mcpctl_mcp_policy_versions_differ".to_owned());
    of_alarms.map(|name| format!("envoy_cluster_{name}")).chain(of_denials).chain(versions).chain(metrics).collect()
}

/// `host:port` of a URL.
fn address(url: &Url<'_>) -> String {
    let port = url.port.unwrap_or(if url.scheme.eq_ignore_ascii_case("http") { 80 } else { 443 });
    joined(url.host, port)
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The admin interfaces of gateways, where their addresses are declared, and each has one of its own.
fn gateways(model: &Model) -> BTreeMap<String, String> {
    let Some(envoy) = &model.deployment.envoy else { return BTreeMap::new() };
    let units = model.topology.units.iter().filter_map(|(name, unit)| Some((name.to_string(), unit.gateway.as_ref()?)));
    let central = ("central".to_owned(), model.topology.central_gateway.as_ref());
    let all = std::iter::once(central).chain(units.map(|(name, url)| (name, Some(url))));
    let known: Vec<(String, String)> = all
        .filter_map(|(name, public)| {
            let admin = &envoy.gateways.of(&name)?.admin.as_ref()?.value;
            let host = match admin.host.as_str() {
                "0.0.0.0" | "::" => Url::parse(&public?.value)?.host,
                host => host,
            };
            Some((name, joined(host, admin.port)))
        })
        .collect();
    let alone = |address: &String| known.iter().filter(|(_, other)| other == address).count() == 1;
    known.iter().filter(|(_, address)| alone(address)).cloned().collect()
}

/// The servers whose place is known, where metrics are declared.
fn servers(model: &Model) -> BTreeMap<String, (String, String)> {
    if model.metrics.is_empty() {
        return BTreeMap::new();
    }
    let registered = model.servers.iter().filter(|(_, server)| server.registered);
    let placed = registered.filter_map(|(name, server)| {
        let url = Url::parse(&server.url.as_ref()?.value)?;
        let scheme = if url.scheme.eq_ignore_ascii_case("http") { "http" } else { "https" };
        Some((name.to_string(), (scheme.to_owned(), address(&url))))
    });
    placed.collect()
}
