//! The alarms that a model asks for.

use std::collections::{BTreeMap, BTreeSet};

use super::alarms::{Alarm, Calls, Denials};
use crate::model::name::UnitName;
use crate::model::operations::{Probe, ResourcePool};
use crate::model::quantity::Duration;
use crate::model::{Model, Scope};

/// The alarms that there should be, in their order.
pub(super) fn expected(model: &Model) -> Vec<Alarm> {
    let mut all = vec![Alarm::Unread];
    all.extend(Denials::ALL.map(Alarm::Denials));
    all.push(Alarm::Suspended);
    if model.topology.units.values().any(|unit| unit.gateway.is_some()) {
        all.push(Alarm::Versions);
    }
    // By what is declared alone: a counter of granted calls with labels for the server and the principal.
    for metric in model.metrics.values().flatten() {
        let label = |names: &[&str]| metric.labels.iter().find(|label| names.contains(&label.value.as_str()));
        let name = metric.name.value.as_str();
        let middle: Vec<&str> =
            name.split('_').filter(|word| !["mcp", "gateway", "tool", "total"].contains(word)).collect();
        let counts = metric.kind.value.as_str() == "counter"
            && ["granted calls", "allowed calls"].contains(&middle.join(" ").as_str());
        if let (true, Some(server), Some(_)) = (counts, label(&["mcp_server", "server"]), label(&["principal"])) {
            let found = Alarm::FirstUse { metric: name.to_owned(), server: server.value.as_str().to_owned() };
            if !all.contains(&found) {
                all.push(found);
            }
        }
    }
    for (scope, breaker) in &model.breaker {
        let Some(calls) = held(scope, &model.breaker, model) else { continue };
        if let Some(failures) = breaker.opens_after() {
            all.push(Alarm::Open { calls: calls.clone(), failures, open: breaker.open_for() });
        }
        all.extend(breaker.timeout.as_ref().map(|timeout| Alarm::TimesOut { calls, timeout: timeout.value }));
    }
    for (scope, pools) in &model.bulkheads {
        for pool in pools {
            let calls = in_pool(scope, pool, model);
            let (Some(connections), false) = (&pool.connections, calls.servers.is_empty()) else { continue };
            let (pool, connections) = (pool.name.value.clone(), connections.value / model.gateway_replicas());
            if connections > 0 {
                all.push(Alarm::NearlyFull { calls: calls.clone(), pool: pool.clone(), connections });
                all.push(Alarm::Full { calls, pool, connections });
            }
        }
    }
    for (scope, health) in &model.health {
        let made = health.checks.iter().filter(|check| match &check.probe {
            Probe::Http(path) => path.as_ref().is_some_and(|path| path.value.starts_with('/')),
            Probe::Tcp(_) => true,
            Probe::Grpc(_) => false,
        });
        let longest =
            made.map(|check| check.interval.as_ref().map_or(Duration(10_000), |interval| interval.value)).max();
        if let (Some(interval), Some(calls)) = (longest, held(scope, &model.health, model)) {
            all.push(Alarm::Unhealthy { calls, interval });
        }
    }
    all
}

fn has_gateway(unit: &UnitName, model: &Model) -> bool {
    model.topology.units.get(unit).is_some_and(|unit| unit.gateway.is_some())
}

/// The servers of a unit.
pub(super) fn servers(unit: &UnitName, model: &Model) -> BTreeSet<String> {
    let of_unit = |name: &str| model.unit_of(&name.into()) == Some(unit.as_str());
    model.servers.keys().map(ToString::to_string).filter(|name| of_unit(name)).collect()
}

/// The calls that a section of a scope is for, where there are any.
fn held<T>(scope: &Scope, sections: &BTreeMap<Scope, T>, model: &Model) -> Option<Calls> {
    let mut calls = Calls::default();
    match scope {
        Some(unit) if has_gateway(unit, model) => calls.gateway = Some(unit.to_string()),
        Some(unit) => {
            calls.servers = servers(unit, model);
            return (!calls.servers.is_empty()).then_some(calls);
        }
        None => {
            for unit in sections.keys().flatten() {
                if has_gateway(unit, model) {
                    calls.not_gateways.insert(unit.to_string());
                } else {
                    calls.not_servers.extend(servers(unit, model));
                }
            }
        }
    }
    Some(calls)
}

/// The calls that a bulkhead is for; none where no server is left in it.
fn in_pool(scope: &Scope, pool: &ResourcePool, model: &Model) -> Calls {
    let names =
        |pool: &ResourcePool| pool.servers.iter().map(|server| server.value.to_string()).collect::<BTreeSet<_>>();
    let mut calls = Calls { servers: names(pool), ..Calls::default() };
    if let Some(unit) = scope {
        calls.servers = calls.servers.intersection(&servers(unit, model)).cloned().collect();
        calls.gateway = has_gateway(unit, model).then(|| unit.to_string());
        return calls;
    }
    for (unit, pools) in model.bulkheads.iter().filter_map(|(scope, pools)| Some((scope.as_ref()?, pools))) {
        let listed: BTreeSet<String> = pools.iter().flat_map(names).collect();
        let restated: BTreeSet<String> = listed.intersection(&servers(unit, model)).cloned().collect();
        if !has_gateway(unit, model) {
            calls.servers = calls.servers.difference(&restated).cloned().collect();
        } else if !calls.servers.is_disjoint(&restated) {
            calls.not_gateways.insert(unit.to_string());
        }
    }
    calls
}
