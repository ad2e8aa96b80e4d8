//! From an interpreter of a product to the relation that its files decide: which requests are put to it, for whom.
//!
//! Beside every request of the model there are those that must be denied whoever sends them: unknown tools, prompts and
//! resources, methods that the model knows nothing of, callers that nobody declared, an issuer that may not speak for the
//! caller, and a certificate that names somebody else.

mod crossed;

mod calls;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use self::calls::{PROTOCOL, shown};
use super::LiftError;
use super::world::{Call, FactTests, Fixed, Outcome, Peer, Token, World, explore};
use crate::model::Model;
use crate::model::access::{ClaimTest, Evidence, Issuer, default_evidence};
use crate::model::name::{ServerName, UnitName};
use crate::model::topology::Topology;
use crate::policy::compare::Lifted;
use crate::policy::condition::Condition;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::{Object, ObjectIx, ObjectKind, Policy, Principal, PrincipalId};

/// A text that no name, subject or URI of a workspace holds.
const STRANGER: &str = "\u{1}stranger";

/// The user on whose behalf a caller acts.
const USER: &str = "\u{1}user";

/// A method that there is not.
const UNKNOWN: &str = "\u{1}x";

/// Which requests a product decides. What it does not decide is not put to it.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    /// The protocol's own methods, and that every other method is denied.
    pub protocol: bool,
    /// GET and DELETE of sessions.
    pub sessions: bool,
    /// Resources, and the lists of them.
    pub resources: bool,
    /// Prompts, and the list of them.
    pub prompts: bool,
    /// Whether a certificate that names another principal than the token must be denied.
    pub certificates: bool,
}

impl Decided {
    /// Everything.
    pub const ALL: Self = Self { protocol: true, sessions: true, resources: true, prompts: true, certificates: true };
}

/// Who may stand before the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before<'a> {
    /// The callers themselves.
    Callers,
    /// A gateway whose certificate names this, and nobody else.
    Gateway(&'a str),
}

/// An interpreter of a product's files.
pub trait Product: Sync {
    /// Whether a request that is routed to this server is let through.
    ///
    /// # Errors
    /// Where the files cannot be read exactly.
    fn decide(&self, server: &ServerName, world: &mut World<'_>) -> Result<bool, LiftError>;

    /// The subjects that the rules for this server name: callers that are none of them are all alike to it.
    fn subjects(&self, server: &ServerName) -> BTreeSet<String>;

    /// Whether it can tell from such a token who calls. Where it cannot, it must deny whatever the token means.
    fn reads(&self, _token: &Token) -> bool {
        true
    }

    /// Whether it tells requests for one server apart. Where not, all of them are decided alike, and those that the model
    /// knows nothing of with them: it is for the server to refuse these.
    fn tells_apart(&self) -> bool {
        true
    }
}

/// What one gateway's files decide.
#[derive(Debug)]
pub struct Part {
    /// The gateway, for messages; empty where there is one alone.
    pub gateway: String,
    /// The relation.
    pub lifted: Lifted,
    /// The servers that it speaks of; `None` for all.
    pub servers: Option<BTreeSet<ServerName>>,
    /// Facts that hold for every request that reaches its rules: `tls`, and `mtls` where no peer comes without certificate.
    pub given: BTreeSet<&'static str>,
}

impl Part {
    /// The one gateway that there is.
    #[must_use]
    pub fn whole(lifted: Lifted) -> Vec<Self> {
        vec![Self { gateway: String::new(), lifted, servers: None, given: BTreeSet::new() }]
    }
}

/// The relation that a product's files decide for these servers. Objects of other servers are left out.
///
/// # Errors
/// Where the files cannot be read exactly, or let a request through that nobody may make.
pub fn relation(
    product: &dyn Product,
    servers: &BTreeSet<ServerName>,
    model: &Model,
    policy: &Policy,
    decided: Decided,
    before: Before<'_>,
) -> Result<Lifted, LiftError> {
    let named =
        servers.iter().rev().flat_map(|server| product.subjects(server).into_iter().map(move |s| (s, server.clone())));
    let question = Question::new(product, model, policy, decided, before, named.collect());
    let rows: Vec<Vec<(usize, ObjectIx, Condition)>> =
        servers.par_iter().map(|server| question.server(server)).collect::<Result<_, _>>()?;
    let mut lifted: Lifted = vec![BTreeMap::new(); policy.principals.len()];
    for (principal, object, condition) in rows.into_iter().flatten() {
        if let Some(row) = lifted.get_mut(principal) {
            row.insert(object, condition);
        }
    }
    Ok(lifted)
}

/// A caller as the product sees it: tokens that all mean the same caller.
struct Caller<'a> {
    kind: &'static str,
    unit: Option<&'a UnitName>,
    subject: Option<&'a str>,
    tokens: Vec<Token>,
    /// Tokens that mean the caller, too, but not to the product.
    unread: Vec<Token>,
}

