//! The page of the target `cache-plan`.

pub(super) const DOC: &str = "\
A folder for the central configuration, `central`, and one for each unit folder that declares cache layers of its own. In it:

- `plan.json`: the layers, and what each of them may keep. What the plan does not name is never kept.
- `plan.schema.json`: the JSON Schema of a plan.

| configuration | plan | |
|---|---|---|
| `layers[].ttl` | `ttlMs` | MCP's field for how long a result may be served; without it the layer keeps nothing |
| | `cacheScope: private` | MCP's field for whom a result may be served to: the caller whose call made the entry |
| `location`, `eviction`, `size` | `location`, `eviction`, `maxBytes` | for whoever holds the layer |
| `annotations: {read_only: true}` of a tool | `keep.SERVER.tools` | |
| `resources` of a server | `keep.SERVER.resources` | reading changes nothing |
| the class of the server's data | `keep.SERVER.class` | |

**Which results.** Results of tools that the registry annotates `read_only: true`, and contents of resources. A tool without the annotation is \
not in the plan, nor is one that is `destructive` or not `idempotent`. Suspended tools, servers, classes and units are not in it either.

**Where.** Data whose class demands a `location` or `additional_controls` stays in its servers, so only layers at `mcp_server` may keep it. \
A server that no class lists counts as one of the most sensitive class.

**For whom.** Every entry is for one caller: cache keys have to hold the caller (issuer, subject and `act` of the token), the server, the tool \
or URI, and all arguments. There is no entry for everybody, because a server may answer by the headers of user and tenant that gateways set. \
A layer in a gateway is asked after the decision, so a revoked right ends at once. A layer in a client serves what it has until `ttlMs` is over.

**Which layers of a unit.** The layers of a unit folder are for the servers of that unit, and the central ones for all other servers.

**What to do.** Give the plan to whatever holds a layer. The worker of the target `temporal` is a client, and keeps to the layers at `client`:

```json
{\"cache\": {\"plans\": [\"bundle/cache-plan/central/plan.json\"]}}
```

Nodes for layers in Redis are in the target `redis`; `ttlMs` is what its clients pass on with each entry.

**From YAML to what was observed.** In the tests of this project the worker of a bundle runs flows with this layer:

```yaml
caching_strategy: {layers: [{name: near, location: client, ttl: 20s, eviction: lru, size: 1MB}]}
```

A flow that reads the same again within twenty seconds sends nothing to the server, and afterwards it does. Another flow sends a call of its own, and so \
does every read of a class that is to stay in its servers, and of a tool without the annotation.

**What is not there.** Envoy caches no `POST`, and every call of MCP is one, so no gateway that is compiled here holds a layer. Lists (`tools/list`) are not in the plan: \
what they show may depend on the caller, and servers give them `ttlMs` and `cacheScope` themselves.";
