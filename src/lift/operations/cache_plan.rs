//! Reads the plans of caches back into layers, and into what each of them may keep.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::model::access::RequiredLocation;
use crate::model::name::ServerName;
use crate::model::operations::CacheLayer;
use crate::model::quantity::{Bytes, Duration};
use crate::model::vocabulary::{CacheLocation, Eviction};
use crate::model::{Model, Scope};
use crate::policy::Policy;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    layers: Vec<LayerOfFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LayerOfFile {
    name: String,
    location: Option<String>,
    ttl_ms: Option<u64>,
    cache_scope: String,
    eviction: Option<String>,
    max_bytes: Option<u64>,
    keep: BTreeMap<String, Kept>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    class: Option<String>,
    #[serde(default)]
    tools: Vec<String>,
    #[serde(default)]
    resources: Vec<String>,
}

/// A layer: its own values, and by server the class of the data with the tools and the URIs.
type Layer = (
    String,
    (Option<CacheLocation>, Option<Duration>, Option<Eviction>, Option<Bytes>),
    BTreeMap<String, (Option<String>, BTreeSet<String>)>,
);

/// Checks that the plans say exactly what the model says of cache layers, annotations and classes.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    for (scope, mut files) in scoped::by_scope(artifacts, "cache-plan", model.caching.keys())? {
        let layers = model.caching.get(scope).map(Vec::as_slice).unwrap_or_default();
        if layers.is_empty() && files.is_empty() {
            continue;
        }
        let plan = files.remove("plan.json").ok_or_else(|| LiftError::File("plan.json".to_owned()))?;
        let file: File = scoped::json("plan.json", scoped::text("plan.json", plan)?)?;
        let schema = include_bytes!("../../../schemas/cache-plan.schema.json");
        if files.remove("plan.schema.json") != Some(schema.as_slice()) || !files.is_empty() {
            return unexpected("the folder of a plan has another schema, or more files");
        }
        let read: Vec<Layer> = file.layers.into_iter().map(layer).collect::<Result<_, _>>()?;
        if file.version != 1 || read != expected(layers, scope, model) {
            return unexpected("the plan is not that of the cache layers");
        }
    }
    Ok(())
}

fn layer(file: LayerOfFile) -> Result<Layer, LiftError> {
    fn word<T: Copy>(words: &[(&str, T)], text: Option<String>) -> Result<Option<T>, LiftError> {
        let Some(text) = text else { return Ok(None) };
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        known.map(Some).ok_or_else(|| LiftError::Unexpected(format!("`{text}` is not a word of a cache layer")))
    }
    if file.cache_scope != "private" {
        return unexpected("entries of one caller are served to others");
    }
    let location = word(CacheLocation::WORDS, file.location)?;
    let eviction = word(Eviction::WORDS, file.eviction)?;
    let keep = file.keep.into_iter().map(|(server, kept)| {
        let count = kept.tools.len() + kept.resources.len();
        let tools = kept.tools.into_iter().map(|name| format!("tool {name}"));
        let names: BTreeSet<String> =
            tools.chain(kept.resources.into_iter().map(|uri| format!("resource {uri}"))).collect();
        if names.len() == count { Ok((server, (kept.class, names))) } else { unexpected("something is kept twice") }
    });
    let values = (location, file.ttl_ms.map(Duration), eviction, file.max_bytes.map(Bytes));
    Ok((file.name, values, keep.collect::<Result<_, _>>()?))
}

/// The layers as they should be read.
fn expected(layers: &[CacheLayer], scope: &Scope, model: &Model) -> Vec<Layer> {
    let layer = |layer: &CacheLayer| {
        let location = layer.location.as_ref().map(|at| at.value);
        let values = (
            location,
            layer.ttl.as_ref().map(|ttl| ttl.value),
            layer.eviction.as_ref().map(|eviction| eviction.value),
            layer.size.as_ref().map(|size| size.value),
        );
        let keep = match location {
            Some(at) if layer.ttl.is_some() => {
                let names = model.servers.keys().filter(|name| holder(name, model) == *scope);
                names.filter_map(|name| Some((name.to_string(), kept(name, at, model)?))).collect()
            }
            _ => BTreeMap::new(),
        };
        (layer.name.value.clone(), values, keep)
    };
    layers.iter().map(layer).collect()
}

/// The scope whose layers are in front of a server.
fn holder(server: &ServerName, model: &Model) -> Scope {
    let unit = model.servers.get(server).and_then(|server| server.unit.as_ref()).map(|unit| unit.value.clone());
    if model.caching.contains_key(&unit) { unit } else { None }
}

/// What a layer may keep of a server.
fn kept(name: &ServerName, at: CacheLocation, model: &Model) -> Option<(Option<String>, BTreeSet<String>)> {
    let server = model.servers.get(name).filter(|server| server.registered && server.suspended.is_none())?;
    let of_unit = server.unit.as_ref().map(|unit| &unit.value);
    if of_unit.and_then(|unit| model.topology.units.get(unit)).is_some_and(|unit| unit.suspended.is_some()) {
        return None;
    }
    let own = of_unit.and_then(|unit| model.restated_for(unit));
    let class = own.as_ref().unwrap_or(&model.access).governing_class(name.as_str()).map(|(_, class)| class);
    let switched_off = model.access.classes_of(name.as_str()).any(|(_, class, _)| class.suspended.is_some());
    if switched_off || class.is_some_and(|class| class.suspended.is_some()) {
        return None;
    }
    let anywhere = class.is_none_or(|class| {
        let place = class.location.as_ref().map_or(RequiredLocation::Any, |place| place.value);
        place == RequiredLocation::Any && class.additional_controls.is_empty()
    });
    if !anywhere && at != CacheLocation::McpServer {
        return None;
    }
    let mut names: BTreeSet<String> =
        server.resources.iter().map(|resource| format!("resource {}", resource.uri.value)).collect();
    for (tool, declared) in &server.tools {
        let is = |annotation: &Option<crate::source::Spanned<bool>>| annotation.as_ref().map(|it| it.value);
        let reads = is(&declared.read_only) == Some(true);
        let safe = is(&declared.destructive) != Some(true) && is(&declared.idempotent) != Some(false);
        let off = std::iter::once(&server.access)
            .chain(&server.overlay)
            .any(|access| access.tools.get(tool).is_some_and(|own| own.suspended.is_some()));
        if reads && safe && !off {
            names.insert(format!("tool {tool}"));
        }
    }
    (!names.is_empty()).then(|| (class.map(|class| class.name.value.to_string()), names))
}

fn unexpected<T>(what: &str) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.to_owned()))
}
