//! `identity`, our own family: who is calling, and how each fact is found in a request.

mod called;

use std::collections::BTreeMap;

use super::decode::OneOrMany;
use super::text::words;
use crate::diagnostic::Diagnostic;
use crate::lower::{At, Lowering, rules};
use crate::model::access::{ArgumentEvidence, ClaimEvidence, ClaimTest, Evidence, Identity, Issuer, Jwks};
use crate::model::name::FactName;
use crate::model::quantity::Duration;
use crate::source::Spanned;
use called::AnswerWord;

/// Who is calling, and how each fact is found in a request. The centre's alone.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// The token issuer, where there is one.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    issuer: Option<Spanned<String>>,
    /// Audiences that its tokens must name.
    #[serde(default)]
    audiences: Vec<Spanned<String>>,
    /// URL of its key set.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    jwks: Option<Spanned<String>>,
    /// File of its key set, inside the workspace.
    #[cfg_attr(test, schemars(length(min = 1)))]
    jwks_file: Option<Spanned<String>>,
    /// Token issuers, where there are several.
    #[serde(default)]
    issuers: Vec<IssuerEntry>,
    /// The SPIFFE trust domain; flows without a `subject` get theirs from it.
    #[cfg_attr(test, schemars(extend("pattern" = "^[a-z0-9._-]+$")))]
    trust_domain: Option<Spanned<String>>,
    /// The claim that names the unit of a caller that is no declared principal.
    #[cfg_attr(test, schemars(length(min = 1)))]
    business_unit_claim: Option<Spanned<String>>,
    /// How each fact is found, by fact. `service_account_token`, `user_delegation`, `mfa`, `approval_workflow` and
    /// `cross_unit_approval` have defaults.
    #[serde(default)]
    requirements: BTreeMap<Spanned<FactName>, Spanned<EvidenceEntry>>,
}

/// A token issuer.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct IssuerEntry {
    /// `iss` of its tokens.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    issuer: Spanned<String>,
    /// Audiences that its tokens must name.
    #[serde(default)]
    audiences: Vec<Spanned<String>>,
    /// URL of its key set.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    jwks: Option<Spanned<String>>,
    /// File of its key set, inside the workspace.
    #[cfg_attr(test, schemars(length(min = 1)))]
    jwks_file: Option<Spanned<String>>,
    /// Whom its tokens may speak for: `agents`, `flows`, or a unit's name; all where nothing is listed. Kinds and units
    /// restrict each by itself: `[agents, retail]` are the agents of retail.
    #[serde(default)]
    speaks_for: Vec<Spanned<String>>,
}

/// How a fact is found. One of `caller`, `claim`, `argument` and `called`.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("oneOf" = [{"required": ["caller"]}, {"required": ["claim"]}, {"required": ["argument"]}, {"required": ["called"]}])))]
#[serde(deny_unknown_fields)]
struct EvidenceEntry {
    /// `known`: the token names a declared principal, or `any_agent` applies.
    caller: Option<Spanned<CallerWord>>,
    /// A token claim: its name, or the path to it.
    claim: Option<OneOrMany<Spanned<String>>>,
    /// The claim equals this, or is a list with this element. May hold `{server}`, `{tool}` and `{unit}`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    contains: Option<Spanned<String>>,
    /// The claim is present and differs from this other claim (a name, or the path to it).
    differs_from: Option<OneOrMany<Spanned<String>>>,
    /// The OAuth scope that a step-up challenge asks for.
    #[cfg_attr(test, schemars(length(min = 1)))]
    scope: Option<Spanned<String>>,
    /// An argument of the tool call.
    #[cfg_attr(test, schemars(length(min = 1)))]
    argument: Option<Spanned<String>>,
    /// The smallest number that the argument may be.
    at_least: Option<Spanned<i64>>,
    /// The largest number that the argument may be.
    at_most: Option<Spanned<i64>>,
    /// The texts that the argument may be.
    #[serde(default)]
    one_of: Vec<Spanned<String>>,
    /// A call that the same caller made before, as `server/tool`: it was let through, and answered without an error.
    #[cfg_attr(test, schemars(extend("pattern" = "^[A-Za-z0-9_.-]+/[^*]+$")))]
    called: Option<Spanned<String>>,
    /// How long ago that call was answered, at most.
    within: Option<Spanned<Duration>>,
    /// What fields of its answer must be: a text, a whole number, `true` or `false`. A field inside of another is `a.b`.
    #[serde(default)]
    answer: BTreeMap<Spanned<String>, Spanned<AnswerWord>>,
    /// Arguments of the call that is decided, each with the field of the earlier answer that it must equal.
    #[serde(default)]
    same: BTreeMap<Spanned<String>, Spanned<String>>,
}

words! {
    /// `caller`.
    enum CallerWord { Known = "known", }
}

