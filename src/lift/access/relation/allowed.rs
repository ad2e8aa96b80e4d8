//! Whether one call of a caller is let through: with every token that means the caller, and with none that does not.

use super::caller::{Caller, Here, NamedBy};
use super::calls::{PROTOCOL, shown};
use super::question::Question;
use crate::lift::LiftError;
use crate::lift::access::probe::{Asked, Message, Outcome, Request, explore};
use crate::model::access::Issuer;
use crate::policy::condition::Condition;

impl<'a> Question<'a> {
    /// The condition under which a call is let through, the same for every token that means the caller and every issuer
    /// that may speak for it; and that it never is otherwise.
    pub(super) fn allowed<'s>(
        &self,
        here: &mut Here<'s, 'a>,
        message: &'s Asked<Message<'s>>,
        caller: &Caller<'_>,
    ) -> Result<Condition, LiftError> {
        let (server, messages) = (here.server, here.messages);
        let mut outcome = Outcome::default();
        let usual = messages.before.as_ref().unwrap_or(&caller.open);
        let all = message.of.call.method == PROTOCOL[0] && self.meets_all(here, caller);
        let any_token = caller.tokens.iter().chain(&caller.unread).next();
        let any = any_token.zip(messages.issuers.first()).map(|(token, issuer)| Request {
            message,
            token,
            issuer,
            shown: usual,
        });
        if let Some(known) = any.filter(|_| !all).and_then(|request| here.known_of(&request)) {
            return Ok(known);
        }
        let another = here.others(caller, if all { usize::MAX } else { 1 });
        for issuer in &messages.issuers {
            let speaks = self.speaks(issuer.of.by, caller);
            // The same subject may be somebody else to this issuer, who is asked about in a turn of its own.
            if !speaks && self.means_another(issuer.of.by, caller) {
                continue;
            }
            let mut others = Outcome::default();
            for token in &caller.unread {
                self.put(here, Request { message, token, issuer, shown: usual }, &mut others)?;
            }
            for (token, named_by) in caller.tokens.iter().zip(&caller.claims) {
                let request = Request { message, token, issuer, shown: usual };
                let is_of = named_by.is_of(issuer.of.by);
                // To an issuer that names callers by `sub`, such a token means whoever `sub` is.
                let has_sub = token.of.texts.contains_key(["sub".to_owned()].as_slice());
                if !is_of && has_sub && matches!(named_by, NamedBy::Claim(..)) {
                    continue;
                }
                let means = speaks && is_of;
                self.put(here, request, if means { &mut outcome } else { &mut others })?;
                for shown in another.iter().copied() {
                    self.put(here, Request { shown, ..request }, &mut others)?;
                }
                if messages.before.is_some() {
                    self.put(here, Request { shown: &caller.open, ..request }, &mut others)?;
                }
            }
            if others.lets_any() {
                return Err(LiftError::Unexpected(format!(
                    "{} on `{server}` is let through with a token or certificate that does not speak for the caller",
                    shown(&message.of.call)
                )));
            }
        }
        let condition = outcome.condition(|| format!("{} on `{server}`", shown(&message.of.call)))?;
        here.sent.push((message, condition.clone()));
        Ok(condition)
    }

    /// Whether tokens of an issuer may name the caller, and the product reads them.
    pub(super) fn speaks(&self, issuer: Option<&Issuer>, caller: &Caller<'_>) -> bool {
        caller.is_spoken_for(issuer) && issuer.is_none_or(|issuer| self.product.reads_callers_of(issuer))
    }

    /// Whether the caller's subject is another principal's in tokens of this issuer.
    fn means_another(&self, issuer: Option<&Issuer>, caller: &Caller<'_>) -> bool {
        issuer.is_some_and(|issuer| {
            self.policy.principals.iter().any(|other| {
                other.subject.as_deref() == caller.subject
                    && caller.subject.is_some()
                    && other.id != caller.principal.id
                    && other.is_spoken_for_by(issuer)
            })
        })
    }

    pub(super) fn put(
        &self,
        here: &mut Here<'_, 'a>,
        request: Request<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), LiftError> {
        let server = here.server;
        explore(&mut here.tree, request, self.transport, &|probe| self.product.decide(server, probe), outcome)
    }
}
