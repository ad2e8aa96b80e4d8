//! What limits the calls to a server at one gateway: breaker, bulkhead, pool and probes, each of the scope that holds there.

use std::collections::BTreeSet;

use super::TARGET_LIMIT;
use super::gateways::{Hop, Route};
use crate::diagnostic::Diagnostic;
use crate::model::name::ServerName;
use crate::model::operations::{Breaker, Health, HttpPool, ResourcePool};
use crate::model::{Model, Scope};

/// The limits of the calls from one gateway to one server.
#[derive(Debug, Clone, Copy)]
pub struct Traffic<'m> {
    /// The circuit breaker.
    pub breaker: Option<&'m Breaker>,
    /// The HTTP pool towards the server.
    pub pool: Option<&'m HttpPool>,
    /// The server's share of its bulkhead's connections.
    pub share: Option<u64>,
    /// Probes and load balancing.
    pub health: Option<&'m Health>,
}

impl<'m> Traffic<'m> {
    /// What holds for a route. A unit's own configuration is for the gateway in front of the unit's servers; the central gateway
    /// sends calls to that gateway by the central configuration.
    #[must_use]
    pub fn of_route(model: &'m Model, route: &Route<'_>) -> Self {
        let scope = match route.to {
            Hop::Server(_) => route.server.unit.as_ref().map(|unit| unit.value.clone()),
            Hop::Gateway(..) => None,
        };
        Self::of(model, &scope, &route.server.name.value)
    }

    /// What the scope says of the server, else what the central configuration does.
    #[must_use]
    pub fn of(model: &'m Model, scope: &Scope, server: &ServerName) -> Self {
        let bulkhead = |scope: &Scope| {
            let pools = model.bulkheads.get(scope)?;
            pools.iter().find(|pool| pool.servers.iter().any(|listed| listed.value == *server))
        };
        let bulkhead = bulkhead(scope).or_else(|| bulkhead(&None));
        let size = |server: &ServerName| Some(http_pool(model, scope, server)?.pool_size.as_ref()?.value);
        Self {
            breaker: Model::in_scope(&model.breaker, scope),
            pool: http_pool(model, scope, server),
            share: bulkhead.and_then(|pool| share(pool, server, model.gateway_replicas(), size)),
            health: Model::in_scope(&model.health, scope),
        }
    }

    /// Most connections that the server's pool opens.
    #[must_use]
    pub fn pool_size(&self) -> Option<u64> {
        self.pool.and_then(|pool| pool.pool_size.as_ref()).map(|size| size.value)
    }
}

fn http_pool<'m>(model: &'m Model, scope: &Scope, server: &ServerName) -> Option<&'m HttpPool> {
    let of = |scope: &Scope| model.connections.get(scope)?.http.iter().find(|pool| pool.server.value == *server);
    of(scope).or_else(|| of(&None))
}

/// A server's part of the connections of its bulkhead, which products count for each server apart. All parts together are never
/// more than the whole, and neither are those of all processes of a gateway. A server whose pool asks for a size gets it where there is room; the others share the rest evenly.
fn share(
    bulkhead: &ResourcePool,
    server: &ServerName,
    replicas: u64,
    size: impl Fn(&ServerName) -> Option<u64>,
) -> Option<u64> {
    let whole = bulkhead.connections.as_ref()?.value / replicas.max(1);
    let servers: BTreeSet<&ServerName> = bulkhead.servers.iter().map(|listed| &listed.value).collect();
    let asked: u64 = servers.iter().filter_map(|server| size(server)).fold(0, u64::saturating_add);
    let count = servers.len() as u64;
    let open = servers.iter().filter(|server| size(server).is_none()).count() as u64;
    // In 128 bits, so that no product overflows; a part is never more than the whole.
    let part = |of: u64, own: u64| {
        let part = u128::from(of) * u128::from(own) / u128::from(asked.max(1));
        u64::try_from(part).unwrap_or(of)
    };
    let fits = asked.saturating_add(open) <= whole;
    Some(match (size(server), open) {
        (Some(own), 0) if fits => part(whole, own),
        (Some(own), _) if fits => own,
        (None, _) if fits => (whole - asked) / open.max(1),
        (Some(own), _) => part(whole.saturating_sub(count), own).saturating_add(1),
        (None, _) => 1,
    })
}

/// Bulkheads with more servers than connections: products count for each server and in each process apart, and none can have a part of
/// one.
#[must_use]
pub fn too_small(model: &Model) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for pool in model.bulkheads.values().flatten() {
        let Some(connections) = &pool.connections else { continue };
        let servers: BTreeSet<&ServerName> = pool.servers.iter().map(|listed| &listed.value).collect();
        let (count, replicas) = (servers.len() as u64, model.gateway_replicas());
        let least = count.saturating_mul(replicas);
        if connections.value < least {
            let of = if replicas == 1 { String::new() } else { format!(" at {replicas} replicas of a gateway") };
            let message = format!(
                "pool `{}` has {} connections for {count} {}{of}, so some would have none",
                pool.name,
                connections.value,
                if count == 1 { "server" } else { "servers" }
            );
            let help = format!("set `connections` to {least} at least, or take servers out of the pool");
            findings.push(Diagnostic::new(&TARGET_LIMIT, connections.loc, message).help(help));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Loc, Spanned};

    fn shares(whole: u64, asks: &[Option<u64>]) -> Vec<u64> {
        let name = |index: usize| ServerName::from(format!("s{index}").as_str());
        let spanned = |index: usize| Spanned::new(name(index), Loc::default());
        let pool = ResourcePool {
            name: Spanned::new("pool".to_owned(), Loc::default()),
            servers: (0..asks.len()).map(spanned).collect(),
            cpu_millicores: None,
            memory: None,
            connections: Some(Spanned::new(whole, Loc::default())),
        };
        let size = |server: &ServerName| (0..asks.len()).find(|index| name(*index) == *server).and_then(|at| asks[at]);
        (0..asks.len()).filter_map(|index| share(&pool, &name(index), 1, size)).collect()
    }

    #[test]
    fn servers_get_what_their_pools_ask_for_and_share_the_rest() {
        assert_eq!(shares(100, &[None]), [100]);
        assert_eq!(shares(100, &[Some(60)]), [100]);
        assert_eq!(shares(100, &[None, None]), [50, 50]);
        assert_eq!(shares(100, &[Some(60), None]), [60, 40]);
        assert_eq!(shares(100, &[Some(20), None, None]), [20, 40, 40]);
        assert_eq!(shares(100, &[Some(20), Some(30)]), [40, 60]);
        assert_eq!(shares(100, &[Some(80), Some(80)]), [50, 50]);
        assert_eq!(shares(10, &[Some(100), None]), [9, 1]);
        assert_eq!(shares(10, &[Some(1), Some(1), Some(98)]), [1, 1, 7]);
    }

    #[test]
    fn all_together_never_have_more_than_the_whole() {
        for whole in 3..40 {
            for a in [None, Some(1), Some(7), Some(u64::MAX)] {
                for b in [None, Some(2), Some(30)] {
                    for c in [None, Some(5)] {
                        let found = shares(whole, &[a, b, c]);
                        assert!(found.iter().sum::<u64>() <= whole && found.iter().all(|share| *share > 0));
                    }
                }
            }
        }
    }
}
