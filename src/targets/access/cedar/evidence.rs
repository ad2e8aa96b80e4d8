//! `evidence.json`: how a policy enforcement point turns an MCP request into a Cedar request, and when it must deny.

use std::collections::BTreeMap;

use serde::Serialize;

use super::layout::{Layout, principal_uid};
use super::{action, kind};
use crate::cedar::{NAMESPACE, Uid};
use crate::model::Model;
use crate::model::access::{AnswerTest, ArgumentTest, ClaimTest, Decimal, Evidence, Identity, Issuer, Jwks, Scalar};
use crate::policy::fact::MTLS;
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

/// Methods that the entries of servers deny.
#[derive(Serialize)]
struct Denied<'a> {
    rule: &'static str,
    servers: BTreeMap<&'a str, Vec<&'static str>>,
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

#[derive(Serialize, Default)]
struct FactSource<'a> {
    from: &'static str,
    holds_if: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contains: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    separator: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differs_from: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    one_of: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    equals_claim: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Earlier<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    all: Vec<FactSource<'a>>,
}

/// A call that the same caller made before.
#[derive(Serialize)]
struct Earlier<'a> {
    server: &'a str,
    tool: &'a str,
    within_seconds: u64,
    answer: BTreeMap<&'a str, serde_json::Value>,
    same: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Method {
    methods: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Uid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<String>,
    resource_id: &'static str,
    rule: &'static str,
}

const DENY: [&str; 6] = [
    "Cedar's decision is not Allow",
    "Cedar's diagnostics report any error, whatever the decision is",
    "the token is missing, expired or not signed by an issuer below for one of its audiences",
    "the request maps to no principal, no action or no resource below",
    "the request does not conform to the schema; every fact is sent, as true or false",
    "anything in this file is not understood",
];

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

const CONTAINS: &str = "the claim equals one of `contains`, or is a list of which an element does, each of its own type and never \
                        a substring; `{server}`, `{tool}` and `{unit}` stand for the YAML names of the called server, the \
                        called tool and the server's unit, and a text that names one that the request has not never matches";
const CONTAINS_BETWEEN: &str = "the claim is a string that is split at `separator`, or a list, of which an element equals one of \
                                `contains`; `{server}`, `{tool}` and `{unit}` stand for the YAML names of the called server, \
                                the called tool and the server's unit, and a text that names one that the request has not \
                                never matches";

fn source_of<'a>(fact: &str, evidence: Option<&'a Evidence>) -> FactSource<'a> {
    let mut source = FactSource {
        from: "nothing",
        holds_if: "never: no evidence is declared for this fact, so send false",
        ..FactSource::default()
    };
    match evidence {
        None => {}
        Some(Evidence::KnownCaller) => {
            source.from = "caller";
            source.holds_if = "the caller is one of `subjects`, or `any_agent` applies to it";
        }
        Some(Evidence::Transport) => {
            source.from = "transport";
            source.holds_if = if fact == MTLS {
                "the hop before the enforcing gateway uses TLS with a verified client certificate; mtls implies \
                 tls: send both as true"
            } else {
                "the hop before the enforcing gateway uses TLS, with or without a client certificate"
            };
        }
        Some(Evidence::Claim(claim)) => {
            source.from = "claim";
            source.path = Some(&claim.path);
            source.scope = claim.scope.as_deref();
            source.separator = claim.separator;
            source.holds_if = match &claim.test {
                ClaimTest::Contains(values) => {
                    source.contains = values.iter().map(Scalar::to_json).collect();
                    match claim.separator {
                        None => CONTAINS,
                        Some(_) => CONTAINS_BETWEEN,
                    }
                }
                ClaimTest::DiffersFrom(other) => {
                    source.differs_from = Some(other);
                    "the claim is a string, not empty, and differs from the claim `differs_from`, which is one too"
                }
                ClaimTest::Present => "the claim is present, not null and not empty",
            };
        }
        Some(Evidence::Issuer(issuer)) => {
            source.from = "issuer";
            source.issuer = Some(issuer);
            source.holds_if = "the claim `iss` of the token is `issuer`";
        }
        Some(Evidence::NotWorkload) => {
            source.from = "user";
            source.holds_if = "the claim `sub` of the token is a string that is not empty, is none of `subjects`, and does not \
                               begin with `spiffe://`: a workload is not a user";
        }
        Some(Evidence::All(pieces)) => {
            source.from = "all";
            source.all = pieces.iter().map(|piece| source_of(fact, Some(piece))).collect();
            source.holds_if = "each of `all` holds";
        }
        Some(Evidence::Called(called)) => {
            source.from = "call";
            source.call = Some(Earlier {
                server: called.server.as_str(),
                tool: called.tool.as_str(),
                within_seconds: called.within.seconds(),
                answer: called.answer.iter().map(|(field, test)| (field.as_str(), literal(test))).collect(),
                same: &called.same,
            });
            source.holds_if = "the same caller made the call `call` at most `within_seconds` ago, it was allowed and \
                               answered without an error, every field of its structured answer that `answer` names is \
                               the value there, of that type, and every argument of this call that `same` names equals \
                               the field of that answer beside it; where any is missing the fact is false";
        }
        Some(Evidence::Argument(argument)) => {
            source.from = "argument";
            source.path = Some(&argument.path);
            source.holds_if = match &argument.test {
                ArgumentTest::Within { at_least, at_most } => {
                    source.at_least = at_least.map(Decimal::to_json);
                    source.at_most = at_most.map(Decimal::to_json);
                    "the request is a `tools/call` whose argument at `path` is a number within the limits given"
                }
                ArgumentTest::OneOf(values) => {
                    source.one_of = values.iter().map(Scalar::to_json).collect();
                    "the request is a `tools/call` whose argument at `path` equals one of `one_of`, of the same type; two \
                     spellings of a number are one number"
                }
                ArgumentTest::Matches(pattern) => {
                    source.matches = Some(pattern);
                    "the request is a `tools/call` whose argument at `path` is a string that `matches` matches as a whole; `*` \
                     is any text in it, and nothing else is special"
                }
                ArgumentTest::EqualsClaim(claim) => {
                    source.equals_claim = Some(claim);
                    "the request is a `tools/call` whose argument at `path` is a number or a string that is not empty, and \
                     equals the claim `equals_claim`, of the same type"
                }
            };
        }
    }
    source
}

