//! The requests that a rule lets through: methods, paths and what they address.

use std::collections::BTreeMap;

use super::{Rules, is};
use crate::model::server::Server;
use crate::policy::condition::Condition;
use crate::policy::{Object, ObjectIx, ObjectKind};
use crate::targets::access::istio::api::security::When;
use crate::targets::access::istio::narrow::excepted;

/// The protocol's own methods, which need no object.
const PROTOCOL: [&str; 6] =
    ["initialize", "logging/setLevel", "notifications/*", "ping", "server/discover", "tools/list"];

/// What is called, in the order of the rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Request {
    /// Anything on the server.
    Whole,
    /// GET and DELETE of sessions.
    Session,
    /// A method without a name.
    Method(&'static str),
    /// `tools/call`.
    Tool(String),
    /// `prompts/get`.
    Prompt(String),
    /// A resource's methods, but for URIs that match one of these.
    Resource(Vec<String>, String),
}

impl<'a> Rules<'a> {
    /// What a principal's cells on a server let through: requests, the object that the claims are about, and when.
    pub(super) fn requests<'c>(
        &'c self,
        server: &Server,
        cells: &[(ObjectIx, &'c Condition)],
    ) -> Vec<(Vec<Request>, &'c Object, Condition)> {
        let mut found = Vec::new();
        if !self.verified {
            // They are all alike here.
            let first = cells.first().map(|(object, condition)| (self.policy.object_at(*object), *condition));
            return first
                .map(|(object, condition)| (vec![Request::Whole], object, condition.clone()))
                .into_iter()
                .collect();
        }
        let mut lists: BTreeMap<[&'static str; 2], (&Object, Condition)> = BTreeMap::new();
        for (index, condition) in cells {
            let object = self.policy.object_at(*index);
            let (request, list) = match &object.kind {
                ObjectKind::Protocol => {
                    let methods = server.permitted(PROTOCOL).into_iter().map(Request::Method);
                    (std::iter::once(Request::Session).chain(methods).collect(), None)
                }
                ObjectKind::Tool(name) => (vec![Request::Tool(name.to_string())], None),
                ObjectKind::Prompt(name) => (vec![Request::Prompt(name.clone())], Some(["prompts/list"; 2])),
                ObjectKind::Resource(uri) => (
                    vec![Request::Resource(excepted(self.policy, object, uri), uri.clone())],
                    Some(["resources/list", "resources/templates/list"]),
                ),
            };
            if let Some(list) = list {
                let (_, any) = lists.entry(list).or_insert_with(|| (object, Condition::never()));
                *any = any.or(condition);
            }
            found.push((request, object, (*condition).clone()));
        }
        // What is listed may be listed by whoever may use some of it.
        found.extend(lists.into_iter().map(|(methods, (object, any))| {
            (server.permitted(methods).into_iter().map(Request::Method).collect(), object, any)
        }));
        found
    }
}

/// All texts of both lists, but for those that a pattern at the start of the second stands for.
pub(super) fn joined(some: Option<Vec<String>>, more: Option<&Vec<String>>) -> Option<Vec<String>> {
    let beginning = more.and_then(|more| more.first()).and_then(|first| first.strip_suffix('*'));
    let told = |text: &&String| beginning.is_none_or(|beginning| !text.starts_with(beginning));
    let mut all: Vec<String> = more.into_iter().flatten().cloned().collect();
    for text in some.iter().flatten().filter(told) {
        if !all.contains(text) {
            all.push(text.clone());
        }
    }
    (!all.is_empty()).then_some(all)
}

/// The HTTP methods and the conditions on headers of each rule for these requests to a server.
pub(super) fn operations(server: &Server, requests: Vec<Request>) -> Vec<(Vec<&'static str>, Vec<When>)> {
    let method = |names: &[&str]| is("request.headers[mcp-method]", names.iter().map(|name| (*name).to_owned()));
    let mut found = Vec::new();
    let (mut methods, mut tools, mut prompts) = (Vec::new(), Vec::new(), Vec::new());
    let mut resources: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for request in requests {
        match request {
            Request::Whole => found.push((vec!["DELETE", "GET", "POST"], Vec::new())),
            Request::Session => found.push((vec!["DELETE", "GET"], Vec::new())),
            Request::Method(name) => methods.push(name),
            Request::Tool(name) => tools.push(name),
            Request::Prompt(name) => prompts.push(name),
            Request::Resource(except, uri) => resources.entry(except).or_default().push(uri),
        }
    }
    if !methods.is_empty() {
        found.push((vec!["POST"], vec![method(&methods)]));
    }
    for (name, names) in [("tools/call", tools), ("prompts/get", prompts)] {
        if !names.is_empty() {
            found.push((vec!["POST"], vec![method(&[name]), is("request.headers[mcp-name]", names)]));
        }
    }
    for (except, uris) in resources {
        let not_values = Some(except).filter(|except| !except.is_empty());
        let of_name = When { key: "request.headers[mcp-name]".to_owned(), values: Some(uris), not_values };
        found.push((
            vec!["POST"],
            vec![
                method(&server.permitted(["resources/read", "resources/subscribe", "resources/unsubscribe"])),
                of_name,
            ],
        ));
    }
    found
}
