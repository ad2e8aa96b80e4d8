//! The routes of a gateway: answers of its own, and what is forwarded to each server.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::Read;
use super::upstream::{Upstream, leads_to};
use crate::lift::access::envoy::fields::{METADATA, at, fields, is_type, list, must, one, short, text};
use crate::lift::access::envoy::matcher::Matcher;
use crate::lift::access::envoy::{hooks, mirrored, operations, unexpected, within};
use crate::lift::traffic::Limits;
use crate::model::Model;
use crate::model::name::ServerName;
use crate::policy::Policy;
use crate::policy::version::version;

/// Headers that a server must never get from a gateway.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "origin"];

/// The header by which the central gateway tells the others the version of its policy.
const VERSION: &str = "x-mcp-policy-version";

/// The routes of one server.
pub(in crate::lift::access::envoy) struct Route {
    pub(super) messages: Matcher,
    pub(super) stream: Matcher,
    /// Every text that the rules compare claims with.
    pub(in crate::lift::access::envoy) texts: BTreeSet<String>,
}

/// The routes: answers that no server sees, then for each server its messages and its streams, and nothing else.
pub(super) fn read_routes<'a>(
    config: &Value,
    upstreams: &'a BTreeMap<ServerName, Upstream>,
    clusters: &BTreeMap<&str, &Value>,
    (model, policy): (&Model, &Policy),
    behind: bool,
) -> Read<BTreeMap<&'a ServerName, Route>> {
    let forwards = upstreams.values().any(|upstream| upstream.gateway.is_some());
    let version = (forwards || behind).then(|| version(policy, model));
    fields(config, &["name", "request_headers_to_remove", "request_headers_to_add", "virtual_hosts"])?;
    let host = one(config, "virtual_hosts")?;
    fields(host, &["name", "domains", "routes"])?;
    must(host, "domains", &json!(["*"]))?;
    let routes = list(host.get("routes"))?;
    let query = json!({"prefix": "/", "query_parameters": [{"name": "access_token", "present_match": true}]});
    if routes.first().and_then(|route| route.get("match")) != Some(&query) {
        return Err(unexpected("a token in the query is not refused first".to_owned()));
    }
    must(
        config,
        "request_headers_to_remove",
        &json!(["x-http-method-override", "x-forwarded-client-cert", "grpc-timeout"]),
    )?;
    let read = |route: &Value| {
        if route.get("direct_response").is_some() {
            return answer(route, upstreams).map(|()| None);
        }
        let name = text(route.get("name"))?;
        forwarding(route, upstreams, clusters, (model, version.as_deref(), behind))
            .map(Some)
            .map_err(|error| within(&format!("route `{name}`"), error))
    };
    let mut found: BTreeMap<(&ServerName, bool), Matcher> = BTreeMap::new();
    let mut answers = 0;
    for (route, read) in routes.iter().zip(routes.par_iter().map(read).collect::<Vec<_>>()) {
        let Some((server, stream, matcher)) = read? else {
            answers += 1;
            continue;
        };
        if found.insert((server, stream), matcher).is_some() {
            return Err(unexpected(format!("there are two routes like {}", short(at(route, "name")?))));
        }
    }
    if answers != upstreams.len() + 1 {
        return Err(unexpected("there are other answers than one for each server".to_owned()));
    }
    let mut read = BTreeMap::new();
    for server in upstreams.keys() {
        let mut take = |stream| {
            let kind = if stream { "streams" } else { "messages" };
            found.remove(&(server, stream)).ok_or_else(|| unexpected(format!("no route for the {kind} of `{server}`")))
        };
        let (messages, stream) = (take(false)?, take(true)?);
        let mut texts = BTreeSet::new();
        messages.claim_texts(&mut texts);
        stream.claim_texts(&mut texts);
        read.insert(server, Route { messages, stream, texts });
    }
    Ok(read)
}

/// A route that the gateway answers by itself: the refusal of a token in the query, and what is public of each server, which
/// alone may pass the filters by.
fn answer(route: &Value, upstreams: &BTreeMap<ServerName, Upstream>) -> Read<()> {
    let known = ["name", "match", "direct_response", "response_headers_to_add", "typed_per_filter_config"];
    fields(route, &known)?;
    let matched = at(route, "match")?;
    if route.get("typed_per_filter_config").is_none() && matched.get("query_parameters").is_some() {
        return Ok(());
    }
    let path = text(fields(matched, &["path"])?.get("path"))?;
    let server = path.strip_prefix(METADATA).and_then(|rest| rest.strip_prefix('/')?.strip_suffix("/mcp"));
    if !server.is_some_and(|server| upstreams.contains_key(server)) {
        return Err(unexpected(format!("`{path}` is answered, and is not metadata of a server")));
    }
    let off =
        json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}, "disabled": true});
    let off = json!({
        "envoy.filters.http.mcp": off,
        "mcpctl.message": off,
        "mcpctl.protocol": off,
        "mcpctl.certificate": off,
        "envoy.filters.http.rbac": off,
    });
    must(route, "typed_per_filter_config", &off)
}

