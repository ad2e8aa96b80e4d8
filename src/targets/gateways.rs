//! Which gateways there are, and where each sends the calls to a server.
//!
//! The central gateway routes to every server: straight to central ones and those of units without a gateway of their own,
//! and through a unit's gateway to that unit's. A unit's gateway routes to its own servers.

use std::collections::BTreeMap;

use super::{Need, Target, TargetId};
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;
use crate::model::name::{ServerName, UnitName};
use crate::model::server::Server;
use crate::policy::Policy;

/// The name of the central gateway: of its settings, its folder, and in its identity.
pub const CENTRAL: &str = "central";

/// A gateway.
#[derive(Debug)]
pub struct Gateway<'m> {
    /// [`CENTRAL`], or the unit's name.
    pub name: &'m str,
    /// The unit; `None` for the central gateway.
    pub unit: Option<&'m UnitName>,
    /// Its public URL, where declared.
    pub url: Option<&'m str>,
    /// Where it sends the calls to each server, sorted by name.
    pub routes: Vec<Route<'m>>,
}

/// What another gateway than Envoy needs, where a control of a class is run by Envoy alone: calls through it would miss the control.
#[must_use]
pub fn hooks_elsewhere(target: &Target, model: &Model) -> Option<Need> {
    let others = [
        TargetId::Agentcore,
        TargetId::Agentgateway,
        TargetId::AgenticNetworking,
        TargetId::AiGateway,
        TargetId::Toolhive,
    ];
    if !others.contains(&target.id) {
        return None;
    }
    let (server, control) =
        model.servers.values().find_map(|server| Some((server, *model.hooks(server).first_key_value()?.0)))?;
    Some(Need {
        what: format!("`{control}` of server `{}`, which gateways of the target `envoy` alone run", server.name),
        how: format!("put it in place at the server, and add `{control}` to the server's `controls` in `mcp_registry`"),
        loc: Some(server.name.loc),
    })
}

/// The warning about controls that nothing in a bundle runs.
pub static CONTROL_NOT_RUN: Rule = Rule {
    name: "control-not-run",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds bundles without the target `envoy` that decide calls to a server which needs a control from `targets.envoy.controls`.",
    why: "Only gateways of Envoy run such a control. A call that the other files of the bundle let through passes none.",
    fix: "Compile `envoy`, too, and make sure that every call passes its gateways; or put the control in place at the server.",
};

/// The finding that calls are decided by these targets for a server whose control none of them runs.
#[must_use]
pub fn control_not_run(compiled: &[TargetId], model: &Model) -> Option<Diagnostic> {
    let deciding = compiled.iter().find(|id| id.target().decides().is_some())?;
    if compiled.contains(&TargetId::Envoy) {
        return None;
    }
    let (server, (control, processor)) =
        model.servers.values().find_map(|server| Some((server, model.hooks(server).pop_first()?)))?;
    let message = format!(
        "`{deciding}` decides calls to `{}`, and nothing in this bundle runs `{control}` for them",
        server.name
    );
    Some(Diagnostic::new(&CONTROL_NOT_RUN, server.name.loc, message).label(processor.loc, "gateways of `envoy` run it"))
}

/// The way to a server.
#[derive(Debug)]
pub struct Route<'m> {
    /// The server.
    pub server: &'m Server,
    /// The next hop.
    pub to: Hop<'m>,
}

/// What calls are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop<'m> {
    /// The server itself, by its URL.
    Server(&'m str),
    /// The gateway of a unit, by its URL.
    Gateway(&'m UnitName, &'m str),
}

/// Every gateway, the central one first, and then that of each unit which has one, in order. Servers that nobody may use, or
/// without a URL, have no route. A gateway without any route has its files, too: those of an earlier bundle would go on
/// deciding.
#[must_use]
pub fn gateways<'m>(model: &'m Model, policy: &Policy) -> Vec<Gateway<'m>> {
    let mut central =
        Gateway { name: CENTRAL, unit: None, url: text(&model.topology.central_gateway), routes: Vec::new() };
    let own = model.topology.units.values().filter_map(|unit| text(&unit.gateway).map(|url| (&unit.name.value, url)));
    let mut units: BTreeMap<&UnitName, Gateway<'m>> = own
        .map(|(name, url)| {
            (name, Gateway { name: name.as_str(), unit: Some(name), url: Some(url), routes: Vec::new() })
        })
        .collect();
    for server in used(model, policy) {
        let Some(url) = text(&server.url) else { continue };
        let unit = server.unit.as_ref().and_then(|unit| model.topology.units.get(&unit.value));
        match unit.and_then(|unit| text(&unit.gateway).map(|gateway| (&unit.name.value, gateway))) {
            Some((name, gateway)) => {
                central.routes.push(Route { server, to: Hop::Gateway(name, gateway) });
                if let Some(unit) = units.get_mut(name) {
                    unit.routes.push(Route { server, to: Hop::Server(url) });
                }
            }
            None => central.routes.push(Route { server, to: Hop::Server(url) }),
        }
    }
    std::iter::once(central).chain(units.into_values()).collect()
}

