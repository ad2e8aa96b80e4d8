//! Filters and matchers of Envoy's RBAC, as values.

use serde_json::{Value, json};

use super::predicate::{Predicate, of_type};
use crate::targets::object;

/// The filter of the rules, which each route sets for itself.
pub(super) const RBAC: &str = "envoy.filters.http.rbac";
/// The filter that binds certificates to tokens.
pub(super) const BINDING: &str = "mcpctl.certificate";

/// The filter of this name, with this matcher.
pub(super) fn rbac(name: &str, matcher: Value) -> Value {
    json!({
        "name": name,
        "typed_config": {
            "@type": of_type("envoy.extensions.filters.http.rbac.v3.RBAC"),
            "rules_stat_prefix": "mcpctl_",
            "track_per_rule_stats": true,
            "matcher": matcher,
        },
    })
}

/// A leaf: what is done, under a name.
pub(super) fn action(name: &str, allow: bool) -> Value {
    let action = if allow { "ALLOW" } else { "DENY" };
    let config = object([
        ("@type", json!(of_type("envoy.config.rbac.v3.Action"))),
        ("name", json!(name)),
        ("action", json!(action)),
    ]);
    object([("action", object([("name", json!(name)), ("typed_config", config)]))])
}

/// What follows, as one matcher inside of another.
pub(super) fn nested(matcher: Value) -> Value {
    object([("matcher", matcher)])
}

/// The first of these that matches, else the other.
pub(super) fn first_of(matchers: Vec<(Predicate, Value)>, otherwise: Value) -> Value {
    if matchers.is_empty() {
        return object([("on_no_match", otherwise)]);
    }
    let matchers = matchers
        .into_iter()
        .map(|(predicate, on_match)| object([("predicate", predicate.into_json()), ("on_match", on_match)]));
    object([("matcher_list", object([("matchers", matchers.collect())])), ("on_no_match", otherwise)])
}
