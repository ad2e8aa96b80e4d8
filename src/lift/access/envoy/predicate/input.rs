//! How a predicate is read from what a file says.

use serde_json::Value;

use super::{JWT, Predicate, Read};
use crate::lift::access::envoy::fields::{fields, is_type, list, only, text};
use crate::lift::access::envoy::predicate::places::PLACES;
use crate::lift::access::envoy::unexpected;
use crate::lift::access::envoy::values::{Test, Values, any_text};
use crate::lift::access::probe::Source;

const MCP: &str = "envoy.filters.http.mcp";

/// What the program that looks at keys writes.
const MESSAGE: &str = "mcpctl.message";

pub(in crate::lift::access::envoy) fn read_peer_input(value: Option<&Value>) -> Read<()> {
    let input = fields(value.unwrap_or(&Value::Null), &["name", "typed_config"])?;
    let config = input.get("typed_config").unwrap_or(&Value::Null);
    is_type(config, "envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput")?;
    fields(config, &["@type"]).map(drop)
}

impl Predicate {
    /// A predicate that is whole: of the resources of a subscription it asks for some one, or for each.
    pub(in crate::lift::access::envoy) fn read(value: &Value) -> Read<Self> {
        let predicate = Self::part(value)?;
        match predicate.place()? {
            Some(place) => Err(unexpected(format!("a rule on `{}` alone", PLACES.get(place).unwrap_or(&"")))),
            None => Ok(predicate),
        }
    }

    fn part(value: &Value) -> Read<Self> {
        let parts = |value: &Value| -> Read<Vec<Self>> {
            let parts = list(fields(value, &["predicate"])?.get("predicate"))?;
            if parts.len() < 2 {
                return Err(unexpected("Envoy takes no list of fewer than two predicates".to_owned()));
            }
            parts.iter().map(Self::part).collect()
        };
        match only(value)? {
            ("and_matcher", value) => Ok(Self::All(joined(parts(value)?))),
            ("or_matcher", value) => Ok(Self::Any(parts(value)?)),
            ("not_matcher", value) => Ok(Self::Not(Box::new(Self::part(value)?))),
            ("single_predicate", value) => Self::single(value),
            (other, _) => Err(unexpected(format!("the predicate `{other}` is not understood"))),
        }
    }

    fn single(value: &Value) -> Read<Self> {
        let test = fields(value, &["input", "value_match", "custom_match"])?;
        let input = fields(test.get("input").unwrap_or(&Value::Null), &["name", "typed_config"])?;
        let config = input.get("typed_config").unwrap_or(&Value::Null);
        let kind = text(config.get("@type"))?.rsplit('/').next().unwrap_or_default();
        match (kind, test.get("value_match"), test.get("custom_match")) {
            ("envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput", None, Some(custom)) => {
                Self::metadata(config, custom)
            }
            ("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", Some(value), None) => {
                let name = text(fields(config, &["@type", "header_name"])?.get("header_name"))?;
                let source = match name {
                    "mcp-protocol-version" => Some(Source::Revision),
                    "origin" => Some(Source::Origin),
                    _ => None,
                };
                match (name, source, only(value)?) {
                    (":method", _, ("exact", method)) => Ok(Self::HttpMethod(text(Some(method))?.to_owned())),
                    (_, Some(source), ("exact", value)) => Ok(Self::HeaderIs(source, text(Some(value))?.to_owned())),
                    (_, Some(source), ("safe_regex", regex)) if *regex == any_text() => Ok(Self::HasHeader(source)),
                    _ => Err(unexpected(format!("a rule on the header `{name}` is not understood"))),
                }
            }
            ("envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput", Some(value), None) => {
                read_peer_input(test.get("input"))?;
                let (kind, regex) = only(value)?;
                let regex = fields(regex, &["google_re2", "regex"])?;
                match (kind, text(regex.get("regex"))?) {
                    ("safe_regex", ".+") => Ok(Self::HasCertificate),
                    _ => Err(unexpected("a rule on the peer's certificate is not understood".to_owned())),
                }
            }
            ("xds.type.matcher.v3.HttpAttributesCelMatchInput", None, Some(custom)) => {
                fields(config, &["@type"])?;
                Self::expression(custom)
            }
            (other, ..) => Err(unexpected(format!("the input `{other}` is not understood"))),
        }
    }

