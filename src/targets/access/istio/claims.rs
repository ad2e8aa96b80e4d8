//! What Istio's authorization can ask of a token, and with which texts.
//!
//! A claim matches a text where it is the text, or a list that holds it. Three things make the product differ from that:
//! texts that begin or end with `*` are patterns, the claims `scope` and `permission` are split at spaces, and a claim that is
//! an object matches nothing. So the first two are refused, and whether a token has `act` at all is read from a header that
//! the proxy itself sets from the claim.

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::{ClaimTest, Evidence, Placeholder};
use crate::source::Loc;
use crate::targets::TARGET_LIMIT;

/// The header into which the proxy copies the claim `act`, object or not.
pub(super) const ACT_HEADER: &str = "x-mcpctl-act";

/// Claims that Istio splits at spaces.
const SPLIT: [&str; 2] = ["scope", "permission"];

/// `request.auth.claims[act][sub]`.
pub(super) fn key<'p>(path: impl IntoIterator<Item = &'p str>) -> String {
    let path = path.into_iter().map(|part| format!("[{part}]"));
    format!("request.auth.claims{}", path.collect::<String>())
}

/// Whether the header `Mcp-Method` and `Mcp-Name` of a request are known to be right.
pub(super) fn verified_headers(model: &Model) -> bool {
    let verified = model.deployment.istio.as_ref().and_then(|keys| keys.verified_headers.as_ref());
    verified.is_some_and(|verified| verified.value)
}

/// Why Istio cannot see the evidence for a fact.
pub(super) fn blind_to(model: &Model, _: &str, evidence: &Evidence) -> Option<&'static str> {
    let claim = match evidence {
        Evidence::KnownCaller
        | Evidence::Transport
        | Evidence::Issuer(_)
        | Evidence::NotWorkload
        | Evidence::All(_) => return None,
        Evidence::Argument(_) => return Some("Istio does not read the bodies of requests"),
        Evidence::Called(_) => return Some("Istio keeps no memory of earlier calls"),
        Evidence::Claim(claim) => claim,
    };
    if claim.path.iter().any(|part| part.is_empty() || part.contains(['[', ']'])) {
        return Some("Istio has no key for a claim whose name is empty or holds brackets");
    }
    let unit_claim = model.identity.as_ref().and_then(|identity| identity.business_unit_claim.as_ref());
    let path: Vec<&str> = claim.path.iter().map(String::as_str).collect();
    let of_caller = matches!(path.first(), Some(&("sub" | "act" | "iss")))
        || unit_claim.is_some_and(|claim| path == [claim.value.as_str()]);
    let values = match &claim.test {
        ClaimTest::DiffersFrom(_) if delegation(evidence) => return None,
        ClaimTest::DiffersFrom(_) => return Some("Istio cannot compare two claims with each other"),
        ClaimTest::Contains(_) | ClaimTest::Is(_) | ClaimTest::Present if of_caller => {
            return Some("that claim tells Istio who is calling, and nothing else");
        }
        ClaimTest::Is(_) => {
            return Some(
                "Istio takes a list with a text for that text, so it cannot tell that a claim is the text alone",
            );
        }
        ClaimTest::Present => return None,
        ClaimTest::Contains(values) => values,
    };
    match (is_split(&path), claim.separator) {
        (true, Some(' ')) | (false, None) => {}
        (true, _) => {
            return Some(
                "Istio splits the claims `scope` and `permission` at spaces, so it would take a part for the whole",
            );
        }
        (false, Some(_)) => return Some("Istio splits no claims but `scope` and `permission`, and these at spaces"),
    }
    if values.iter().any(|value| value.as_text().is_none()) {
        return Some("Istio compares claims with texts alone");
    }
    if claim.test.texts().any(|text| text.starts_with('*') || text.ends_with('*')) {
        return Some("Istio takes a text that begins or ends with `*` for a pattern");
    }
    (claim.test.mentions(Placeholder::Tool) && !verified_headers(model)).then_some(
        "the body of a request names the tool, and Istio does not read bodies; it takes \
         `verified_headers` for that",
    )
}

/// Whether Istio splits a claim at spaces.
pub(super) fn is_split(path: &[&str]) -> bool {
    matches!(path, [name] if SPLIT.contains(name))
}

/// Whether this is that somebody acts for another one: the only comparison of two claims that can be put into rules, since one
/// of the two is then known by name.
pub(super) fn delegation(evidence: &Evidence) -> bool {
    let Evidence::Claim(claim) = evidence else { return false };
    let ClaimTest::DiffersFrom(other) = &claim.test else { return false };
    let (left, right): (Vec<&str>, Vec<&str>) =
        (claim.path.iter().map(String::as_str).collect(), other.iter().map(String::as_str).collect());
    matches!((left.as_slice(), right.as_slice()), (["act", "sub"], ["sub"]) | (["sub"], ["act", "sub"]))
}

/// The text, which Istio must take for itself and not for a pattern.
pub(super) fn exact(text: &str, what: &str, loc: Loc) -> Result<String, Box<Diagnostic>> {
    if text.is_empty() || text.starts_with('*') || text.ends_with('*') {
        let message = format!("{what} `{text}` is a pattern for target `istio`, and no text");
        let finding = Diagnostic::new(&TARGET_LIMIT, loc, message);
        return Err(Box::new(finding.help("choose one that neither begins nor ends with `*`")));
    }
    Ok(text.to_owned())
}

/// Whether a name stands in the header `Mcp-Name` as it is: visible ASCII. Others are sent encoded, and a comma would make
/// one header of two.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
        && !name.starts_with("=?")
        && !name.starts_with('*')
        && !name.ends_with('*')
}

/// A pattern of URIs that Istio matches as it is meant: a URI, or the beginning of one. The rest of it must be plain too.
pub(super) fn is_plain_pattern(pattern: &str) -> bool {
    is_plain(pattern.strip_suffix('*').unwrap_or(pattern)) && !pattern.trim_end_matches('*').contains('*')
}
