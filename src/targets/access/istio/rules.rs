//! The rules that let calls to one server through.
//!
//! A caller shows in two ways: as `sub` of a token without `act`, or as `act.sub`. Rules are grouped: callers that the same
//! issuers speak for and that need the same claims share one, with all the tools that they share.

use std::collections::{BTreeMap, BTreeSet};

use kcr_security_istio_io::v1::authorizationpolicies::{
    AuthorizationPolicyRules as Rule, AuthorizationPolicyRulesFrom as From,
    AuthorizationPolicyRulesFromSource as Peers, AuthorizationPolicyRulesTo as To,
    AuthorizationPolicyRulesToOperation as Operation, AuthorizationPolicyRulesWhen as When,
};

use super::claims::{ACT_HEADER, delegation, exact, expanded, key, verified_headers};
use super::narrow::{delegations, excepted};
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::evidence::SPIFFE;
use crate::model::access::{ClaimTest, Evidence};
use crate::model::server::Server;
use crate::policy::condition::Condition;
use crate::policy::{Object, ObjectIx, ObjectKind, Policy, Principal, PrincipalId, PrincipalIx};
use crate::source::Loc;
use crate::targets::Input;
use crate::targets::cluster::Place;

/// The protocol's own methods, which need no object.
const PROTOCOL: [&str; 6] =
    ["initialize", "logging/setLevel", "notifications/*", "ping", "server/discover", "tools/list"];

/// How the caller shows in the token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    /// As `sub`, with nobody acting.
    Subject,
    /// As `act.sub`.
    Actor,
    /// As `act.sub`, with another one as `sub`.
    ActorFor(String),
    /// As `sub`, with nobody acting, and it is none of the declared principals; of this unit.
    OtherSubject(Option<String>),
    /// As `act.sub`, and it is none of the declared principals; of this unit.
    OtherActor(Option<String>),
}

/// A claim that a rule asks for beside the caller's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    key: String,
    values: Option<Vec<String>>,
    not_values: Option<Vec<String>>,
}

impl Asked {
    fn is(key: String, values: Vec<String>) -> Self {
        Self { key, values: Some(values), not_values: None }
    }

    fn when(&self) -> When {
        When { key: self.key.clone(), values: self.values.clone(), not_values: self.not_values.clone() }
    }
}

/// Claims that a rule asks for beside the caller's.
type Claims = BTreeSet<Asked>;

/// What is called, in the order of the rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Request {
    /// Anything on the server.
    Whole,
    /// GET and DELETE of sessions.
    Session,
    /// A method without a name.
    Method(&'static str),
    /// `tools/call`.
    Tool(String),
    /// `prompts/get`.
    Prompt(String),
    /// A resource's methods, but for URIs that match one of these.
    Resource(Vec<String>, String),
}

/// Callers that are alike but for their subjects.
type Alike = (Shown, Vec<String>, Claims);

/// What principals may use on a server, and when.
type Rows<'a> = BTreeMap<PrincipalIx, Vec<(ObjectIx, &'a Condition)>>;

