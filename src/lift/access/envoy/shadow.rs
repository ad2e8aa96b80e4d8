//! A configuration with two policies: that what decides is what the bundle in force decided, and that what is counted beside it
//! is the new one.
//!
//! The first has no model to be compared with, so it is compared with the old files themselves: the same rules, behind the same
//! filters, decide the same. The second is read as if it decided, like any other configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::discovery::same_by_discovery;
use super::fields::{METADATA, at, list, one, text};
use super::gateway::{self, is_denial, manager};
use super::matcher::Matcher;
use super::{Folder, folders, judge, mirrored, unexpected, within};
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::access::relation::Part;
use crate::model::Model;
use crate::model::name::ServerName;
use crate::policy::Policy;

type Read<T> = Result<T, LiftError>;

const RBAC: &str = "/typed_per_filter_config/envoy.filters.http.rbac/rbac";
/// Which headers repeat which arguments.
const MIRRORED: &str = "/metadata/filter_metadata/mcpctl.message";
/// What a route asks of tokens.
const TOKENS: &str = "/typed_per_filter_config/envoy.filters.http.jwt_authn";
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const MCP: &str = "envoy.filters.http.mcp";
const EXTRACTED: &str = "/typed_config/parser_config/methods/0/extraction_rules";
/// What of a connection manager decides nothing: records, traces, and how a denial is told.
const TOLD: [&str; 6] =
    ["access_log", "access_log_options", "generate_request_id", "tracing", "local_reply_config", "route_config"];

/// Which of the two policies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Enforced,
    Counted,
}

/// The relation that the rules of each gateway would decide that are only counted.
///
/// # Errors
/// Where these cannot be read, as for [`super::lift`]; and where the rules that decide are not those of `enforced`, the files of
/// the bundle in force.
pub fn lift_beside(
    artifacts: &BTreeMap<String, Artifact>,
    enforced: &BTreeMap<String, Vec<u8>>,
    model: &Model,
    policy: &Policy,
) -> Read<Vec<Part>> {
    let new = folders(artifacts.iter().map(|(path, artifact)| (path.as_str(), artifact.bytes.as_slice())))?;
    let old = folders(enforced.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())))?;
    let expected = gateway::expected(model, policy);
    if !new.keys().eq(old.keys()) {
        return Err(unexpected("the bundle in force is of other gateways".to_owned()));
    }
    let mut counted = new.clone();
    for (name, folder) in &new {
        let none = BTreeMap::new();
        let servers: BTreeSet<&ServerName> = expected.get(name).unwrap_or(&none).keys().collect();
        let old = old.get(name).ok_or_else(|| LiftError::File(format!("envoy/{name}")))?;
        let mut extracted = BTreeSet::new();
        enforces(folder, old, &servers, &mut extracted).map_err(|error| within(&format!("gateway `{name}`"), error))?;
        let needed = arguments(policy);
        let extra: Vec<Value> =
            extracted.into_iter().filter(|path| !needed.contains(path)).map(|path| json!({"path": path})).collect();
        for file in counted.get_mut(name).into_iter().flat_map(BTreeMap::values_mut) {
            take(file, Which::Counted);
            leave_out(file, &servers, &extra, model);
        }
    }
    judge(&counted, model, policy)
}

/// What the rules of this model ask messages for.
fn arguments(policy: &Policy) -> BTreeSet<String> {
    let evidence = policy.shown().flat_map(|(_, evidence)| evidence.arguments());
    let named = evidence.map(|argument| format!("params.arguments.{}", argument.path.join(".")));
    named.chain(["params.name".to_owned()]).collect()
}

