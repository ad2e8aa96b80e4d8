//! That the files which Envoy watches say what the whole file says: the routes by `rds`, and the gateway's own certificate and the
//! authorities that it trusts as secrets, which Envoy reads again when their files are replaced.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::{at, fields, is_type, list, must};
use super::same::is_of_resources;
use super::{Folder, unexpected, value};
use crate::lift::LiftError;

type Read<T> = Result<T, LiftError>;

/// The watched files must say what the whole file says. `texts` are those that are not parsed yet.
pub(super) fn same_by_discovery(
    folder: &Folder,
    texts: &BTreeMap<&str, &str>,
    whole: &Value,
    listener: &Value,
    clusters: &[Value],
    routes: &Value,
) -> Read<()> {
    let file = |name: &str| folder.get(name).ok_or_else(|| LiftError::File(name.to_owned()));
    let says = |name: &str, kind: &str, expected: &[&Value]| -> Read<()> {
        let parsed;
        let file = match texts.get(name) {
            Some(text) if is_of_resources(text, &format!("type.googleapis.com/{kind}"), expected) => return Ok(()),
            Some(text) => {
                parsed = value(name, text)?;
                &parsed
            }
            None => file(name)?,
        };
        let resources = list(fields(file, &["resources"])?.get("resources"))?;
        resources.iter().try_for_each(|resource| is_type(resource, kind))?;
        if resources.len() == expected.len() && resources.iter().zip(expected).all(|(a, b)| same_untyped(a, b)) {
            return Ok(());
        }
        Err(unexpected(format!("`{name}` says something else than `envoy.static.yaml`")))
    };
    let bootstrap = file("bootstrap.yaml")?;
    fields(bootstrap, &["node", "admin", "dynamic_resources", "stats_config"])?;
    must(bootstrap, "admin", at(whole, "admin")?)?;
    if bootstrap.get("stats_config") != whole.get("stats_config") {
        return Err(unexpected("`bootstrap.yaml` counts by something else than `envoy.static.yaml`".to_owned()));
    }
    let dynamic = at(bootstrap, "dynamic_resources")?;
    if *dynamic != json!({"lds_config": watched("lds"), "cds_config": watched("cds")}) {
        return Err(unexpected("`bootstrap.yaml` does not watch the files of its folder".to_owned()));
    }
    let own = Own::of(listener);
    let by_name: Vec<Value> = clusters.iter().map(|cluster| own.by_name(cluster)).collect();
    says("xds/cds.yaml", "envoy.config.cluster.v3.Cluster", &by_name.iter().collect::<Vec<_>>())?;
    match own.secrets() {
        Some(secrets) => {
            let kind = "envoy.extensions.transport_sockets.tls.v3.Secret";
            for (name, secret) in ["certificate", "authorities"].into_iter().zip(&secrets) {
                says(&format!("xds/secrets/{name}.yaml"), kind, &[secret])?;
            }
        }
        None if folder.keys().any(|name| name.starts_with("xds/secrets/")) => {
            return Err(unexpected("there are secrets, and nothing to prove with them".to_owned()));
        }
        None => {}
    }
    says("xds/rds.yaml", "envoy.config.route.v3.RouteConfiguration", &[routes])?;
    let rds = json!({"route_config_name": "mcp", "config_source": watched("rds")});
    says("xds/lds.yaml", "envoy.config.listener.v3.Listener", &[&own.by_name(&with_discovery(listener, &rds))])?;
    must(routes, "name", &json!("mcp"))
}

/// A file of the folder that Envoy watches.
fn watched(kind: &str) -> Value {
    let source = json!({"path": format!("./xds/{kind}.yaml"), "watched_directory": {"path": "./xds"}});
    json!({"resource_api_version": "V3", "path_config_source": source})
}

/// What the gateway proves itself with, as the listener of the whole file has it: its certificate with the key, and the
/// authorities. None of both where it speaks in clear text.
struct Own {
    certificate: Option<Value>,
    authorities: Option<Value>,
}

impl Own {
    fn of(listener: &Value) -> Self {
        let context = "/filter_chains/0/transport_socket/typed_config/common_tls_context";
        let find = |part: &str| listener.pointer(&format!("{context}/{part}")).cloned();
        Self { certificate: find("tls_certificates/0"), authorities: find("validation_context/trusted_ca") }
    }

