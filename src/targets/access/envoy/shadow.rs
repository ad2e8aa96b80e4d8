//! Two policies in one configuration: the rules of a bundle that is in force decide, and those of this workspace are only
//! counted, as Envoy's shadow rules.
//!
//! What stands around the rules must be what it was, or the old rules would decide something else: the same gateways, the same
//! TLS, the same tokens, the same reading of messages. Where it is not, the two cannot be combined.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::hooks;
use super::matchers::{BINDING, RBAC, action};
use super::predicate::{JWT, MCP};
use super::protocol::MESSAGE;

use crate::bundle::existing::Existing;
use crate::targets::CompileError;

/// Statistics and metadata of shadow rules begin so, before `shadow_`.
const PREFIX: &str = "mcpctl_";
/// What a route says to filters.
const KNOWN: &str = "/metadata/filter_metadata";
/// The connection manager of a listener.
const MANAGER: &str = "/filter_chains/0/filters/0/typed_config";

/// What the bundle that is in force says of one gateway.
pub(super) struct Enforced {
    name: String,
    listener: Value,
    routes: Vec<Value>,
    clusters: Vec<Value>,
}

/// The gateways of a bundle, by name. `names` are those of this workspace.
pub(super) fn gateways(existing: &Existing, names: &[&str]) -> Result<BTreeMap<String, Enforced>, CompileError> {
    let mut found = BTreeMap::new();
    for (path, bytes) in &existing.files {
        let Some(name) = path.strip_prefix("envoy/").and_then(|path| path.strip_suffix("/envoy.static.yaml")) else {
            continue;
        };
        let whole: Value = serde_yaml::from_slice(bytes).map_err(|_| unlike(name, "its files are no YAML"))?;
        found.insert(
            name.to_owned(),
            Enforced::read(name, &whole).ok_or_else(|| unlike(name, "its layout is another one"))?,
        );
    }
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (found.keys().map(String::as_str).collect(), names.iter().copied().collect());
    if old != new {
        let shown =
            |names: &BTreeSet<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let old = if old.is_empty() { "no gateway".to_owned() } else { shown(&old) };
        let message = format!("the bundle in force has {old} for Envoy, and this workspace has {}", shown(&new));
        return Err(CompileError::Refused(message));
    }
    Ok(found)
}

fn unlike(gateway: &str, why: &str) -> CompileError {
    CompileError::Refused(format!("gateway `{gateway}` of the bundle in force cannot be combined with this one: {why}"))
}

/// The rules of a route, or of a filter.
fn rules_of(route: &Value) -> Option<&Map<String, Value>> {
    route.get("typed_per_filter_config")?.get(RBAC)?.get("rbac")?.as_object()
}

fn rules_of_mut(route: &mut Value) -> Option<&mut Map<String, Value>> {
    route.get_mut("typed_per_filter_config")?.get_mut(RBAC)?.get_mut("rbac")?.as_object_mut()
}

/// Puts `enforced` in force, and what is there beside it.
fn beside(rules: &mut Map<String, Value>, enforced: Value, counted: Option<Value>) {
    let own = rules.insert("matcher".to_owned(), enforced);
    rules.insert("shadow_matcher".to_owned(), counted.or(own).unwrap_or_default());
    rules.insert("shadow_rules_stat_prefix".to_owned(), json!(PREFIX));
}

/// Leaves the comparison of headers with arguments as the old route has it.
fn compare_as(route: &mut Value, old: &Value) {
    let own = route.pointer_mut(KNOWN).and_then(Value::as_object_mut);
    let (Some(own), Some(old)) = (own, old.pointer(KNOWN)) else { return };
    own.shift_remove(MESSAGE);
    own.extend(old.get(MESSAGE).map(|table| (MESSAGE.to_owned(), table.clone())));
}

/// Rules that deny everything, with a reason.
fn nothing(reason: &str) -> Value {
    json!({"on_no_match": action(reason, false)})
}

fn server_of(route: &Value) -> &str {
    let server = route.pointer("/metadata/filter_metadata/mcpctl/server").and_then(Value::as_str);
    server.or_else(|| name_of(route).strip_suffix("/metadata")).unwrap_or_default()
}

fn name_of(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).unwrap_or_default()
}

impl Enforced {
    fn read(name: &str, whole: &Value) -> Option<Self> {
        let resources = whole.get("static_resources")?;
        let listener = resources.get("listeners")?.get(0)?.clone();
        let routes = listener.pointer(MANAGER)?.pointer("/route_config/virtual_hosts/0/routes")?.as_array()?.clone();
        let clusters = resources.get("clusters")?.as_array()?.clone();
        Some(Self { name: name.to_owned(), listener, routes, clusters })
    }

