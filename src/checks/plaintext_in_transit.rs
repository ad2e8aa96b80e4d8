//! `plaintext-in-transit`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity, upgrade};
use crate::model::access::classification::Classification;
use crate::model::access::{Jwks, MutualTls};
use crate::model::operations::Probe;
use crate::model::topology::Encryption;
use crate::model::url::Url;
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "plaintext-in-transit",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds URLs of servers, gateways, issuers and health checks that are not encrypted while \
               `encryption_in_transit` is `required`, and URLs of servers whose data class asks for `encryption`. For trace exporters it is a warning. Services of the cluster \
               (`NAME.NAMESPACE.svc...`) are left alone under a mesh with strict mutual TLS, and so is the machine itself.",
        why: "What is sent to such a URL can be read and changed on the way.",
        fix: "Use `https`, or the full cluster-local name of a service inside a mesh with `mutual_tls: strict`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let required = model.topology.encryption_in_transit.as_ref().filter(|e| e.value == Encryption::Required);
    let required = required.map(|mode| (mode.loc, "encryption in transit is required here"));
    if !model.complete_for(&["zero_trust_config"]) {
        return;
    }
    let meshed = model.access.mutual_tls.as_ref().is_some_and(|mode| mode.value == MutualTls::Strict);
    let mut judge = |what: &str, text: &str, loc: Loc, severity: Severity, why: Option<(Loc, &str)>| {
        let Some((place, why)) = why else { return };
        let Some(url) = Url::parse(text).filter(Url::is_plaintext) else { return };
        if url.is_loopback() || (meshed && url.is_cluster_local()) {
            return;
        }
        let finding = Diagnostic::new(&CHECK.rule, loc, format!("{what} `{text}` is not encrypted"))
            .maybe_fix(text.strip_prefix("http://").map(|rest| Fix::value(loc, format!("https://{rest}"))));
        let finding = if required.is_none() { finding.upgrade(&upgrade::CLASS_ENCRYPTION) } else { finding };
        report.push(finding.at(severity).label(place, why));
    };
    let classes = Classification::of(&model.access);
    for server in model.servers.values() {
        let Some(url) = &server.url else { continue };
        let class = classes.listed(server.name.value.as_str()).and_then(|listing| listing.class.encryption.as_ref());
        let of_class = class.map(|word| (word.loc, "the class of the server asks for encryption here"));
        // The hop behind a gateway is not the call itself, whose `tls` the class asks for.
        let severity = if required.is_some() { Severity::Error } else { Severity::Warning };
        judge("the server's URL", &url.value, url.loc, severity, required.or(of_class));
    }
    let mut check = |what: &str, text: &str, loc, severity| judge(what, text, loc, severity, required);
    if let Some(url) = &model.topology.central_gateway {
        check("the central gateway", &url.value, url.loc, Severity::Error);
    }
    for url in model.topology.units.values().filter_map(|unit| unit.gateway.as_ref()) {
        check("the unit gateway", &url.value, url.loc, Severity::Error);
    }
    for issuer in model.identity.iter().flat_map(|identity| &identity.issuers) {
        check("the issuer", &issuer.issuer.value, issuer.issuer.loc, Severity::Error);
        if let Some(keys) = &issuer.keys
            && let Jwks::Url(url) = &keys.value
        {
            check("the key set", url, keys.loc, Severity::Error);
        }
    }
    for probe in model.health.values().flat_map(|health| &health.checks).map(|check| &check.probe) {
        if let Probe::Http(Some(url)) = probe {
            check("the health endpoint", &url.value, url.loc, Severity::Error);
        }
    }
    for url in model.tracing.values().flat_map(|tracing| &tracing.exporters).filter_map(|e| e.endpoint.as_ref()) {
        check("the trace endpoint", &url.value, url.loc, Severity::Warning);
    }
}
