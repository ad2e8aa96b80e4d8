//! Which calls a section is about: as a selector of series, and by an example.

use std::collections::{BTreeMap, BTreeSet};

use super::recordings::{GATEWAY, SERVER};
use crate::model::name::UnitName;
use crate::model::operations::ResourcePool;
use crate::model::{Model, Scope};

/// Whose calls a section is about.
pub(super) struct Part {
    /// A selector for the series, with its braces; empty for all.
    pub(super) selector: String,
    /// A gateway and a server that it is about.
    pub(super) example: [String; 2],
}

impl Part {
    /// What a section of that scope holds for: at the gateway of the unit, else for the unit's servers; the central section for all
    /// that no unit has a section for. `None` where there is no such call.
    pub(super) fn of<T>(scope: &Scope, sections: &BTreeMap<Scope, T>, model: &Model) -> Option<Self> {
        let fronted = |unit: &UnitName| model.topology.units.get(unit).is_some_and(|unit| unit.gateway.is_some());
        let (gateways, alone): (Vec<&UnitName>, Vec<&UnitName>) =
            sections.keys().filter_map(|scope| scope.as_ref()).partition(|unit| fronted(unit));
        let any = "any server".to_owned();
        let (matchers, example) = match scope {
            Some(unit) if fronted(unit) => (vec![format!("{GATEWAY}=\"{unit}\"")], [unit.to_string(), any]),
            Some(unit) => {
                let servers = servers_of(unit, model);
                let first = (*servers.first()?).to_owned();
                (vec![format!("{SERVER}=~\"{}\"", pattern(servers))], ["central".to_owned(), first])
            }
            None => {
                let servers: BTreeSet<&str> = alone.iter().flat_map(|unit| servers_of(unit, model)).collect();
                let names = gateways.iter().map(|unit| unit.as_str());
                let not =
                    |label: &str, pattern: String| (!pattern.is_empty()).then(|| format!("{label}!~\"{pattern}\""));
                let matchers = [not(GATEWAY, pattern(names)), not(SERVER, pattern(servers))];
                (matchers.into_iter().flatten().collect(), ["central".to_owned(), any])
            }
        };
        let selector = if matchers.is_empty() { String::new() } else { format!("{{{}}}", matchers.join(", ")) };
        Some(Self { selector, example })
    }

    /// A series of the example.
    pub(super) fn series(&self, name: &str) -> String {
        let [gateway, server] = &self.example;
        format!("{name}{{{GATEWAY}=\"{gateway}\",{SERVER}=\"{server}\"}}")
    }

    pub(super) fn fired(&self) -> Vec<(&'static str, String)> {
        let [gateway, server] = self.example.clone();
        vec![(GATEWAY, gateway), (SERVER, server)]
    }
}

/// The servers of a unit, by name.
pub(super) fn servers_of<'m>(unit: &UnitName, model: &'m Model) -> Vec<&'m str> {
    let own = model.servers.values().filter(|server| server.unit.as_ref().is_some_and(|known| known.value == *unit));
    let mut names: Vec<&str> = own.map(|server| server.name.value.as_str()).collect();
    names.sort_unstable();
    names
}

/// A pattern that matches these names and no other. Names have letters, digits, `_`, `-` and `.`.
pub(super) fn pattern<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| name.replace('.', "[.]")).collect::<Vec<_>>().join("|")
}

/// The calls that a bulkhead is for. A unit's own one is for its servers, at its gateway where it has one, and goes before a central one.
pub(super) fn held(scope: &Scope, pool: &ResourcePool, model: &Model) -> Option<Part> {
    let listed = |pool: &ResourcePool, name: &str| pool.servers.iter().any(|server| server.value.as_str() == name);
    let fronted = |unit: &UnitName| model.topology.units.get(unit).is_some_and(|unit| unit.gateway.is_some());
    let mut servers: BTreeSet<&str> = pool.servers.iter().map(|server| server.value.as_str()).collect();
    let (mut gateway, mut others) = (None, BTreeSet::new());
    match scope {
        Some(unit) => {
            let own = servers_of(unit, model);
            servers.retain(|name| own.contains(name));
            gateway = Some(unit.as_str()).filter(|_| fronted(unit));
        }
        None => {
            for (unit, pools) in model.bulkheads.iter().filter_map(|(scope, pools)| Some((scope.as_ref()?, pools))) {
                let own = servers_of(unit, model);
                let taken = |name: &str| own.contains(&name) && pools.iter().any(|pool| listed(pool, name));
                if !fronted(unit) {
                    servers.retain(|name| !taken(name));
                } else if servers.iter().any(|name| taken(name)) {
                    others.insert(unit.as_str());
                }
            }
        }
    }
    let first = (*servers.first()?).to_owned();
    let at = match gateway {
        Some(unit) => format!("{GATEWAY}=\"{unit}\", "),
        None if others.is_empty() => String::new(),
        None => format!("{GATEWAY}!~\"{}\", ", pattern(others)),
    };
    let selector = format!("{{{at}{SERVER}=~\"{}\"}}", pattern(servers));
    Some(Part { selector, example: [gateway.unwrap_or("central").to_owned(), first] })
}
