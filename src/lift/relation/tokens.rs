//! Tokens: those that mean a principal, and those that mean nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::here::Caller;
use super::{Question, STRANGER, USER};
use crate::lift::world::{Peer, Shown, Token, Tree};
use crate::model::name::UnitName;
use crate::policy::{Principal, PrincipalId};

impl Question<'_> {
    /// The tokens that mean a principal, and the certificates that its connections can show.
    pub(super) fn caller<'b>(
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

    /// Tokens of callers whom nobody declared. `named` are the subjects that the rules name.
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
        tokens
    }
}

fn is_of_caller(path: &[String]) -> bool {
    path.first().is_some_and(|first| matches!(first.as_str(), "sub" | "act"))
}
