//! The target `pools`: pools of connections to databases and to servers, as the libraries and proxies that hold them are told.

mod pgbouncer;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::scopes;
use crate::bundle::Artifact;
use crate::families::FamilyId;
use crate::model::operations::{DatabasePool, HttpPool, ResourcePool};
use crate::model::{Model, Scope};
use crate::source::Loc;
use crate::targets::names::{dns_labels, renamed};
use crate::targets::{CompileError, Covers, Does, Files, Input, Proof, Shown, Target, TargetId};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Pools,
    summary: "Pools of connections: SQLAlchemy 2, PgBouncer 1.18 and HTTP clients by httpx",
    doc: "\
Folders below `central`, and below `UNIT` for what a unit folder says.

- `databases/SERVER/sqlalchemy.json`: the pool of a server's instances to its database, as settings for SQLAlchemy.
- `databases/SERVER/pgbouncer.ini`: the same pool in PgBouncer, one beside each instance of the server. Use one of the two.
- `servers/SERVER/httpx.json`: the pool of a caller towards a server, as settings for httpx.
- `bulkheads/POOL/httpx.json`: the connections of a bulkhead, for the one client that calls all of its servers.

| configuration | SQLAlchemy | PgBouncer | httpx |
|---|---|---|---|
| `pool_size` of a database | `pool_size` | `default_pool_size` | |
| `max_overflow` | `max_overflow` | `reserve_pool_size` | |
| both together | | `max_db_connections`, whoever connects | |
| `recycle_time` | `pool_recycle`, in seconds | `server_lifetime`, in seconds | |
| `pool_size` of a server | | | `max_connections` |
| `keep_alive` | | | `keepalive_expiry`, in seconds |
| `timeout` | | | `timeout`, in seconds |
| `connections` of a bulkhead | | | `max_connections` |

The two differ under load: SQLAlchemy opens the overflow at once, and PgBouncer opens its reserve for a client that has waited for \
`reserve_pool_timeout`, which is 5 seconds. PgBouncer takes 100 clients; a larger pool comes with a `max_client_conn` of its size.

**What to do.** Hand the settings on as they are. The URL of the database, with its password, comes from where you keep secrets:

```python
settings = json.load(open(\"bundle/pools/central/databases/crm-server/sqlalchemy.json\"))
engine = sqlalchemy.engine_from_config({**settings, \"sqlalchemy.url\": os.environ[\"DATABASE_URL\"]})

settings = json.load(open(\"bundle/pools/central/servers/external-api-server/httpx.json\"))
client = httpx.AsyncClient(limits=httpx.Limits(**settings.get(\"limits\", {})), timeout=settings.get(\"timeout\", 5))
```

The file for PgBouncer has no section of its own. It is included in the section `pgbouncer` of yours, which says where the database \
is, where PgBouncer listens and who may connect. Begin that section once: PgBouncer sets everything in it back when it begins again.

```ini
[databases]
crm = host=db.example.org dbname=crm

[pgbouncer]
%include bundle/pools/central/databases/crm-server/pgbouncer.ini
listen_addr = 127.0.0.1
listen_port = 6432
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/users.txt
```

**What the numbers are of.** Pools are of one process each: a server with four workers opens four of them. The connections of a \
bulkhead are those of all callers together, so give each caller its part, or let the gateway see to it (target `envoy`).

**What is not there.** Cores and memory of a bulkhead are for the target `kubernetes`.",
    covers: &[
        Covers::all(FamilyId::ConnectionPooling),
        Covers::part(
            FamilyId::Bulkhead,
            &["resource_pools", "name", "mcp_servers", "resources", "connections"],
            "clients keep to the connections; cores and memory are for the target `kubernetes`",
        ),
    ],
    unexpressed: |_| Vec::new(),
    names,
    proof: Proof::Run(Shown {
        by: "SQLAlchemy 2.1, httpx 0.28 and PgBouncer 1.18",
        what: "the libraries hand out exactly as many connections as declared, and PgBouncer loads its files and \
         reports the declared values",
        beyond: "databases and servers that are slow or fail",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// Settings for SQLAlchemy, by the names that `engine_from_config` takes. Source: SQLAlchemy, `create_engine`.
#[derive(Serialize)]
struct SqlAlchemy {
    #[serde(rename = "sqlalchemy.pool_size", skip_serializing_if = "Option::is_none")]
    pool_size: Option<u64>,
    #[serde(rename = "sqlalchemy.max_overflow", skip_serializing_if = "Option::is_none")]
    max_overflow: Option<u64>,
    #[serde(rename = "sqlalchemy.pool_recycle", skip_serializing_if = "Option::is_none")]
    pool_recycle: Option<u64>,
}

/// Settings for httpx. Source: httpx, `Limits` and `Timeout`.
#[derive(Serialize)]
struct Httpx {
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<f64>,
}

#[derive(Serialize)]
struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keepalive_expiry: Option<f64>,
}

/// Every scope that has pools.
fn used(model: &Model) -> BTreeSet<&Scope> {
    model.connections.keys().chain(model.bulkheads.keys()).collect()
}

/// The bulkheads of a scope that have connections.
fn bulkheads<'m>(scope: &Scope, model: &'m Model) -> impl Iterator<Item = (&'m ResourcePool, u64, Loc)> {
    let pools = model.bulkheads.get(scope).into_iter().flatten();
    pools.filter_map(|pool| pool.connections.as_ref().map(|most| (pool, most.value, most.loc)))
}

