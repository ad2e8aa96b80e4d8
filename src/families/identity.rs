//! `identity`, our own family: who is calling, and how each fact is found in a request.

mod called;
mod evidence;
pub(super) mod scalar;

use std::collections::BTreeMap;

use super::decode::OneOrMany;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::families::text::words;
use crate::lower::{At, Lowering, rules};
use crate::model::access::evidence::{APPROVALS, USER_DELEGATION};
use crate::model::access::{DEFAULT_EVIDENCE, Evidence, Identity, Issuer, Jwks};
use crate::model::name::FactName;
use crate::source::Spanned;
use evidence::EvidenceEntry;

/// Who is calling, and how each fact is found in a request. The centre's alone.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// The token issuer, where there is one.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    issuer: Option<Spanned<String>>,
    /// Audiences of which its tokens must name one: a token for somebody else must not work here. They are the same at every
    /// server, so a token for one server works at all of them; `audience: per_server` is narrower. An issuer needs one of the two.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(min = 1), extend("items" = { "type": "string", "format": "mcpctl-subject" })))]
    audiences: Option<Vec<Spanned<String>>>,
    /// `per_server`: a token works only at the server whose URL is in its `aud` (RFC 8707): `{gateway}/{server}/mcp`, or the
    /// server's own `url`. Takes the place of `audiences`.
    audience: Option<Spanned<AudienceWord>>,
    /// How its tokens are issued. `enterprise_managed`: in exchange for an assertion of the enterprise's identity provider
    /// (ID-JAG). Then each token is for one server, and the caller is `client_id` unless `caller` names another claim. `oauth`
    /// where it is absent.
    kind: Option<Spanned<KindWord>>,
    /// URL of its key set.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    jwks: Option<Spanned<String>>,
    /// File of its key set, inside the workspace.
    #[cfg_attr(test, schemars(length(min = 1)))]
    jwks_file: Option<Spanned<String>>,
    /// The claim that names the caller where the token has no `act`: its name, or the path to it. `sub` where it is absent.
    caller: Option<OneOrMany<Spanned<String>>>,
    /// Token issuers, where there are several.
    #[serde(default)]
    issuers: Vec<IssuerEntry>,
    /// The SPIFFE trust domain; flows without a `subject` get theirs from it.
    #[cfg_attr(test, schemars(extend("pattern" = "^[a-z0-9._-]+$")))]
    trust_domain: Option<Spanned<String>>,
    /// The claim that names the unit of a caller that is not a declared principal.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-unit-claim")))]
    business_unit_claim: Option<Spanned<String>>,
    /// How each fact is found, by fact. `service_account_token`, `user_delegation`, `mfa`, `approval_workflow` and
    /// `cross_unit_approval` have defaults.
    #[serde(default)]
    requirements: BTreeMap<Spanned<FactName>, Spanned<EvidenceEntry>>,
}

words! {
    /// `audience`.
    enum AudienceWord { PerServer = "per_server", }
}
words! {
    /// `kind` of an issuer.
    enum KindWord { OAuth = "oauth", EnterpriseManaged = "enterprise_managed", }
}

/// The claim that names the client in an access token. Source: RFC 9068, section 2.2.
const CLIENT: &str = "client_id";