/// Leaves one of the two policies in a file, as if it were the only one.
fn take(value: &mut Value, which: Which) {
    match value {
        Value::Object(fields) => {
            let counted = fields.shift_remove("shadow_matcher");
            fields.shift_remove("shadow_rules_stat_prefix");
            if let (Some(counted), Which::Counted) = (counted, which) {
                fields.insert("matcher".to_owned(), counted);
            }
            fields.values_mut().for_each(|inner| take(inner, which));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| take(inner, which)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Leaves out the routes to servers that the model does not know, what is read from messages for the old rules alone, and which
/// headers are compared with arguments. All were compared with the old files.
fn leave_out(value: &mut Value, servers: &BTreeSet<&ServerName>, extra: &[Value], model: &Model) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Array(routes)) = fields.get_mut("routes") {
                routes
                    .retain(|route| server_of(route).is_none_or(|server| servers.contains(&ServerName::from(server))));
                routes.iter_mut().for_each(|route| mirrored::of_model(route, model));
            }
            if let Some(Value::Object(asked)) = fields.get_mut("requirement_map") {
                asked.retain(|server, _| servers.contains(&ServerName::from(server.as_str())));
            }
            if let Some(Value::Array(rules)) = fields.get_mut("extraction_rules") {
                rules.retain(|rule| !extra.contains(rule));
            }
            fields.values_mut().for_each(|inner| leave_out(inner, servers, extra, model));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| leave_out(inner, servers, extra, model)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The server of a route, by its path.
fn server_of(route: &Value) -> Option<&str> {
    let path = route.pointer("/match/path")?.as_str()?;
    path.strip_prefix(METADATA).unwrap_or(path).strip_prefix('/')?.strip_suffix("/mcp")
}

/// A file that says the same as those that Envoy watches: the whole of it, its listener and its routes.
fn coherent(folder: &Folder) -> Read<(&Value, &Value, &Vec<Value>)> {
    let whole = folder.get("envoy.static.yaml").ok_or_else(|| LiftError::File("envoy.static.yaml".to_owned()))?;
    let resources = at(whole, "static_resources")?;
    let listener = one(resources, "listeners")?;
    let routes = at(manager(listener)?, "route_config")?;
    same_by_discovery(folder, &BTreeMap::new(), whole, listener, list(resources.get("clusters"))?, routes)?;
    Ok((whole, listener, list(one(routes, "virtual_hosts")?.get("routes"))?))
}

/// That what decides here is what the old files decided. `extracted` takes what is read from messages.
fn enforces(
    folder: &Folder,
    old: &Folder,
    servers: &BTreeSet<&ServerName>,
    extracted: &mut BTreeSet<String>,
) -> Read<()> {
    let (whole, _, routes) = coherent(folder)?;
    let (old_whole, _, old_routes) = coherent(old)?;
    same_filters(whole, old_whole, extracted)?;
    let by_name = |routes: &[Value]| -> Read<BTreeMap<String, Value>> {
        let mut found = BTreeMap::new();
        for route in routes {
            let mut enforced = route.clone();
            take(&mut enforced, Which::Enforced);
            let name = text(route.get("name"))?.to_owned();
            if found.insert(name.clone(), enforced).is_some() {
                return Err(unexpected(format!("there are two routes `{name}`")));
            }
        }
        Ok(found)
    };
    let (here, before) = (by_name(routes)?, by_name(old_routes)?);
    let matched = here.values().filter_map(|route| route.get("match"));
    if matched.map(Value::to_string).collect::<BTreeSet<_>>().len() < here.len() {
        return Err(unexpected("there are two routes for the same requests".to_owned()));
    }
    for route in routes.iter().filter(|route| route.get("route").is_some()) {
        let name = text(route.get("name"))?;
        let counted = route.pointer(RBAC).and_then(|rules| rules.get("shadow_matcher"));
        let counted = counted.ok_or_else(|| unexpected(format!("nothing is counted on the route `{name}`")))?;
        let known = server_of(route).is_some_and(|server| servers.contains(&ServerName::from(server)));
        if !known && !is_denial(&Matcher::read(counted)?) {
            return Err(unexpected(format!(
                "`{name}` is not a route of the new policy, and is counted as let through"
            )));
        }
        let enforced = here.get(name).and_then(|route| route.pointer(RBAC)?.get("matcher"));
        let enforced = enforced.ok_or_else(|| unexpected(format!("the route `{name}` has no rules")))?;
        if !before.contains_key(name) && !is_denial(&Matcher::read(enforced)?) {
            return Err(unexpected(format!(
                "the new route `{name}` lets something through that the bundle in force does not"
            )));
        }
    }
    for (name, before) in &before {
        let route =
            here.get(name).ok_or_else(|| unexpected(format!("the route `{name}` of the bundle in force is gone")))?;
        let known = server_of(before).is_none_or(|server| servers.contains(&ServerName::from(server)));
        let same = if known && before.get("route").is_some() {
            // Where it leads is the new configuration's, which is proved by the other reading.
            route.get("match") == before.get("match")
                && [RBAC, TOKENS, MIRRORED].iter().all(|part| route.pointer(part) == before.pointer(part))
        } else {
            known || route == before && cluster_of(whole, route) == cluster_of(old_whole, before)
        };
        if controls_of(whole, route)? != controls_of(old_whole, before)? {
            return Err(unexpected(format!(
                "calls on the route `{name}` pass other controls than in the bundle in force"
            )));
        }
        if !same {
            return Err(unexpected(format!("the route `{name}` decides differently from the bundle in force")));
        }
    }
    Ok(())
}

/// What is asked of tokens at each server, where that differs.
fn requirements(whole: &Value) -> Option<&serde_json::Map<String, Value>> {
    let filters = whole.pointer(&format!("{MANAGER}/http_filters"))?.as_array()?;
    filters.iter().find_map(|filter| filter.pointer("/typed_config/requirement_map")?.as_object())
}

/// The cluster that a route leads to.
fn cluster_of<'a>(whole: &'a Value, route: &Value) -> Option<&'a Value> {
    let name = route.pointer("/route/cluster")?;
    let clusters = whole.pointer("/static_resources/clusters")?.as_array()?;
    clusters.iter().find(|cluster| cluster.get("name") == Some(name))
}