struct Question<'a> {
    product: &'a dyn Product,
    model: &'a Model,
    policy: &'a Policy,
    decided: Decided,
    before: Before<'a>,
    evidence: Vec<(u64, Evidence)>,
    transport: (u64, u64),
    /// The facts that show as a difference between claims of the caller, with the two paths.
    differing: Vec<(u64, Vec<String>, Vec<String>)>,
    unit_claim: Option<Vec<String>>,
    /// For each subject, one server whose rules name it.
    first: BTreeMap<String, ServerName>,
    /// Identities of gateways, which hold the tokens of others and so may bring none.
    gateways: Vec<String>,
}

impl<'a> Question<'a> {
    fn new(
        product: &'a dyn Product,
        model: &'a Model,
        policy: &'a Policy,
        decided: Decided,
        before: Before<'a>,
        first: BTreeMap<String, ServerName>,
    ) -> Self {
        let defaults = default_evidence();
        let mut evidence = Vec::new();
        let mut differing = Vec::new();
        for fact in policy.facts.names() {
            let bit = policy.facts.mask(fact.as_str()).unwrap_or_default();
            let default = || defaults.iter().find(|(name, _)| *name == fact.as_str()).map(|(_, evidence)| evidence);
            let declared = model.identity.as_ref().and_then(|identity| identity.evidence_for(fact.as_str()));
            let Some(found) = declared.or_else(default) else { continue };
            if let Evidence::Claim(claim) = found
                && let ClaimTest::DiffersFrom(other) = &claim.test
            {
                differing.push((bit, claim.path.clone(), other.clone()));
            }
            evidence.push((bit, found.clone()));
        }
        let bit = |fact| policy.facts.mask(fact).unwrap_or_default();
        let domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
        let with_gateway = model.topology.units.values().filter(|unit| unit.gateway.is_some());
        let names = with_gateway.map(|unit| unit.name.value.as_str()).chain(["central"]);
        let gateways = domain.map_or_else(Vec::new, |domain| {
            names.map(|name| Topology::gateway_identity(&domain.value, name)).collect()
        });
        let unit_claim = model.identity.as_ref().and_then(|identity| identity.business_unit_claim.as_ref());
        Self {
            product,
            model,
            policy,
            decided,
            before,
            evidence,
            transport: (bit(TLS), bit(MTLS)),
            differing,
            unit_claim: unit_claim.map(|claim| vec![claim.value.clone()]),
            gateways,
            first,
        }
    }

