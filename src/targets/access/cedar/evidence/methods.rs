//! Which action and resource each method of the protocol asks for, and what is denied.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cedar::{NAMESPACE, Uid};
use crate::targets::access::cedar::layout::Layout;
use crate::targets::access::cedar::{action, kind};

/// Methods that the entries of servers deny.
#[derive(Serialize)]
pub(super) struct Denied<'a> {
    rule: &'static str,
    pub(super) servers: BTreeMap<&'a str, Vec<&'static str>>,
}

#[derive(Serialize)]
pub(super) struct Method {
    pub(super) methods: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Uid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<String>,
    resource_id: &'static str,
    rule: &'static str,
}

pub(super) const DENY: [&str; 6] = [
    "Cedar's decision is not Allow",
    "Cedar's diagnostics report any error, whatever the decision is",
    "the token is missing, expired or not signed by an issuer below for one of its audiences",
    "the request maps to no principal, no action or no resource below",
    "the request does not conform to the schema; every fact is sent, as true or false",
    "anything in this file is not understood",
];

pub(super) fn methods() -> Vec<Method> {
    let on = |methods, id: &str, resource: &str, resource_id, rule| Method {
        methods,
        action: Some(Uid::new("Action", id)),
        resource_type: Some(format!("{NAMESPACE}::{resource}")),
        resource_id,
        rule,
    };
    let filtered = |methods, rule| Method { methods, action: None, resource_type: None, resource_id: "none", rule };
    vec![
        on(&["tools/call"], action::CALL_TOOL, kind::TOOL, "{server}/{params.name}", "one decision"),
        on(
            &[
                "initialize",
                "server/discover",
                "ping",
                "notifications/*",
                "tools/list",
                "logging/setLevel",
                "subscriptions/listen that names no resource",
                "a response: `jsonrpc`, `id` and one of `result` and `error`, and no other key",
                "GET of a session",
                "DELETE of a session",
            ],
            action::USE_SERVER,
            kind::SERVER,
            "{server}",
            "one decision; `{server}` is the YAML name of the server that the request is routed to",
        ),
        on(
            &["resources/read", "resources/subscribe", "resources/unsubscribe"],
            action::READ_RESOURCE,
            kind::RESOURCE,
            "{server}/{pattern}",
            "denied where `params.uri` is not in the normal form of RFC 3986 (a segment of its path is `.` or `..`, or a letter, digit, \
             `-`, `.`, `_` or `~` is percent-encoded); else one decision for each of the narrowest URI patterns of the server's \
             entities that match it, in which `*` matches any text; a pattern is passed over where another one that matches lies \
             within it; allowed if at least one pattern matches and each of these decisions allows",
        ),
        on(&["prompts/get"], action::GET_PROMPT, kind::PROMPT, "{server}/{params.name}", "one decision"),
        filtered(
            &["completion/complete", "subscriptions/listen that names resources"],
            "decided as `prompts/get` of the prompt, or `resources/read` of each resource, that the message names in `params.ref` or \
             `params.notifications`; allowed if each of these decisions allows",
        ),
        filtered(
            &["resources/list", "resources/templates/list"],
            "allowed if some resource of the server is; the answer holds only those that the caller may read",
        ),
        filtered(
            &["prompts/list"],
            "allowed if some prompt of the server is; the answer holds only those that the caller may get",
        ),
    ]
}

pub(super) fn denied_methods<'a>(layout: &Layout<'a>) -> Option<Denied<'a>> {
    let denying = layout.model.servers.values().filter(|server| !server.denied_methods.is_empty());
    let servers: BTreeMap<&str, Vec<&str>> =
        denying.map(|server| (server.name.value.as_str(), server.denied_methods.keys().copied().collect())).collect();
    (!servers.is_empty()).then_some(Denied {
        rule: "a request for a server that is listed here, with one of the methods listed for it, is denied whoever sends it and \
               whatever Cedar says; it is answered like a method that does not exist",
        servers,
    })
}