/// A route that forwards: the server, whether it is for streams, and its rules.
fn forwarding<'a>(
    route: &Value,
    upstreams: &'a BTreeMap<ServerName, Upstream>,
    clusters: &BTreeMap<&str, &Value>,
    (model, version, behind): (&Model, Option<&str>, bool),
) -> Read<(&'a ServerName, bool, Matcher)> {
    let known = [
        "name",
        "match",
        "metadata",
        "route",
        "request_headers_to_remove",
        "request_headers_to_add",
        "typed_per_filter_config",
    ];
    fields(route, &known)?;
    let matched = at(route, "match")?;
    fields(matched, &["path", "headers"])?;
    let path = text(matched.get("path"))?;
    let server = path.strip_prefix('/').and_then(|path| path.strip_suffix("/mcp")).unwrap_or_default();
    let Some((server, upstream)) = upstreams.get_key_value(server) else {
        return Err(unexpected(format!("`{path}` is the path of no server")));
    };
    let by_method = |methods: &str| json!([{"name": ":method", "string_match": {"safe_regex": {"regex": methods}}}]);
    let headers = at(matched, "headers")?;
    let stream = if *headers == by_method("GET|DELETE") {
        true
    } else if *headers == by_method("POST") {
        false
    } else {
        return Err(unexpected("it is for other HTTP methods than it may be".to_owned()));
    };
    let metadata =
        fields(at(route, "metadata")?, &["filter_metadata"]).and(at(at(route, "metadata")?, "filter_metadata"))?;
    mirrored::check(metadata, model.servers.get(server), stream)?;
    let metadata = at(metadata, "mcpctl")?;
    must(fields(metadata, &["server", "scope", "version"]).map(|_| metadata)?, "server", &json!(server.as_str()))?;
    // A gateway that others call knows the version of its rules.
    if metadata.get("version").and_then(Value::as_str) != version.filter(|_| behind) {
        return Err(unexpected("it says another version of the policy".to_owned()));
    }
    let scope = text(metadata.get("scope"))?;
    let scopes = scope.strip_prefix(", scope=\"").and_then(|rest| rest.strip_suffix('"'));
    if !scope.is_empty() && scopes.is_none_or(|scopes| scopes.contains(['"', '\\', '%', '\r', '\n'])) {
        return Err(unexpected("its challenge says more than the scopes that a call needs".to_owned()));
    }
    let action = at(route, "route")?;
    let known = [
        "cluster",
        "host_rewrite_literal",
        "prefix_rewrite",
        "hash_policy",
        "timeout",
        "idle_timeout",
        "retry_policy",
        "max_stream_duration",
    ];
    fields(action, &known)?;
    must(action, "prefix_rewrite", &json!(upstream.path))?;
    let cluster = text(action.get("cluster"))?;
    let found = clusters.get(cluster).ok_or_else(|| unexpected(format!("there is no cluster `{cluster}`")))?;
    let direct = upstream.gateway.is_none();
    let unit = model.servers.get(server).and_then(|server| server.unit.as_ref()).filter(|_| direct);
    let limits = Limits::of(model, unit.map(|unit| &unit.value), server);
    leads_to(found, upstream)
        .and_then(|()| operations::cluster(found, &limits, direct, &hooks::expected(model, server, direct)))
        .map_err(|error| within(&format!("cluster `{cluster}`"), error))?;
    operations::action(action, &limits, direct, stream)?;
    operations::ends(action, model)?;
    // The next gateway is told the version of the policy, and no server is.
    let mut credentials = CREDENTIALS.to_vec();
    credentials.extend(version.filter(|_| !behind).map(|_| VERSION));
    let told = upstream.gateway.as_ref().and(version).map(
        |version| json!([{"header": {"key": VERSION, "value": version}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]),
    );
    if route.get("request_headers_to_add") != told.as_ref() {
        return Err(unexpected(
            "the next gateway is told another version of the policy, or a server is told one".to_owned(),
        ));
    }
    match (&upstream.gateway, route.get("request_headers_to_remove")) {
        (None, Some(removed)) if *removed == json!(credentials) => {}
        (Some(_), None) => {}
        (None, _) => return Err(unexpected("the server would get the caller's credentials".to_owned())),
        (Some(_), Some(_)) => return Err(unexpected("the next gateway would not get what it decides by".to_owned())),
    }
    let own =
        fields(at(route, "typed_per_filter_config")?, &["envoy.filters.http.rbac", "envoy.filters.http.jwt_authn"])?;
    let named = model.has_tokens_per_server().then(|| {
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig",
            "requirement_name": server.as_str(),
        })
    });
    if own.get("envoy.filters.http.jwt_authn") != named.as_ref() {
        return Err(unexpected("it takes other tokens than those of its server".to_owned()));
    }
    let own = own.get("envoy.filters.http.rbac").ok_or_else(|| unexpected("it has no rules".to_owned()))?;
    is_type(own, "envoy.extensions.filters.http.rbac.v3.RBACPerRoute")?;
    let rules = fields(own, &["@type", "rbac"])?.get("rbac").unwrap_or(&Value::Null);
    fields(rules, &["rules_stat_prefix", "track_per_rule_stats", "matcher"])?;
    let matcher = Matcher::read(at(rules, "matcher")?)?;
    if matcher.looks_at_headers() {
        return Err(unexpected("its rules differ by revision or origin".to_owned()));
    }
    Ok((server, stream, matcher))
}
