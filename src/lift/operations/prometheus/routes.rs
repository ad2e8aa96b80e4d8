//! Whom alerts go to.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::expected::servers;
use super::{between, unexpected};
use crate::lift::LiftError;
use crate::model::Model;

/// The file of Alertmanager.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    route: Route,
    receivers: Vec<Receiver>,
    inhibit_rules: Vec<Inhibit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    receiver: String,
    #[serde(default)]
    group_by: Vec<String>,
    #[serde(default)]
    matchers: Vec<String>,
    #[serde(default)]
    routes: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receiver {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inhibit {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
    equal: Vec<String>,
}

/// Whose alerts a route takes.
#[derive(Debug, PartialEq, Eq)]
enum Whose {
    Gateway(String),
    Servers(BTreeSet<String>),
}

/// Checks that the alerts of each unit go to the unit, and all others to `central`.
pub(super) fn read(config: &Config, model: &Model) -> Result<(), LiftError> {
    let [inhibit] = config.inhibit_rules.as_slice() else { return unexpected("alerts are inhibited otherwise") };
    let told_once = inhibit.source_matchers == ["alertname=\"McpBreakerOpen\""]
        && inhibit.target_matchers == ["alertname=\"McpCallsTimeOut\""]
        && inhibit.equal == ["gateway", "mcp_server"];
    let grouped = config.route.group_by == ["alertname", "gateway", "mcp_server"];
    let Some((pages, units)) = config.route.routes.split_last() else { return unexpected("no page is routed") };
    let all = told_once && grouped && config.route.matchers.is_empty() && config.route.receiver == "central-ticket";
    if !all || !is_page(pages, "central") {
        return unexpected("alerts that are of no unit go elsewhere than to `central`");
    }
    let mut routed: Vec<(String, Whose)> = Vec::new();
    for route in units {
        let found = unit(route)
            .ok_or_else(|| LiftError::Unexpected(format!("the route to `{}` cannot be read", route.receiver)))?;
        routed.push(found);
    }
    let mut wanted: Vec<(String, Whose)> = Vec::new();
    let mut receivers = vec!["central".to_owned()];
    for (name, unit) in &model.topology.units {
        let before = wanted.len();
        wanted.extend(unit.gateway.as_ref().map(|_| (name.to_string(), Whose::Gateway(name.to_string()))));
        let own = servers(name, model);
        if !own.is_empty() {
            wanted.push((name.to_string(), Whose::Servers(own)));
        }
        if wanted.len() > before {
            receivers.push(name.to_string());
        }
    }
    let receivers: Vec<String> =
        receivers.iter().flat_map(|who| [format!("{who}-page"), format!("{who}-ticket")]).collect();
    let named: Vec<&String> = config.receivers.iter().map(|receiver| &receiver.name).collect();
    if routed == wanted && named == receivers.iter().collect::<Vec<_>>() {
        return Ok(());
    }
    unexpected("the routes of alerts are not those of the units")
}

fn is_page(route: &Route, who: &str) -> bool {
    let plain = route.group_by.is_empty() && route.routes.is_empty();
    plain && route.receiver == format!("{who}-page") && route.matchers == ["severity=\"page\""]
}

fn unit(route: &Route) -> Option<(String, Whose)> {
    let who = route.receiver.strip_suffix("-ticket")?;
    let ([matcher], [pages]) = (route.matchers.as_slice(), route.routes.as_slice()) else { return None };
    if !route.group_by.is_empty() || !is_page(pages, who) {
        return None;
    }
    if let Some(gateway) = between(matcher, "gateway=\"", "\"") {
        return Some((who.to_owned(), Whose::Gateway(gateway.to_owned())));
    }
    let pattern = between(matcher, "mcp_server=~\"", "\"")?;
    let names: BTreeSet<String> = pattern.split('|').map(|name| name.replace("[.]", ".")).collect();
    let spelled: Vec<String> = names.iter().map(|name| name.replace('.', "[.]")).collect();
    (spelled.join("|") == pattern).then(|| (who.to_owned(), Whose::Servers(names)))
}
