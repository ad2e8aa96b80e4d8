//! The plan of caches. Its JSON Schema is `schemas/cache-plan.schema.json`.

use std::collections::BTreeMap;

use serde::Serialize;

/// What the cache layers of a folder may keep. What it does not name is never kept.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Plan {
    /// The version of this format.
    #[cfg_attr(test, schemars(range(min = 1, max = 1)))]
    pub version: u32,
    /// The layers, the one nearest to the caller first.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub layers: Vec<Layer>,
}

/// A cache layer.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Layer {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub name: String,
    /// Where it is: `client`, `gateway`, `mcp_server`, `redis`, `redis_cluster` or `memcached`. Absent where nothing is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<&'static str>,
    /// How long an entry may be served, in milliseconds: MCP's `ttlMs`. Absent where nothing is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// MCP's `cacheScope`: an entry is for the caller whose call made it.
    pub cache_scope: CacheScope,
    /// What makes room in a full layer: `lru`, `lfu`, `fifo`, `random`, `ttl_based` (what expires first), or `none`, so that a full
    /// layer takes nothing in. Absent where the layer's product decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eviction: Option<&'static str>,
    /// How many bytes it may hold. Absent for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// What it may keep, by server.
    pub keep: BTreeMap<String, Kept>,
}

/// Who may be served an entry.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum CacheScope {
    Private,
}

/// What may be kept of a server.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Kept {
    /// The class of its data; absent where the workspace declares no classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The tools whose results may be kept.
    #[cfg_attr(test, schemars(default))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// The resources whose contents may be kept: URIs, in which `*` matches any text.
    #[cfg_attr(test, schemars(default))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
}
