//! The objects that configure the gateways of a cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::{Expected, add, unexpected};
use crate::lift::LiftError;
use crate::lift::access::agentgateway::shapes::{PolicyObject, Traffic};
use crate::lift::access::agentgateway::{Gateway, Route, Rules};
use crate::lift::access::cel::Parsed;
use crate::lift::names::label;
use crate::model::deployment::TargetId;
use crate::model::server::Server;

impl<'m> Expected<'m> {
    pub(super) fn policies(&self, name: &str, path: &str, documents: Vec<PolicyObject>) -> Result<Gateway, LiftError> {
        let namespace = self.model.deployment.namespace(TargetId::Agentgateway);
        let namespace = namespace.map_or("mcp", |namespace| namespace.value.as_str());
        // Routes and backends are written by others, and lead to every server of the model: also to those that nobody may use.
        let all = self.model.servers.values().filter(|server| self.is_behind(server, name));
        let servers: BTreeMap<String, &Server> =
            all.map(|server| (label(server.name.value.as_str()), server)).collect();
        let mut gateway = Gateway { certified: self.tls(name).is_some(), ..Gateway::default() };
        for server in servers.values() {
            gateway.routes.insert(server.name.value.clone(), Route::default());
        }
        let rules = documents.iter().flat_map(|object| {
            let traffic = object.spec.traffic.as_ref().and_then(|traffic| traffic.authorization.as_ref());
            traffic.into_iter().chain(object.spec.backend.as_ref().map(|backend| &backend.mcp.authorization))
        });
        let parsed = Parsed::of(rules.flat_map(|rule| &rule.policy.match_expressions).map(String::as_str))?;
        let mut names = BTreeSet::new();
        let (mut listeners, mut defaults) = (0, 0);
        let mut audiences = BTreeSet::new();
        for object in &documents {
            if (object.api_version.as_str(), object.kind.as_str())
                != ("agentgateway.dev/v1alpha1", "AgentgatewayPolicy")
            {
                return unexpected(format!("`{path}` holds an object that is not a policy"));
            }
            object.metadata.check(self.model)?;
            if object.metadata.namespace != namespace || !names.insert(object.metadata.name.as_str()) {
                return unexpected(format!("`{path}` holds `{}` twice, or in another namespace", object.metadata.name));
            }
            let [at] = object.spec.target_refs.as_slice() else {
                return unexpected(format!("`{path}` holds a policy that attaches to several objects"));
            };
            let route = servers.get(&at.name).and_then(|server| gateway.routes.get_mut(&server.name.value));
            let traffic = object.spec.traffic.as_ref();
            let backend = object.spec.backend.as_ref();
            match (at.group.as_str(), at.kind.as_str(), traffic, backend, route) {
                // What holds for all routes of the gateway, beside their own rules.
                ("gateway.networking.k8s.io", "Gateway", Some(traffic), None, _)
                    if at.name == label(name) && traffic.phase.is_none() && traffic.jwt_authentication.is_none() =>
                {
                    defaults += 1;
                    let mut rules = Rules::default();
                    if let Some(rule) = &traffic.authorization {
                        add(&mut rules, rule, &parsed)?;
                    }
                    let nobody = parsed.get("false").ok();
                    if !rules.require.is_empty() || nobody.is_none() || !rules.allow.iter().eq(nobody.iter()) {
                        return unexpected(format!("`{path}` allows what has no rules of its own"));
                    }
                }
                ("gateway.networking.k8s.io", "Gateway", Some(traffic), None, _) if at.name == label(name) => {
                    listeners += 1;
                    let Traffic { phase, jwt_authentication: Some(tokens), authorization } = traffic else {
                        return unexpected(format!("`{path}` lets requests without a token through"));
                    };
                    if phase.as_deref() != Some("PreRouting") {
                        return unexpected(format!("`{path}` asks for tokens in a phase that routes can change"));
                    }
                    self.check_tokens(path, tokens, "Strict")?;
                    if let Some(rule) = authorization {
                        add(&mut gateway.listener, rule, &parsed)?;
                    }
                }
                ("gateway.networking.k8s.io", "HTTPRoute", Some(traffic), None, Some(route)) => {
                    let Traffic { phase: None, jwt_authentication: None, authorization: Some(rule) } = traffic else {
                        return unexpected(format!("`{path}` holds a policy on a route that is more than a rule"));
                    };
                    let server = servers.get(&at.name);
                    let audience = server.and_then(|server| self.audience(server));
                    if rule.action == "Require" && audience.is_some_and(|text| rule.policy.match_expressions == [text])
                    {
                        audiences.insert(at.name.as_str());
                        continue;
                    }
                    add(&mut route.http, rule, &parsed)?;
                }
                ("agentgateway.dev", "AgentgatewayBackend", None, Some(backend), Some(route)) => {
                    add(&mut route.mcp, &backend.mcp.authorization, &parsed)?;
                }
                _ => return unexpected(format!("`{path}` holds a policy for `{}`, which is nothing known", at.name)),
            }
        }
        if (listeners, defaults) != (1, 1) {
            return unexpected(format!(
                "`{path}` has not one policy for the callers of its gateway, and one that denies"
            ));
        }
        let asked = |(label, server): (&String, &&Server)| {
            self.audience(server).is_none() || audiences.contains(label.as_str())
        };
        if !servers.iter().all(asked) {
            return unexpected(format!("`{path}` takes tokens for one server at another"));
        }
        // Without a rule of its own a route or backend would be closed by another one at best: it is taken for open.
        let open = |route: &Route| route.http.allow.is_empty() || route.mcp.allow.is_empty();
        if let Some((server, _)) = gateway.routes.iter().find(|(_, route)| open(route)) {
            return unexpected(format!("`{path}` has no rule for the route or backend of `{server}`, so it is open"));
        }
        for route in gateway.routes.values_mut() {
            route.subjects = self.named(&route.http);
            route.subjects.extend(self.named(&route.mcp));
        }
        Ok(gateway)
    }
}