    /// The old rules decide on every route. A route that is new lets nothing through yet. One that is no more stays, with all
    /// that it leads to, and the new policy would deny everything on it.
    pub(super) fn on_routes(&self, configuration: &mut Value) {
        let Some(routes) = configuration.pointer_mut("/virtual_hosts/0/routes").and_then(Value::as_array_mut) else {
            return;
        };
        let old: BTreeMap<&str, &Value> = self.routes.iter().map(|route| (name_of(route), route)).collect();
        let mut served = BTreeSet::new();
        for route in routes.iter_mut() {
            let (name, server) = (name_of(route).to_owned(), server_of(route).to_owned());
            let enforced = old.get(name.as_str()).and_then(|route| rules_of(route)?.get("matcher")).cloned();
            if let Some(old) = old.get(name.as_str()) {
                compare_as(route, old);
            }
            let Some(rules) = rules_of_mut(route) else { continue };
            let enforced = enforced.unwrap_or_else(|| nothing(&format!("{server}/deny:not_in_force")));
            beside(rules, enforced, None);
            served.insert(server);
        }
        for route in self.gone(&served) {
            let mut route = route.clone();
            let denied = nothing(&format!("{}/deny:unknown_path", server_of(&route)));
            if let Some(rules) = rules_of_mut(&mut route) {
                let enforced = rules.get("matcher").cloned().unwrap_or_default();
                beside(rules, enforced, Some(denied));
            }
            routes.push(route);
        }
    }

    /// The old routes to servers that are none of these.
    fn gone<'a>(&'a self, served: &'a BTreeSet<String>) -> impl Iterator<Item = &'a Value> {
        self.routes.iter().filter(|route| !server_of(route).is_empty() && !served.contains(server_of(route)))
    }

    /// Adds what old routes lead to that are still in force. `servers` are those that have routes of their own.
    ///
    /// # Errors
    /// Where a call that the old rules let through would pass other controls than it does.
    pub(super) fn on_clusters(
        &self,
        clusters: &mut Vec<Value>,
        servers: &BTreeSet<String>,
    ) -> Result<(), CompileError> {
        let led_to: BTreeSet<&str> =
            self.gone(servers).filter_map(|route| route.pointer("/route/cluster")?.as_str()).collect();
        let gone = self.clusters.iter().filter(|cluster| led_to.contains(name_of(cluster)));
        let mut added: Vec<Value> = gone.clone().cloned().collect();
        for old in &self.clusters {
            let own = clusters.iter().find(|cluster| name_of(cluster) == name_of(old));
            let control = hooks::is_processor(name_of(old));
            match own {
                Some(own) if own.pointer(hooks::FILTERS) != old.pointer(hooks::FILTERS) || control && own != old => {
                    return Err(unlike(&self.name, OTHER_CONTROLS));
                }
                None if control && gone.clone().any(|cluster| hooks::leads_to(cluster, name_of(old))) => {
                    added.push(old.clone());
                }
                Some(_) | None => {}
            }
        }
        clusters.extend(added);
        Ok(())
    }

    /// The old binding of certificates decides; answers are the old ones, because old rules give them; and what either
    /// policy asks for is read from messages.
    ///
    /// # Errors
    /// Where something else around the rules differs.
    pub(super) fn on_listener(&self, listener: &mut Value) -> Result<(), CompileError> {
        let unlike = |why: &str| Err(unlike(&self.name, why));
        if listener.pointer("/filter_chains/0/transport_socket")
            != self.listener.pointer("/filter_chains/0/transport_socket")
        {
            return unlike(
                "peers must show other certificates, or its own are others; keep TLS, and whether every call needs `mtls`, as it is",
            );
        }
        let (Some(old), Some(manager)) =
            (self.listener.pointer(MANAGER), listener.pointer_mut(MANAGER).and_then(Value::as_object_mut))
        else {
            return unlike("its layout is another one");
        };
        if let Some(why) = unlike_manager(manager, old) {
            return unlike(why);
        }
        if let Some(replies) = old.get("local_reply_config") {
            manager.insert("local_reply_config".to_owned(), replies.clone());
        }
        let old: Vec<&Value> = old.get("http_filters").and_then(Value::as_array).into_iter().flatten().collect();
        let Some(filters) = manager.get_mut("http_filters").and_then(Value::as_array_mut) else {
            return unlike("its layout is another one");
        };
        if old.len() != filters.len() {
            return unlike("its filters are others");
        }
        for (filter, old) in filters.iter_mut().zip(old) {
            if name_of(filter) != name_of(old) {
                return unlike("its filters are others");
            }
            match name_of(filter) {
                BINDING => {
                    let enforced = old.pointer("/typed_config/matcher").cloned();
                    let rules = filter.get_mut("typed_config").and_then(Value::as_object_mut);
                    let (Some(enforced), Some(rules)) = (enforced, rules) else {
                        return unlike("its layout is another one");
                    };
                    beside(rules, enforced, None);
                }
                MCP => read_both(filter, old).or_else(|| unlike_messages(filter, old)).map_or(Ok(()), unlike)?,
                JWT => verify_both(filter, old).map_or(Ok(()), unlike)?,
                _ if filter != old => return unlike("its filters are others"),
                _ => {}
            }
        }
        Ok(())
    }
}

