//! Tokens: those that mean a principal, and those that mean nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::caller::{Caller, NamedBy};
use super::{Question, STRANGER, USER};
use crate::lift::access::probe::{Peer, Shown, Token, Tree};
use crate::model::access::evidence::SPIFFE;
use crate::model::name::UnitName;
use crate::policy::{Principal, PrincipalId};

impl Question<'_> {
    /// The tokens that mean a principal, and the certificates that its connections can show.
    pub(super) fn caller<'b>(
        &self,
        principal: &'b Principal,
        subject: Option<&'b str>,
        units: &[&UnitName],
        tree: &Tree,
    ) -> Caller<'b> {
        let id = subject.unwrap_or(STRANGER);
        let mut null = self.token(&[(&["sub"], id)], &[]);
        // A claim that is null is absent.
        null.nulls.push(vec!["act".to_owned()]);
        let mut tokens = vec![
            self.token(&[(&["sub"], id)], &[]),
            null,
            self.token(&[(&["sub"], USER), (&["act", "sub"], id)], &[&["act"]]),
            self.token(&[(&["sub"], id), (&["act", "sub"], id)], &[&["act"]]),
            self.token(&[(&["act", "sub"], id)], &[&["act"]]),
            // A user that is not text.
            self.token(&[(&["act", "sub"], id)], &[&["act"], &["sub"]]),
        ];
        // Somebody else whom evidence speaks of: a workload, which is not a user, or what a fact asks `sub` to be.
        let users = self.subjects.iter().copied().filter(|subject| !subject.starts_with(SPIFFE));
        let asked: Vec<String> = self.texts_of(&["sub".to_owned()]).map(str::to_owned).collect();
        let others = users.chain(self.subjects.iter().copied().filter(|s| s.starts_with(SPIFFE) && *s != id).take(1));
        for other in others.chain(asked.iter().map(String::as_str)).filter(|other| *other != id) {
            tokens.push(self.token(&[(&["sub"], other), (&["act", "sub"], id)], &[&["act"]]));
        }
        let workload = format!("{SPIFFE}{STRANGER}");
        if subject.is_none() {
            tokens.push(self.token(&[(&["sub"], &workload)], &[]));
        }
        // An undeclared workload is not a user either.
        tokens.push(self.token(&[(&["sub"], &workload), (&["act", "sub"], id)], &[&["act"]]));
        // By the claims that other issuers name callers with, whatever `sub` is.
        let mut by_claim: Vec<(Vec<String>, Token)> = Vec::new();
        for path in &self.caller_claims {
            for sub in [None, Some(USER), Some(id)] {
                let mut token = match sub {
                    Some(sub) => self.token(&[(&["sub"], sub)], &[]),
                    None => self.token(&[], &[]),
                };
                token.texts.insert(path.to_vec(), id.to_owned());
                by_claim.push((path.to_vec(), token));
            }
        }
        match (&principal.id, &self.unit_claim) {
            (PrincipalId::AnyAgent(Some(unit)), Some(claim)) => {
                for token in tokens.iter_mut().chain(by_claim.iter_mut().map(|(_, token)| token)) {
                    token.texts.insert(claim.clone(), unit.to_string());
                }
            }
            (PrincipalId::AnyAgent(None) | PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(claim)) => {
                // A declared principal is itself, whatever unit its token names.
                let plain: Vec<Token> = [0, 2].iter().filter_map(|at| tokens.get(*at).cloned()).collect();
                for unit in units {
                    for mut token in plain.iter().cloned() {
                        token.texts.insert(claim.clone(), unit.to_string());
                        tokens.push(token);
                    }
                }
                // Evidence may read the claim of units, too.
                let read = self.evidence.iter().flat_map(|(_, evidence)| evidence.claims()).any(|c| c.path == *claim);
                let asked = self.texts_of(claim).map(str::to_owned).chain(read.then(|| STRANGER.to_owned()));
                let every = tokens.clone();
                for text in asked {
                    for mut token in every.iter().cloned() {
                        token.texts.insert(claim.clone(), text.clone());
                        tokens.push(token);
                    }
                }
            }
            (PrincipalId::AnyAgent(_) | PrincipalId::Agent(_) | PrincipalId::Flow(_), _) => {}
        }
        for token in tokens.iter_mut().chain(by_claim.iter_mut().map(|(_, token)| token)) {
            self.judge(token);
        }
        let tokens = tokens.into_iter().map(|token| (None, token));
        let (tokens, unread): (Vec<_>, Vec<_>) = tokens
            .chain(by_claim.into_iter().map(|(path, token)| (Some(path), token)))
            .partition(|(_, token)| self.product.reads(token));
        Caller {
            principal,
            subject,
            claims: tokens.iter().map(|(path, token)| named_by(path.as_deref(), subject, token)).collect(),
            tokens: tokens.into_iter().map(|(_, token)| tree.part(token)).collect(),
            unread: unread.into_iter().map(|(_, token)| tree.part(token)).collect(),
            open: tree.part(Shown { peer: Peer::Open, subject }),
        }
    }

    /// A token with these texts, and the facts that follow from them.
    fn token(&self, texts: &[(&[&str], &str)], objects: &[&[&str]]) -> Token {
        let path = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        let texts: BTreeMap<Vec<String>, String> =
            texts.iter().map(|(words, text)| (path(words), (*text).to_owned())).collect();
        let closed = self.unit_claim.iter().cloned().chain(self.caller_claims.iter().map(|path| path.to_vec()));
        let mut token = Token {
            texts,
            objects: objects.iter().map(|words| path(words)).collect(),
            nulls: Vec::new(),
            closed: closed.collect(),
            never: 0,
            always: 0,
        };
        self.judge(&mut token);
        token
    }

    /// Says which facts follow from the texts of a token.
    fn judge(&self, token: &mut Token) {
        let (mut always, mut never) = (0, 0);
        for (bit, evidence) in &self.evidence {
            match self.follows(evidence, token) {
                Some(true) => always |= bit,
                Some(false) => never |= bit,
                None => {}
            }
        }
        (token.always, token.never) = (always, never);
    }

    /// Tokens of undeclared callers. `named` are the subjects that the rules name.
    pub(super) fn tokens_of_strangers(&self, named: &BTreeSet<String>, units: &[&UnitName]) -> Vec<Token> {
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
            // An undeclared workload.
            tokens.push(self.token(&[(&["sub"], &format!("{SPIFFE}{STRANGER}"))], &[]));
            if let (true, Some(claim)) = (with_units, &self.unit_claim) {
                for mut token in [
                    self.token(&[(&["sub"], STRANGER)], &[]),
                    self.token(&[(&["sub"], USER), (&["act", "sub"], STRANGER)], &[&["act"]]),
                ] {
                    token.texts.insert(claim.clone(), STRANGER.to_owned());
                    tokens.push(token);
                }
                // A unit in a list is not text, so it names no unit.
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
        tokens.iter_mut().for_each(|token| self.judge(token));
        tokens
    }
}

/// By which claim a token names its caller, beside others.
fn named_by(path: Option<&[String]>, subject: Option<&str>, token: &Token) -> NamedBy {
    let sub = token.texts.get(["sub".to_owned()].as_slice());
    match path {
        Some(path) => {
            let sub_too = sub.is_some_and(|sub| subject.is_none_or(|subject| subject == sub));
            NamedBy::Claim(path.to_vec(), sub_too)
        }
        None if token.texts.contains_key(["act".to_owned(), "sub".to_owned()].as_slice()) => NamedBy::Act,
        None => NamedBy::Sub,
    }
}
