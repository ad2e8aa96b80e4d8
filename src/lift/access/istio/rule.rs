//! One rule of an `AuthorizationPolicy`, as Istio makes rules of Envoy of it: peers, operations and conditions must all match, of
//! each list one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use super::condition::{Attribute, Condition, Look, When};
use crate::lift::LiftError;
use crate::lift::access::probe::{Http, Probe, Source, Texts};
use crate::lift::cluster::{ServerPlace, distinct, unexpected};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    from: Vec<From>,
    to: Vec<To>,
    when: Vec<When>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    source: Peers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Peers {
    principals: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    operation: Operation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    methods: Vec<String>,
    paths: Vec<String>,
}

/// A rule.
pub(super) struct Rule {
    peers: Texts,
    methods: Vec<Http>,
    paths: Vec<String>,
    /// Those that the request alone answers first: no fact is asked for in vain.
    conditions: Vec<Arc<Condition>>,
}

/// The rules for a server, found by whom they name, so that not every request meets every rule.
pub(super) struct Rules {
    all: Vec<Rule>,
    by_subject: Named,
    by_actor: Named,
    open: Vec<usize>,
    /// `sub` and `act.sub`.
    paths: ([String; 1], [String; 2]),
}

/// Rules by the texts of a claim that each of them asks for. Texts of the same rules are one class.
#[derive(Default)]
struct Named {
    texts: Texts,
    rules: Vec<Vec<usize>>,
}

impl Named {
    fn of(index: BTreeMap<String, Vec<usize>>) -> Self {
        let rules: BTreeSet<&Vec<usize>> = index.values().collect();
        let rules: Vec<Vec<usize>> = rules.into_iter().cloned().collect();
        let classed = index.into_iter().filter_map(|(text, of)| Some((text, rules.binary_search(&of).ok()?)));
        Self { texts: Texts::classed(classed), rules }
    }

    fn find(&self, path: &[String], probe: &mut Probe<'_>) -> &[usize] {
        let at = probe.among(&Source::claim(path), &self.texts);
        at.and_then(|at| self.rules.get(at)).map_or(&[], Vec::as_slice)
    }
}

impl Rules {
    /// All rules for a server. Conditions that several of them ask for become one.
    pub(super) fn of(mut all: Vec<Rule>) -> Self {
        let mut known: Vec<Arc<Condition>> = Vec::new();
        for condition in all.iter_mut().flat_map(|rule| &mut rule.conditions) {
            match known.iter().find(|known| **known == *condition) {
                Some(known) => *condition = Arc::clone(known),
                None => known.push(Arc::clone(condition)),
            }
        }
        let (mut by_subject, mut by_actor) = (BTreeMap::<String, Vec<usize>>::new(), BTreeMap::new());
        let mut open = Vec::new();
        for (at, rule) in all.iter().enumerate() {
            let exact = |condition: &&Arc<Condition>| !condition.values.all.is_empty() && condition.values.all != ["*"];
            let of =
                |is: fn(&Attribute) -> bool| rule.conditions.iter().filter(exact).find(|condition| is(&condition.of));
            let actor = of(|of| matches!(of, Attribute::Actor(_)));
            let (index, values) = match (actor, of(|of| matches!(of, Attribute::Subject(_)))) {
                (Some(actor), _) => (&mut by_actor, &actor.values),
                (None, Some(subject)) => (&mut by_subject, &subject.values),
                (None, None) => {
                    open.push(at);
                    continue;
                }
            };
            for value in &values.all {
                index.entry(value.clone()).or_default().push(at);
            }
        }
        let (by_subject, by_actor) = (Named::of(by_subject), Named::of(by_actor));
        let paths = (["sub".to_owned()], ["act".to_owned(), "sub".to_owned()]);
        Self { all, by_subject, by_actor, open, paths }
    }

    /// The rules that could match a token: each asks for a subject or an actor of it, or names nobody.
    pub(super) fn for_caller<'r>(&'r self, probe: &mut Probe<'_>) -> impl Iterator<Item = &'r Rule> + use<'r> {
        let of_actor = self.by_actor.find(&self.paths.1, probe);
        let of_subject = self.by_subject.find(&self.paths.0, probe);
        of_actor.iter().chain(of_subject).chain(&self.open).filter_map(|at| self.all.get(*at))
    }

    /// Every subject that they name.
    pub(super) fn subjects(&self) -> BTreeSet<String> {
        self.all.iter().flat_map(Rule::subjects).collect()
    }
}