const OTHER_CONTROLS: &str = "calls to a server would pass other controls; keep `additional_controls`, the `controls` of \
                              servers and `targets.envoy.controls` as they are";

/// What of a connection manager may differ: what decides nothing, and what is combined.
const COMBINED: [&str; 7] =
    ["access_log", "access_log_options", "generate_request_id", "tracing", "local_reply_config", "route_config", "rds"];

/// What else of a connection manager is another.
fn unlike_manager(own: &Map<String, Value>, old: &Value) -> Option<&'static str> {
    let plain = |of: Option<&Map<String, Value>>| {
        let mut of = of.cloned().unwrap_or_default();
        COMBINED.iter().chain(&["http_filters"]).for_each(|key| drop(of.shift_remove(*key)));
        of
    };
    let (mut own, mut old) = (plain(Some(own)), plain(old.as_object()));
    let mut ages = [&mut own, &mut old].map(|of| of.shift_remove("common_http_protocol_options")).into_iter();
    if ages.next() != ages.next() {
        return Some(
            "connections would end at another age; keep `policy_enforcement` and `targets.envoy.max_stream_age` as they are",
        );
    }
    (own != old).then_some("its listener has other settings")
}

const REQUIREMENTS: &str = "/typed_config/requirement_map";

/// Adds what the old configuration asks of tokens at servers that are no more. Answers why that cannot be done.
fn verify_both(filter: &mut Value, old: &Value) -> Option<&'static str> {
    let of = |filter: &Value| filter.pointer(REQUIREMENTS).and_then(Value::as_object).cloned();
    let (own, before) = (of(filter), of(old));
    let without = |filter: &Value| {
        let mut filter = filter.clone();
        filter.pointer_mut("/typed_config").and_then(Value::as_object_mut)?.shift_remove("requirement_map");
        Some(filter)
    };
    let (own, before) = match (own, before) {
        (Some(own), Some(before)) => (own, before),
        (None, None) => (Map::new(), Map::new()),
        (Some(_), None) | (None, Some(_)) => return Some(OTHER_TOKENS),
    };
    let changed = before.iter().any(|(server, asked)| own.get(server).is_some_and(|own| own != asked));
    if changed || without(filter) != without(old) {
        return Some(OTHER_TOKENS);
    }
    if let Some(all) = filter.pointer_mut(REQUIREMENTS).and_then(Value::as_object_mut) {
        all.extend(before.into_iter().filter(|(server, _)| !own.contains_key(server)));
    }
    None
}

const OTHER_TOKENS: &str =
    "tokens are verified otherwise; keep issuers, audiences, keys and the URLs of servers as they are";

const RULES: &str = "/typed_config/parser_config/methods/0/extraction_rules";

/// Adds what the old rules ask of messages. Answers why that cannot be done.
fn read_both(filter: &mut Value, old: &Value) -> Option<&'static str> {
    let path = |rule: &Value| rule.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (Some(old), Some(rules)) =
        (old.pointer(RULES).and_then(Value::as_array), filter.pointer_mut(RULES).and_then(Value::as_array_mut))
    else {
        return Some("messages are read otherwise");
    };
    let (names, mut arguments): (Vec<Value>, Vec<Value>) =
        std::mem::take(rules).into_iter().chain(old.iter().cloned()).partition(|rule| path(rule) == "params.name");
    arguments.sort_by_key(path);
    arguments.dedup();
    rules.extend(names.into_iter().take(1).chain(arguments));
    None
}

/// Whether messages are read otherwise, but for what is read from them.
fn unlike_messages(filter: &Value, old: &Value) -> Option<&'static str> {
    let plain = |filter: &Value| {
        let mut filter = filter.clone();
        if let Some(rules) = filter.pointer_mut(RULES) {
            *rules = Value::Null;
        }
        filter
    };
    (plain(filter) != plain(old)).then_some("messages are read otherwise")
}
