//! What the calls to a server are limited by, as lifters expect it of every product: read from the model alone.

use std::collections::BTreeMap;

use crate::model::name::{ServerName, UnitName};
use crate::model::operations::{Breaker, Health, HttpPool, ResourcePool};
use crate::model::{Model, Scope};

/// The limits of the calls to a server from the gateway in front of it, or from the central one towards its unit's.
pub(super) struct Limits<'m> {
    pub(super) breaker: Option<&'m Breaker>,
    pub(super) http: Option<&'m HttpPool>,
    pub(super) health: Option<&'m Health>,
    /// The server's part of its bulkhead.
    pub(super) share: Option<u64>,
}

impl<'m> Limits<'m> {
    /// `unit` is the one whose own configuration holds there: the server's unit in front of the server, none elsewhere.
    pub(super) fn of(model: &'m Model, unit: Option<&UnitName>, server: &ServerName) -> Self {
        let scopes: Vec<Scope> = unit.map(|unit| Some(unit.clone())).into_iter().chain([None]).collect();
        let http = |server: &ServerName| {
            let of = |scope| model.connections.get(scope)?.http.iter().find(|pool| pool.server.value == *server);
            scopes.iter().find_map(of)
        };
        let lists = |pool: &&ResourcePool| pool.servers.iter().any(|listed| listed.value == *server);
        let bulkhead = scopes.iter().find_map(|scope| model.bulkheads.get(scope)?.iter().find(lists));
        let size = |server: &ServerName| http(server).and_then(|pool| pool.pool_size.as_ref()).map(|size| size.value);
        let share = bulkhead.and_then(|pool| {
            let asked = pool.servers.iter().map(|listed| (&listed.value, size(&listed.value))).collect();
            shares(pool.connections.as_ref()?.value / model.gateway_replicas(), &asked).remove(server)
        });
        let breaker = scopes.iter().find_map(|scope| model.breaker.get(scope));
        let health = scopes.iter().find_map(|scope| model.health.get(scope));
        Self { breaker, http: http(server), health, share }
    }

    /// The connections of the server's pool, never more than its share.
    pub(super) fn connections(&self) -> Option<u64> {
        let size = self.http.and_then(|pool| pool.pool_size.as_ref()).map(|size| size.value);
        size.map(|size| self.share.map_or(size, |share| size.min(share)))
    }
}

/// How a number is divided: by what is asked for where it fits, the rest evenly; in proportion where it does not, one at least
/// for each.
fn shares<'s>(whole: u64, asked: &BTreeMap<&'s ServerName, Option<u64>>) -> BTreeMap<&'s ServerName, u64> {
    let of = |part: u128| u64::try_from(part).unwrap_or(u64::MAX);
    let all: u128 = asked.values().flatten().map(|one| u128::from(*one)).sum();
    let all_in_64 = of(all);
    let open = asked.values().filter(|one| one.is_none()).count() as u64;
    let left = u128::from(whole).checked_sub(u128::from(all_in_64) + u128::from(open));
    let each = |(name, one): (&&'s ServerName, &Option<u64>)| {
        let share = match (one, left) {
            (Some(one), Some(_)) if open == 0 => of(u128::from(whole) * u128::from(*one) / u128::from(all_in_64)),
            (Some(one), Some(_)) => *one,
            (None, Some(left)) => 1 + of(left / u128::from(open)),
            (Some(one), None) => {
                let rest = u128::from(whole.saturating_sub(asked.len() as u64));
                1 + of(rest * u128::from(*one) / u128::from(all_in_64))
            }
            (None, None) => 1,
        };
        (*name, share)
    };
    asked.iter().map(each).collect()
}
