//! The filters before the routes, in the order that decides.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Read, Upstream};
use crate::lift::access::envoy::before::{messages, shapes, tokens};
use crate::lift::access::envoy::fields::{at, fields, is_type, list, must, text};
use crate::lift::access::envoy::matcher::Matcher;
use crate::lift::access::envoy::unexpected;
use crate::model::Model;
use crate::model::name::ServerName;
use crate::policy::Policy;

/// The filters, in the order that decides: that of certificates only where callers show some, that of the policy's version only where
/// another gateway calls.
const FILTERS: [&str; 8] = [
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.mcp",
    "mcpctl.message",
    "mcpctl.protocol",
    "mcpctl.certificate",
    "envoy.filters.http.rbac",
    "mcpctl.version",
    "envoy.filters.http.router",
];

/// The filters before the rules; answers what they deny of the protocol, and what binds certificates to tokens.
pub(super) fn filters(
    manager: &Value,
    (model, policy): (&Model, &Policy),
    unit: Option<&str>,
    encrypted: bool,
    upstreams: &BTreeMap<ServerName, Upstream>,
) -> Read<(Matcher, Option<Matcher>)> {
    let bound = encrypted && unit.is_none();
    let filters = list(manager.get("http_filters"))?;
    let names: Vec<&str> = filters.iter().map(|filter| text(filter.get("name"))).collect::<Read<_>>()?;
    let is_there = |name: &&str| match *name {
        "mcpctl.certificate" => bound,
        "mcpctl.version" => unit.is_some(),
        _ => true,
    };
    let expected: Vec<&str> = FILTERS.into_iter().filter(is_there).collect();
    if names != expected {
        return Err(unexpected(format!("the filters are {names:?} and must be {expected:?}")));
    }
    let (mut protocol, mut binding) = (None, None);
    for filter in filters {
        fields(filter, &["name", "typed_config"])?;
        let (name, config) = (text(filter.get("name"))?, at(filter, "typed_config")?);
        match name {
            "envoy.filters.http.jwt_authn" => tokens(config, model, unit, upstreams.keys())?,
            "envoy.filters.http.mcp" => messages(config, policy)?,
            "mcpctl.message" => shapes(config)?,
            "mcpctl.protocol" => protocol = Some(rbac(config)?),
            "mcpctl.certificate" => binding = Some(rbac(config)?),
            "mcpctl.version" => takes_version(config)?,
            "envoy.filters.http.rbac" => {
                if !is_denial(&rbac(config)?) {
                    return Err(unexpected("what has no route of its own is not denied".to_owned()));
                }
            }
            _ => {
                is_type(config, "envoy.extensions.filters.http.router.v3.Router")?;
                fields(config, &["@type"])?;
            }
        }
    }
    let protocol = protocol.ok_or_else(|| unexpected("nothing is denied of the protocol".to_owned()))?;
    Ok((protocol, binding))
}

/// That the header with the version of a policy is taken out, and nothing else is done with it than to remember it.
fn takes_version(config: &Value) -> Read<()> {
    is_type(config, "envoy.extensions.filters.http.header_to_metadata.v3.Config")?;
    fields(config, &["@type", "request_rules"])?;
    let rules = json!([{
        "header": "x-mcp-policy-version",
        "on_header_present": {"metadata_namespace": "mcpctl.version", "key": "peer"},
        "on_header_missing": {"metadata_namespace": "mcpctl.version", "key": "peer", "value": "none"},
        "remove": true,
    }]);
    must(config, "request_rules", &rules)
}

fn rbac(config: &Value) -> Read<Matcher> {
    is_type(config, "envoy.extensions.filters.http.rbac.v3.RBAC")?;
    fields(config, &["@type", "rules_stat_prefix", "track_per_rule_stats", "matcher"])?;
    Matcher::read(at(config, "matcher")?)
}

pub(in crate::lift::access::envoy) fn is_denial(matcher: &Matcher) -> bool {
    Matcher::read(&json!({"on_no_match": {"action": {"name": "", "typed_config": {
        "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": "", "action": "DENY"}}}}))
    .is_ok_and(|denial| *matcher == denial)
}
