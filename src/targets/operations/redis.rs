//! The target `redis`: the nodes of the cache layers that are in Redis, and what their clients have to say with each entry.

mod conf;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use super::scopes;
use crate::bundle::Artifact;
use crate::diagnostic::Diagnostic;
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::operations::CacheLayer;
use crate::model::vocabulary::{CacheLocation, Eviction};
use crate::source::{Loc, Spanned};
use crate::targets::names::{dns_labels, renamed};
use crate::targets::{
    CompileError, Covers, Does, Files, Input, NotExpressed, Proof, Shown, TARGET_LIMIT, Target, TargetId,
};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Redis,
    summary: "Nodes of Redis 7, and settings of their clients, for the cache layers in Redis",
    doc: "\
A folder for each cache layer whose `location` is `redis` or `redis_cluster`: `central/LAYER`, and `UNIT/LAYER` for the layers of \
a unit folder.

- `redis.conf`: the memory of a node, what makes room in it, and that nothing is kept on disk, since a cache fills itself \
anew. It is the same for every node of the layer.
- `client.json`: whether clients have to speak to a cluster (`cluster`), and what they have to say with each entry (`set`).

| `caching_strategy` | Redis | |
|---|---|---|
| `location: redis` | one node | |
| `location: redis_cluster` | `cluster-enabled yes` | three masters, or as many as `targets.redis.masters` says |
| `size` | `maxmemory`, in bytes | of each node: the size of a cluster divided by its masters |
| `eviction: lru`, `lfu`, `random` | `maxmemory-policy allkeys-lru`, `allkeys-lfu`, `allkeys-random` | |
| `eviction: ttl_based` | `maxmemory-policy volatile-ttl` | only entries that expire make room |
| `eviction: none` | `maxmemory-policy noeviction` | a full node takes nothing in |
| `ttl` | `px` of `client.json`, in milliseconds | Redis has no such setting for a node |

`fifo` is not an eviction of Redis, and an error wherever a layer is in Redis. Without `size` a node has no limit, and nothing is \
ever evicted.

**What to do.** Write the configuration of each node beside the bundle: its own address, its port, its certificates and the file \
with its users. Let it include the file of the layer, so that no password is in the bundle:

```text
include bundle/redis/central/distributed-cache/redis.conf
bind 10.0.0.11
port 6379
aclfile /etc/redis/users.acl
```

Then join the masters of a cluster: `redis-cli --cluster create 10.0.0.11:6379 10.0.0.12:6379 10.0.0.13:6379`. A replica has the \
same file, and adds nothing to the size.

Every client passes on what `client.json` says under `set`, because an entry that is set without a time never expires:

```python
settings = json.load(open(\"bundle/redis/central/distributed-cache/client.json\"))
client = redis.RedisCluster(host=\"10.0.0.11\") if settings[\"cluster\"] else redis.Redis(host=\"10.0.0.11\")
client.set(key, answer, **settings[\"set\"])
```