fn names(model: &Model) -> BTreeMap<String, String> {
    let pools = model.connections.values();
    let databases = pools.clone().flat_map(|pools| &pools.database).map(|pool| pool.server.value.as_str());
    let servers = pools.flat_map(|pools| &pools.http).map(|pool| pool.server.value.as_str());
    let bulkheads = model.bulkheads.keys().flat_map(|scope| bulkheads(scope, model));
    let all = databases.chain(servers).chain(bulkheads.map(|(pool, ..)| pool.name.value.as_str()));
    all.filter_map(renamed).chain(scopes::renamed(used(model))).collect()
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let mut files = Files::new();
    for (scope, folder) in scopes::folders(TargetId::Pools, model, used(model))? {
        let mut add = |kind: &str, label: &str, file: &str, artifact: Artifact| {
            files.push((format!("{folder}/{kind}/{label}/{file}"), artifact));
        };
        let labels = |names: Vec<(&str, Loc)>| -> Result<BTreeMap<String, String>, CompileError> {
            let labels = dns_labels(TargetId::Pools, names).map_err(CompileError::Findings)?;
            Ok(labels.into_iter().map(|(name, label)| (name.to_owned(), label)).collect())
        };
        if let Some(pools) = model.connections.get(scope) {
            let of_databases =
                labels(pools.database.iter().map(|it| (it.server.value.as_str(), it.server.loc)).collect())?;
            for pool in &pools.database {
                let Some(label) = of_databases.get(pool.server.value.as_str()) else { continue };
                add("databases", label, "sqlalchemy.json", sqlalchemy(pool)?);
                add("databases", label, "pgbouncer.ini", pgbouncer::file(pool));
            }
            let of_servers = labels(pools.http.iter().map(|it| (it.server.value.as_str(), it.server.loc)).collect())?;
            for pool in &pools.http {
                let Some(label) = of_servers.get(pool.server.value.as_str()) else { continue };
                add("servers", label, "httpx.json", httpx(pool)?);
            }
        }
        let of_bulkheads =
            labels(bulkheads(scope, model).map(|(it, ..)| (it.name.value.as_str(), it.name.loc)).collect())?;
        for (pool, most, loc) in bulkheads(scope, model) {
            let Some(label) = of_bulkheads.get(&pool.name.value) else { continue };
            let limits = Limits { max_connections: Some(most), keepalive_expiry: None };
            let settings = Httpx { limits: Some(limits), timeout: None };
            add("bulkheads", label, "httpx.json", json(&settings, vec![pool.name.loc, loc])?);
        }
    }
    Ok(files)
}

/// The places of a pool: its server, and the values that are written.
pub(super) fn places(server: Loc, values: [Option<Loc>; 3]) -> Vec<Loc> {
    std::iter::once(server).chain(values.into_iter().flatten()).collect()
}

/// The places of a database pool.
fn of_database(pool: &DatabasePool) -> Vec<Loc> {
    let sizes = [&pool.pool_size, &pool.max_overflow].map(|size| size.as_ref().map(|size| size.loc));
    let [size, overflow] = sizes;
    places(pool.server.loc, [size, overflow, pool.recycle_time.as_ref().map(|time| time.loc)])
}

fn sqlalchemy(pool: &DatabasePool) -> Result<Artifact, CompileError> {
    let settings = SqlAlchemy {
        pool_size: pool.pool_size.as_ref().map(|size| size.value),
        max_overflow: pool.max_overflow.as_ref().map(|size| size.value),
        pool_recycle: pool.recycle_time.as_ref().map(|time| time.value.seconds()),
    };
    json(&settings, of_database(pool))
}

fn httpx(pool: &HttpPool) -> Result<Artifact, CompileError> {
    // A time of at most a hundred years, in thousandths of seconds: exact in a number of 64 bits.
    let seconds = |milliseconds: u64| milliseconds as f64 / 1_000.0;
    let limits = Limits {
        max_connections: pool.pool_size.as_ref().map(|size| size.value),
        keepalive_expiry: pool.keep_alive.as_ref().map(|time| seconds(time.value.0)),
    };
    let said = limits.max_connections.is_some() || limits.keepalive_expiry.is_some();
    let timeout = pool.timeout.as_ref().map(|time| seconds(time.value.0));
    let values = [
        pool.pool_size.as_ref().map(|size| size.loc),
        pool.keep_alive.as_ref().map(|time| time.loc),
        pool.timeout.as_ref().map(|time| time.loc),
    ];
    json(&Httpx { limits: said.then_some(limits), timeout }, places(pool.server.loc, values))
}

fn json(value: &impl Serialize, from: Vec<Loc>) -> Result<Artifact, CompileError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|cause| CompileError::Refused(format!("the settings of a pool have no JSON form: {cause}")))?;
    bytes.push(b'\n');
    Ok(Artifact { bytes, from })
}
