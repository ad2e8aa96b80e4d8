//! Envoy's generic matchers (`xds.type.matcher.v3.Matcher`), read and evaluated.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{fields, is_type, list, only, text};
use super::predicate::{Predicate, read_peer_input};
use super::unexpected;
use crate::lift::LiftError;
use crate::lift::access::probe::{Probe, Texts};

type Read<T> = Result<T, LiftError>;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Then {
    Allow,
    Deny,
    Next(Box<Matcher>),
}

/// A matcher.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matcher {
    kind: MatcherKind,
    otherwise: Option<Then>,
}

#[derive(Debug, Clone, PartialEq)]
enum MatcherKind {
    /// The first that matches.
    List(Vec<(Predicate, Then)>),
    /// By the class of what the peer's certificate names.
    Peers(Texts, Vec<Then>),
    /// None: what follows is always the same.
    Constant,
}

impl Matcher {
    pub(super) fn read(value: &Value) -> Read<Self> {
        let known = fields(value, &["matcher_list", "matcher_tree", "on_no_match"])?;
        let kind = match (known.get("matcher_list"), known.get("matcher_tree")) {
            (Some(list), None) => MatcherKind::List(Self::entries(list)?),
            (None, Some(tree)) => Self::peers(tree)?,
            (None, None) => MatcherKind::Constant,
            (Some(_), Some(_)) => return Err(unexpected("a matcher is both a list and a tree".to_owned())),
        };
        Ok(Self { kind, otherwise: known.get("on_no_match").map(Then::read).transpose()? })
    }

    fn entries(value: &Value) -> Read<Vec<(Predicate, Then)>> {
        let entries = list(fields(value, &["matchers"])?.get("matchers"))?;
        let entry = |value: &Value| {
            let entry = fields(value, &["predicate", "on_match"])?;
            let missing = || unexpected("a matcher lacks its predicate or what follows".to_owned());
            let predicate = Predicate::read(entry.get("predicate").ok_or_else(missing)?)?;
            Ok((predicate, Then::read(entry.get("on_match").ok_or_else(missing)?)?))
        };
        entries.iter().map(entry).collect()
    }

    fn peers(value: &Value) -> Read<MatcherKind> {
        let tree = fields(value, &["input", "exact_match_map"])?;
        read_peer_input(tree.get("input"))?;
        let map = tree.get("exact_match_map").ok_or_else(|| unexpected("a tree without a map".to_owned()))?;
        let map = fields(map, &["map"])?.get("map").and_then(Value::as_object);
        let map = map.ok_or_else(|| unexpected("a tree without a map".to_owned()))?;
        // What follows a name is the same for all names but for the name itself, which is the peer's there.
        let mut thens: Vec<Then> = Vec::new();
        let mut names = Vec::new();
        for (name, then) in map {
            let mut then = Then::read(then)?;
            then.each_predicate(&mut |predicate| predicate.of_peer(name));
            let class = thens.iter().position(|known| *known == then).unwrap_or(thens.len());
            if class == thens.len() {
                thens.push(then);
            }
            names.push((name.clone(), class));
        }
        Ok(MatcherKind::Peers(Texts::classed(names), thens))
    }

    /// Whether it lets the request through: what no leaf is reached for is denied.
    pub(super) fn allows(&self, probe: &mut Probe<'_>) -> bool {
        self.reach(probe).unwrap_or(false)
    }

    /// The leaf that a request comes to. Where a nested matcher comes to none, Envoy goes on after it; generated files give
    /// every matcher an end, and a nested one without is refused when it is read.
    fn reach(&self, probe: &mut Probe<'_>) -> Option<bool> {
        let found = match &self.kind {
            MatcherKind::Constant => None,
            MatcherKind::List(entries) => {
                entries.iter().find(|(predicate, _)| predicate.holds(probe)).map(|(_, then)| then)
            }
            MatcherKind::Peers(names, thens) => probe.peer_among(names).and_then(|at| thens.get(at)),
        };
        match found.or(self.otherwise.as_ref())? {
            Then::Allow => Some(true),
            Then::Deny => Some(false),
            Then::Next(next) => next.reach(probe),
        }
    }

    /// Whether it looks at headers that tell the revision or the origin.
    pub(super) fn looks_at_headers(&self) -> bool {
        let (here, thens): (bool, Vec<&Then>) = match &self.kind {
            MatcherKind::Constant => (false, Vec::new()),
            MatcherKind::List(entries) => (
                entries.iter().any(|(predicate, _)| predicate.looks_at_headers()),
                entries.iter().map(|(_, then)| then).collect(),
            ),
            MatcherKind::Peers(_, thens) => (false, thens.iter().collect()),
        };
        here || thens.into_iter().chain(&self.otherwise).any(|then| match then {
            Then::Next(next) => next.looks_at_headers(),
            Then::Allow | Then::Deny => false,
        })
    }

    /// Every text that it compares claims with.
    pub(super) fn claim_texts(&self, found: &mut BTreeSet<String>) {
        let thens: Vec<&Then> = match &self.kind {
            MatcherKind::Constant => Vec::new(),
            MatcherKind::List(entries) => {
                entries.iter().for_each(|(predicate, _)| predicate.claim_texts(found));
                entries.iter().map(|(_, then)| then).collect()
            }
            MatcherKind::Peers(names, thens) => {
                found.extend(names.all().map(str::to_owned));
                thens.iter().collect()
            }
        };
        for then in thens.into_iter().chain(&self.otherwise) {
            if let Then::Next(next) = then {
                next.claim_texts(found);
            }
        }
    }
}

impl Then {
    /// Changes every predicate that stands directly in it or in what follows it.
    fn each_predicate(&mut self, change: &mut dyn FnMut(&mut Predicate)) {
        let Self::Next(next) = self else { return };
        match &mut next.kind {
            MatcherKind::Constant => {}
            MatcherKind::List(entries) => {
                for (predicate, then) in entries {
                    change(predicate);
                    then.each_predicate(change);
                }
            }
            MatcherKind::Peers(_, thens) => thens.iter_mut().for_each(|then| then.each_predicate(change)),
        }
        if let Some(otherwise) = &mut next.otherwise {
            otherwise.each_predicate(change);
        }
    }

    fn read(value: &Value) -> Read<Self> {
        match only(value)? {
            ("matcher", next) => {
                let next = Matcher::read(next)?;
                if next.otherwise.is_none() {
                    return Err(unexpected("a nested matcher has no end of its own".to_owned()));
                }
                Ok(Self::Next(Box::new(next)))
            }
            ("action", action) => {
                let action = fields(action, &["name", "typed_config"])?;
                let config =
                    action.get("typed_config").ok_or_else(|| unexpected("an action says nothing".to_owned()))?;
                is_type(config, "envoy.config.rbac.v3.Action")?;
                let config = fields(config, &["@type", "name", "action"])?;
                text(config.get("name"))?;
                match config.get("action").and_then(Value::as_str) {
                    // An absent action is Envoy's default, which allows.
                    Some("ALLOW") | None => Ok(Self::Allow),
                    Some("DENY") => Ok(Self::Deny),
                    Some(other) => Err(unexpected(format!("the action `{other}` is not understood"))),
                }
            }
            (other, _) => Err(unexpected(format!("`{other}` is nothing that follows a match"))),
        }
    }
}