impl Rule {
    /// Reads a rule. `declared` are the subjects of all declared principals.
    pub(super) fn read(written: Written, declared: &BTreeSet<&str>) -> Result<Self, LiftError> {
        let (Some(from), 1, Some(to), 1) =
            (written.from.first(), written.from.len(), written.to.first(), written.to.len())
        else {
            return unexpected("a rule has no single peer and operation");
        };
        let methods = to.operation.methods.iter().map(|method| match method.as_str() {
            "POST" => Ok(Http::Post),
            "GET" => Ok(Http::Get),
            "DELETE" => Ok(Http::Delete),
            other => unexpected(format!("a rule is for the method `{other}`")),
        });
        let methods: Vec<Http> = methods.collect::<Result<_, _>>()?;
        let Peers { principals } = &from.source;
        let lists = [principals, &to.operation.methods, &to.operation.paths];
        if lists.iter().any(|list| list.is_empty() || !distinct(list)) {
            return unexpected("a rule has an empty list, or a text in it twice");
        }
        if principals.iter().chain(&to.operation.paths).any(|text| text.contains('*') || text.contains('{')) {
            return unexpected("a peer or path of a rule is a pattern");
        }
        let mut conditions =
            written.when.into_iter().map(|when| Condition::read(when).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        conditions.sort_by_key(|condition| match &condition.of {
            Attribute::Header(_) => 0,
            Attribute::Issuer | Attribute::Subject(_) | Attribute::Actor(_) => 1,
            Attribute::Claim(_) | Attribute::Split(_) => 2,
        });
        let peers = principals.iter().map(|principal| format!("spiffe://{principal}")).collect();
        let rule = Self { peers, methods, paths: to.operation.paths.clone(), conditions };
        rule.check_caller(declared)?;
        Ok(rule)
    }

    /// A rule names the caller as `act.sub`, or as `sub` where nobody acts: said twice, by the claim and by the header, because
    /// older proxies set no header from an object. One for undeclared callers leaves out all who are declared.
    fn check_caller(&self, declared: &BTreeSet<&str>) -> Result<(), LiftError> {
        let find = |is: fn(&Attribute) -> bool| self.conditions.iter().find(|condition| is(&condition.of));
        let acts = find(|of| matches!(of, Attribute::Actor(_)));
        let subject = find(|of| matches!(of, Attribute::Subject(_)));
        let caller = match acts.filter(|condition| !condition.values.all.is_empty()) {
            Some(acts) => Some(acts),
            None => subject.filter(|_| acts.is_some_and(|condition| condition.not_values.all == ["*"])),
        };
        let Some(caller) = caller.filter(|condition| !condition.values.all.is_empty()) else {
            return unexpected("a rule does not say who calls, or not that nobody acts for another");
        };
        let others: BTreeSet<&str> = caller.not_values.all.iter().map(String::as_str).collect();
        let open = caller.values.all == ["*"];
        if open && others != *declared || !open && !others.is_empty() {
            return unexpected("a rule for undeclared callers does not leave out exactly those that are declared");
        }
        Ok(())
    }

    /// The subjects that it names.
    fn subjects(&self) -> impl Iterator<Item = String> + '_ {
        let of_caller = self.conditions.iter().filter(|c| matches!(c.of, Attribute::Subject(_) | Attribute::Actor(_)));
        of_caller.flat_map(|c| c.values.all.iter().chain(&c.not_values.all)).filter(|value| *value != "*").cloned()
    }

    pub(super) fn matches(
        &self,
        probe: &mut Probe<'_>,
        place: &ServerPlace<'_>,
        look: &Look<'_>,
    ) -> Result<bool, LiftError> {
        if self.paths != [place.path.as_str()] {
            return unexpected(format!("a rule for `{}` is for another path than that of its URL", place.server.name));
        }
        if !self.methods.contains(&probe.http()) {
            return Ok(false);
        }
        if probe.peer_among(&self.peers).is_none() {
            return Ok(false);
        }
        for condition in &self.conditions {
            if !look.holds(condition, probe)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
