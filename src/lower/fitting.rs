//! Calls of a tool that several servers of a step have: each goes to the server whose class, location and unit fit.

use std::collections::BTreeMap;

use super::class_from::classes_below;
use crate::model::Model;
use crate::model::access::{DataClass, RequiredLocation};
use crate::model::flow::{Call, Routed};
use crate::model::name::{ServerName, UnitName};
use crate::model::server::{ClassFrom, Location, Server};

/// A server, and for which data a call goes to it.
type Route<'s> = (&'s Server, Routed);

/// What is known of classes, to choose servers by.
pub(super) struct Fitting {
    /// The classes, the least sensitive first, each with where its data may be.
    classes: Vec<(String, RequiredLocation)>,
    /// How many of them each server takes, of those that stand beside others in a step.
    takes: BTreeMap<ServerName, usize>,
}

impl Fitting {
    pub(super) fn of(model: &Model) -> Self {
        let several = model.flows.values().flat_map(|flow| &flow.steps).filter(|step| step.servers.len() > 1);
        let known = several.flat_map(|step| &step.servers).filter_map(|name| model.servers.get(&name.value));
        let takes = known.map(|server| (server.name.value.clone(), classes_below(model, server).len())).collect();
        let place = |class: &DataClass| class.location.as_ref().map_or(RequiredLocation::Any, |place| place.value);
        let classes = model.access.classes.iter().map(|class| (class.name.value.as_str().to_owned(), place(class)));
        Self { classes: classes.collect(), takes }
    }

    /// The call, once for each of the servers with the tool that it may go to. Where it cannot be said which one is meant it goes to
    /// none.
    pub(super) fn calls(&self, call: Call, owners: &[&Server], unit: &UnitName) -> Vec<Call> {
        let to = |server: &Server, routed| Call { server: Some(server.name.value.clone()), routed, ..call.clone() };
        let near: Vec<&&Server> = owners.iter().filter(|server| is_of(server, unit)).collect();
        match (owners, near.as_slice()) {
            ([only], _) => vec![to(only, None)],
            _ => match (self.by_class(&call, owners, unit), near.as_slice()) {
                (Some(routes), _) => routes.into_iter().map(|(server, routed)| to(server, Some(routed))).collect(),
                // Without a word on classes, the flow means the server of its own unit.
                (None, [only]) if owners.iter().all(|server| class_from(server, &call).is_none()) => {
                    vec![to(only, None)]
                }
                (None, _) => vec![call],
            },
        }
    }

    /// The servers with the classes of data that each is sent; `None` where not all of them read the class from the same argument,
    /// where two fit alike, or where one fits no class.
    fn by_class<'s>(&self, call: &Call, owners: &[&'s Server], unit: &UnitName) -> Option<Vec<Route<'s>>> {
        let argument = class_from(owners.first()?, call)?;
        if owners.iter().any(|server| class_from(server, call).as_ref() != Some(&argument)) {
            return None;
        }
        let takes = |server: &Server| self.takes.get(&server.name.value).copied().unwrap_or_default();
        let route = |first| Routed { argument: argument.clone(), classes: Vec::new(), first };
        let mut found: Vec<Route<'_>> =
            owners.iter().enumerate().map(|(at, server)| (*server, route(at == 0))).collect();
        for (rank, (class, place)) in self.classes.iter().enumerate() {
            let fits = |server: &Server| takes(server) > rank && is_in(server, *place);
            // No server of another unit where one of its own or the centre takes the data; of these the least sensitive, and of several
            // such the one of the flow's own unit.
            let order = |server: &Server| (is_foreign(server, unit), takes(server), !is_of(server, unit));
            let Some(best) = owners.iter().filter(|server| fits(server)).map(|server| order(server)).min() else {
                continue;
            };
            let mut chosen = found.iter_mut().filter(|(server, _)| fits(server) && order(server) == best);
            match (chosen.next(), chosen.next()) {
                (Some((_, routed)), None) => routed.classes.push(class.clone()),
                _ => return None,
            }
        }
        found.iter().all(|(_, routed)| !routed.classes.is_empty()).then_some(found)
    }
}

/// What undoes a step has to go where the step went. Where the calls of a step go to servers by class, a compensation that does not
/// go to the same ones for the same data goes to none.
pub(super) fn undone_where_done(mut calls: Vec<Call>) -> Vec<Call> {
    let ways = |calls: &[Call], of: &dyn Fn(&Call) -> bool| -> Vec<(Option<ServerName>, Option<Routed>)> {
        calls.iter().filter(|call| of(call)).map(|call| (call.server.clone(), call.routed.clone())).collect()
    };
    let Some(first) = calls.iter().find(|call| !call.compensation && call.routed.is_some()) else { return calls };
    let tool = first.tool.value.clone();
    let done = ways(&calls, &|call| !call.compensation && call.tool.value == tool);
    let undoing: Vec<_> = calls.iter().filter(|call| call.compensation).map(|call| call.tool.value.clone()).collect();
    for tool in undoing {
        if ways(&calls, &|call| call.compensation && call.tool.value == tool) != done {
            calls.retain(|call| !(call.compensation && call.tool.value == tool && call.is_alternative()));
            for call in calls.iter_mut().filter(|call| call.compensation && call.tool.value == tool) {
                (call.server, call.routed) = (None, None);
            }
        }
    }
    calls
}

/// The path of the argument that says of which class the data of a call is.
fn class_from(server: &Server, call: &Call) -> Option<Vec<String>> {
    let own = server.tools.get(&call.tool.value).and_then(|tool| tool.class_from.as_ref());
    match own.or(server.class_from.as_ref())? {
        ClassFrom::Argument(path) => Some(path.parts.iter().map(|part| part.value.clone()).collect()),
        ClassFrom::Claim(_) => None,
    }
}

/// Whether a server is of another unit than the flow, and not central.
fn is_foreign(server: &Server, unit: &UnitName) -> bool {
    let central = UnitName::from(UnitName::CENTRAL);
    !is_of(server, unit) && !is_of(server, &central) && !unit.as_str().is_empty() && *unit != central
}

/// Whether a server is of a unit; a flow without one is central.
fn is_of(server: &Server, unit: &UnitName) -> bool {
    let of = server.unit.as_ref().map_or(UnitName::CENTRAL, |unit| unit.value.as_str());
    let unit = if unit.as_str().is_empty() { UnitName::CENTRAL } else { unit.as_str() };
    of == unit
}

/// Whether a server stands where data may be.
fn is_in(server: &Server, place: RequiredLocation) -> bool {
    let at = server.location.as_ref().map(|location| location.value);
    match place {
        RequiredLocation::Any => true,
        RequiredLocation::OnPremisesOnly => matches!(at, Some(Location::OnPremises | Location::SecureEnclave)),
        RequiredLocation::SecureEnclave => at == Some(Location::SecureEnclave),
    }
}
