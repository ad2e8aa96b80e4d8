//! The requests that are put to a product: what means an object, what nobody may send, and how facts show in them.

use super::{Question, STRANGER, UNKNOWN};
use crate::lift::access::probe::{Call, FactTests, Http, Shape};
use crate::lift::access::protocol::{COMPLETE, LISTEN};
use crate::model::access::{ClaimTest, Evidence, Scalar};
use crate::model::name::ServerName;
use crate::model::uri::dodges;
use crate::policy::visibility::sample;
use crate::policy::{Object, ObjectKind};

/// Methods that only a caller with some access to the server may use.
pub(super) const PROTOCOL: [&str; 9] = [
    "initialize",
    "server/discover",
    "ping",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/\u{1}x",
    "tools/list",
    "logging/setLevel",
    LISTEN,
];

/// Methods on a resource.
pub(super) const RESOURCE: [&str; 3] = ["resources/read", "resources/subscribe", "resources/unsubscribe"];

/// Methods that nobody may use.
pub(super) const DENIED: [&str; 14] = [
    COMPLETE,
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "tasks/get",
    "tasks/cancel",
    "tasks/result",
    "tasks/list",
    "tasks/update",
    "tools/call\u{1}",
    "Tools/Call",
    "__jsonrpc_response",
    "__jsonrpc_response\u{1}",
    UNKNOWN,
];

/// More resources than one subscription can name at any product.
const TOO_MANY: usize = 5;

fn subscribed(uris: &[&str]) -> Call {
    Call { subscribed: uris.iter().map(|uri| (*uri).to_owned()).collect(), ..Call::post(LISTEN) }
}

/// A completion for a prompt, or else for a resource.
pub(super) fn completion(prompt: bool, of: &str) -> Call {
    Call { reference: Some((prompt, of.to_owned())), ..Call::post(COMPLETE) }
}

fn responses() -> [Call; 2] {
    [Shape::Response, Shape::ErrorResponse].map(|shape| Call { shape, ..Call::post("") })
}

/// The same message as what is two things at once.
pub(super) fn several(call: &Call) -> impl Iterator<Item = Call> {
    Shape::SEVERAL.into_iter().map(|shape| Call { shape, ..call.clone() })
}

