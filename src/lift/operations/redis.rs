//! Reads the files of the target `redis` back into cache layers.
//!
//! A file is read as Redis reads it: lines of a directive and its arguments, of which the last one of a name counts. So that
//! nothing is overlooked, a directive that is there twice is refused, and so is every one that this target does not write.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::names::labels;
use crate::model::Model;
use crate::model::operations::CacheLayer;
use crate::model::quantity::Duration;
use crate::model::vocabulary::{CacheLocation, Eviction};
use crate::policy::Policy;

/// What a layer is in Redis.
#[derive(Debug, PartialEq, Eq)]
struct Layer {
    location: CacheLocation,
    /// Bytes of one node.
    node: Option<u64>,
    eviction: Option<Eviction>,
    ttl: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    cluster: bool,
    #[serde(default)]
    set: Expiry,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expiry {
    px: Option<u64>,
}

/// Checks that the files configure exactly the layers that the model has in Redis.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    for (scope, files) in scoped::by_scope(artifacts, "redis", model.caching.keys())? {
        let layers = model.caching.get(scope).map(Vec::as_slice).unwrap_or_default();
        let mut found: BTreeMap<String, Layer> = BTreeMap::new();
        for path in files.keys() {
            let Some((folder, "redis.conf" | "client.json")) = path.split_once('/') else {
                return unexpected(format!("`{path}` is not a file of this target"));
            };
            let file = |name: &str| {
                let path = format!("{folder}/{name}");
                let bytes = files.get(&path).ok_or_else(|| LiftError::File(path.clone()))?;
                scoped::text(&path, bytes)
            };
            found.insert(folder.to_owned(), layer(file("redis.conf")?, file("client.json")?)?);
        }
        if found != expected(layers, model)? {
            return unexpected("the nodes of Redis are not those of the cache layers");
        }
    }
    Ok(())
}

/// The layers as they should be read, by folder.
fn expected(layers: &[CacheLayer], model: &Model) -> Result<BTreeMap<String, Layer>, LiftError> {
    let wanted = layers.iter().filter_map(|layer| {
        let location = layer.location.as_ref()?.value;
        let masters = if location == CacheLocation::Redis {
            1
        } else if location == CacheLocation::RedisCluster {
            let set = model.deployment.redis.as_ref().and_then(|keys| keys.masters.as_ref());
            set.map_or(3, |masters| u64::from(masters.value))
        } else {
            return None;
        };
        let layer_of = Layer {
            location,
            node: layer.size.as_ref().map(|size| (size.value.0 - size.value.0 % masters) / masters),
            eviction: layer.eviction.as_ref().map(|eviction| eviction.value),
            ttl: layer.ttl.as_ref().map(|ttl| ttl.value),
        };
        Some((layer.name.value.as_str(), layer_of))
    });
    let mut by_name: BTreeMap<&str, Layer> = wanted.collect();
    let folders = labels(by_name.keys().copied().collect::<Vec<_>>())?;
    Ok(folders.into_iter().filter_map(|(folder, name)| Some((folder, by_name.remove(name)?))).collect())
}

/// A layer by its two files.
fn layer(conf: &str, client: &str) -> Result<Layer, LiftError> {
    let mut directives = directives(conf)?;
    let mut take = |name: &str| directives.remove(name);
    // Nothing is kept on disk.
    if take("save") != Some("\"\"") {
        return unexpected("a node of a cache keeps its entries on disk");
    }
    let cluster = match take("cluster-enabled") {
        None => false,
        Some("yes") => true,
        Some(other) => return unexpected(format!("`cluster-enabled` is `{other}`")),
    };
    let node = match take("maxmemory") {
        None => None,
        Some(bytes) => match bytes.parse::<u64>() {
            // Redis takes 0 for no limit.
            Ok(number) if number > 0 && number.to_string() == bytes => Some(number),
            _ => return unexpected(format!("`maxmemory` is `{bytes}`, which is not a number of bytes")),
        },
    };
    let eviction = match take("maxmemory-policy") {
        None => None,
        Some("allkeys-lru") => Some(Eviction::Lru),
        Some("allkeys-lfu") => Some(Eviction::Lfu),
        Some("allkeys-random") => Some(Eviction::Random),
        Some("volatile-ttl") => Some(Eviction::TtlBased),
        Some("noeviction") => Some(Eviction::None),
        Some(other) => return unexpected(format!("`maxmemory-policy` is `{other}`")),
    };
    if let Some(other) = directives.keys().next() {
        return unexpected(format!("the directive `{other}` is none that this target writes"));
    }
    let client: Client = scoped::json("client.json", client)?;
    if client.cluster != cluster {
        return unexpected("clients and nodes differ in whether they are a cluster");
    }
    let location = if cluster { CacheLocation::RedisCluster } else { CacheLocation::Redis };
    Ok(Layer { location, node, eviction, ttl: client.set.px.map(Duration) })
}

/// The directives of a file, each with its argument as written.
fn directives(text: &str) -> Result<BTreeMap<&str, &str>, LiftError> {
    let mut found = BTreeMap::new();
    if !text.ends_with('\n') {
        return unexpected("the last line of `redis.conf` is cut");
    }
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(name), Some(argument), None) = (words.next(), words.next(), words.next()) else {
            return unexpected(format!("the line `{line}` is not a directive with one argument"));
        };
        if found.insert(name, argument).is_some() {
            return unexpected(format!("the directive `{name}` is there twice"));
        }
    }
    Ok(found)
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
