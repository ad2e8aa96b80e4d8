//! The target `envoy`: a whole configuration of Envoy 1.40 for each gateway.
//!
//! Source: measured behaviour of Envoy 1.40.0; the fields are those of its API, `envoy.*.v3`.

mod clusters;
mod codes;
mod correlation;
mod coverage;
mod ends;
mod evidence;
mod hooks;
mod labels;
mod levels;
mod listener;
mod matchers;
mod metrics;
mod mirrored;
mod predicate;
mod protocol;
mod replies;
mod routes;
mod rules;
mod scope;
mod secrets;
mod setting;
mod shadow;
mod step_up;
mod telemetry;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod traces;
mod unexpressed;
mod upstream;
mod version;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::bundle::Artifact;
use crate::model::Model;
use crate::model::access::{Evidence, Jwks};
use crate::model::quantity::Duration;
use crate::model::url::{Url, canonical};
use crate::policy::version::version;
use crate::source::Loc;
use crate::targets::gateways::{self, CENTRAL, Gateway, gateways};
use crate::targets::{CompileError, Decides, Does, Files, Input, Need, Proof, Shown, Target, TargetId, object};
use evidence::Evidences;
use listener::Listener;
use routes::{Routes, Rows};
use setting::Setting;
use shadow::Enforced;

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Envoy,
    summary: "Configuration of Envoy 1.40, a folder for each gateway",
    doc: coverage::DOC,
    covers: coverage::COVERS,
    unexpressed: unexpressed::values,
    // Paths, clusters and actions hold any name that the registry takes.
    names: |_| BTreeMap::new(),
    proof: Proof::Run(Shown {
        by: "Envoy 1.40.0, with servers and clients of the official SDK, and Keycloak 26.7",
        what: "it loads every compiled fixture; on a federation, every principal, tool and set of facts is called \
         through running gateways, and no attack of a suite gets through; \
         MCP's conformance suite passes behind the gateways as it does without them, but for listed exceptions; drawn messages and \
         headers are read as a server reads them; of tokens that a running Keycloak gives, those of a person, of a service, \
         exchanged, of another realm and of two attacks are let through or denied as their claims say",
        beyond: "keys that are fetched from an issuer over the Internet, and gateways under load",
    }),
    needs,
    does: Does::Decides(Decides {
        blind_to,
        leaves_out: |_, _| None,
        unknown_pass: |_| None,
        methods_pass: |_| None,
        keys_pass: None,
        recognises_callers: true,
        reads_caller_claims: true,
        narrows: None,
        spellings_pass: |_| None,
        holds_handwritten: false,
    }),
    compile,
};

fn needs(model: &Model) -> Vec<Need> {
    let mut needs = gateways::needs(model);
    let federated = model.topology.units.values().any(|unit| unit.gateway.is_some());
    let tls = model.deployment.gateway(TARGET.id, CENTRAL).and_then(|gateway| gateway.tls.as_ref());
    if federated && tls.is_none() {
        needs.push(Need {
            what: "certificates of the gateways, which know each other by them".to_owned(),
            how: "set `targets.envoy.tls` in mcpctl.yaml: `{cert, key, ca}`, files on the gateways' machines"
                .to_owned(),
            loc: None,
        });
    }
    needs
}

fn blind_to(model: &Model, _: &str, evidence: &Evidence) -> Option<&'static str> {
    let tls = model.deployment.gateway(TARGET.id, CENTRAL).and_then(|gateway| gateway.tls.as_ref());
    match evidence {
        Evidence::Transport if tls.is_none() => {
            Some("the listener has no certificate: set `targets.envoy.tls` in mcpctl.yaml")
        }
        Evidence::Called(_) => Some("Envoy keeps no memory of earlier calls"),
        Evidence::Transport
        | Evidence::KnownCaller
        | Evidence::Claim(_)
        | Evidence::Argument(_)
        | Evidence::Issuer(_)
        | Evidence::NotWorkload
        | Evidence::All(_) => None,
    }
}