impl Question<'_> {
    /// The requests that mean this object; all are decided alike.
    pub(super) fn calls(&self, kind: &ObjectKind) -> Vec<Call> {
        let decided = self.decided;
        match kind {
            ObjectKind::Protocol if decided.protocol => {
                let methods = PROTOCOL.iter().filter(|method| decided.listens || **method != LISTEN);
                let mut calls: Vec<Call> = methods.map(|method| Call::post(method)).collect();
                if decided.sessions {
                    calls.extend([Http::Get, Http::Delete].map(Call::bodiless));
                }
                calls.extend(decided.responses.then(responses).into_iter().flatten());
                calls
            }
            ObjectKind::Tool(tool) => vec![Call { name: Some(tool.to_string()), ..Call::post("tools/call") }],
            ObjectKind::Prompt(prompt) if decided.prompts => {
                let get = Call { name: Some(prompt.clone()), ..Call::post("prompts/get") };
                std::iter::once(get).chain(decided.references.then(|| completion(true, prompt))).collect()
            }
            ObjectKind::Resource(pattern) if decided.resources => self.of_uri(&sample(pattern)),
            ObjectKind::Protocol | ObjectKind::Prompt(_) | ObjectKind::Resource(_) => Vec::new(),
        }
    }

    /// Every request that addresses this URI.
    pub(super) fn of_uri(&self, uri: &str) -> Vec<Call> {
        let named = RESOURCE.iter().map(|method| Call { uri: Some(uri.to_owned()), ..Call::post(method) });
        let completion = self.decided.references.then(|| completion(false, uri));
        let subscriptions = self.decided.subscriptions.then(|| [subscribed(&[uri]), subscribed(&[uri, uri])]);
        named.chain(completion).chain(subscriptions.into_iter().flatten()).collect()
    }

    /// Requests that nobody may make, on a server with resources of these patterns.
    pub(super) fn forbidden<'p>(&self, patterns: impl Iterator<Item = &'p str>) -> Vec<Call> {
        let decided = self.decided;
        let name = |method| Call { name: Some(STRANGER.to_owned()), ..Call::post(method) };
        let mut calls = vec![name("tools/call"), Call::post("tools/call")];
        if decided.protocol {
            calls.extend(DENIED.iter().map(|method| name(method)));
            if !decided.responses {
                calls.extend(responses());
            }
            if decided.alone {
                let plain = ["ping", LISTEN, "resources/list", "prompts/list"].map(Call::post);
                calls.extend(plain.iter().flat_map(several));
            }
            match (decided.listens, decided.subscriptions) {
                (false, _) => calls.extend([subscribed(&[]), subscribed(&[STRANGER])]),
                (true, false) => calls.push(subscribed(&[STRANGER])),
                (true, true) => {}
            }
            if !decided.references {
                calls.extend([completion(true, STRANGER), completion(false, STRANGER)]);
            }
        }
        if decided.prompts {
            calls.push(name("prompts/get"));
            calls.extend(decided.references.then(|| completion(true, STRANGER)));
        }
        if decided.resources {
            let patterns: Vec<&str> = patterns.collect();
            if !self.open_resources {
                calls.extend(self.of_uri(STRANGER));
            }
            if decided.subscriptions {
                calls.push(subscribed(&[STRANGER; TOO_MANY]));
                for uri in patterns.iter().map(|pattern| sample(pattern)) {
                    calls.push(subscribed(&[uri.as_str(); TOO_MANY]));
                    if !self.open_resources {
                        calls.extend([subscribed(&[&uri, STRANGER]), subscribed(&[STRANGER, &uri])]);
                    }
                }
            }
            if decided.spellings {
                calls.extend(patterns.into_iter().flat_map(dodges).flat_map(|uri| self.of_uri(&uri)));
            }
        }
        calls
    }

    /// Whether the entry of a server denies what a call does: a message of that method. HTTP methods and responses have none.
    pub(super) fn denied(&self, server: &ServerName, call: &Call) -> bool {
        let entry = self.model.servers.get(server).map(|server| &server.denied_methods);
        self.decided.methods
            && call.http == Http::Post
            && call.shape == Shape::Request
            && entry.is_some_and(|denied| denied.contains_key(call.method.as_str()))
    }

    /// How each fact shows in a request for this object.
    pub(super) fn tests(&self, object: &Object) -> FactTests {
        let unit = self.model.servers.get(&object.server).and_then(|server| server.unit.as_ref());
        let expanded = |text: &str| -> Option<String> {
            let mut text = text.replace("{server}", object.server.as_str());
            if text.contains("{tool}") {
                let ObjectKind::Tool(tool) = &object.kind else { return None };
                text = text.replace("{tool}", tool.as_str());
            }
            if text.contains("{unit}") {
                text = text.replace("{unit}", unit?.value.as_str());
            }
            Some(text)
        };
        self.evidence
            .iter()
            .filter_map(|(bit, evidence)| {
                let mut evidence = evidence.clone();
                if let Evidence::Claim(claim) = &mut evidence
                    && let ClaimTest::Contains(values) = &mut claim.test
                {
                    // A value that the request cannot show never holds, so no rule may ask for it.
                    let of_object = values.drain(..).filter_map(|value| match value {
                        Scalar::Text(text) => expanded(&text).filter(|text| !text.is_empty()).map(Scalar::Text),
                        Scalar::Truth(_) | Scalar::Number(_) => Some(value),
                    });
                    *values = of_object.collect();
                    if values.is_empty() {
                        return None;
                    }
                }
                Some((*bit, evidence))
            })
            .collect()
    }
}

/// `tools/call` of `charge_card`, for messages.
pub(super) fn shown(call: &Call) -> String {
    let method = match call.http {
        Http::Post => call.method.as_str(),
        Http::Get => "GET",
        Http::Delete => "DELETE",
    };
    match call.name.as_ref().or(call.uri.as_ref()) {
        Some(name) => format!("`{method}` of `{name}`"),
        None => format!("`{method}`"),
    }
}
