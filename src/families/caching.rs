//! `caching_strategy`. Source: the document, "Caching Strategies".

use crate::lower::{At, Lowering};
use crate::model::operations::CacheLayer;
use crate::model::quantity::{Bytes, Duration};
use crate::model::vocabulary::{CacheLocation, Eviction};
use crate::source::Spanned;

/// Cache layers, the one nearest to the caller first.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CachingStrategy {
    /// The layers.
    #[serde(default)]
    layers: Vec<LayerSection>,
}

/// A cache layer.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct LayerSection {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// Where it is, such as `gateway`, `mcp_server` or `redis_cluster`.
    location: Option<Spanned<CacheLocation>>,
    /// How long entries live.
    ttl: Option<Spanned<Duration>>,
    /// What makes room when it is full.
    eviction: Option<Spanned<Eviction>>,
    /// How much it holds, such as `100MB`.
    size: Option<Spanned<Bytes>>,
}

impl CachingStrategy {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mut layers = Vec::new();
        for layer in self.layers {
            let key = format!("{:?}\u{0}{}", at.scope, layer.name);
            if out.declare_as("cache layer", key, &layer.name.value, layer.name.loc) {
                layers.push(CacheLayer {
                    name: layer.name,
                    location: layer.location,
                    ttl: layer.ttl,
                    eviction: layer.eviction,
                    size: layer.size,
                });
            }
        }
        out.model.caching.entry(at.scope.clone()).or_insert(layers);
    }
}
