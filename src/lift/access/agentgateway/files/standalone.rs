//! The configuration of one gateway that runs by itself.

use std::collections::BTreeMap;

use super::{Expected, unexpected};
use crate::lift::LiftError;
use crate::lift::access::agentgateway::shapes::{Config, Listener, RuleText, Tls};
use crate::lift::access::agentgateway::{CENTRAL, Gateway, Route, Rules};
use crate::lift::access::cel::Parsed;
use crate::lift::names::label;
use crate::model::deployment;
use crate::model::name::ServerName;
use crate::model::server::Server;

impl<'m> Expected<'m> {
    pub(super) fn config(&self, name: &str, path: &str, documents: Vec<Config>) -> Result<Gateway, LiftError> {
        let [Config { gateways, routes }] = documents.as_slice() else {
            return unexpected(format!("`{path}` is not one document"));
        };
        let mut listeners = gateways.iter();
        let (Some((listener_name, listener)), None) = (listeners.next(), listeners.next()) else {
            return unexpected(format!("`{path}` has not one listener"));
        };
        let Listener { port, tls, jwt_auth, authorization } = listener;
        let listen = self.settings(name).and_then(|settings| settings.listen.as_ref());
        if *port != listen.map_or(8443, |listen| listen.value.port) {
            return unexpected(format!("`{path}` listens on another port"));
        }
        if !is_tls(tls.as_ref(), self.tls(name), None) {
            return unexpected(format!("`{path}` has other certificates for its listener"));
        }
        self.check_tokens(path, jwt_auth, "strict")?;
        let sets = routes.iter().flat_map(|route| [&route.policies.authorization, &route.policies.mcp_authorization]);
        let texts = sets.chain(authorization).flat_map(|set| &set.rules).flat_map(|rule| [&rule.allow, &rule.require]);
        let parsed = Parsed::of(texts.flatten().map(String::as_str))?;
        let listener = match authorization {
            Some(rules) => self.rules(rules.rules.iter().collect(), &parsed)?.0,
            None => Rules::default(),
        };
        let mut found: BTreeMap<ServerName, Route> = BTreeMap::new();
        let servers: BTreeMap<String, &Server> =
            self.servers(name).map(|server| (format!("/{}/mcp", server.name.value), server)).collect();
        for route in routes {
            let [by] = route.matches.as_slice() else {
                return unexpected(format!("a route of `{path}` has not one path"));
            };
            let Some(server) = servers.get(&by.path.exact) else {
                return unexpected(format!("`{path}` routes `{}`, which is the path of no server here", by.path.exact));
            };
            let its_label = label(server.name.value.as_str());
            if route.name != its_label || route.gateways.as_slice() != [listener_name.as_str()] {
                return unexpected(format!("`{path}` attaches the route of `{}` elsewhere", server.name));
            }
            let [backend] = route.backends.as_slice() else {
                return unexpected(format!("the route of `{}` in `{path}` has not one backend", server.name));
            };
            self.check_upstream(name, path, server, &backend.mcp)?;
            let written = &route.policies.authorization.rules;
            let audience = self.audience(server);
            let is_audience = |rule: &&RuleText| audience.is_some() && rule.allow.is_none() && rule.require == audience;
            if written.iter().filter(is_audience).count() != usize::from(audience.is_some()) {
                return unexpected(format!("`{path}` takes tokens for other servers at `{}`", server.name));
            }
            let own: Vec<&RuleText> = written.iter().filter(|rule| !is_audience(rule)).collect();
            let (http, mut subjects) = self.rules(own, &parsed)?;
            let (mcp, more) = self.rules(route.policies.mcp_authorization.rules.iter().collect(), &parsed)?;
            subjects.extend(more);
            let route = Route { http, mcp, subjects };
            if found.insert(server.name.value.clone(), route).is_some() {
                return unexpected(format!("`{path}` has two routes for `{}`", server.name));
            }
        }
        self.check_complete(name, path, &found)?;
        Ok(Gateway { certified: self.tls(name).is_some(), listener, routes: found })
    }

    /// That the central listener knows the name of every declared principal: a certificate of each is tried for one caller,
    /// and not for all.
    pub(super) fn check_peers(&self, name: &str, path: &str, gateway: &Gateway) -> Result<(), LiftError> {
        if name != CENTRAL || !gateway.certified {
            return Ok(());
        }
        let named = self.named(&gateway.listener);
        match self.subjects.iter().find(|subject| !named.contains(**subject)) {
            Some(subject) => unexpected(format!("`{path}` does not know the certificate of `{subject}`")),
            None => Ok(()),
        }
    }
}

/// Whether certificates are those of the settings, and the peer's is checked for this name.
pub(super) fn is_tls(found: Option<&Tls>, expected: Option<&deployment::Tls>, peer: Option<&str>) -> bool {
    match (found, expected) {
        (None, None) => true,
        (Some(found), Some(expected)) => {
            found.cert == expected.cert.value
                && found.key == expected.key.value
                && found.root == expected.ca.value
                && found.names.iter().flatten().map(String::as_str).eq(peer)
                && found.names.is_some() == peer.is_some()
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}
