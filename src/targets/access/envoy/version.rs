//! The version of the policy, which the central gateway tells each unit's: the two are rolled out one after the other, and a call
//! that both have to let through shows whether they decide by the same policy. Both enforce all of it, so another version opens nothing.

use serde_json::{Value, json};

use super::predicate::of_type;
use crate::targets::gateways::{Gateway, Hop};

/// The header that says it.
pub(super) const HEADER: &str = "x-mcp-policy-version";
/// The filter that reads it, and what it keeps it as.
const FILTER: &str = "mcpctl.version";
/// The key of a route's metadata with the version of its rules.
pub(super) const KEY: &str = "version";
/// The metric: 1 after a call that was sent by another policy, 0 after one by the same.
const METRIC: &str = "mcp_policy_versions_differ";

/// Whether a gateway sends calls to other gateways.
pub(super) fn is_told(gateway: &Gateway<'_>) -> bool {
    gateway.routes.iter().any(|route| matches!(route.to, Hop::Gateway(..)))
}

/// What a route to another gateway adds to requests, whatever a caller says there.
pub(super) fn added(version: &str) -> Value {
    json!([{"header": {"key": HEADER, "value": version}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}])
}

/// Takes the header out of requests that the rules let through: no server gets it.
pub(super) fn filter() -> Value {
    let kept = |value: &str| match value {
        "" => json!({"metadata_namespace": FILTER, "key": "peer"}),
        value => json!({"metadata_namespace": FILTER, "key": "peer", "value": value}),
    };
    json!({
        "name": FILTER,
        "typed_config": {
            "@type": of_type("envoy.extensions.filters.http.header_to_metadata.v3.Config"),
            "request_rules": [
                {"header": HEADER, "on_header_present": kept(""), "on_header_missing": kept("none"), "remove": true},
            ],
        },
    })
}

/// The logger that compares it with that of the route: rules and version are in one file, and are replaced together.
pub(super) fn logger() -> Value {
    let matcher = json!({"filter": FILTER, "path": [{"key": "peer"}], "value": {"present_match": true}});
    let own = format!("xds.route_metadata.filter_metadata['mcpctl']['{KEY}']");
    let differs = format!("%CEL(metadata.filter_metadata['{FILTER}']['peer'] == {own} ? 0 : 1)%");
    json!({
        "name": "envoy.access_loggers.stats",
        "filter": {"metadata_filter": {"matcher": matcher, "match_if_key_not_found": false}},
        "typed_config": {
            "@type": of_type("envoy.extensions.access_loggers.stats.v3.Config"),
            "stat_prefix": "mcpctl",
            "gauges": [{"stat": {"name": METRIC}, "value_format": differs, "set": {"log_type": "DownstreamEnd"}}],
        },
    })
}
