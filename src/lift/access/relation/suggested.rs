//! Requests that the model does not suggest and the product does: with the texts that its rules compare requests with.
//!
//! A rule for a tool, a caller or a gateway that the model knows nothing of would be met by no request of the model. So each text
//! that the product asked for is either one of the model's, or put to it in a request of its own, which must be denied.

use std::collections::BTreeSet;

use super::calls::{DENIED, PROTOCOL, RESOURCE, completion};
use super::product::Before;
use super::{Question, STRANGER, USER};
use crate::lift::LiftError;
use crate::lift::access::cel::NOBODY;
use crate::lift::access::probe::{Call, Source, Tree};
use crate::model::access::evidence::SPIFFE;
use crate::model::uri::is_normal;
use crate::policy::visibility::{matches, sample};
use crate::policy::{Object, ObjectKind};

/// Most rounds of texts that lead to further texts.
pub(super) const ROUNDS: usize = 8;

/// Methods that are decided by name or list what is.
const LISTED: [&str; 6] =
    ["tools/call", "tools/list", "prompts/get", "prompts/list", "resources/list", "resources/templates/list"];

/// What is put to the product beside the requests of the model.
#[derive(Debug, Default)]
pub(super) struct Further {
    /// Requests that nobody may make.
    pub(super) forbidden: Vec<Call>,
    /// Requests that mean an object.
    pub(super) of_objects: Vec<(u32, Call)>,
    /// Identities of peers that the rules know beside the gateway before this one.
    pub(super) peers: Vec<String>,
}

impl Question<'_> {
    /// Adds what the product compared requests with and no request had; whether there was any. Declared callers that it asked for
    /// are added to those that its rules name.
    ///
    /// # Errors
    /// Where it asks for an undeclared caller or unit.
    pub(super) fn further(
        &self,
        tree: &Tree,
        objects: &[(&Object, u32)],
        named: &mut BTreeSet<String>,
        further: &mut Further,
    ) -> Result<bool, LiftError> {
        let mut grew = false;
        for (source, text) in tree.compared() {
            match source {
                Source::Claim(path) if self.unit_claim.as_deref() == Some(&**path) => self.check_unit(&text)?,
                Source::Claim(_) if self.subjects.contains(text.as_str()) => grew |= named.insert(text),
                // What evidence asks of the claim, and what tells workloads from users.
                Source::Claim(path) if self.texts_of(path).any(|asked| asked == text) => {}
                Source::Claim(path) if is_sub(path) && [SPIFFE, &format!("{SPIFFE}\u{1}")].contains(&text.as_str()) => {
                }
                Source::Claim(_) if ["", STRANGER, USER, NOBODY].contains(&text.as_str()) => {}
                Source::Claim(_) => {
                    let what = format!("a rule names the caller `{text}`, who is not declared");
                    return Err(LiftError::Unexpected(what));
                }
                Source::Peer => grew |= self.add_peer(text, further),
                Source::Name => {
                    let is_known = |object: &&(&Object, u32)| match &object.0.kind {
                        ObjectKind::Tool(name) => name.as_str() == text,
                        ObjectKind::Prompt(name) => *name == text,
                        ObjectKind::Protocol | ObjectKind::Resource(_) => false,
                    };
                    if text != STRANGER && !objects.iter().any(|object| is_known(&object)) {
                        let methods = ["tools/call"].into_iter().chain(self.decided.prompts.then_some("prompts/get"));
                        for method in methods {
                            let call = Call { name: Some(text.clone()), ..Call::post(method) };
                            grew |= add(&mut further.forbidden, call);
                        }
                    }
                }
                Source::Uri | Source::ReferredUri | Source::SubscribedUri(_) if self.decided.resources => {
                    grew |= self.add_uri(objects, &text, further);
                }
                Source::ReferredName if self.decided.prompts => {
                    let is_prompt = |object: &Object| object.kind == ObjectKind::Prompt(text.clone());
                    if text != STRANGER && !objects.iter().any(|(object, _)| is_prompt(object)) {
                        grew |= add(&mut further.forbidden, completion(true, &text));
                    }
                }
                Source::Method if self.decided.protocol && !is_method(&text) => {
                    grew |= add(&mut further.forbidden, Call { name: Some(STRANGER.to_owned()), ..Call::post(&text) });
                }
                Source::Uri
                | Source::ReferredType
                | Source::ReferredName
                | Source::ReferredUri
                | Source::SubscribedUri(_)
                | Source::Revision
                | Source::Origin
                | Source::Method
                | Source::Issuer => {}
            }
        }
        Ok(grew)
    }

    fn check_unit(&self, text: &str) -> Result<(), LiftError> {
        let is_known = ["", STRANGER].contains(&text)
            || self.model.topology.units.keys().any(|unit| unit.as_str() == text)
            || self.unit_claim.iter().any(|claim| self.texts_of(claim).any(|asked| asked == text));
        match is_known {
            true => Ok(()),
            false => Err(LiftError::Unexpected(format!("a rule names the unit `{text}`, which is not declared"))),
        }
    }

    /// Before a unit's gateway stands the central one alone, so the certificate of anybody else that its rules know is tried.
    fn add_peer(&self, text: String, further: &mut Further) -> bool {
        match self.before {
            Before::Gateway(identity) if identity != text => add(&mut further.peers, text),
            Before::Gateway(_) | Before::Callers => false,
        }
    }

    /// A URI that is of no pattern of the model is forbidden; any other one means the narrowest of its patterns.
    fn add_uri(&self, objects: &[(&Object, u32)], text: &str, further: &mut Further) -> bool {
        let of: Vec<(&str, u32)> = objects
            .iter()
            .filter_map(|(object, index)| match &object.kind {
                ObjectKind::Resource(pattern) if matches(pattern, text) => Some((pattern.as_str(), *index)),
                ObjectKind::Resource(_) | ObjectKind::Protocol | ObjectKind::Tool(_) | ObjectKind::Prompt(_) => None,
            })
            .collect();
        let narrowest = of.iter().find(|(pattern, _)| of.iter().all(|(other, _)| matches(other, &sample(pattern))));
        let calls = self.of_uri(text).into_iter();
        match narrowest {
            _ if !is_normal(text) => calls.filter(|call| add(&mut further.forbidden, call.clone())).count() > 0,
            Some((pattern, _)) if sample(pattern) == text => false,
            Some((_, index)) => calls.filter(|call| add(&mut further.of_objects, (*index, call.clone()))).count() > 0,
            // Of several patterns, none of which holds the others: left to what the target says of those.
            None if !of.is_empty() => false,
            None => calls.filter(|call| add(&mut further.forbidden, call.clone())).count() > 0,
        }
    }
}

fn is_sub(path: &[String]) -> bool {
    matches!(path, [only] if only == "sub")
}

fn is_method(text: &str) -> bool {
    text.is_empty()
        || text.starts_with("notifications/")
        || [&PROTOCOL[..], &RESOURCE, &DENIED, &LISTED].iter().any(|known| known.contains(&text))
}

/// Adds what is not there; whether it was added.
fn add<T: PartialEq>(all: &mut Vec<T>, one: T) -> bool {
    let is_new = !all.contains(&one);
    if is_new {
        all.push(one);
    }
    is_new
}