    fn metadata(config: &Value, custom: &Value) -> Read<Self> {
        let input = fields(config, &["@type", "filter", "path"])?;
        let path: Vec<&str> =
            list(input.get("path"))?.iter().map(|key| text(fields(key, &["key"])?.get("key"))).collect::<Read<_>>()?;
        let custom = fields(custom, &["name", "typed_config"])?;
        let matcher = custom.get("typed_config").unwrap_or(&Value::Null);
        is_type(matcher, "envoy.extensions.matching.input_matchers.metadata.v3.Metadata")?;
        let matcher = fields(matcher, &["@type", "value"])?;
        let values = Test::values(matcher.get("value").unwrap_or(&Value::Null))?;
        match (text(input.get("filter"))?, path.as_slice()) {
            (MCP, ["method"]) => Ok(Self::Method(values)),
            (MCP, ["params", "name"]) => Ok(Self::Addressed(Source::Name, values)),
            (MCP, ["params", "uri"]) => Ok(Self::Addressed(Source::Uri, values)),
            (MCP, ["params", "ref", "type"]) => Ok(Self::Addressed(Source::ReferredType, values)),
            (MCP, ["params", "ref", "name"]) => Ok(Self::Addressed(Source::ReferredName, values)),
            (MCP, ["params", "ref", "uri"]) => Ok(Self::Addressed(Source::ReferredUri, values)),
            (MESSAGE, ["kind"]) => Ok(Self::Kind(values)),
            (MESSAGE, ["subscribes"]) => Ok(Self::Subscribes(values)),
            (MESSAGE, [key]) if let Some(place) = PLACES.iter().position(|known| known == key) => {
                Ok(Self::Addressed(Source::SubscribedUri(place), values))
            }
            (MCP, ["params", "arguments", rest @ ..]) if !rest.is_empty() => {
                Ok(Self::Argument(rest.iter().map(|key| (*key).to_owned()).collect(), values))
            }
            (JWT, ["claims", rest @ ..]) if !rest.is_empty() => {
                Ok(Self::Claim(rest.iter().map(|key| (*key).to_owned()).collect(), values))
            }
            (filter, path) => Err(unexpected(format!("nothing writes `{}` for `{filter}`", path.join(".")))),
        }
    }

    /// `metadata.filter_metadata["envoy.filters.http.jwt_authn"]["claims"][..] != ..`
    fn expression(custom: &Value) -> Read<Self> {
        let unknown = || unexpected("an expression is not understood".to_owned());
        let custom = fields(custom, &["name", "typed_config"])?;
        let matcher = custom.get("typed_config").unwrap_or(&Value::Null);
        is_type(matcher, "xds.type.matcher.v3.CelMatcher")?;
        let matcher = fields(matcher, &["@type", "expr_match"])?;
        let parsed = fields(matcher.get("expr_match").unwrap_or(&Value::Null), &["cel_expr_parsed"])?;
        let parsed = fields(parsed.get("cel_expr_parsed").unwrap_or(&Value::Null), &["expr"])?;
        let (function, arguments) = call(parsed.get("expr").unwrap_or(&Value::Null))?;
        let [left, right] = arguments.as_slice() else { return Err(unknown()) };
        let below = |value: &Value, start: &[&str]| {
            let path = metadata_path(value)?;
            match path.split_at_checked(start.len()) {
                Some((first, rest)) if first == start && !rest.is_empty() => Ok(rest.to_vec()),
                _ => Err(unknown()),
            }
        };
        let claim = |value: &Value| below(value, &[JWT, "claims"]);
        match function {
            "_!=_" => Ok(Self::ClaimsDiffer(claim(left)?, claim(right)?)),
            "_==_" => Ok(Self::Same(below(left, &[MCP, "params", "arguments"])?, claim(right)?)),
            _ => Err(unknown()),
        }
    }
}

/// An argument that is a claim is told in three parts: that each is full, and that they are the same.
fn joined(parts: Vec<Predicate>) -> Vec<Predicate> {
    let full = |values: &Values| {
        let everything =
            |test: &Test| matches!(test, Test::Within(start, end) if *start == -f64::MAX && *end == f64::MAX);
        values.tests.len() == 2 && values.tests.contains(&Test::SomeText) && values.tests.iter().any(everything)
    };
    let mut joined: Vec<Predicate> = Vec::with_capacity(parts.len());
    for part in parts {
        if let (Predicate::Same(argument, claim), [.., Predicate::Argument(one, some), Predicate::Claim(other, all)]) =
            (&part, joined.as_slice())
            && (one, other) == (argument, claim)
            && full(some)
            && full(all)
        {
            let whole = Predicate::ArgumentIsClaim(argument.clone(), claim.clone());
            joined.truncate(joined.len() - 2);
            joined.push(whole);
        } else {
            joined.push(part);
        }
    }
    joined
}

fn call(value: &Value) -> Read<(&str, &Vec<Value>)> {
    match only(value)? {
        ("call_expr", value) => {
            let call = fields(value, &["function", "args"])?;
            Ok((text(call.get("function"))?, list(call.get("args"))?))
        }
        (other, _) => Err(unexpected(format!("`{other}` in an expression is not understood"))),
    }
}

/// The keys below `metadata.filter_metadata`.
fn metadata_path(value: &Value) -> Read<Vec<String>> {
    if let Some(select) = value.get("select_expr") {
        let select = fields(select, &["operand", "field"])?;
        let operand = select.get("operand").unwrap_or(&Value::Null);
        let root = operand.get("ident_expr").and_then(|ident| ident.get("name")).and_then(Value::as_str);
        return match (root, text(select.get("field"))?) {
            (Some("metadata"), "filter_metadata") => Ok(Vec::new()),
            _ => Err(unexpected("an expression reads something else than metadata".to_owned())),
        };
    }
    let (function, arguments) = call(value)?;
    match (function, arguments.as_slice()) {
        ("_[_]", [operand, key]) => {
            let mut path = metadata_path(operand)?;
            let key = key.get("const_expr").and_then(|key| key.get("string_value"));
            path.push(text(key)?.to_owned());
            Ok(path)
        }
        _ => Err(unexpected("an expression is not understood".to_owned())),
    }
}