impl IdentityConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        if at.scope.is_some() {
            return;
        }
        let mut issuers: Vec<Issuer> = Vec::new();
        if let Some(issuer) = self.issuer {
            let keys = keys(self.jwks, self.jwks_file, out);
            issuers.push(Issuer { issuer, audiences: self.audiences, keys, speaks_for: Vec::new() });
        } else if let Some(orphan) = self.audiences.first().or(self.jwks.as_ref()).or(self.jwks_file.as_ref()) {
            let message = "this belongs to `issuer`, which is not set; inside `issuers` each entry has its own";
            out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, orphan.loc, message));
        }
        for entry in self.issuers {
            let keys = keys(entry.jwks, entry.jwks_file, out);
            if out.declare("issuer", &entry.issuer.value, entry.issuer.loc) {
                issuers.push(Issuer {
                    issuer: entry.issuer,
                    audiences: entry.audiences,
                    keys,
                    speaks_for: entry.speaks_for,
                });
            }
        }
        let mut evidence = default_evidence(at);
        for (fact, entry) in self.requirements {
            if matches!(fact.value.as_str(), "tls" | "mtls") {
                let message = format!("`{fact}` is decided by the connection and cannot be given other evidence");
                out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, fact.loc, message));
                continue;
            }
            let loc = fact.loc;
            evidence.insert(fact.value, Spanned::new(entry.value.evidence(out, loc), entry.loc));
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

fn keys(url: Option<Spanned<String>>, file: Option<Spanned<String>>, out: &mut Lowering) -> Option<Spanned<Jwks>> {
    if let (Some(url), Some(file)) = (&url, &file) {
        let message = "`jwks` and `jwks_file` cannot both be set";
        out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, file.loc, message).label(url.loc, "set here"));
    }
    url.map(|url| url.map(Jwks::Url)).or(file.map(|file| file.map(Jwks::File)))
}

/// The evidence of the five facts that need no line of their own, and of the two that the connection decides.
fn default_evidence(at: &At) -> BTreeMap<FactName, Spanned<Evidence>> {
    crate::model::access::default_evidence()
        .into_iter()
        .map(|(fact, evidence)| (FactName::from(fact), Spanned::new(evidence, at.key)))
        .collect()
}

impl EvidenceEntry {
    fn evidence(self, out: &mut Lowering, loc: crate::source::Loc) -> Evidence {
        let texts = |many: OneOrMany<Spanned<String>>| many.0.into_iter().map(|part| part.value).collect::<Vec<_>>();
        let stray = |out: &mut Lowering, what: &str| {
            let message = format!("`{what}` has no meaning for this kind of evidence");
            out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, loc, message));
        };
        if self.claim.is_none() && (self.contains.is_some() || self.differs_from.is_some()) {
            stray(out, "contains` and `differs_from");
        }
        if let Some(scope) = self.scope.as_ref().filter(|_| self.claim.is_none()) {
            let message = "a scope can be asked for where a claim is the evidence, and has no meaning here";
            out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, scope.loc, message));
        }
        if let (Some(least), Some(most)) = (&self.at_least, &self.at_most)
            && least.value > most.value
        {
            let message = format!("no number is at least {least} and at most {most}");
            out.report
                .push(Diagnostic::new(&rules::CONFLICTING_VALUES, least.loc, message).label(most.loc, "at most this"));
        }
        if let Some(unknown) = self.contains.as_ref().filter(|text| has_unknown_placeholder(&text.value)) {
            let message =
                format!("`{unknown}` holds a placeholder that is none of `{{server}}`, `{{tool}}` and `{{unit}}`");
            out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, unknown.loc, message));
        }
        if self.argument.is_none() && (self.at_least.is_some() || self.at_most.is_some() || !self.one_of.is_empty()) {
            stray(out, "at_least`, `at_most` and `one_of");
        }
        if let Some(call) = self.called {
            return called::evidence(call, self.within, self.answer, self.same, out);
        }
        if self.within.is_some() || !self.answer.is_empty() || !self.same.is_empty() {
            stray(out, "within`, `answer` and `same");
        }
        if let Some(path) = self.claim {
            let test = match (self.contains, self.differs_from) {
                (Some(value), None) => ClaimTest::Contains(value.value),
                (None, Some(other)) => ClaimTest::DiffersFrom(texts(other)),
                (None, None) => ClaimTest::Present,
                (Some(value), Some(_)) => {
                    stray(out, "differs_from` beside `contains");
                    ClaimTest::Contains(value.value)
                }
            };
            return Evidence::Claim(ClaimEvidence { path: texts(path), test, scope: self.scope.map(|s| s.value) });
        }
        if let Some(name) = self.argument {
            if self.at_least.is_none() && self.at_most.is_none() && self.one_of.is_empty() {
                let message = "an argument needs `at_least`, `at_most` or `one_of`";
                out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, name.loc, message));
            }
            return Evidence::Argument(ArgumentEvidence {
                name: name.value,
                at_least: self.at_least.map(|n| n.value),
                at_most: self.at_most.map(|n| n.value),
                one_of: self.one_of.into_iter().map(|text| text.value).collect(),
            });
        }
        if self.caller.is_none() {
            stray(out, "requirements");
        }
        Evidence::KnownCaller
    }
}

fn has_unknown_placeholder(text: &str) -> bool {
    let known = ["{server}", "{tool}", "{unit}"].iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
    known.contains(['{', '}'])
}