fn literal(test: &AnswerTest) -> serde_json::Value {
    match test {
        AnswerTest::Text(text) => text.as_str().into(),
        AnswerTest::Truth(truth) => (*truth).into(),
        AnswerTest::Number(number) => (*number).into(),
    }
}

fn methods() -> Vec<Method> {
    let on = |methods, id: &str, resource: &str, resource_id, rule| Method {
        methods,
        action: Some(Uid::new("Action", id)),
        resource_type: Some(format!("{NAMESPACE}::{resource}")),
        resource_id,
        rule,
    };
    let filtered = |methods, rule| Method { methods, action: None, resource_type: None, resource_id: "none", rule };
    vec![
        on(&["tools/call"], action::CALL_TOOL, kind::TOOL, "{server}/{params.name}", "one decision"),
        on(
            &[
                "initialize",
                "server/discover",
                "ping",
                "notifications/*",
                "tools/list",
                "logging/setLevel",
                "subscriptions/listen that names no resource",
                "a response: `jsonrpc`, `id` and one of `result` and `error`, and no other key",
                "GET of a session",
                "DELETE of a session",
            ],
            action::USE_SERVER,
            kind::SERVER,
            "{server}",
            "one decision; `{server}` is the YAML name of the server that the request is routed to",
        ),
        on(
            &["resources/read", "resources/subscribe", "resources/unsubscribe"],
            action::READ_RESOURCE,
            kind::RESOURCE,
            "{server}/{pattern}",
            "denied where `params.uri` is not in the normal form of RFC 3986 (a segment of its path is `.` or `..`, or a letter, digit, \
             `-`, `.`, `_` or `~` is percent-encoded); else one decision for each of the narrowest URI patterns of the server's \
             entities that match it, in which `*` stands for any text; a pattern is passed over where another one that matches lies \
             within it; allowed if at least one pattern matches and each of these decisions allows",
        ),
        on(&["prompts/get"], action::GET_PROMPT, kind::PROMPT, "{server}/{params.name}", "one decision"),
        filtered(
            &["completion/complete", "subscriptions/listen that names resources"],
            "decided as `prompts/get` of the prompt, or `resources/read` of each resource, that the message names in `params.ref` or \
             `params.notifications`; allowed if each of these decisions allows",
        ),
        filtered(
            &["resources/list", "resources/templates/list"],
            "allowed if some resource of the server is; the answer holds only those that the caller may read",
        ),
        filtered(
            &["prompts/list"],
            "allowed if some prompt of the server is; the answer holds only those that the caller may get",
        ),
    ]
}

fn denied_methods<'a>(layout: &Layout<'a>) -> Option<Denied<'a>> {
    let denying = layout.model.servers.values().filter(|server| !server.denied_methods.is_empty());
    let servers: BTreeMap<&str, Vec<&str>> =
        denying.map(|server| (server.name.value.as_str(), server.denied_methods.keys().copied().collect())).collect();
    (!servers.is_empty()).then_some(Denied {
        rule: "a request for a server that is listed here, with one of the methods listed for it, is denied whoever sends it and \
               whatever Cedar says; it is answered like a method that does not exist",
        servers,
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