/// The cluster of what belongs to a unit: that of the unit's gateway, and the central one where it has none.
#[must_use]
pub fn cluster_of<'m>(model: &'m Model, unit: Option<&UnitName>) -> &'m str {
    let unit = unit.and_then(|unit| model.topology.units.get(unit));
    unit.filter(|unit| unit.gateway.is_some()).map_or(CENTRAL, |unit| unit.name.value.as_str())
}

/// The clusters: the central one first, and then that of each unit which has a gateway of its own, in order.
pub fn clusters(model: &Model) -> impl Iterator<Item = &str> {
    let units = model.topology.units.values().filter(|unit| unit.gateway.is_some());
    std::iter::once(CENTRAL).chain(units.map(|unit| unit.name.value.as_str()))
}

fn text(value: &Option<crate::source::Spanned<String>>) -> Option<&str> {
    value.as_ref().map(|value| value.value.as_str())
}

/// The servers that somebody may use, sorted by name.
pub fn used<'m>(model: &'m Model, policy: &Policy) -> Vec<&'m Server> {
    let mut names: Vec<&ServerName> = policy
        .all_cells()
        .filter(|(_, _, cell)| !policy.is_never(cell.condition))
        .map(|(_, object, _)| &policy.object_at(object).server)
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| model.servers.get(name)).collect()
}

/// What every gateway needs: an issuer with audiences and keys, and the URLs of the servers.
#[must_use]
pub fn needs(model: &Model) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |what: &str, how: &str, loc| {
        needs.push(Need { what: what.to_owned(), how: how.to_owned(), loc });
    };
    match &model.identity {
        None => need(
            "a token issuer",
            "add an `identity` section with `issuer`, `audience: per_server`, and `jwks` or `jwks_file`",
            None,
        ),
        Some(identity) => {
            if identity.issuers.is_empty() {
                need(
                    "a token issuer",
                    "add `issuer`, `audience: per_server` and `jwks` to `identity`",
                    Some(identity.loc),
                );
            }
            for issuer in &identity.issuers {
                if issuer.takes_any_audience() {
                    need("the audiences of its tokens", "add `audience: per_server`", Some(issuer.issuer.loc));
                }
                if issuer.per_server.is_some() && model.topology.central_gateway.is_none() {
                    let how = "add `central_gateway` to `mcp_registry`: with `audience: per_server`, tokens name servers by it";
                    need("the public URL of the central gateway", how, issuer.per_server);
                }
                if issuer.keys.is_none() {
                    need("the keys of the issuer", "add `jwks` or `jwks_file`", Some(issuer.issuer.loc));
                }
            }
            let federated = model.topology.units.values().any(|unit| unit.gateway.is_some());
            if federated && identity.trust_domain.is_none() {
                let how = "add `trust_domain` to `identity`: gateways know each other by certificates in it";
                need("a trust domain", how, Some(identity.loc));
            }
        }
    }
    let without: Vec<&Server> = model.servers.values().filter(|s| s.url.is_none() && !s.tools.is_empty()).collect();
    if let Some(first) = without.first() {
        let more = if without.len() == 1 { String::new() } else { format!(" and {} more", without.len() - 1) };
        let what = format!("the URL of server `{}`{more}", first.name);
        need(&what, "add `url` to the server's entry in `mcp_registry`", Some(first.name.loc));
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::tests::checked;

    const WORLD: &str = "
# file: registry.yaml
federation_config:
  central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}
  business_unit_gateways: {cross_unit_routing: allowed}
mcp_registry:
  business_units: [{name: retail, gateway: 'https://gw.retail.example'}, {name: logistics}]
  servers:
    - {name: a, business_unit: retail, url: 'https://a.example/mcp', tools: [{name: t}]}
    - {name: b, business_unit: central, url: 'https://b.example/mcp', tools: [{name: t}]}
    - {name: c, business_unit: logistics, url: 'https://c.example/mcp', tools: [{name: t}]}
    - {name: d, business_unit: retail, tools: [{name: t}]}
  agents:
    - {name: agent, business_unit: central, subject: agent, may_call: [a/t, b/t, c/t]}
";

    #[test]
    fn a_units_servers_are_behind_its_gateway() {
        let (checked, _) = checked(WORLD);
        let found = gateways(checked.model(), checked.policy());
        let routes = |gateway: &Gateway<'_>| -> Vec<(String, bool)> {
            let each = gateway.routes.iter();
            each.map(|route| (route.server.name.value.to_string(), matches!(route.to, Hop::Server(_)))).collect()
        };
        assert_eq!(found.iter().map(|gateway| gateway.name).collect::<Vec<_>>(), ["central", "retail"]);
        assert_eq!(routes(&found[0]), [("a".to_owned(), false), ("b".to_owned(), true), ("c".to_owned(), true)]);
        assert_eq!(routes(&found[1]), [("a".to_owned(), true)]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let (checked, _) = checked(WORLD);
        let said: Vec<String> = needs(checked.model()).into_iter().map(|need| need.what).collect();
        assert_eq!(said, ["a token issuer", "the URL of server `d`"]);
    }
}