/// A duration as Envoy writes it.
fn seconds(duration: Duration) -> String {
    match duration.0 % 1_000 {
        0 => format!("{}s", duration.0 / 1_000),
        rest => format!("{}.{rest:03}s", duration.0 / 1_000),
    }
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    refuse(input)?;
    let mut rows: BTreeMap<&str, Rows> = BTreeMap::new();
    for (principal, object, cell) in input.policy.all_cells() {
        let server = input.policy.object_at(object).server.as_str();
        rows.entry(server).or_default().entry(principal).or_default().push((object, cell));
    }
    let gateways = gateways(input.model, input.policy);
    let names: Vec<&str> = gateways.iter().map(|gateway| gateway.name).collect();
    let enforced = input.enforced.map(|existing| shadow::gateways(existing, &names)).transpose()?.unwrap_or_default();
    let mut files = Files::new();
    // One gateway alone meets no other.
    let version = if gateways.len() > 1 { version(input.policy, input.model) } else { String::new() };
    for gateway in gateways {
        files.extend(of_gateway(input, &gateway, (&rows, &version), enforced.get(gateway.name))?);
    }
    Ok(files)
}

/// What Envoy's own formats do not hold.
fn refuse(input: &Input<'_>) -> Result<(), CompileError> {
    let mut findings = crate::targets::traffic::too_small(input.model);
    findings.extend(correlation::refused(input.model));
    findings.extend(ends::refused(input.model));
    for server in input.model.servers.values() {
        if [".", ".."].contains(&server.name.value.as_str()) {
            let message = format!("`{}` is not part of a path, so no route can lead to this server", server.name);
            findings.push(crate::diagnostic::Diagnostic::new(&crate::targets::TARGET_LIMIT, server.name.loc, message));
        }
    }
    findings.extend(mirrored::refused(input.model));
    let evidence = input.model.identity.iter().flat_map(|identity| identity.evidence.values());
    for found in evidence {
        for argument in found.value.arguments() {
            if let Some(part) = argument.path.iter().find(|part| part.is_empty() || part.contains('.')) {
                let message =
                    format!("Envoy cannot look up an argument by the name `{part}`, which is empty or holds a dot");
                findings.push(crate::diagnostic::Diagnostic::new(&crate::targets::TARGET_LIMIT, found.loc, message));
            }
        }
    }
    for issuer in input.model.identity.iter().flat_map(|identity| &identity.issuers) {
        let Some(keys) = &issuer.keys else { continue };
        let message = match &keys.value {
            Jwks::File(file) if !input.model.key_sets.contains_key(file) => {
                format!("the key set `{file}` was not read")
            }
            Jwks::Url(url) if Url::parse(url).is_some_and(|url| url.host.contains('_')) => {
                format!("Envoy fetches no keys from `{url}`, whose host has an underscore")
            }
            Jwks::File(_) | Jwks::Url(_) => continue,
        };
        findings.push(crate::diagnostic::Diagnostic::new(&crate::targets::TARGET_LIMIT, keys.loc, message));
    }
    if findings.is_empty() { Ok(()) } else { Err(CompileError::Findings(findings)) }
}