**What is not there.** Layers in a gateway, in a client or in the MCP server itself are not Redis, and layers in Memcached are \
not either: a note names each of them.",
    covers: &[Covers::part(
        FamilyId::Caching,
        &["layers", "name", "location", "ttl", "eviction", "size"],
        "layers in Redis are configured; those elsewhere are for the gateway, the servers and the clients that hold them",
    )],
    unexpressed,
    names,
    proof: Proof::Run(Shown {
        by: "three nodes of Redis 7.0, alone and as a cluster",
        what: "they report the declared values, evict what each word says, and let entries expire when \
         `client.json` says",
        beyond: "a cache under load, and clients of the user",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// `client.json`.
#[derive(Serialize)]
struct Client {
    cluster: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<&'static str, u64>,
}

/// Whether a layer is in a cluster; `None` for one that is not in Redis.
fn cluster(layer: &CacheLayer) -> Option<bool> {
    match layer.location.as_ref()?.value {
        CacheLocation::Redis => Some(false),
        CacheLocation::RedisCluster => Some(true),
        CacheLocation::Client | CacheLocation::Gateway | CacheLocation::McpServer | CacheLocation::Memcached => None,
    }
}

fn in_redis(layers: &[CacheLayer]) -> impl Iterator<Item = (&CacheLayer, bool)> {
    layers.iter().filter_map(|layer| Some((layer, cluster(layer)?)))
}

fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let elsewhere = |layer: &CacheLayer| {
        let (key, loc, why) = match &layer.location {
            Some(at) if cluster(layer).is_none() => {
                let why =
                    "the layer is not in Redis; what holds it there keeps to these values, or it moves to `redis`";
                (format!("layers[].location: {at}"), at.loc, why)
            }
            Some(_) => return None,
            None => {
                let why = "the layer says nowhere that it is in Redis; write `location: redis` or `redis_cluster`";
                (format!("layers[].name: {}", layer.name), layer.name.loc, why)
            }
        };
        Some(NotExpressed { family: FamilyId::Caching, key, loc, why, own: false })
    };
    model.caching.values().flatten().filter_map(elsewhere).collect()
}

fn names(model: &Model) -> BTreeMap<String, String> {
    let used = model.caching.iter().filter(|(_, layers)| in_redis(layers).next().is_some());
    let layers =
        used.clone().flat_map(|(_, layers)| in_redis(layers)).filter_map(|(layer, _)| renamed(&layer.name.value));
    layers.chain(scopes::renamed(used.map(|(scope, _)| scope))).collect()
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let folders = scopes::folders(TargetId::Redis, model, model.caching.keys())?;
    let mut files = Files::new();
    for (scope, layers) in &model.caching {
        let names = in_redis(layers).map(|(layer, _)| (layer.name.value.as_str(), layer.name.loc));
        let labels = dns_labels(TargetId::Redis, names).map_err(CompileError::Findings)?;
        for (layer, cluster) in in_redis(layers) {
            let (Some(folder), Some(label)) = (folders.get(scope), labels.get(layer.name.value.as_str())) else {
                continue;
            };
            let masters = if cluster { model.deployment.redis_masters() } else { 1 };
            let path = |file: &str| format!("{folder}/{label}/{file}");
            files.push((path("redis.conf"), node(layer, cluster, masters)?));
            files.push((path("client.json"), client(layer, cluster)?));
        }
    }
    Ok(files)
}

fn node(layer: &CacheLayer, cluster: bool, masters: u32) -> Result<Artifact, CompileError> {
    let mut conf = conf::Conf::default();
    let mut from = vec![layer.name.loc];
    if cluster {
        conf.add("cluster-enabled", "yes")?;
    }
    if let Some(size) = &layer.size {
        let each = size.value.0 / u64::from(masters);
        if each == 0 {
            return Err(CompileError::Findings(vec![too_small(size.loc, layer, masters)]));
        }
        conf.add("maxmemory", &each.to_string())?;
        from.push(size.loc);
    }
    if let Some(eviction) = &layer.eviction {
        conf.add("maxmemory-policy", policy(eviction, layer)?)?;
        from.push(eviction.loc);
    }
    conf.add("save", "")?;
    Ok(Artifact { bytes: conf.into_bytes(), from })
}

fn too_small(loc: Loc, layer: &CacheLayer, masters: u32) -> Diagnostic {
    let message = format!("the size of layer `{}` leaves nothing for each of the {masters} masters", layer.name);
    Diagnostic::new(&TARGET_LIMIT, loc, message)
        .help("Redis takes a `maxmemory` of 0 for no limit; make the layer larger")
}

/// `maxmemory-policy` for a word.
fn policy(eviction: &Spanned<Eviction>, layer: &CacheLayer) -> Result<&'static str, CompileError> {
    Ok(match eviction.value {
        Eviction::Lru => "allkeys-lru",
        Eviction::Lfu => "allkeys-lfu",
        Eviction::Random => "allkeys-random",
        Eviction::TtlBased => "volatile-ttl",
        Eviction::None => "noeviction",
        Eviction::Fifo => {
            let message = format!("layer `{}` evicts by `{eviction}`, which Redis does not do", layer.name);
            return Err(CompileError::Findings(vec![Diagnostic::new(&TARGET_LIMIT, eviction.loc, message)]));
        }
    })
}

fn client(layer: &CacheLayer, cluster: bool) -> Result<Artifact, CompileError> {
    let ttl = layer.ttl.as_ref();
    let client = Client { cluster, set: ttl.map(|ttl| ("px", ttl.value.0)).into_iter().collect() };
    let mut bytes = serde_json::to_vec_pretty(&client)
        .map_err(|cause| CompileError::Refused(format!("the settings of clients have no JSON form: {cause}")))?;
    bytes.push(b'\n');
    let from = [Some(layer.name.loc), layer.location.as_ref().map(|at| at.loc), ttl.map(|ttl| ttl.loc)];
    Ok(Artifact { bytes, from: from.into_iter().flatten().collect() })
}
