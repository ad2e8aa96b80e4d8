//! `alertmanager.yaml`: whom an alert goes to.

use serde::Serialize;

use super::calls::{pattern, servers_of};
use super::recordings::{GATEWAY, SERVER};
use crate::bundle::Artifact;
use crate::model::Model;
use crate::source::Loc;
use crate::targets::CompileError;

#[derive(Serialize)]
struct Config {
    route: Route,
    receivers: Vec<Receiver>,
    inhibit_rules: [Inhibit; 1],
}

#[derive(Serialize)]
struct Route {
    receiver: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    group_by: &'static [&'static str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matchers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
}

#[derive(Serialize)]
struct Receiver {
    name: String,
}

#[derive(Serialize)]
struct Inhibit {
    source_matchers: [&'static str; 1],
    target_matchers: [&'static str; 1],
    equal: [&'static str; 2],
}

/// Those who look after a unit, or after what no unit has: `WHO-page` is told at once, `WHO-ticket` in working hours.
fn receivers(who: &str) -> [String; 2] {
    [format!("{who}-page"), format!("{who}-ticket")]
}

/// The route to some people, by the matchers that are theirs.
fn route(who: &str, matchers: Vec<String>, before: Vec<Route>) -> Route {
    let [page, ticket] = receivers(who);
    let pages =
        Route { receiver: page, group_by: &[], matchers: vec!["severity=\"page\"".to_owned()], routes: Vec::new() };
    let group_by: &'static [&'static str] = if matchers.is_empty() { &["alertname", GATEWAY, SERVER] } else { &[] };
    Route { receiver: ticket, group_by, matchers, routes: before.into_iter().chain([pages]).collect() }
}

/// `alertmanager.yaml`.
pub(super) fn config(model: &Model) -> Result<(String, Artifact), CompileError> {
    let (mut routes, mut names, mut from) = (Vec::new(), receivers("central").to_vec(), Vec::<Loc>::new());
    for unit in model.topology.units.values() {
        let who = unit.name.value.as_str();
        let servers = servers_of(&unit.name.value, model);
        let mut of_unit = Vec::new();
        if unit.gateway.is_some() {
            of_unit.push(format!("{GATEWAY}=\"{who}\""));
        }
        if !servers.is_empty() {
            of_unit.push(format!("{SERVER}=~\"{}\"", pattern(servers)));
        }
        if of_unit.is_empty() {
            continue;
        }
        from.push(unit.name.loc);
        names.extend(receivers(who));
        routes.extend(of_unit.into_iter().map(|matcher| route(who, vec![matcher], Vec::new())));
    }
    let config = Config {
        route: route("central", Vec::new(), routes),
        receivers: names.into_iter().map(|name| Receiver { name }).collect(),
        // What opened a breaker is told once.
        inhibit_rules: [Inhibit {
            source_matchers: ["alertname=\"McpBreakerOpen\""],
            target_matchers: ["alertname=\"McpCallsTimeOut\""],
            equal: [GATEWAY, SERVER],
        }],
    };
    super::yaml("alertmanager.yaml", &config, from)
}