fn of_gateway(
    input: &Input<'_>,
    gateway: &Gateway<'_>,
    (rows, version): (&BTreeMap<&str, Rows>, &str),
    enforced: Option<&Enforced>,
) -> Result<Files, CompileError> {
    let Input { model, policy, .. } = input;
    let setting = Setting::of(gateway, model, policy);
    let evidence = Evidences::new(model, policy, setting.certificates);
    let listen = setting.listen();
    let scheme = if setting.gateway.tls.is_some() { "https" } else { "http" };
    let url = gateway.url.map_or_else(|| format!("{scheme}://{}:{}", listen.host, listen.port), str::to_owned);
    let url = canonical(&url);
    let mut routes =
        Routes { model, policy, gateway, evidence: &evidence, rows, setting: &setting, url: url.clone(), version }
            .configuration();
    let listener = Listener { model, evidence: &evidence, setting: &setting, gateway, url: &url };
    let mut clusters = clusters::clusters(model, gateway, &setting);
    clusters.extend(listener::key_clusters(model));
    clusters.extend(traces::cluster(model, &setting));
    clusters.extend(hooks::clusters(model, gateway, &setting));

    let from: Vec<Loc> = gateway
        .routes
        .iter()
        .map(|route| route.server.name.loc)
        .chain(model.identity.iter().map(|identity| identity.loc))
        .chain(policy.rules.iter().filter_map(|rule| rule.from.first().copied()))
        .collect();
    let file = |name: &str, value: &Value| {
        let bytes = text::file(value).into_bytes();
        (format!("{}/{name}", gateway.name), Artifact { bytes, from: from.clone() })
    };
    let rds = json!({"route_config_name": "mcp", "config_source": discovered("rds")});
    if let Some(enforced) = enforced {
        let servers = gateway.routes.iter().map(|route| route.server.name.value.to_string()).collect::<BTreeSet<_>>();
        enforced.on_routes(&mut routes);
        enforced.on_clusters(&mut clusters, &servers)?;
    }
    let with_routes = |routes| {
        let mut listener = listener.listener(routes);
        enforced.map_or(Ok(()), |enforced| enforced.on_listener(&mut listener)).map(|()| listener)
    };
    let mut listener = with_routes(("rds", rds))?;
    let static_listener = with_routes(("route_config", routes))?;
    let stats = metrics::buckets(&telemetry::metrics_of(model, &setting));
    let mut whole = bootstrap(&setting, stats.as_ref(), Some((static_listener, clusters.clone())));
    let mut files = vec![file("envoy.static.yaml", &whole)];
    // The routes are many: they are taken out of what is written, and not copied.
    let routes = whole.pointer_mut(ROUTES).map(Value::take).unwrap_or_default();
    drop(whole);
    let mut secrets = Vec::new();
    if let Some(tls) = &setting.gateway.tls {
        secrets::by_name(&mut listener, tls);
        clusters.iter_mut().for_each(|cluster| secrets::by_name(cluster, tls));
        let kind = "envoy.extensions.transport_sockets.tls.v3.Secret";
        let each = secrets::secrets(tls).into_iter();
        secrets.extend(
            each.map(|(name, secret)| file(&format!("xds/secrets/{name}.yaml"), &resources(kind, vec![secret]))),
        );
    }
    files.extend([
        file("bootstrap.yaml", &bootstrap(&setting, stats.as_ref(), None)),
        file("xds/cds.yaml", &resources("envoy.config.cluster.v3.Cluster", clusters)),
        file("xds/lds.yaml", &resources("envoy.config.listener.v3.Listener", vec![listener])),
        file("xds/rds.yaml", &resources("envoy.config.route.v3.RouteConfiguration", vec![routes])),
    ]);
    files.extend(secrets);
    Ok(files)
}

/// Where the routes stand in a configuration that holds everything.
const ROUTES: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config";

/// A file of the folder that Envoy watches: it is read again when another one is moved into its place.
fn discovered(kind: &str) -> Value {
    json!({
        "resource_api_version": "V3",
        "path_config_source": {"path": format!("./xds/{kind}.yaml"), "watched_directory": {"path": "./xds"}},
    })
}

fn resources(kind: &str, resources: Vec<Value>) -> Value {
    let typed = resources.into_iter().map(|resource| {
        let mut typed = serde_json::Map::new();
        typed.insert("@type".to_owned(), json!(predicate::of_type(kind)));
        if let Value::Object(fields) = resource {
            typed.extend(fields);
        }
        Value::Object(typed)
    });
    object([("resources", typed.collect())])
}

/// The bootstrap, with everything in it or with the files that Envoy watches.
fn bootstrap(setting: &Setting<'_>, stats: Option<&Value>, whole: Option<(Value, Vec<Value>)>) -> Value {
    let admin = setting.admin();
    let (key, value) = match whole {
        Some((listener, clusters)) => {
            let listeners = Value::Array(vec![listener]);
            ("static_resources", object([("listeners", listeners), ("clusters", Value::Array(clusters))]))
        }
        None => ("dynamic_resources", json!({"lds_config": discovered("lds"), "cds_config": discovered("cds")})),
    };
    let mut bootstrap = object([
        ("node", json!({"id": format!("mcp-gateway-{}", setting.name), "cluster": "mcp-gateways"})),
        ("admin", json!({"address": {"socket_address": {"address": admin.host, "port_value": admin.port}}})),
        (key, value),
    ]);
    if let (Some(stats), Some(fields)) = (stats, bootstrap.as_object_mut()) {
        fields.insert("stats_config".to_owned(), stats.clone());
    }
    bootstrap
}
