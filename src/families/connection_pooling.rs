//! `connection_pooling`. Source: the document, "Connection Pooling".

use crate::lower::{At, Lowering};
use crate::model::name::ServerName;
use crate::model::operations::{DatabasePool, HttpPool};
use crate::model::quantity::Duration;
use crate::source::Spanned;

/// Connection pools, per server. May stand many times; the lists are joined.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConnectionPooling {
    /// Pools of a server's instances towards its database.
    #[serde(default)]
    database_pools: Vec<DatabaseSection>,
    /// Pools of callers towards a server.
    #[serde(default)]
    http_pools: Vec<HttpSection>,
}

/// A database pool; sizes are per instance of the server.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct DatabaseSection {
    /// The server.
    mcp_server: Spanned<ServerName>,
    /// Connections kept open.
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000_000)))]
    pool_size: Option<Spanned<u64>>,
    /// Connections beyond that under load.
    #[cfg_attr(test, schemars(range(max = 1_000_000_000)))]
    max_overflow: Option<Spanned<u64>>,
    /// The age at which a connection is replaced.
    recycle_time: Option<Spanned<Duration>>,
}

/// An HTTP pool; sizes are per instance of the caller.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct HttpSection {
    /// The server.
    mcp_server: Spanned<ServerName>,
    /// Connections.
    #[cfg_attr(test, schemars(range(min = 1, max = 4_294_967_295_u32)))]
    pool_size: Option<Spanned<u64>>,
    /// How long an idle connection is kept.
    keep_alive: Option<Spanned<Duration>>,
    /// The longest that a request may take.
    timeout: Option<Spanned<Duration>>,
}

impl ConnectionPooling {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mut database = Vec::new();
        for pool in self.database_pools {
            out.mention(pool.mcp_server.clone(), "has a database pool");
            let key = format!("{:?}\u{0}{}", at.scope, pool.mcp_server);
            if out.declare_as("database pool of server", key, pool.mcp_server.value.as_str(), pool.mcp_server.loc) {
                database.push(DatabasePool {
                    server: pool.mcp_server,
                    pool_size: pool.pool_size,
                    max_overflow: pool.max_overflow,
                    recycle_time: pool.recycle_time,
                });
            }
        }
        let mut http = Vec::new();
        for pool in self.http_pools {
            out.mention(pool.mcp_server.clone(), "has an HTTP pool");
            let key = format!("{:?}\u{0}{}", at.scope, pool.mcp_server);
            if out.declare_as("HTTP pool of server", key, pool.mcp_server.value.as_str(), pool.mcp_server.loc) {
                http.push(HttpPool {
                    server: pool.mcp_server,
                    pool_size: pool.pool_size,
                    keep_alive: pool.keep_alive,
                    timeout: pool.timeout,
                });
            }
        }
        let connections = out.model.connections.entry(at.scope.clone()).or_default();
        connections.database.extend(database);
        connections.http.extend(http);
    }
}