/// A token issuer.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct IssuerEntry {
    /// `iss` of its tokens.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    issuer: Spanned<String>,
    /// Audiences of which its tokens must name one: a token for somebody else must not work here. They are the same at every
    /// server, so a token for one server works at all of them; `audience: per_server` is narrower. An issuer needs one of the two.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(min = 1), extend("items" = { "type": "string", "format": "mcpctl-subject" })))]
    audiences: Option<Vec<Spanned<String>>>,
    /// `per_server`: a token works only at the server whose URL is in its `aud` (RFC 8707): `{gateway}/{server}/mcp`, or the
    /// server's own `url`. Takes the place of `audiences`.
    audience: Option<Spanned<AudienceWord>>,
    /// How its tokens are issued. `enterprise_managed`: in exchange for an assertion of the enterprise's identity provider
    /// (ID-JAG). Then each token is for one server, and the caller is `client_id` unless `caller` names another claim. `oauth`
    /// where it is absent.
    kind: Option<Spanned<KindWord>>,
    /// URL of its key set.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    jwks: Option<Spanned<String>>,
    /// File of its key set, inside the workspace.
    #[cfg_attr(test, schemars(length(min = 1)))]
    jwks_file: Option<Spanned<String>>,
    /// The claim that names the caller where the token has no `act`: its name, or the path to it. `sub` where it is absent.
    caller: Option<OneOrMany<Spanned<String>>>,
    /// Whom its tokens may speak for: `agents`, `flows`, or a unit's name. Kinds and units restrict each by itself:
    /// `[agents, retail]` are the agents of retail. Required where there are two issuers or more; a single issuer without it
    /// speaks for everybody.
    #[cfg_attr(test, schemars(length(min = 1)))]
    speaks_for: Option<Vec<Spanned<String>>>,
}

impl IdentityConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        if at.scope.is_some() {
            return;
        }
        let mut issuers: Vec<Issuer> = Vec::new();
        if let Some(issuer) = self.issuer {
            let entry = IssuerEntry {
                issuer,
                audiences: self.audiences,
                audience: self.audience,
                kind: self.kind,
                jwks: self.jwks,
                jwks_file: self.jwks_file,
                caller: self.caller,
                speaks_for: None,
            };
            issuers.push(entry.lower(out));
        } else if let Some(orphan) = [
            self.audiences.as_ref().and_then(|audiences| audiences.first()).map(|audience| audience.loc),
            self.audience.as_ref().map(|word| word.loc),
            self.kind.as_ref().map(|word| word.loc),
            self.jwks.as_ref().map(|url| url.loc),
            self.jwks_file.as_ref().map(|file| file.loc),
            self.caller.as_ref().and_then(|path| path.0.first()).map(|part| part.loc),
        ]
        .into_iter()
        .flatten()
        .next()
        // Where the issuer could not be read, that is the one fault.
        .filter(|_| out.model.complete_for(&["identity"]))
        {
            let message = "this belongs to `issuer`, which is not set; inside `issuers` each entry has its own";
            out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, orphan, message));
        }
        for entry in self.issuers {
            if out.declare("issuer", &entry.issuer.value, entry.issuer.loc) {
                issuers.push(entry.lower(out));
            }
        }
        if issuers.len() > 1 {
            for issuer in issuers.iter().filter(|issuer| issuer.speaks_for.is_empty()) {
                let message = format!("issuer `{}` does not say whom its tokens may speak for", issuer.issuer);
                let finding = Diagnostic::new(&rules::ISSUER_FOR_ANYBODY, issuer.issuer.loc, message);
                out.report.push(
                    finding.help("write `speaks_for: [agents, flows]`, or the kinds and units that it speaks for"),
                );
            }
        }
        let mut evidence = default_evidence(at);
        for (fact, entry) in self.requirements {
            if matches!(fact.value.as_str(), "tls" | "mtls") {
                let message = format!("`{fact}` is decided by the connection and cannot be given other evidence");
                out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, fact.loc, message));
                continue;
            }
            let (loc, at) = (fact.loc, entry.loc);
            let is_approval = APPROVALS.contains(&fact.value.as_str());
            for scope in entry.value.scopes().into_iter().filter(|_| is_approval) {
                let message =
                    format!("no scope is asked for `{fact}`: another person approves, not the authorization server");
                out.report.push(Diagnostic::new(&rules::APPROVAL_WITH_SCOPE, scope, message).help("remove `scope`"));
            }
            let before = out.model.written_evidence.len();
            let mut found = entry.value.evidence(out, loc, &issuers);
            for written in out.model.written_evidence.iter_mut().skip(before) {
                written.fact = fact.value.clone();
            }
            if is_approval {
                found = found.without_scopes();
            }
            if fact.value.as_str() == USER_DELEGATION {
                // A user is not a workload, whatever else shows that there is one.
                found = Evidence::all([found, Evidence::NotWorkload]);
            }
            evidence.insert(fact.value, Spanned::new(found, at));
        }
        out.model.identity.get_or_insert(Identity {
            loc: at.key,
            issuers,
            trust_domain: self.trust_domain,
            business_unit_claim: self.business_unit_claim,
            evidence,
        });
    }
}

