//! `bulkhead_config`. Source: the document, "Bulkhead Pattern".

use crate::lower::{At, Lowering};
use crate::model::name::ServerName;
use crate::model::operations::ResourcePool;
use crate::model::quantity::Bytes;
use crate::source::Spanned;

/// Resources set aside for groups of servers, so that one group cannot starve another. May stand many times; the pools
/// are joined.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkheadConfig {
    /// The pools.
    #[serde(default)]
    resource_pools: Vec<PoolSection>,
}

/// A pool.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct PoolSection {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// Its servers. A server stands in one pool.
    #[cfg_attr(test, schemars(length(min = 1)))]
    mcp_servers: Vec<Spanned<ServerName>>,
    /// What is set aside, in total.
    resources: Option<Resources>,
}

/// What is set aside, in total.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Resources {
    /// Cores, such as `4` or `0.5`.
    #[cfg_attr(test, schemars(range(min = 0.001, max = 1_000_000.0)))]
    cpu_cores: Option<Spanned<f64>>,
    /// Memory, such as `8Gi`.
    memory: Option<Spanned<Bytes>>,
    /// Connections.
    #[cfg_attr(test, schemars(range(min = 1, max = 4_294_967_295_u32)))]
    connections: Option<Spanned<u64>>,
}

impl BulkheadConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        for pool in self.resource_pools {
            for server in &pool.mcp_servers {
                out.mention(server.clone(), "in a bulkhead pool");
            }
            let key = format!("{:?}\u{0}{}", at.scope, pool.name);
            if !out.declare_as("pool", key, &pool.name.value, pool.name.loc) {
                continue;
            }
            let (cpu, memory, connections) = match pool.resources {
                Some(resources) => (resources.cpu_cores, resources.memory, resources.connections),
                None => (None, None, None),
            };
            // The schema keeps cores between a thousandth and a million, so the conversion is exact enough and in range.
            let cpu_millicores = cpu.map(|cores| cores.map(|cores| (cores * 1_000.0).round() as u64));
            let pool = ResourcePool { name: pool.name, servers: pool.mcp_servers, cpu_millicores, memory, connections };
            out.model.bulkheads.entry(at.scope.clone()).or_default().push(pool);
        }
    }
}
