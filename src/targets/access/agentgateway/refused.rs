//! What agentgateway cannot do, refused at its place.

use super::{settings, tls};
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::Jwks;
use crate::source::Loc;
use crate::targets::TARGET_LIMIT;
use crate::targets::gateways::{Gateway, Hop};

/// What agentgateway would read as something else, or not at all.
pub(super) fn refused(model: &Model, gateways: &[Gateway<'_>]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let mut plain = |what: &str, value: &str, loc: Loc| {
        if value.contains('$') {
            let message = format!("{what} `{value}` holds a `$`, which agentgateway replaces by its environment");
            faults.push(Diagnostic::new(&TARGET_LIMIT, loc, message));
        }
    };
    // Rules compare audiences with it where tokens are for one server each.
    if let (true, Some(url)) = (model.has_tokens_per_server(), &model.topology.central_gateway) {
        plain("URL", &url.value, url.loc);
    }
    for issuer in model.identity.iter().flat_map(|identity| &identity.issuers) {
        plain("issuer", &issuer.issuer.value, issuer.issuer.loc);
        for audience in &issuer.audiences {
            plain("audience", &audience.value, audience.loc);
        }
        match issuer.keys.as_ref().map(|keys| (&keys.value, keys.loc)) {
            Some((Jwks::Url(url), loc)) => plain("URL", url, loc),
            Some((Jwks::File(path), loc)) => plain("path", path, loc),
            None => {}
        }
    }
    for gateway in gateways {
        for path in tls(model, gateway.name).into_iter().flat_map(|tls| [&tls.cert, &tls.key, &tls.ca]) {
            plain("path", &path.value, path.loc);
        }
        for route in &gateway.routes {
            let (url, loc) = match route.to {
                Hop::Server(url) => (url, route.server.url.as_ref().map(|url| url.loc)),
                Hop::Gateway(_, url) => (url, model.registry),
            };
            plain("URL", url, loc.unwrap_or(route.server.name.loc));
        }
    }
    let clear = gateways.iter().flat_map(|gateway| &gateway.routes).find_map(|route| match route.to {
        Hop::Gateway(unit, url) if !url.starts_with("https://") => model.topology.units.get(unit),
        Hop::Gateway(..) | Hop::Server(_) => None,
    });
    if let Some(unit) = clear {
        let message =
            format!("the gateway of unit `{}` is reached in clear text, and so not known by a certificate", unit.name);
        let loc = unit.gateway.as_ref().map_or(unit.name.loc, |gateway| gateway.loc);
        faults.push(Diagnostic::new(&TARGET_LIMIT, loc, message).help("write its URL with `https://`"));
    }
    for gateway in gateways {
        let listen = settings(model, gateway.name).and_then(|settings| settings.listen.as_ref());
        if let Some(listen) = listen.filter(|listen| !matches!(listen.value.host.as_str(), "0.0.0.0" | "::")) {
            let message = format!("agentgateway listens on every address, not on `{}` alone", listen.value.host);
            faults.push(Diagnostic::new(&TARGET_LIMIT, listen.loc, message).help("write `0.0.0.0` with the port"));
        }
    }
    faults.sort_by(|a, b| (a.loc, &a.message).cmp(&(b.loc, &b.message)));
    faults.dedup();
    faults
}