/// What the rules of all servers have in common.
pub(super) struct Rules<'a> {
    model: &'a Model,
    policy: &'a Policy,
    evidence: Vec<(u64, Evidence)>,
    delegations: u64,
    /// The subject of each principal that has one, which Istio takes as it is.
    subjects: Vec<Option<String>>,
    declared: Vec<String>,
    verified: bool,
    /// The principals that may use something on each server, with what they may use.
    by_server: BTreeMap<&'a str, Rows<'a>>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(model: &'a Model, policy: &'a Policy) -> Result<Self, Vec<Diagnostic>> {
        let mut by_server: BTreeMap<&str, Rows<'_>> = BTreeMap::new();
        for (principal, object, cell) in policy.all_cells().filter(|(_, _, cell)| !policy.is_never(cell.condition)) {
            let server = policy.object_at(object).server.as_str();
            let row = by_server.entry(server).or_default().entry(principal).or_default();
            row.push((object, policy.conditions.get(cell.condition)));
        }
        let mut subjects = Vec::new();
        let mut findings = Vec::new();
        for principal in &policy.principals {
            let subject = principal.subject.as_ref().map(|subject| exact(subject, "the subject", principal.loc));
            subjects.push(subject.transpose().unwrap_or_else(|finding| {
                findings.push(*finding);
                None
            }));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let evidence = policy.shown().map(|(bit, evidence)| (bit, evidence.clone())).collect();
        let mut declared: Vec<String> = subjects.iter().flatten().cloned().collect();
        declared.sort();
        declared.dedup();
        Ok(Self {
            model,
            policy,
            evidence,
            delegations: delegations(policy),
            subjects,
            declared,
            verified: verified_headers(model),
            by_server,
        })
    }

    /// The rules for a server behind a gateway whose certificate names `gateway`. None where nobody may use it.
    pub(super) fn of(&self, place: &Place<'_>, gateway: &str) -> Result<Vec<Rule>, Box<Diagnostic>> {
        let mut callers: BTreeMap<Alike, BTreeMap<Request, BTreeSet<String>>> = BTreeMap::new();
        let rows = self.by_server.get(place.server.name.value.as_str());
        for (index, cells) in rows.into_iter().flatten() {
            let principal = self.policy.principal_at(*index);
            let subject = self.subjects.get(index.0 as usize).and_then(Option::as_deref);
            let issuers = self.issuers(principal);
            if issuers.is_empty() {
                continue;
            }
            for (requests, object, condition) in self.requests(place.server, cells) {
                for set in condition.minimal_sets() {
                    let Some(claims) = self.claims(*set, object, place)? else { continue };
                    for shown in self.shown(principal, subject, *set) {
                        let alike = callers.entry((shown, issuers.clone(), claims.clone())).or_default();
                        for request in &requests {
                            alike.entry(request.clone()).or_default().extend(subject.map(str::to_owned));
                        }
                    }
                }
            }
        }
        let mut rules = Vec::new();
        for ((shown, issuers, claims), requests) in callers {
            let mut by_subjects: BTreeMap<BTreeSet<String>, Vec<Request>> = BTreeMap::new();
            for (request, subjects) in requests {
                by_subjects.entry(subjects).or_default().push(request);
            }
            for (subjects, requests) in by_subjects {
                let mut common = self.who(&shown, &issuers, subjects);
                for claim in &claims {
                    // What is asked of one claim is asked at once.
                    let same = common.iter_mut().find(|when| when.key == claim.key && when.values == claim.values);
                    match same {
                        Some(when) => when.not_values = joined(when.not_values.take(), claim.not_values.as_ref()),
                        None => common.push(claim.when()),
                    }
                }
                rules.extend(operations(place.server, requests).into_iter().map(|(methods, headers)| Rule {
                    from: Some(vec![From {
                        source: Some(Peers { principals: Some(vec![gateway.to_owned()]), ..Peers::default() }),
                    }]),
                    to: Some(vec![To {
                        operation: Some(Operation {
                            methods: Some(methods.iter().map(|method| (*method).to_owned()).collect()),
                            paths: Some(vec![place.path.to_owned()]),
                            ..Operation::default()
                        }),
                    }]),
                    when: Some(common.iter().cloned().chain(headers).collect()),
                }));
            }
        }
        Ok(rules)
    }

    /// Where what decides on calls to a server is written: the server, the principals and the rules.
    pub(super) fn places(input: &Input<'_>, place: &Place<'_>) -> Vec<Loc> {
        let mut found = vec![place.loc()];
        let on = input.policy.index.on(place.server.name.value.as_str());
        for (index, row) in (0..).map(PrincipalIx).zip(&input.policy.cells) {
            let start = row.partition_point(|(object, _)| object.0 < on.start);
            for (_, cell) in row.iter().skip(start).take_while(|(object, _)| object.0 < on.end) {
                found.push(input.policy.principal_at(index).loc);
                found.extend(input.policy.rule_at(cell.rule).from.iter().copied());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What a principal's cells on a server let through: requests, the object that the claims are about, and when.
    fn requests<'c>(
        &'c self,
        server: &Server,
        cells: &[(ObjectIx, &'c Condition)],
    ) -> Vec<(Vec<Request>, &'c Object, Condition)> {
        let mut found = Vec::new();
        if !self.verified {
            // They are all alike here.
            let first = cells.first().map(|(object, condition)| (self.policy.object_at(*object), *condition));
            return first
                .map(|(object, condition)| (vec![Request::Whole], object, condition.clone()))
                .into_iter()
                .collect();
        }
        let mut lists: BTreeMap<[&'static str; 2], (&Object, Condition)> = BTreeMap::new();
        for (index, condition) in cells {
            let object = self.policy.object_at(*index);
            let (request, list) = match &object.kind {
                ObjectKind::Protocol => {
                    let methods = server.permitted(PROTOCOL).into_iter().map(Request::Method);
                    (std::iter::once(Request::Session).chain(methods).collect(), None)
                }
                ObjectKind::Tool(name) => (vec![Request::Tool(name.to_string())], None),
                ObjectKind::Prompt(name) => (vec![Request::Prompt(name.clone())], Some(["prompts/list"; 2])),
                ObjectKind::Resource(uri) => (
                    vec![Request::Resource(excepted(self.policy, object, uri), uri.clone())],
                    Some(["resources/list", "resources/templates/list"]),
                ),
            };
            if let Some(list) = list {
                let (_, any) = lists.entry(list).or_insert_with(|| (object, Condition::never()));
                *any = any.or(condition);
            }
            found.push((request, object, (*condition).clone()));
        }
        // What is listed may be listed by whoever may use some of it.
        found.extend(lists.into_iter().map(|(methods, (object, any))| {
            (server.permitted(methods).into_iter().map(Request::Method).collect(), object, any)
        }));
        found
    }

    /// The issuers that may speak for a principal.
    fn issuers(&self, principal: &Principal) -> Vec<String> {
        let all = self.model.identity.iter().flat_map(|identity| &identity.issuers);
        let mut those: Vec<String> = all
            .filter(|issuer| issuer.caller.is_none() && principal.is_spoken_for_by(issuer))
            .map(|issuer| issuer.issuer.value.clone())
            .collect();
        those.sort();
        those.dedup();
        those
    }

    fn unit_claim(&self) -> Option<&'a str> {
        let identity = self.model.identity.as_ref()?;
        identity.business_unit_claim.as_ref().map(|claim| claim.value.as_str())
    }

    /// The ways in which the caller can show, where a set of facts must hold.
    fn shown(&self, principal: &Principal, subject: Option<&str>, set: u64) -> Vec<Shown> {
        match (&principal.id, subject) {
            // Nothing in a token could name its unit.
            (PrincipalId::AnyAgent(Some(_)), _) if self.unit_claim().is_none() => Vec::new(),
            (PrincipalId::AnyAgent(unit), _) => {
                let unit = unit.as_ref().map(|unit| unit.to_string());
                vec![Shown::OtherSubject(unit.clone()), Shown::OtherActor(unit)]
            }
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => Vec::new(),
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(subject)) if set & self.delegations != 0 => {
                vec![Shown::ActorFor(subject.to_owned())]
            }
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(_)) => vec![Shown::Subject, Shown::Actor],
        }
    }

    /// The claims that show a set of facts; `None` where no token can.
    fn claims(&self, set: u64, object: &Object, place: &Place<'_>) -> Result<Option<Claims>, Box<Diagnostic>> {
        let mut claims = Claims::new();
        for (_, evidence) in self.evidence.iter().filter(|(bit, _)| set & bit != 0) {
            let claim = match evidence {
                // The gateway in front asks for the connection that it was called through; callers are known by the rule.
                Evidence::Transport | Evidence::KnownCaller => continue,
                Evidence::Argument(_) | Evidence::Called(_) | Evidence::All(_) => return Ok(None),
                Evidence::Issuer(issuer) => {
                    claims.insert(Asked::is(key(["iss"]), vec![exact(issuer, "the issuer", place.loc())?]));
                    continue;
                }
                Evidence::NotWorkload => {
                    let others = self.declared.iter().filter(|subject| !subject.starts_with(SPIFFE)).cloned();
                    let not_values = std::iter::once(format!("{SPIFFE}*")).chain(others).collect();
                    claims.insert(Asked {
                        key: key(["sub"]),
                        values: Some(vec!["*".to_owned()]),
                        not_values: Some(not_values),
                    });
                    continue;
                }
                Evidence::Claim(_) if delegation(evidence) => continue,
                Evidence::Claim(claim) => claim,
            };
            let key = key(claim.path.iter().map(String::as_str));
            match &claim.test {
                ClaimTest::Present => drop(claims.insert(Asked::is(key, vec!["*".to_owned()]))),
                ClaimTest::Contains(_) => {
                    let texts = claim.test.texts().filter_map(|text| expanded(text, object, place.server));
                    let texts = texts.map(|text| exact(&text, "the text of a claim", place.loc()));
                    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
                    if texts.is_empty() {
                        return Ok(None);
                    }
                    claims.insert(Asked::is(key, texts));
                }
                ClaimTest::DiffersFrom(_) => return Ok(None),
            }
        }
        Ok(Some(claims))
    }

    /// The conditions that name the callers.
    fn who(&self, shown: &Shown, issuers: &[String], subjects: BTreeSet<String>) -> Vec<When> {
        let subject = key(["sub"]);
        let actor = key(["act", "sub"]);
        let unit_claim = self.unit_claim();
        let mut when = vec![is(&key(["iss"]), issuers.iter().cloned())];
        let nobody_acts = || {
            // A token that has `act` without a subject in it names nobody. The header tells, since the claim is an object.
            [is_not(&actor, ["*".to_owned()]), is_not(&format!("request.headers[{ACT_HEADER}]"), ["*".to_owned()])]
        };
        let another = |key: &str| When {
            key: key.to_owned(),
            values: Some(vec!["*".to_owned()]),
            not_values: Some(self.declared.clone()).filter(|declared| !declared.is_empty()),
        };
        let of_unit = |unit: &Option<String>| {
            unit.as_ref().zip(unit_claim).map(|(unit, claim)| is(&key([claim]), [unit.clone()]))
        };
        match shown {
            Shown::Subject => {
                when.push(is(&subject, subjects));
                when.extend(nobody_acts());
            }
            Shown::Actor => when.push(is(&actor, subjects)),
            Shown::ActorFor(name) => {
                when.push(is(&actor, [name.clone()]));
                let not_values = Some(vec![name.clone()]);
                when.push(When { key: subject, values: Some(vec!["*".to_owned()]), not_values });
            }
            Shown::OtherSubject(unit) => {
                when.push(another(&subject));
                when.extend(nobody_acts());
                when.extend(of_unit(unit));
            }
            Shown::OtherActor(unit) => {
                when.push(another(&actor));
                when.extend(of_unit(unit));
            }
        }
        when
    }
}

/// All texts of both lists, but for those that a pattern at the start of the second stands for.
fn joined(some: Option<Vec<String>>, more: Option<&Vec<String>>) -> Option<Vec<String>> {
    let beginning = more.and_then(|more| more.first()).and_then(|first| first.strip_suffix('*'));
    let told = |text: &&String| beginning.is_none_or(|beginning| !text.starts_with(beginning));
    let mut all: Vec<String> = more.into_iter().flatten().cloned().collect();
    for text in some.iter().flatten().filter(told) {
        if !all.contains(text) {
            all.push(text.clone());
        }
    }
    (!all.is_empty()).then_some(all)
}

/// The HTTP methods and the conditions on headers of each rule for these requests to a server.
fn operations(server: &Server, requests: Vec<Request>) -> Vec<(Vec<&'static str>, Vec<When>)> {
    let method = |names: &[&str]| is("request.headers[mcp-method]", names.iter().map(|name| (*name).to_owned()));
    let mut found = Vec::new();
    let (mut methods, mut tools, mut prompts) = (Vec::new(), Vec::new(), Vec::new());
    let mut resources: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for request in requests {
        match request {
            Request::Whole => found.push((vec!["DELETE", "GET", "POST"], Vec::new())),
            Request::Session => found.push((vec!["DELETE", "GET"], Vec::new())),
            Request::Method(name) => methods.push(name),
            Request::Tool(name) => tools.push(name),
            Request::Prompt(name) => prompts.push(name),
            Request::Resource(except, uri) => resources.entry(except).or_default().push(uri),
        }
    }
    if !methods.is_empty() {
        found.push((vec!["POST"], vec![method(&methods)]));
    }
    for (name, names) in [("tools/call", tools), ("prompts/get", prompts)] {
        if !names.is_empty() {
            found.push((vec!["POST"], vec![method(&[name]), is("request.headers[mcp-name]", names)]));
        }
    }
    for (except, uris) in resources {
        let not_values = Some(except).filter(|except| !except.is_empty());
        let of_name = When { key: "request.headers[mcp-name]".to_owned(), values: Some(uris), not_values };
        found.push((
            vec!["POST"],
            vec![
                method(&server.permitted(["resources/read", "resources/subscribe", "resources/unsubscribe"])),
                of_name,
            ],
        ));
    }
    found
}

fn is(key: &str, values: impl IntoIterator<Item = String>) -> When {
    When { key: key.to_owned(), values: Some(values.into_iter().collect()), not_values: None }
}

fn is_not(key: &str, values: impl IntoIterator<Item = String>) -> When {
    When { key: key.to_owned(), values: None, not_values: Some(values.into_iter().collect()) }
}
