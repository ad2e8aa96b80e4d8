//! `evidence.json`: how a policy enforcement point turns an MCP request into a Cedar request, and when it must deny.

mod methods;
mod source;

use std::collections::BTreeMap;

use serde::Serialize;

use self::methods::{DENY, Denied, Method, denied_methods, methods};
use self::source::{FactSource, source_of};
use super::layout::{Layout, principal_uid};
use crate::cedar::Uid;
use crate::model::Model;
use crate::model::access::{Identity, Issuer, Jwks};
use crate::policy::{Principal, PrincipalId};
use crate::source::Loc;
use crate::targets::CompileError;

/// The format's version.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct File<'a> {
    version: u32,
    deny: Vec<&'static str>,
    tokens: Tokens<'a>,
    principal: PrincipalMap<'a>,
    facts: BTreeMap<&'a str, FactSource<'a>>,
    methods: Vec<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied_methods: Option<Denied<'a>>,
    other_methods: &'static str,
}

#[derive(Serialize)]
struct Tokens<'a> {
    issuers: Vec<IssuerEntry<'a>>,
    speaks_for: &'static str,
    /// Where tokens are for one server each: the audiences of every server, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audiences_of_servers: BTreeMap<&'a str, Vec<String>>,
}

#[derive(Serialize)]
struct IssuerEntry<'a> {
    issuer: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a [String]>,
    speaks_for: Vec<&'a str>,
}

#[derive(Serialize)]
struct PrincipalMap<'a> {
    caller: &'static str,
    certificate: &'static str,
    subjects: BTreeMap<&'a str, Uid>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    of_one_issuer: Vec<Bound<'a>>,
    without_subject: Vec<Uid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    any_agent: Option<AnyAgentMap<'a>>,
    otherwise: &'static str,
}

/// A subject that names a principal in tokens of one issuer alone.
#[derive(Serialize)]
struct Bound<'a> {
    subject: &'a str,
    issuer: &'a str,
    principal: Uid,
}

#[derive(Serialize)]
struct AnyAgentMap<'a> {
    applies_to: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_claim: Option<&'a str>,
    units: BTreeMap<&'a str, Uid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<Uid>,
}

pub(super) fn print(layout: &Layout<'_>) -> Result<String, CompileError> {
    let identity = layout.model.identity.as_ref();
    let names = layout.policy.facts.names();
    let evidence = &layout.policy.evidence;
    let facts = names.iter().zip(evidence).map(|(fact, from)| (fact.as_str(), source_of(fact.as_str(), from.as_ref())));
    let file = File {
        version: FORMAT,
        deny: DENY.to_vec(),
        tokens: Tokens {
            issuers: identity.into_iter().flat_map(|identity| &identity.issuers).map(issuer).collect(),
            speaks_for: "an issuer whose list names `agents` or `flows` vouches only for principals of these kinds \
                         (`any_agent` is one of `agents`), and one whose list names units only for principals of \
                         these; an empty list means all",
            audiences_of_servers: audiences_of_servers(layout.model),
        },
        principal: principal_map(&layout.policy.principals, identity)?,
        facts: facts.collect(),
        methods: methods(),
        denied_methods: denied_methods(layout),
        other_methods: "deny",
    };
    let mut text = serde_json::to_string_pretty(&file)
        .map_err(|cause| CompileError::Refused(format!("the evidence map has no JSON form: {cause}")))?;
    text.push('\n');
    Ok(text)
}

fn audiences_of_servers(model: &Model) -> BTreeMap<&str, Vec<String>> {
    if !model.has_tokens_per_server() {
        return BTreeMap::new();
    }
    let servers = model.servers.values();
    servers.map(|server| (server.name.value.as_str(), model.topology.canonical_uris(server))).collect()
}

fn issuer(issuer: &Issuer) -> IssuerEntry<'_> {
    let (url, file) = match issuer.keys.as_ref().map(|keys| &keys.value) {
        Some(Jwks::Url(url)) => (Some(url.as_str()), None),
        Some(Jwks::File(file)) => (None, Some(file.as_str())),
        None => (None, None),
    };
    IssuerEntry {
        issuer: &issuer.issuer.value,
        audiences: issuer.audiences.iter().map(|audience| audience.value.as_str()).collect(),
        audience: issuer.per_server.map(|_| "one in `audiences_of_servers` of the server that is called"),
        jwks_url: url,
        jwks_file: file,
        caller: issuer.caller.as_ref().map(|path| path.value.as_slice()),
        speaks_for: issuer.speaks_for.iter().map(|kind| kind.value.as_str()).collect(),
    }
}

fn principal_map<'a>(
    principals: &'a [Principal],
    identity: Option<&'a Identity>,
) -> Result<PrincipalMap<'a>, CompileError> {
    let mut subjects: BTreeMap<&str, Uid> = BTreeMap::new();
    let mut of_one_issuer = Vec::new();
    let mut without_subject = Vec::new();
    let mut units = BTreeMap::new();
    let mut any = None;
    for principal in principals {
        let uid = principal_uid(&principal.id);
        match (&principal.id, principal.subject.as_deref()) {
            (PrincipalId::AnyAgent(Some(unit)), _) => {
                units.insert(unit.as_str(), uid);
            }
            (PrincipalId::AnyAgent(None), _) => any = Some(uid),
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(subject)) if principal.issuer.is_some() => {
                let issuer = principal.issuer.as_deref().unwrap_or_default();
                of_one_issuer.push(Bound { subject, issuer, principal: uid });
            }
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(subject)) => {
                if let Some(other) = subjects.insert(subject, uid) {
                    return Err(CompileError::Refused(format!(
                        "the subject `{subject}` is that of both `{other}` and `{}`",
                        principal_uid(&principal.id)
                    )));
                }
            }
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => without_subject.push(uid),
        }
    }
    let any_agent = (any.is_some() || !units.is_empty()).then(|| AnyAgentMap {
        applies_to: "a caller with a valid token whose subject is none of `subjects` and of `of_one_issuer`; with `units`, its unit is the \
                     value of the claim `unit_claim`, which must equal one of them, else the request is denied",
        unit_claim: identity
            .and_then(|identity| identity.business_unit_claim.as_ref())
            .map(|claim| claim.value.as_str()),
        units,
        entity: any,
    });
    Ok(PrincipalMap {
        caller: "the claim `act.sub` where the token has `act` and it is not null, else the claim that `caller` of the token's \
                 issuer names, else `sub`; it must equal one of `subjects`, or the `subject` of an entry of `of_one_issuer` \
                 whose `issuer` is the token's",
        certificate: "where a client certificate names a principal too and it is another one, deny",
        subjects,
        of_one_issuer,
        without_subject,
        any_agent,
        otherwise: "deny",
    })
}

/// Where identity, evidence and subjects are declared, and denied methods.
pub(super) fn places(layout: &Layout<'_>) -> Vec<Loc> {
    let identity = layout.model.identity.iter();
    let declared = identity.flat_map(|identity| {
        std::iter::once(identity.loc).chain(identity.evidence.values().map(|evidence| evidence.loc))
    });
    let denied = layout.model.servers.values().flat_map(|server| server.denied_methods.values().copied());
    declared.chain(layout.policy.principals.iter().map(|principal| principal.loc)).chain(denied).collect()
}
