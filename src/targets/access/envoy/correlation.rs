//! The headers that tie records together: the number of a request, which the first gateway makes where there is none, and user
//! and tenant, which each gateway sets from the verified token. What a caller sends in their place is removed before anything
//! reads it.

use serde_json::{Value, json};

use super::Setting;
use super::predicate::{CLAIMS, JWT, of_type};
use super::scope::of_gateway;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::value::HeaderName;
use crate::source::Spanned;
use crate::targets::TARGET_LIMIT;

/// The header that Envoy itself numbers requests by.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// A header that says who the caller is, and the claim that tells it.
pub(super) struct Identity<'m> {
    /// The header's name.
    pub(super) header: &'m str,
    /// The tag of spans and the field of records that say the same.
    pub(super) tag: &'static str,
    /// The claim; `None` where none is declared.
    pub(super) claim: Option<&'m str>,
}

/// The claim that holds the tenant: the business unit of the caller.
pub(super) fn tenant_claim(model: &Model) -> Option<&str> {
    let claim = model.identity.as_ref()?.business_unit_claim.as_ref()?.value.as_str();
    // Envoy's formatters separate the keys of a path by colons.
    (!claim.is_empty() && !claim.contains([':', '%', ')'])).then_some(claim)
}

/// The headers of user and tenant at a gateway.
pub(super) fn identities<'m>(model: &'m Model, setting: &Setting<'_>) -> Vec<Identity<'m>> {
    let Some(tracing) = of_gateway(&model.tracing, setting) else { return Vec::new() };
    let of = |header: &'m Option<Spanned<HeaderName>>, tag, claim| {
        header.as_ref().map(|header| Identity { header: &header.value, tag, claim })
    };
    let user = of(&tracing.user_id_header, "user.id", Some("sub"));
    let tenant = of(&tracing.tenant_id_header, "tenant.id", tenant_claim(model));
    user.into_iter().chain(tenant).collect()
}

/// The formatter of a claim.
pub(super) fn of_claim(claim: &str) -> String {
    format!("%DYNAMIC_METADATA({JWT}:{CLAIMS}:{claim})%")
}

/// The header of the number of requests, where it is not Envoy's own.
pub(super) fn own_request_id<'m>(model: &'m Model, setting: &Setting<'_>) -> Option<&'m str> {
    let header = of_gateway(&model.tracing, setting)?.request_id_header.as_ref()?.value.as_str();
    (!header.eq_ignore_ascii_case(REQUEST_ID)).then_some(header)
}

/// What removes the caller's own words before anything else reads them; none where no such header is declared.
pub(super) fn removals(model: &Model, setting: &Setting<'_>) -> Option<Value> {
    let removed: Vec<Value> =
        identities(model, setting).iter().map(|identity| json!({"remove": identity.header})).collect();
    (!removed.is_empty()).then(|| {
        json!([{
            "name": "mcpctl.correlation",
            "typed_config": {
                "@type": of_type("envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"),
                "mutations": removed,
            },
        }])
    })
}

/// What each request takes along to the next hop.
pub(super) fn additions(model: &Model, setting: &Setting<'_>) -> Vec<Value> {
    let add =
        |key: &str, value: String, how: &str| json!({"header": {"key": key, "value": value}, "append_action": how});
    let identities = identities(model, setting);
    let told = identities
        .iter()
        .filter_map(|identity| Some(add(identity.header, of_claim(identity.claim?), "OVERWRITE_IF_EXISTS_OR_ADD")));
    let number =
        own_request_id(model, setting).map(|header| add(header, "%REQ(X-REQUEST-ID)%".to_owned(), "ADD_IF_ABSENT"));
    told.chain(number).collect()
}

/// Headers that the next gateway would not let through: one with `_` may be read as another with `-`.
pub(super) fn refused(model: &Model) -> Vec<Diagnostic> {
    let headers = model.tracing.values().flat_map(|tracing| {
        [&tracing.request_id_header, &tracing.user_id_header, &tracing.tenant_id_header].into_iter().flatten()
    });
    let mut findings = Vec::new();
    for header in headers.filter(|header| header.value.contains('_')) {
        let message = format!("gateways refuse requests with the header `{header}`, because of its `_`");
        let help = format!("write `{}`", header.value.replace('_', "-"));
        findings.push(Diagnostic::new(&TARGET_LIMIT, header.loc, message).help(help));
    }
    findings
}
