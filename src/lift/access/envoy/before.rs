//! The filters before the rules: how tokens are verified, and how messages are read.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::fields::{METADATA, at, fields, is_type, must, text};
use super::unexpected;
use crate::bundle::manifest::sha256;
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::access::{Issuer, Jwks};
use crate::model::name::{ServerName, UnitName};
use crate::model::url::canonical;
use crate::policy::Policy;

type Read<T> = Result<T, LiftError>;

/// SHA-256 of the program that reads the keys of messages. Whoever changes it runs tests/engines/envoy and
/// tests/engines/conformance first: this reader knows what it does from there alone.
const SHAPES: &str = "9d16cd0e492559caee928cb5e291021178ec7536f6024e6a51d0eec48e02bc06";

/// Largest message that Envoy reads whole, in bytes: the limit of its own API.
const MOST_BYTES: u64 = 10_485_760;

/// Tokens must be verified as `identity` says, for every path but the metadata: at the gateway of `unit`, or the central one, with
/// routes for these servers.
pub(super) fn tokens<'s>(
    config: &Value,
    model: &Model,
    unit: Option<&str>,
    servers: impl Iterator<Item = &'s ServerName>,
) -> Read<()> {
    is_type(config, "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication")?;
    fields(config, &["@type", "providers", "rules", "requirement_map"])?;
    let issuers: Vec<&Issuer> = model.identity.iter().flat_map(|identity| &identity.issuers).collect();
    let providers = at(config, "providers")?.as_object();
    let providers = providers.filter(|providers| !issuers.is_empty() && providers.len() == issuers.len());
    let providers = providers.ok_or_else(|| unexpected("there are other token providers than issuers".to_owned()))?;
    for (index, issuer) in issuers.iter().enumerate() {
        let name = format!("issuer_{index}");
        let provider = providers.get(&name).ok_or_else(|| unexpected(format!("no provider `{name}`")))?;
        let audiences: Vec<String> = match issuer.per_server {
            Some(_) => own_url(model, unit).into_iter().collect(),
            None => issuer.audiences.iter().map(|audience| audience.value.clone()).collect(),
        };
        let mut expected = json!({
            "issuer": issuer.issuer.value,
            "audiences": audiences,
            "payload_in_metadata": "claims",
            "forward": true,
            "require_expiration": true,
            "clock_skew_seconds": 30,
            "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        });
        let (key, value) = match issuer.keys.as_ref().map(|keys| &keys.value) {
            Some(Jwks::Url(url)) => {
                let uri = json!({"uri": url, "cluster": name, "timeout": "5s"});
                let fetch = json!({"http_uri": uri, "cache_duration": "300s", "async_fetch": {"fast_listener": false}});
                ("remote_jwks", fetch)
            }
            Some(Jwks::File(file)) => {
                let set =
                    model.key_sets.get(file).ok_or_else(|| unexpected(format!("the key set `{file}` is not known")))?;
                ("local_jwks", json!({"inline_string": set}))
            }
            None => return Err(unexpected(format!("nothing is known of the keys of `{}`", issuer.issuer))),
        };
        if let Some(fields) = expected.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
        if audiences.is_empty() || *provider != expected {
            return Err(unexpected(format!("tokens of `{}` are not verified as `identity` says", issuer.issuer)));
        }
    }
    let named = |index: usize| json!({"provider_name": format!("issuer_{index}")});
    let requires = match issuers.len() {
        1 => named(0),
        all => json!({"requires_any": {"requirements": (0..all).map(named).collect::<Vec<_>>()}}),
    };
    let rules = json!([
        {"match": {"prefix": format!("{METADATA}/")}},
        {"match": {"prefix": "/"}, "requires": requires},
    ]);
    must(config, "rules", &rules)?;
    if !model.has_tokens_per_server() {
        return match config.get("requirement_map") {
            None => Ok(()),
            Some(_) => Err(unexpected("some servers take other tokens than the gateway does".to_owned())),
        };
    }
    let at_each: Map<String, Value> =
        servers.map(|name| Ok((name.to_string(), at_server(name, &issuers, model)?))).collect::<Read<_>>()?;
    must(config, "requirement_map", &Value::Object(at_each))
}

/// The URL at which the gateway is reached.
fn own_url(model: &Model, unit: Option<&str>) -> Option<String> {
    let url = match unit {
        None => model.topology.central_gateway.as_ref(),
        Some(unit) => model.topology.units.get(&UnitName::from(unit))?.gateway.as_ref(),
    };
    url.map(|url| canonical(&url.value))
}

/// What must be asked of tokens at a server. A token that is for one server names it by a URL of its own.
fn at_server(name: &ServerName, issuers: &[&Issuer], model: &Model) -> Read<Value> {
    let server = model.servers.get(name).ok_or_else(|| unexpected(format!("`{name}` is not a server")))?;
    let mut requirements = Vec::new();
    for (index, issuer) in issuers.iter().enumerate() {
        let provider = format!("issuer_{index}");
        if issuer.per_server.is_none() {
            requirements.push(json!({"provider_name": provider}));
            continue;
        }
        let audiences = model.topology.canonical_uris(server);
        if audiences.is_empty() {
            return Err(unexpected(format!("no URL names the server `{name}`")));
        }
        requirements.push(json!({"provider_and_audiences": {"provider_name": provider, "audiences": audiences}}));
    }
    Ok(match requirements.len() {
        1 => requirements.swap_remove(0),
        _ => json!({"requires_any": {"requirements": requirements}}),
    })
}

/// Messages must be read whole and once, with what the rules ask for.
pub(super) fn messages(config: &Value, policy: &Policy) -> Read<()> {
    is_type(config, "envoy.extensions.filters.http.mcp.v3.Mcp")?;
    let known = [
        "@type",
        "traffic_mode",
        "reject_duplicate_keys",
        "attribute_source",
        "max_request_body_size",
        "parser_config",
    ];
    fields(config, &known)?;
    must(config, "traffic_mode", &json!("REJECT_NO_MCP"))?;
    must(config, "reject_duplicate_keys", &json!(true))?;
    must(config, "attribute_source", &json!("VERIFY"))?;
    let most = at(config, "max_request_body_size")?.as_u64().filter(|most| (1..=MOST_BYTES).contains(most));
    most.ok_or_else(|| unexpected("the size of messages is not limited".to_owned()))?;
    let mut paths = vec![json!({"path": "params.name"})];
    let evidence = policy.shown().flat_map(|(_, evidence)| evidence.arguments());
    let arguments: BTreeSet<String> = evidence.map(|argument| argument.path.join(".")).collect();
    paths.extend(arguments.into_iter().map(|name| json!({"path": format!("params.arguments.{name}")})));
    let reference = ["type", "name", "uri"].map(|key| json!({"path": format!("params.ref.{key}")}));
    let expected = json!({"methods": [
        {"method": "tools/call", "group": "tool", "extraction_rules": paths},
        {"method": "completion/complete", "extraction_rules": reference},
    ]});
    must(config, "parser_config", &expected)
}

/// What a message is must be told by the program whose behaviour the live tests have seen, to the letter.
pub(super) fn shapes(config: &Value) -> Read<()> {
    is_type(config, "envoy.extensions.filters.http.lua.v3.Lua")?;
    fields(config, &["@type", "default_source_code"])?;
    let source = at(config, "default_source_code")?;
    fields(source, &["inline_string"])?;
    let program = text(source.get("inline_string"))?;
    if sha256(program.as_bytes()) == SHAPES {
        return Ok(());
    }
    Err(unexpected("the program that tells what a message is, is not the one that was tested".to_owned()))
}
