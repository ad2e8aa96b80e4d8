//! From an interpreter of a product to the relation that its files decide: which requests are put to it, for whom.
//!
//! Beside every request of the model there are those that must be denied whoever sends them: unknown tools, prompts and
//! resources, methods that the model knows nothing of, undeclared callers, an issuer that may not speak for the
//! caller, and a certificate that names somebody else.

mod allowed;
mod caller;
mod calls;
mod foreign;
mod messages;
mod product;
mod question;
mod reach;
mod suggested;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use self::caller::{Caller, Conditions, Here, Known, who};
use self::calls::shown;
pub use self::product::{Before, Decided, Part, Product};
use self::question::Question;
use self::suggested::{Further, ROUNDS};
use super::probe::{Asked, Issued, Outcome, Peer, Request, Shown, Token, Tree};
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::name::{ServerName, UnitName};
use crate::policy::compare::Lifted;
use crate::policy::condition::Condition;
use crate::policy::{Object, ObjectIx, ObjectKind, Policy, Principal, PrincipalId, PrincipalIx};

/// A text that no name, subject or URI of a workspace holds.
const STRANGER: &str = "\u{1}stranger";

/// The user on whose behalf a caller acts.
const USER: &str = "\u{1}user";

/// A method that there is not.
const UNKNOWN: &str = "\u{1}x";

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

impl<'a> Question<'a> {
    /// Everything about one server.
    fn server(&self, server: &ServerName) -> Result<Vec<(usize, ObjectIx, Condition)>, LiftError> {
        let objects: Vec<(&Object, u32)> =
            self.policy.index.objects_on(&self.policy.objects, server.as_str()).collect();
        let mut named = self.product.subjects(server);
        let units = self.units_on(&objects);
        let tests = self.all_tests(server, &objects);
        let mut tree = Tree::default();
        let mut further = Further::default();
        for _ in 0..ROUNDS {
            let messages = self.messages(server, &objects, &tests, &further, &tree);
            let mut here = Here { server, messages: &messages, tree, known: Vec::new(), sent: Vec::new() };
            let found = self.callers_on(&mut here, &named, &units)?;
            self.strangers_on(&mut here, &named, &units)?;
            // What the product compares requests with must be in some of them.
            let grew = self.further(&here.tree, &objects, &mut named, &mut further)?;
            tree = here.tree;
            if !grew {
                return Ok(found);
            }
        }
        Err(LiftError::Unexpected(format!("the rules for `{server}` ask for an unbounded number of texts")))
    }

    /// What all callers of the model may do on a server.
    fn callers_on(
        &self,
        here: &mut Here<'_, 'a>,
        named: &BTreeSet<String>,
        units: &[&UnitName],
    ) -> Result<Vec<(usize, ObjectIx, Condition)>, LiftError> {
        let mut found = Vec::new();
        // Principals that the rules do not name are alike if nothing at all is let through for one of them.
        let mut alike: BTreeSet<(bool, Option<&str>, bool, Option<&str>)> = BTreeSet::new();
        for (index, principal) in self.policy.principals.iter().enumerate() {
            let Some(subject) = who(principal) else { continue };
            let is_named = subject.is_none_or(|subject| named.contains(subject));
            let is_flow = matches!(principal.id, PrincipalId::Flow(_));
            let unit = principal.unit.as_ref().map(|unit| unit.as_str());
            let likeness = (subject.is_some(), unit, is_flow, principal.issuer.as_deref());
            if !is_named && alike.contains(&likeness) {
                continue;
            }
            let caller = self.caller(principal, subject, units, &here.tree);
            let conditions = self.known_or_put(here, &caller, principal)?;
            if conditions.iter().all(|(_, condition)| *condition == Condition::never()) {
                if !is_named {
                    alike.insert(likeness);
                }
                continue;
            }
            // Where a condition differs from the model's for no token that there is, it is the model's.
            let reach = self.reach(here, &caller);
            found.extend(conditions.into_iter().map(|(object, condition)| {
                let object = ObjectIx(object);
                let cell = self.policy.cell(PrincipalIx(index as u32), object);
                let expected = cell.map(|cell| self.policy.conditions.get(cell.condition));
                let same = expected.and_then(|expected| self.same(&reach, &condition, expected));
                (index, object, same.unwrap_or(condition))
            }));
        }
        Ok(found)
    }