const CONTROLS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters";

/// The controls that calls on a route pass: each filter of its cluster, and the cluster of its processor.
fn controls_of<'a>(whole: &'a Value, route: &Value) -> Read<Vec<(&'a Value, Option<&'a Value>)>> {
    let Some(filters) = cluster_of(whole, route).and_then(|cluster| cluster.pointer(CONTROLS)) else {
        return Ok(Vec::new());
    };
    let clusters = list(whole.pointer("/static_resources/clusters"))?;
    let processor = |filter: &Value| {
        let name = filter.pointer("/typed_config/grpc_service/envoy_grpc/cluster_name")?;
        clusters.iter().find(|cluster| cluster.get("name") == Some(name))
    };
    Ok(list(Some(filters))?.iter().map(|filter| (filter, processor(filter))).collect())
}

/// That requests come to the rules as they did: by the same TLS and the same filters. More may be read from messages.
fn same_filters(whole: &Value, old: &Value, extracted: &mut BTreeSet<String>) -> Read<()> {
    let binding = whole.pointer(&format!("{MANAGER}/http_filters")).and_then(Value::as_array).into_iter().flatten();
    for filter in binding.filter(|filter| filter.get("name") == Some(&json!("mcpctl.certificate"))) {
        if filter.pointer("/typed_config/shadow_matcher").is_none() {
            return Err(unexpected("nothing is counted where certificates are bound to tokens".to_owned()));
        }
    }
    let (asked, asked_before) = (requirements(whole), requirements(old));
    let kept = |(server, before): (&String, &Value)| asked.and_then(|asked| asked.get(server)) == Some(before);
    if asked.is_some() != asked_before.is_some() || !asked_before.into_iter().flatten().all(kept) {
        return Err(unexpected("a server takes other tokens than in the bundle in force".to_owned()));
    }
    let plain = |whole: &Value, extracted: &mut BTreeSet<String>| -> Read<Value> {
        let mut whole = whole.clone();
        take(&mut whole, Which::Enforced);
        let manager = whole.pointer_mut(MANAGER).and_then(Value::as_object_mut);
        let manager = manager.ok_or_else(|| unexpected("there is no connection manager".to_owned()))?;
        TOLD.iter().for_each(|key| drop(manager.shift_remove(*key)));
        let filters = manager.get_mut("http_filters").and_then(Value::as_array_mut).into_iter().flatten();
        for filter in filters {
            if let Some(config) = filter.get_mut("typed_config").and_then(Value::as_object_mut) {
                config.shift_remove("requirement_map");
            }
            if filter.get("name") != Some(&json!(MCP)) {
                continue;
            }
            let rules = filter.pointer_mut(EXTRACTED).map(Value::take).unwrap_or_default();
            for rule in list(Some(&rules))? {
                extracted.insert(text(rule.get("path"))?.to_owned());
            }
        }
        let mut listener = whole.pointer_mut("/static_resources/listeners/0").map(Value::take).unwrap_or_default();
        listener.as_object_mut().map(|fields| fields.shift_remove("address"));
        Ok(listener)
    };
    let mut before = BTreeSet::new();
    if plain(whole, extracted)? != plain(old, &mut before)? {
        return Err(unexpected("requests reach the rules differently from the bundle in force".to_owned()));
    }
    match before.difference(extracted).next() {
        None => Ok(()),
        Some(path) => {
            Err(unexpected(format!("`{path}` is no longer read from messages, and the rules in force ask for it")))
        }
    }
}