impl IssuerEntry {
    fn lower(self, out: &mut Lowering) -> Issuer {
        let keys = keys(self.jwks, self.jwks_file, out);
        let enterprise = self.kind.filter(|kind| kind.value == KindWord::EnterpriseManaged);
        let per_server = self.audience.map(|word| word.loc).or(enterprise.as_ref().map(|kind| kind.loc));
        let audiences = self.audiences.unwrap_or_default();
        if let (Some(said), Some(first)) = (per_server, audiences.first()) {
            let message = format!(
                "`audiences` of issuer `{}` would let a token for one server work at every server",
                self.issuer
            );
            let finding = Diagnostic::new(&rules::CONFLICTING_VALUES, first.loc, message);
            let help = "remove `audiences`: with `audience: per_server` the audience is the URL of each server";
            out.report.push(finding.label(said, "tokens are for one server").help(help));
        }
        if audiences.is_empty() && per_server.is_none() {
            let message =
                format!("issuer `{}` names no audience, so tokens for other services would work here", self.issuer);
            let finding = Diagnostic::new(&rules::ISSUER_WITHOUT_AUDIENCE, self.issuer.loc, message);
            let help =
                "write `audience: per_server`, or `audiences: [...]` with what tokens for these gateways have in `aud`";
            out.report.push(finding.help(help));
        }
        let caller = self.caller.and_then(|many| {
            let loc = many.0.first()?.loc;
            Some(Spanned::new(many.0.into_iter().map(|part| part.value).collect(), loc))
        });
        let client = enterprise.map(|kind| Spanned::new(vec![CLIENT.to_owned()], kind.loc));
        Issuer {
            caller: caller.or(client),
            issuer: self.issuer,
            audiences: if per_server.is_some() { Vec::new() } else { audiences },
            per_server,
            keys,
            speaks_for: self.speaks_for.unwrap_or_default(),
        }
    }
}

/// Finds the issuer of a text among those declared; one that is not there is an error.
fn declared_issuer(named: Spanned<String>, issuers: &[Issuer], out: &mut Lowering) -> String {
    if !issuers.iter().any(|issuer| issuer.issuer.value == named.value) {
        let message = format!("`{named}` is not an issuer of this workspace, so no token shows this");
        let known = issuers.iter().map(|issuer| issuer.issuer.value.as_str());
        let help = did_you_mean(&named.value, known);
        out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, named.loc, message).maybe_help(help));
    }
    named.value
}

fn keys(url: Option<Spanned<String>>, file: Option<Spanned<String>>, out: &mut Lowering) -> Option<Spanned<Jwks>> {
    if let (Some(url), Some(file)) = (&url, &file) {
        let message = "`jwks` and `jwks_file` cannot both be set";
        out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, file.loc, message).label(url.loc, "set here"));
    }
    url.map(|url| url.map(Jwks::Url)).or(file.map(|file| file.map(Jwks::File)))
}

/// The evidence of the five facts that need no line of their own, and of the two that the connection decides.
fn default_evidence(at: &At) -> BTreeMap<FactName, Spanned<Evidence>> {
    DEFAULT_EVIDENCE
        .iter()
        .map(|(fact, evidence)| (FactName::from(*fact), Spanned::new(evidence.clone(), at.key)))
        .collect()
}
