//! The filters that know the protocol and no server: what a message is, of which revision, and whether that revision has it.

use serde_json::{Value, json};

use super::matchers::{action, first_of, rbac};
use super::predicate::{MCP, Predicate, any_value, has_header, header_is, is, metadata, of_type, present, starts_with};

use crate::model::deployment::Deployment;
use crate::model::deployment::keys::Envoy;
use crate::model::protocol::{self, Era, REVISION_HEADER, STATELESS, Sent, WITHOUT_HEADER};
use crate::model::url::Url;

/// The filter that says what a message is, and the namespace of what it finds.
pub(super) const MESSAGE: &str = "mcpctl.message";
/// The filter that refuses what the revision of a request does not have.
pub(super) const PROTOCOL: &str = "mcpctl.protocol";
/// What a request is denied for whose headers say something else than its body.
pub(super) const MISMATCH: &str = "headers";
/// That a message is a response. Envoy's own name for the method of one is a method that a request could have, too.
pub(super) fn is_response() -> Predicate {
    metadata(MESSAGE, &["kind"], is("response"))
}

/// What it runs, the same in every bundle.
pub(super) const PROGRAM: &str =
    concat!(include_str!("json.lua"), "\n", include_str!("message.lua"), "\n", include_str!("headers.lua"));

/// The filter that looks at the keys of a message, and at what its headers repeat.
pub(super) fn message() -> Value {
    json!({
        "name": MESSAGE,
        "typed_config": {
            "@type": of_type("envoy.extensions.filters.http.lua.v3.Lua"),
            "default_source_code": {"inline_string": PROGRAM},
        },
    })
}

/// The origins that may call: the gateway's own, the central one's, and those of the settings.
pub(super) fn origins<'a>(urls: impl IntoIterator<Item = &'a str>, settings: Option<&Envoy>) -> Vec<String> {
    let own = urls.into_iter().filter_map(|url| Some(Url::parse(url)?.origin()));
    let more = settings.into_iter().flat_map(|settings| &settings.origins).map(|origin| origin.value.to_string());
    let mut origins: Vec<String> = own.chain(more).collect();
    origins.sort_unstable();
    origins.dedup();
    origins
}

/// The filter that refuses foreign origins, revisions that are not accepted, messages that are two things at once, and methods that
/// the revision does not have.
pub(super) fn filter(deployment: &Deployment, origins: &[String]) -> Value {
    let deny = |what: &str| action(&format!("gateway/deny:{what}"), false);
    let accepted = deployment.accepted_revisions();
    let post = || header_is(":method", "POST");
    let any = |parts: Vec<Predicate>| Predicate::any(parts.into_iter().map(Some));
    let exactly =
        |name: &'static str, values: &[&str]| any(values.iter().map(|value| header_is(name, value)).collect());
    let mut rules = Vec::new();
    let known: Vec<&str> = origins.iter().map(String::as_str).collect();
    let from_a_page = has_header("origin");
    let foreign = match exactly("origin", &known) {
        Some(own) => from_a_page.and(own.negated()),
        None => from_a_page,
    };
    rules.push((foreign, deny("origin")));

    let mut revision: Vec<Predicate> = accepted.iter().map(|known| header_is(REVISION_HEADER, known)).collect();
    let silent = || has_header(REVISION_HEADER).negated();
    if accepted.contains(&WITHOUT_HEADER) {
        revision.push(silent());
    } else if accepted.iter().any(|known| Era::of(known) == Era::Session) {
        // What begins a session cannot know its revision yet.
        revision.push(silent().and(metadata(MCP, &["method"], is("initialize"))));
    }
    rules.extend(any(revision).map(|known| (known.negated(), deny("revision"))));

    rules.push((metadata(MESSAGE, &["kind"], is("mismatch")), deny(MISMATCH)));
    let kind = metadata(MESSAGE, &["kind"], present());
    rules.push((post().and(kind.negated()), deny("message")));

    let stateless = || header_is(REVISION_HEADER, STATELESS);
    if accepted.contains(&STATELESS) {
        rules.push((stateless().and(has(Era::Stateless).negated()), deny("method")));
    }
    if accepted.iter().any(|known| Era::of(known) == Era::Session) {
        rules.push((post().and(stateless().negated()).and(has(Era::Session).negated()), deny("method")));
    }
    rbac(PROTOCOL, first_of(rules, action("gateway/protocol", true)))
}

/// That the revisions of an era have the message.
fn has(era: Era) -> Predicate {
    let values = protocol::of(era).filter_map(|row| match row.sent {
        Sent::Method => Some(is(row.name)),
        Sent::Notifications => row.method().map(starts_with),
        Sent::Response | Sent::Http => None,
    });
    let methods = metadata(MCP, &["method"], any_value(values.collect()));
    let responds = protocol::of(era).any(|row| row.sent == Sent::Response);
    Predicate::any([Some(methods.clone()), responds.then(is_response)]).unwrap_or(methods)
}