    /// As [`Self::caller_on`]; what is known of a caller that the product cannot tell from this one is not asked again.
    fn known_or_put(
        &self,
        here: &mut Here<'_, 'a>,
        caller: &Caller<'_>,
        principal: &Principal,
    ) -> Result<Conditions, LiftError> {
        let speaks: Vec<bool> = here.messages.issuers.iter().map(|issuer| self.speaks(issuer.of.by, caller)).collect();
        if !self.meets_all(here, caller) {
            // Most of those that are known were put when the product had asked as many questions, so the answers are taken once.
            let mut answered: Option<(usize, Vec<Vec<u64>>)> = None;
            for index in 0..here.known.len() {
                let Some(first) = here.known.get(index).map(|known| known.questions) else { continue };
                let answers = match answered.take() {
                    Some((questions, answers)) if questions == first => answers,
                    Some(_) | None => here.answers(first, caller),
                };
                let known = here.known.get(index).filter(|known| known.speaks == speaks && known.answers == answers);
                if let Some(known) = known {
                    return Ok(known.conditions.clone());
                }
                answered = Some((first, answers));
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
        !here.messages.principals.is_empty()
            && caller.subject.and_then(|subject| self.first.get(subject)) == Some(here.server)
    }

    /// What one caller may do on a server, object by object; and that it may do nothing else.
    fn caller_on<'s>(
        &self,
        here: &mut Here<'s, 'a>,
        caller: &Caller<'_>,
        principal: &Principal,
    ) -> Result<Conditions, LiftError> {
        let (server, messages) = (here.server, here.messages);
        here.sent.clear();
        let mut found = Vec::new();
        let mut readable = Condition::never();
        let mut prompts = Condition::never();
        for (object, index, messages) in &messages.objects {
            let mut condition: Option<Condition> = None;
            for message in messages {
                let allowed = self.allowed(here, message, caller)?;
                match &condition {
                    None => condition = Some(allowed),
                    Some(known) if *known == allowed => {}
                    Some(_) => {
                        let what = shown(&message.of.call);
                        return Err(LiftError::Unexpected(format!(
                            "{what} on `{server}` is decided differently from `{}` for `{}`",
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
        let reach = self.reach(here, caller);
        let lists = messages.readable.iter().map(|message| (message, &readable));
        for (message, expected) in lists.chain(messages.prompts.iter().map(|message| (message, &prompts))) {
            if !reach.same(&self.allowed(here, message, caller)?, expected) {
                return Err(LiftError::Unexpected(format!(
                    "`{}` on `{server}` is not let through for `{}` exactly where one of what it lists is",
                    message.of.call.method, principal.id
                )));
            }
        }
        for message in &messages.forbidden {
            if self.allowed(here, message, caller)? != Condition::never() {
                return Err(LiftError::Unexpected(format!(
                    "{} on `{server}` is let through for `{}`",
                    shown(&message.of.call),
                    principal.id
                )));
            }
        }
        Ok(found)
    }

    /// That undeclared callers may do nothing.
    fn strangers_on(
        &self,
        here: &mut Here<'_, 'a>,
        named: &BTreeSet<String>,
        units: &[&UnitName],
    ) -> Result<(), LiftError> {
        let tokens = self.tokens_of_strangers(named, units);
        let (server, messages) = (here.server, here.messages);
        let tokens: Vec<Asked<Token>> = tokens.into_iter().map(|token| here.tree.part(token)).collect();
        let open = here.tree.part(Shown { peer: Peer::Open, subject: None });
        let usual = messages.before.as_ref().unwrap_or(&open);
        let mut known: Vec<(usize, Vec<u64>)> = Vec::new();
        for token in &tokens {
            let alone = std::slice::from_ref(token);
            if known.iter().any(|(first, answers)| here.tree.likeness(*first, alone, &[usual]) == *answers) {
                continue;
            }
            for message in messages.for_strangers(self.product.tells_apart()) {
                for issuer in &messages.issuers {
                    let mut outcome = Outcome::default();
                    self.put(here, Request { message, token, issuer, shown: usual }, &mut outcome)?;
                    if outcome.lets_any() {
                        return Err(LiftError::Unexpected(format!(
                            "{} on `{server}` is let through for an undeclared caller",
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

    /// The issuers of the model; one that is none where there are none.
    fn issuers(&self) -> Vec<Issued<'a>> {
        let declared: Vec<_> = self.model.identity.iter().flat_map(|identity| &identity.issuers).map(Some).collect();
        let declared = if declared.is_empty() { vec![None] } else { declared };
        let issued = declared.into_iter().map(|by| {
            let (always, never) = self.of_issuer(by);
            Issued { by, always, never }
        });
        issued.collect()
    }
}
