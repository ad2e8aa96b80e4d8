//! The requests that are put to a product: what means an object, what nobody may send, and how facts show in them.

use super::{Question, STRANGER, UNKNOWN};
use crate::lift::world::{Call, FactTests, Http};
use crate::model::access::{ClaimTest, Evidence, Scalar};
use crate::model::uri::dodges;
use crate::policy::seen::sample;
use crate::policy::{Object, ObjectKind};

/// Methods that only a caller with some access to the server may use.
pub(super) const PROTOCOL: [&str; 8] = [
    "initialize",
    "server/discover",
    "ping",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/\u{1}x",
    "tools/list",
    "subscriptions/listen",
];

/// Methods on a resource.
pub(super) const RESOURCE: [&str; 3] = ["resources/read", "resources/subscribe", "resources/unsubscribe"];

/// Methods that nobody may use.
pub(super) const DENIED: [&str; 9] = [
    "completion/complete",
    "logging/setLevel",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "tasks/get",
    "tools/call\u{1}",
    "Tools/Call",
    UNKNOWN,
];

impl Question<'_> {
    /// The requests that mean this object; all are decided alike.
    pub(super) fn calls(&self, kind: &ObjectKind) -> Vec<Call> {
        match kind {
            ObjectKind::Protocol if self.decided.protocol => {
                let mut calls: Vec<Call> = PROTOCOL.iter().map(|method| Call::post(method)).collect();
                if self.decided.sessions {
                    for http in [Http::Get, Http::Delete] {
                        calls.push(Call { http, method: String::new(), name: None, uri: None });
                    }
                }
                calls
            }
            ObjectKind::Tool(tool) => vec![Call { name: Some(tool.to_string()), ..Call::post("tools/call") }],
            ObjectKind::Prompt(prompt) if self.decided.prompts => {
                vec![Call { name: Some(prompt.clone()), ..Call::post("prompts/get") }]
            }
            ObjectKind::Resource(pattern) if self.decided.resources => {
                RESOURCE.iter().map(|method| Call { uri: Some(sample(pattern)), ..Call::post(method) }).collect()
            }
            ObjectKind::Protocol | ObjectKind::Prompt(_) | ObjectKind::Resource(_) => Vec::new(),
        }
    }

    /// Requests that nobody may make, on a server with resources of these patterns.
    pub(super) fn forbidden<'p>(&self, patterns: impl Iterator<Item = &'p str>) -> Vec<Call> {
        let name = |method| Call { name: Some(STRANGER.to_owned()), ..Call::post(method) };
        let mut calls = vec![name("tools/call"), Call::post("tools/call")];
        if self.decided.protocol {
            calls.extend(DENIED.iter().map(|method| name(method)));
        }
        if self.decided.prompts {
            calls.push(name("prompts/get"));
        }
        if self.decided.resources {
            let of = |uri: &str| RESOURCE.map(|method| Call { uri: Some(uri.to_owned()), ..Call::post(method) });
            if !self.open_resources {
                calls.extend(of(STRANGER));
            }
            if self.decided.spellings {
                calls.extend(patterns.flat_map(dodges).flat_map(|uri| of(&uri)));
            }
        }
        calls
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