    /// The secrets; none where there is nothing to hide.
    fn secrets(&self) -> Option<[Value; 2]> {
        let (certificate, authorities) = (self.certificate.as_ref()?, self.authorities.as_ref()?);
        let folder = |file: Option<&Value>| {
            let file = file.and_then(Value::as_str).unwrap_or_default();
            let end = file.rfind('/').map_or(0, |at| at.max(1));
            json!({"path": file.get(..end).filter(|folder| !folder.is_empty()).unwrap_or(".")})
        };
        let mut own = certificate.as_object()?.clone();
        own.insert("watched_directory".to_owned(), folder(certificate.pointer("/certificate_chain/filename")));
        let trusted = json!({"trusted_ca": authorities, "watched_directory": folder(authorities.get("filename"))});
        Some([
            json!({"name": "certificate", "tls_certificate": own}),
            json!({"name": "authorities", "validation_context": trusted}),
        ])
    }

    /// The same resource with the secrets by their names.
    fn by_name(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) if fields.contains_key("common_tls_context") => {
                let inside = |(key, inner): (&String, &Value)| match (key.as_str(), inner) {
                    ("common_tls_context", Value::Object(context)) => (key.clone(), self.context(context)),
                    _ => (key.clone(), inner.clone()),
                };
                Value::Object(fields.iter().map(inside).collect())
            }
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(key, inner)| (key.clone(), self.by_name(inner))).collect())
            }
            Value::Array(list) => list.iter().map(|inner| self.by_name(inner)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    fn context(&self, context: &Map<String, Value>) -> Value {
        let secret = |name: &str| {
            let file = format!("./xds/secrets/{name}.yaml");
            let source = json!({"path": file, "watched_directory": {"path": "./xds/secrets"}});
            json!({"name": name, "sds_config": {"resource_api_version": "V3", "path_config_source": source}})
        };
        let mut found = Map::new();
        for (key, inner) in context {
            let trusts = inner.get("trusted_ca").is_some_and(|trusted| Some(trusted) == self.authorities.as_ref());
            match key.as_str() {
                "tls_certificates" if inner.get(0) == self.certificate.as_ref() && inner.get(1).is_none() => {
                    found.insert("tls_certificate_sds_secret_configs".to_owned(), json!([secret("certificate")]));
                }
                "validation_context" if trusts => {
                    let rest: Map<String, Value> = inner
                        .as_object()
                        .into_iter()
                        .flatten()
                        .filter(|(key, _)| *key != "trusted_ca")
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect();
                    let named = ("validation_context_sds_secret_config".to_owned(), secret("authorities"));
                    if rest.is_empty() {
                        found.extend([named]);
                    } else {
                        let both: Map<String, Value> =
                            [("default_validation_context".to_owned(), Value::Object(rest)), named]
                                .into_iter()
                                .collect();
                        found.insert("combined_validation_context".to_owned(), Value::Object(both));
                    }
                }
                _ => drop(found.insert(key.clone(), inner.clone())),
            }
        }
        Value::Object(found)
    }
}

/// Whether a resource, but for its type, is this.
fn same_untyped(resource: &Value, expected: &Value) -> bool {
    let (Some(resource), Some(expected)) = (resource.as_object(), expected.as_object()) else { return false };
    let mut untyped = resource.iter().filter(|(key, _)| *key != "@type");
    !expected.contains_key("@type")
        && resource.len() == expected.len() + 1
        && untyped.all(|(key, value)| expected.get(key) == Some(value))
}

/// The listener, its connection manager with what leads to the routes in place of the routes, which may be many and are not copied.
fn with_discovery(value: &Value, rds: &Value) -> Value {
    match value {
        Value::Object(fields) if fields.contains_key("http_filters") => {
            let kept = fields.iter().filter(|(key, _)| *key != "route_config");
            let kept = kept.map(|(key, inner)| (key.clone(), inner.clone()));
            let found = fields.get("route_config").map(|_| ("rds".to_owned(), rds.clone()));
            Value::Object(kept.chain(found).collect())
        }
        Value::Object(fields) => fields.iter().map(|(key, inner)| (key.clone(), with_discovery(inner, rds))).collect(),
        Value::Array(list) => list.iter().map(|inner| with_discovery(inner, rds)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
