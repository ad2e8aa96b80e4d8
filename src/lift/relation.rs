//! From an interpreter of a product to the relation that its files decide: which requests are put to it, for whom.
//!
//! Beside every request of the model there are those that must be denied whoever sends them: unknown tools, prompts and
//! resources, methods that the model knows nothing of, callers that nobody declared, an issuer that may not speak for the
//! caller, and a certificate that names somebody else.

mod calls;
mod crossed;
mod here;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use self::calls::{PROTOCOL, shown};
use self::here::{Caller, Conditions, Here, Known, who};
use super::LiftError;
use super::world::{Asked, Message, Outcome, Peer, Request, Shown, Token, Tree, World, explore};
use crate::model::Model;
use crate::model::access::{ClaimTest, Evidence, Issuer, default_evidence};
use crate::model::name::{ServerName, UnitName};
use crate::model::topology::Topology;
use crate::policy::compare::Lifted;
use crate::policy::condition::{CondId, Condition};
use crate::policy::fact::{MTLS, TLS};
use crate::policy::seen::matches as matches_uri;
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
    /// Whether some resource is of a pattern that takes in every URI.
    open_resources: bool,
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
        let mut evidence: Vec<(u64, Evidence)> = Vec::new();
        let mut differing: Vec<(u64, Vec<String>, Vec<String>)> = Vec::new();
        let asked = asked_for(policy);
        for fact in policy.facts.names() {
            let bit = policy.facts.mask(fact.as_str()).unwrap_or_default();
            let default = || defaults.iter().find(|(name, _)| *name == fact.as_str()).map(|(_, evidence)| evidence);
            let declared = model.identity.as_ref().and_then(|identity| identity.evidence_for(fact.as_str()));
            let Some(found) = declared.or_else(default) else { continue };
            // Facts with the same evidence are one to a product, and stand in conditions as one of them.
            match evidence.iter_mut().find(|(_, known)| known.is_shown_by_the_same(found)) {
                Some((known, _)) if *known & asked == 0 && bit & asked != 0 => {
                    for (of, ..) in differing.iter_mut().filter(|(of, ..)| of == known) {
                        *of = bit;
                    }
                    *known = bit;
                    continue;
                }
                Some(_) if bit & asked == 0 => continue,
                Some(_) | None => {}
            }
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
            open_resources: policy
                .objects
                .iter()
                .any(|object| matches!(&object.kind, ObjectKind::Resource(pattern) if matches_uri(pattern, STRANGER))),
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
        let tree = Tree::default();
        let tests = self.all_tests(server, &objects);
        let sheet = self.sheet(&objects, &tests, &tree);
        let mut here = Here { server, sheet: &sheet, tree, known: Vec::new(), sent: Vec::new() };
        let mut found = Vec::new();
        // Principals that the rules do not name are alike if nothing at all is let through for one of them.
        let mut alike: BTreeSet<(bool, Option<&str>, &'static str)> = BTreeSet::new();
        for (index, principal) in self.policy.principals.iter().enumerate() {
            let Some((kind, subject)) = who(principal) else { continue };
            let is_named = subject.is_none_or(|subject| named.contains(subject));
            let likeness = (subject.is_some(), principal.unit.as_ref().map(|unit| unit.as_str()), kind);
            if !is_named && alike.contains(&likeness) {
                continue;
            }
            let caller = self.caller(principal, kind, subject, &units, &here.tree);
            let conditions = self.known_or_put(&mut here, &caller, principal)?;
            if conditions.iter().all(|(_, condition)| *condition == Condition::never()) {
                if !is_named {
                    alike.insert(likeness);
                }
                continue;
            }
            found.extend(conditions.into_iter().map(|(object, condition)| (index, ObjectIx(object), condition)));
        }
        self.strangers_on(&mut here, &named, &units)?;
        Ok(found)
    }

    /// As [`Self::caller_on`]; what is known of a caller that the product cannot tell from this one is not asked again.
    fn known_or_put(
        &self,
        here: &mut Here<'_, 'a>,
        caller: &Caller<'_>,
        principal: &Principal,
    ) -> Result<Conditions, LiftError> {
        let speaks: Vec<bool> = here.sheet.issuers.iter().map(|issuer| caller.is_spoken_for(issuer.of)).collect();
        if !self.meets_all(here, caller) {
            for index in 0..here.known.len() {
                let Some(first) = here.known.get(index).map(|known| known.questions) else { continue };
                let answers = here.answers(first, caller);
                let known = here.known.get(index).filter(|known| known.speaks == speaks && known.answers == answers);
                if let Some(known) = known {
                    return Ok(known.conditions.clone());
                }
            }
        }
        let conditions = self.caller_on(here, caller, principal)?;
        let questions = here.tree.questions();
        let answers = here.answers(questions, caller);
        here.known.push(Known { speaks, questions, answers, conditions: conditions.clone() });
        Ok(conditions)
    }

    /// Whether this is where a caller shows the certificates of all other principals. What binds certificates to tokens knows no
    /// servers: so there all of them, and elsewhere one.
    fn meets_all(&self, here: &Here<'_, 'a>, caller: &Caller<'_>) -> bool {
        !here.sheet.principals.is_empty()
            && caller.subject.and_then(|subject| self.first.get(subject)) == Some(here.server)
    }

    /// What one caller may do on a server, object by object; and that it may do nothing else.
    fn caller_on<'s>(
        &self,
        here: &mut Here<'s, 'a>,
        caller: &Caller<'_>,
        principal: &Principal,
    ) -> Result<Conditions, LiftError> {
        let (server, sheet) = (here.server, here.sheet);
        here.sent.clear();
        let mut found = Vec::new();
        let mut readable = Condition::never();
        let mut prompts = Condition::never();
        for (object, index, messages) in &sheet.objects {
            let mut condition: Option<Condition> = None;
            for message in messages {
                let allowed = self.allowed(here, message, caller)?;
                match &condition {
                    None => condition = Some(allowed),
                    Some(known) if *known == allowed => {}
                    Some(_) => {
                        let what = shown(&message.of.call);
                        return Err(LiftError::Stranger(format!(
                            "{what} on `{server}` is decided otherwise than `{}` for `{}`",
                            shown(&messages.first().unwrap_or(message).of.call),
                            principal.id
                        )));
                    }
                }
            }
            let Some(condition) = condition else { continue };
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
        let lists = sheet.readable.iter().map(|message| (message, &readable));
        for (message, expected) in lists.chain(sheet.prompts.iter().map(|message| (message, &prompts))) {
            if self.allowed(here, message, caller)? != *expected {
                return Err(LiftError::Stranger(format!(
                    "`{}` on `{server}` is not let through for `{}` exactly where one of what it lists is",
                    message.of.call.method, principal.id
                )));
            }
        }
        for message in &sheet.forbidden {
            if self.allowed(here, message, caller)? != Condition::never() {
                return Err(LiftError::Stranger(format!(
                    "{} on `{server}` is let through for `{}`",
                    shown(&message.of.call),
                    principal.id
                )));
            }
        }
        Ok(found)
    }

    /// That callers whom nobody declared may do nothing.
    fn strangers_on(
        &self,
        here: &mut Here<'_, 'a>,
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
        let (server, sheet) = (here.server, here.sheet);
        let tokens: Vec<Asked<Token>> = tokens.into_iter().map(|token| here.tree.part(token)).collect();
        let open = here.tree.part(Shown { peer: Peer::Open, subject: None });
        let usual = sheet.before.as_ref().unwrap_or(&open);
        let mut known: Vec<(usize, Vec<u64>)> = Vec::new();
        for token in &tokens {
            let alone = std::slice::from_ref(token);
            if known.iter().any(|(first, answers)| here.tree.likeness(*first, alone, &[usual]) == *answers) {
                continue;
            }
            for message in sheet.objects.iter().flat_map(|(_, _, messages)| messages) {
                for issuer in &sheet.issuers {
                    let mut outcome = Outcome::default();
                    self.put(here, Request { message, token, issuer, shown: usual }, &mut outcome)?;
                    if outcome.lets_any() {
                        return Err(LiftError::Stranger(format!(
                            "{} on `{server}` is let through for a caller that nobody declared",
                            shown(&message.of.call)
                        )));
                    }
                }
            }
            let questions = here.tree.questions();
            known.push((questions, here.tree.likeness(questions, alone, &[usual])));
        }
        Ok(())
    }

    /// The condition under which a call is let through, the same for every token that means the caller and every issuer
    /// that may speak for it; and that it never is otherwise.
    fn allowed<'s>(
        &self,
        here: &mut Here<'s, 'a>,
        message: &'s Asked<Message<'s>>,
        caller: &Caller<'_>,
    ) -> Result<Condition, LiftError> {
        let (server, sheet) = (here.server, here.sheet);
        let mut outcome = Outcome::default();
        let usual = sheet.before.as_ref().unwrap_or(&caller.open);
        let all = message.of.call.method == PROTOCOL[0] && self.meets_all(here, caller);
        let any_token = caller.tokens.iter().chain(&caller.unread).next();
        let any = any_token.zip(sheet.issuers.first()).map(|(token, issuer)| Request {
            message,
            token,
            issuer,
            shown: usual,
        });
        if let Some(known) = any.filter(|_| !all).and_then(|request| here.known_of(&request)) {
            return Ok(known);
        }
        let another = here.others(caller, if all { usize::MAX } else { 1 });
        for issuer in &sheet.issuers {
            let speaks = caller.is_spoken_for(issuer.of);
            let mut others = Outcome::default();
            for token in &caller.unread {
                self.put(here, Request { message, token, issuer, shown: usual }, &mut others)?;
            }
            for token in &caller.tokens {
                let request = Request { message, token, issuer, shown: usual };
                self.put(here, request, if speaks { &mut outcome } else { &mut others })?;
                for shown in another.iter().copied() {
                    self.put(here, Request { shown, ..request }, &mut others)?;
                }
                if sheet.before.is_some() {
                    self.put(here, Request { shown: &caller.open, ..request }, &mut others)?;
                }
            }
            if others.lets_any() {
                return Err(LiftError::Stranger(format!(
                    "{} on `{server}` is let through with a token or certificate that does not speak for the caller",
                    shown(&message.of.call)
                )));
            }
        }
        let condition = outcome.condition(|| format!("{} on `{server}`", shown(&message.of.call)))?;
        here.sent.push((message, condition.clone()));
        Ok(condition)
    }

    fn put(&self, here: &mut Here<'_, 'a>, request: Request<'_>, outcome: &mut Outcome) -> Result<(), LiftError> {
        let server = here.server;
        explore(&mut here.tree, request, self.transport, &|world| self.product.decide(server, world), outcome)
    }

    /// The issuers of the model; one that is none where there are none.
    fn issuers(&self) -> Vec<Option<&'a Issuer>> {
        let declared: Vec<_> = self.model.identity.iter().flat_map(|identity| &identity.issuers).map(Some).collect();
        if declared.is_empty() { vec![None] } else { declared }
    }

    /// The tokens that mean a principal, and the certificates that its connections can show.
    fn caller<'b>(
        &self,
        principal: &'b Principal,
        kind: &'static str,
        subject: Option<&'b str>,
        units: &[&UnitName],
        tree: &Tree,
    ) -> Caller<'b> {
        let unit = principal.unit.as_ref();
        let id = subject.unwrap_or(STRANGER);
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
        let (tokens, unread): (Vec<Token>, Vec<Token>) =
            tokens.into_iter().partition(|token| self.product.reads(token));
        let parts = |tokens: Vec<Token>| tokens.into_iter().map(|token| tree.part(token)).collect();
        Caller {
            kind,
            unit,
            subject,
            tokens: parts(tokens),
            unread: parts(unread),
            open: tree.part(Shown { peer: Peer::Open, subject }),
        }
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

/// The facts that some condition asks for.
fn asked_for(policy: &Policy) -> u64 {
    let all = (0..policy.conditions.len()).filter_map(|at| u32::try_from(at).ok()).map(CondId);
    all.flat_map(|at| policy.conditions.get(at).minimal_sets()).fold(0_u64, |all, set| all | *set)
}

fn is_of_caller(path: &[String]) -> bool {
    path.first().is_some_and(|first| matches!(first.as_str(), "sub" | "act"))
}