    /// Everything about one server.
    fn server(&self, server: &ServerName) -> Result<Vec<(usize, ObjectIx, Condition)>, LiftError> {
        let objects: Vec<(&Object, u32)> =
            self.policy.index.objects_on(&self.policy.objects, server.as_str()).collect();
        let named = self.product.subjects(server);
        let units = self.units_on(&objects);
        let mut found = Vec::new();
        // Principals that the rules do not name are alike if nothing at all is let through for one of them.
        let mut alike: BTreeSet<(bool, Option<&str>, &'static str)> = BTreeSet::new();
        for (index, principal) in self.policy.principals.iter().enumerate() {
            let Some(caller) = self.caller(principal, &units) else { continue };
            let is_named = caller.subject.is_none_or(|subject| named.contains(subject));
            let likeness = (caller.subject.is_some(), caller.unit.map(|unit| unit.as_str()), caller.kind);
            if !is_named && alike.contains(&likeness) {
                continue;
            }
            let conditions = self.caller_on(server, &objects, &caller, principal)?;
            if conditions.iter().all(|(_, condition)| *condition == Condition::never()) {
                if !is_named {
                    alike.insert(likeness);
                }
                continue;
            }
            found.extend(conditions.into_iter().map(|(object, condition)| (index, ObjectIx(object), condition)));
        }
        self.strangers_on(server, &objects, &named, &units)?;
        Ok(found)
    }

    /// What one caller may do on a server, object by object; and that it may do nothing else.
    fn caller_on(
        &self,
        server: &ServerName,
        objects: &[(&Object, u32)],
        caller: &Caller<'_>,
        principal: &Principal,
    ) -> Result<Vec<(u32, Condition)>, LiftError> {
        let mut found = Vec::new();
        let mut readable = Condition::never();
        let mut prompts = Condition::never();
        for (object, index) in objects {
            let calls = self.calls(&object.kind);
            if calls.is_empty() {
                continue;
            }
            let tests = self.tests(object);
            let mut condition: Option<Condition> = None;
            for call in &calls {
                let here = self.allowed(server, call, caller, &tests)?;
                match &condition {
                    None => condition = Some(here),
                    Some(known) if *known == here => {}
                    Some(_) => {
                        let what = shown(call);
                        return Err(LiftError::Stranger(format!(
                            "{what} on `{server}` is decided otherwise than `{}` for `{}`",
                            shown(calls.first().unwrap_or(call)),
                            principal.id
                        )));
                    }
                }
            }
            let condition = condition.unwrap_or_else(Condition::never);
            match &object.kind {
                ObjectKind::Resource(_) => readable = readable.or(&condition),
                ObjectKind::Prompt(_) => prompts = prompts.or(&condition),
                ObjectKind::Protocol | ObjectKind::Tool(_) => {}
            }
            found.push((*index, condition));
        }
        if !self.product.tells_apart() {
            return Ok(found);
        }
        let tests = self.tests(&Object { server: server.clone(), kind: ObjectKind::Protocol });
        let mut lists: Vec<(&str, &Condition)> = Vec::new();
        if self.decided.resources {
            lists.extend([("resources/list", &readable), ("resources/templates/list", &readable)]);
        }
        if self.decided.prompts {
            lists.push(("prompts/list", &prompts));
        }
        for (method, expected) in lists {
            let condition = self.allowed(server, &Call::post(method), caller, &tests)?;
            if condition != *expected {
                return Err(LiftError::Stranger(format!(
                    "`{method}` on `{server}` is not let through for `{}` exactly where one of what it lists is",
                    principal.id
                )));
            }
        }
        for call in self.forbidden().into_iter().chain(self.crossed(objects)) {
            if self.allowed(server, &call, caller, &tests)? != Condition::never() {
                return Err(LiftError::Stranger(format!(
                    "{} on `{server}` is let through for `{}`",
                    shown(&call),
                    principal.id
                )));
            }
        }
        Ok(found)
    }

    /// That callers whom nobody declared may do nothing.
    fn strangers_on(
        &self,
        server: &ServerName,
        objects: &[(&Object, u32)],
        named: &BTreeSet<String>,
        units: &[&UnitName],
    ) -> Result<(), LiftError> {
        let any_agent = self.policy.principals.iter().any(|p| matches!(p.id, PrincipalId::AnyAgent(_)));
        let with_units = self.policy.principals.iter().any(|p| matches!(p.id, PrincipalId::AnyAgent(Some(_))));
        let mut tokens = Vec::new();
        let declared: BTreeSet<&str> = self.policy.principals.iter().filter_map(|p| p.subject.as_deref()).collect();
        for subject in named {
            // A text that rules name may be nobody's subject, and then nobody comes in by it.
            if !declared.contains(subject.as_str()) && (!any_agent || with_units) {
                tokens.push(self.token(&[(&["sub"], subject)], &[]));
            }
            // Somebody acts, without a name, on behalf of a declared principal.
            tokens.push(self.token(&[(&["sub"], subject)], &[&["act"]]));
            if !any_agent || with_units {
                tokens.push(self.token(&[(&["sub"], subject), (&["act", "sub"], STRANGER)], &[&["act"]]));
            }
        }
        tokens.push(self.token(&[], &[]));
        // An empty subject is nobody's.
        tokens.push(self.token(&[(&["sub"], "")], &[]));
        if !any_agent || with_units {
            tokens.push(self.token(&[(&["sub"], STRANGER)], &[]));
            if let (true, Some(claim)) = (with_units, &self.unit_claim) {
                for mut token in [
                    self.token(&[(&["sub"], STRANGER)], &[]),
                    self.token(&[(&["sub"], USER), (&["act", "sub"], STRANGER)], &[&["act"]]),
                ] {
                    token.texts.insert(claim.clone(), STRANGER.to_owned());
                    tokens.push(token);
                }
                // A unit in a list is no text, so it names no unit.
                let mut token = self.token(&[(&["sub"], STRANGER)], &[]);
                token.objects.push(claim.clone());
                tokens.push(token);
            }
        }
        // Somebody acts, without a name, on behalf of nobody that is declared.
        let nobody = self.token(&[(&["sub"], STRANGER)], &[&["act"]]);
        for (unit, claim) in units.iter().zip(self.unit_claim.iter().cycle()) {
            let mut token = nobody.clone();
            token.texts.insert(claim.clone(), unit.to_string());
            tokens.push(token);
        }
        tokens.push(nobody);
        let calls = objects
            .iter()
            .flat_map(|(object, _)| self.calls(&object.kind).into_iter().map(move |call| (*object, call)));
        for (object, call) in calls {
            let tests = self.tests(object);
            for token in &tokens {
                for issuer in self.issuers() {
                    let mut outcome = Outcome::default();
                    let fixed = Fixed { issuer, tests: &tests, token, ..self.fixed(&call, None) };
                    self.put(server, fixed, &mut outcome)?;
                    if outcome.lets_any() {
                        return Err(LiftError::Stranger(format!(
                            "{} on `{server}` is let through for a caller that nobody declared",
                            shown(&call)
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    /// The condition under which a call is let through, the same for every token that means the caller and every issuer
    /// that may speak for it; and that it never is otherwise.
    fn allowed(
        &self,
        server: &ServerName,
        call: &Call,
        caller: &Caller<'_>,
        tests: &FactTests,
    ) -> Result<Condition, LiftError> {
        let mut outcome = Outcome::default();
        for issuer in self.issuers() {
            let speaks = issuer.is_none_or(|issuer| issuer.may_speak_for(caller.kind, caller.unit));
            let mut others = Outcome::default();
            for token in &caller.unread {
                let fixed = Fixed { issuer, tests, token, ..self.fixed(call, caller.subject) };
                self.put(server, fixed, &mut others)?;
            }
            for token in &caller.tokens {
                let fixed = Fixed { issuer, tests, token, ..self.fixed(call, caller.subject) };
                self.put(server, fixed, if speaks { &mut outcome } else { &mut others })?;
                if self.decided.certificates && self.before == Before::Callers && self.transport.1 != 0 {
                    let others_subject = self.policy.principals.iter().filter_map(|p| p.subject.as_deref());
                    let another = others_subject.filter(|name| Some(*name) != caller.subject);
                    // What binds certificates to tokens knows no servers: all the others once, and elsewhere one of them.
                    let once =
                        call.method == PROTOCOL[0] && caller.subject.and_then(|s| self.first.get(s)) == Some(server);
                    let another = another.take(if once { usize::MAX } else { 1 });
                    for named in another.chain(self.gateways.iter().map(String::as_str)) {
                        let peer = Peer::Named(named.to_owned());
                        let fixed = Fixed { peer: &peer, ..fixed };
                        explore(fixed, &|world| self.product.decide(server, world), &mut others)?;
                    }
                }
                if matches!(self.before, Before::Gateway(_)) {
                    explore(fixed, &|world| self.product.decide(server, world), &mut others)?;
                }
            }
            if others.lets_any() {
                return Err(LiftError::Stranger(format!(
                    "{} on `{server}` is let through with a token or certificate that does not speak for the caller",
                    shown(call)
                )));
            }
        }
        outcome.condition(|| format!("{} on `{server}`", shown(call)))
    }

    fn put(&self, server: &ServerName, fixed: Fixed<'_>, outcome: &mut Outcome) -> Result<(), LiftError> {
        let decide = |world: &mut World<'_>| self.product.decide(server, world);
        match self.before {
            Before::Callers => explore(fixed, &decide, outcome),
            Before::Gateway(identity) => {
                let peer = Peer::Named(identity.to_owned());
                explore(Fixed { peer: &peer, ..fixed }, &decide, outcome)
            }
        }
    }

    fn fixed<'b>(&self, call: &'b Call, subject: Option<&'b str>) -> Fixed<'b> {
        static OPEN: Peer = Peer::Open;
        static EMPTY: Token =
            Token { texts: BTreeMap::new(), objects: Vec::new(), closed: Vec::new(), never: 0, always: 0 };
        static NONE: FactTests = Vec::new();
        Fixed { call, issuer: None, token: &EMPTY, subject, peer: &OPEN, tests: &NONE, transport: self.transport }
    }

    /// The issuers of the model; one that is none where there are none.
    fn issuers(&self) -> Vec<Option<&'a Issuer>> {
        let declared: Vec<_> = self.model.identity.iter().flat_map(|identity| &identity.issuers).map(Some).collect();
        if declared.is_empty() { vec![None] } else { declared }
    }

    /// The tokens that mean a principal; `None` for one that no token can mean.
    fn caller<'b>(&self, principal: &'b Principal, units: &[&UnitName]) -> Option<Caller<'b>> {
        let unit = principal.unit.as_ref();
        let (kind, subject, id) = match (&principal.id, principal.subject.as_deref()) {
            (PrincipalId::Agent(_), Some(subject)) => ("agents", Some(subject), subject),
            (PrincipalId::Flow(_), Some(subject)) => ("flows", Some(subject), subject),
            (PrincipalId::AnyAgent(_), _) => ("agents", None, STRANGER),
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => return None,
        };
        let mut tokens = vec![
            self.token(&[(&["sub"], id)], &[]),
            self.token(&[(&["sub"], USER), (&["act", "sub"], id)], &[&["act"]]),
            self.token(&[(&["sub"], id), (&["act", "sub"], id)], &[&["act"]]),
            self.token(&[(&["act", "sub"], id)], &[&["act"]]),
            // A user that is no text.
            self.token(&[(&["act", "sub"], id)], &[&["act"], &["sub"]]),
        ];
        match (&principal.id, &self.unit_claim) {
            (PrincipalId::AnyAgent(Some(unit)), Some(claim)) => {
                for token in &mut tokens {
                    token.texts.insert(claim.clone(), unit.to_string());
                }
            }
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(claim)) => {
                // A declared principal is itself, whatever unit its token names.
                let plain: Vec<Token> = tokens.iter().take(2).cloned().collect();
                for (unit, mut token) in
                    units.iter().flat_map(|unit| plain.iter().cloned().map(move |token| (unit, token)))
                {
                    token.texts.insert(claim.clone(), unit.to_string());
                    tokens.push(token);
                }
            }
            (PrincipalId::AnyAgent(_) | PrincipalId::Agent(_) | PrincipalId::Flow(_), _) => {}
        }
        let (tokens, unread) = tokens.into_iter().partition(|token| self.product.reads(token));
        Some(Caller { kind, unit, subject, tokens, unread })
    }

    /// A token with these texts, and the facts that follow from them.
    fn token(&self, texts: &[(&[&str], &str)], objects: &[&[&str]]) -> Token {
        let path = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        let texts: BTreeMap<Vec<String>, String> =
            texts.iter().map(|(words, text)| (path(words), (*text).to_owned())).collect();
        let mut token = Token {
            texts,
            objects: objects.iter().map(|words| path(words)).collect(),
            closed: self.unit_claim.iter().cloned().collect(),
            never: 0,
            always: 0,
        };
        for (bit, left, right) in &self.differing {
            let both = token.texts.get(left).zip(token.texts.get(right));
            match both.map(|(left, right)| left != right) {
                Some(true) => token.always |= bit,
                Some(false) => token.never |= bit,
                None if is_of_caller(left) && is_of_caller(right) => token.never |= bit,
                None => {}
            }
        }
        token
    }
}

fn is_of_caller(path: &[String]) -> bool {
    path.first().is_some_and(|first| matches!(first.as_str(), "sub" | "act"))
}
