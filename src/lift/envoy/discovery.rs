//! That the files which Envoy watches say what the whole file says.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::gateway::{at, must};
use super::matcher::{fields, is_type, list};
use super::same::is_of_resources;
use super::{Folder, strange, value};
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
        Err(strange(format!("`{name}` says something else than `envoy.static.yaml`")))
    };
    let watched = |kind: &str| {
        let source = json!({"path": format!("./xds/{kind}.yaml"), "watched_directory": {"path": "./xds"}});
        json!({"resource_api_version": "V3", "path_config_source": source})
    };
    let bootstrap = file("bootstrap.yaml")?;
    fields(bootstrap, &["node", "admin", "dynamic_resources"])?;
    must(bootstrap, "admin", at(whole, "admin")?)?;
    let dynamic = at(bootstrap, "dynamic_resources")?;
    if *dynamic != json!({"lds_config": watched("lds"), "cds_config": watched("cds")}) {
        return Err(strange("`bootstrap.yaml` does not watch the files of its folder".to_owned()));
    }
    says("xds/cds.yaml", "envoy.config.cluster.v3.Cluster", &clusters.iter().collect::<Vec<_>>())?;
    says("xds/rds.yaml", "envoy.config.route.v3.RouteConfiguration", &[routes])?;
    let rds = json!({"route_config_name": "mcp", "config_source": watched("rds")});
    says("xds/lds.yaml", "envoy.config.listener.v3.Listener", &[&with_discovery(listener, &rds)])?;
    must(routes, "name", &json!("mcp"))
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
