//! Who may do what at one server, as the RBAC matcher of its route.
//!
//! A tree: the caller, then the method, then what it addresses, then what the request lacks. Every leaf is an action with a
//! name (`payment_server/level-3/deny:missing_mfa`) that the caller, the log and the statistics show. Whatever matches nothing
//! is denied.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::evidence::{Evidences, as_regex};
use super::matchers::{action, first_of, nested};
use super::predicate::{MCP, Predicate, any_value, is, metadata, one_of, present, starts_with};
use super::protocol::{MESSAGE, is_response};
use crate::model::Model;
use crate::model::protocol::{self, Right};
use crate::model::server::Server;
use crate::model::uri::{NOT_NORMAL, holds};
use crate::policy::cell::Cell;
use crate::policy::condition::Condition;
use crate::policy::suspended::suspension_of;
use crate::policy::{ObjectIx, ObjectKind, Policy, PrincipalIx};

/// What a call of something that is switched off is denied for.
const SUSPENDED: &str = "deny:suspended";

/// Where a request says what it addresses: the filter that read it, and the path.
type Addressed = (&'static str, &'static [&'static str]);
/// The tool or prompt of a call.
const NAME: Addressed = (MCP, &["params", "name"]);
/// The resource of a call.
const URI: Addressed = (MCP, &["params", "uri"]);
/// What a completion refers to.
const REFERRED_TYPE: Addressed = (MCP, &["params", "ref", "type"]);
const REFERRED_NAME: Addressed = (MCP, &["params", "ref", "name"]);
const REFERRED_URI: Addressed = (MCP, &["params", "ref", "uri"]);
/// What a subscription is for.
const SUBSCRIBES: Addressed = (MESSAGE, &["subscribes"]);
/// The resources that a subscription names, in their order. What is not there is absent.
const SUBSCRIBED: [Addressed; 4] =
    [(MESSAGE, &["uri1"]), (MESSAGE, &["uri2"]), (MESSAGE, &["uri3"]), (MESSAGE, &["uri4"])];

/// A test of what a request addresses.
fn addressed((filter, path): Addressed, value: Value) -> Predicate {
    metadata(filter, path, value)
}

/// The matcher of a server's route.
pub(super) struct Rules<'a> {
    pub(super) policy: &'a Policy,
    pub(super) evidence: &'a Evidences<'a>,
    pub(super) server: &'a Server,
    /// What is switched off of it.
    pub(super) suspended: Suspended<'a>,
}

/// What is switched off of a server. All of it is denied in any case; the reason says why.
#[derive(Default)]
pub(super) struct Suspended<'a> {
    whole: bool,
    tools: Vec<&'a str>,
}

impl<'a> Suspended<'a> {
    pub(super) fn of(model: &Model, policy: &'a Policy, server: &Server) -> Self {
        let mut found = Self::default();
        for (object, _) in policy.index.objects_on(&policy.objects, server.name.value.as_str()) {
            match &object.kind {
                ObjectKind::Protocol => found.whole = suspension_of(model, object).is_some(),
                ObjectKind::Tool(tool) if suspension_of(model, object).is_some() => found.tools.push(tool.as_str()),
                ObjectKind::Tool(_) | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => {}
            }
        }
        found
    }
}

/// Names under the same rule and condition.
type Named<'a> = BTreeMap<(&'a str, &'a Condition), Vec<&'a str>>;

/// What one principal may use on a server: object by object, under which rule.
pub(super) type Row = Vec<(ObjectIx, Cell)>;

impl<'a> Rules<'a> {
    /// The matcher of the messages, or of the streams, for the rows of this server's principals.
    pub(super) fn matcher(&self, rows: &BTreeMap<PrincipalIx, Row>, stream: bool) -> Value {
        // Principals that may use the same under the same rules stand together.
        let mut alike: BTreeMap<Vec<(ObjectIx, u32, u32)>, Vec<PrincipalIx>> = BTreeMap::new();
        for (principal, row) in rows {
            let key = row.iter().map(|(object, cell)| (*object, cell.condition.0, cell.rule.0)).collect();
            alike.entry(key).or_default().push(*principal);
        }
        let matchers = alike.values().filter_map(|principals| {
            let row = principals.first().and_then(|first| rows.get(first))?;
            let these = self.evidence.callers(principals)?;
            Some((these, if stream { self.protocol(row) } else { self.messages(row) }))
        });
        let mut matchers: Vec<(Predicate, Value)> = matchers.collect();
        if !stream {
            // Whoever calls, and whatever is granted.
            let denied: Vec<Value> = self.server.denied_methods.keys().map(|method| is(method)).collect();
            if !denied.is_empty() {
                let denied = metadata(MCP, &["method"], any_value(denied));
                matchers.insert(0, (denied, self.deny("deny:method")));
            }
        }
        if !stream && !self.suspended.whole && !self.suspended.tools.is_empty() {
            let these = metadata(MCP, &["method"], is("tools/call"));
            let these = these.and(addressed(NAME, one_of(self.suspended.tools.iter().copied())));
            matchers.insert(0, (these, self.deny(SUSPENDED)));
        }
        first_of(matchers, self.deny(if self.suspended.whole { SUSPENDED } else { "deny:not_granted" }))
    }

    /// That the message is one of those which need this right, and which the entry of the server does not deny; `None` where there
    /// is no such message.
    fn method(&self, right: Right) -> Option<Predicate> {
        let methods = self.server.permitted(protocol::methods_with(right)).into_iter();
        let values: Vec<Value> =
            methods.map(|name| if name.ends_with('/') { starts_with(name) } else { is(name) }).collect();
        let methods = (!values.is_empty()).then(|| metadata(MCP, &["method"], any_value(values)));
        let responses = (right == Right::Server).then(is_response);
        if responses.is_some() { Predicate::any([methods, responses]) } else { methods }
    }

    fn deny(&self, what: &str) -> Value {
        action(&format!("{}/{what}", self.server.name), false)
    }

    /// What a caller's messages may do, by their method.
    fn messages(&self, row: &Row) -> Value {
        let mut tools: Named<'_> = BTreeMap::new();
        let mut prompts: Named<'_> = BTreeMap::new();
        let mut resources: Vec<(&str, Cell)> = Vec::new();
        let mut protocol = false;
        for (object, cell) in row {
            let key = (self.policy.rule_at(cell.rule).name.as_str(), self.policy.conditions.get(cell.condition));
            match &self.policy.object_at(*object).kind {
                ObjectKind::Tool(tool) => tools.entry(key).or_default().push(tool.as_str()),
                ObjectKind::Prompt(prompt) => prompts.entry(key).or_default().push(prompt),
                ObjectKind::Resource(pattern) => resources.push((pattern, *cell)),
                ObjectKind::Protocol => protocol = true,
            }
        }
        let mut list = Vec::new();
        let mut add = |right: Right, then: Value| list.extend(self.method(right).map(|these| (these, then)));
        if !tools.is_empty() {
            add(Right::Tool, self.named(&tools, NAME, true));
        }
        if protocol {
            add(Right::Server, self.protocol(row));
            add(Right::Subscription, self.subscription(row, &resources));
        }
        if !resources.is_empty() {
            add(Right::Resource, self.resources(&resources, &[URI]));
            let any = self.either(resources.iter().map(|(_, cell)| self.policy.conditions.get(cell.condition)));
            add(Right::SomeResource, self.conditions("resources", &any, &[]));
        }
        if !prompts.is_empty() {
            add(Right::Prompt, self.named(&prompts, NAME, false));
            let any = self.either(prompts.keys().map(|(_, condition)| *condition));
            add(Right::SomePrompt, self.conditions("prompts", &any, &[]));
        }
        if let Some(completion) = self.completion(&prompts, &resources) {
            add(Right::Reference, completion);
        }
        nested(first_of(list, self.deny("deny:not_granted")))
    }

    /// A completion is for whoever may use the prompt or resource that it refers to.
    fn completion(&self, prompts: &Named<'_>, resources: &[(&str, Cell)]) -> Option<Value> {
        let mut list = Vec::new();
        if !prompts.is_empty() {
            list.push((addressed(REFERRED_TYPE, is("ref/prompt")), self.named(prompts, REFERRED_NAME, false)));
        }
        if !resources.is_empty() {
            list.push((addressed(REFERRED_TYPE, is("ref/resource")), self.resources(resources, &[REFERRED_URI])));
        }
        (!list.is_empty()).then(|| nested(first_of(list, self.deny("deny:not_granted"))))
    }

    /// A subscription to resources is for whoever may read all of them, and one to none in particular for whoever may use anything.
    fn subscription(&self, row: &Row, resources: &[(&str, Cell)]) -> Value {
        let mut list = vec![(addressed(SUBSCRIBES, is("nothing")), self.protocol(row))];
        if !resources.is_empty() {
            list.push((addressed(SUBSCRIBES, is("some")), self.resources(resources, &SUBSCRIBED)));
        }
        nested(first_of(list, self.deny("deny:subscription")))
    }

    /// The protocol's own methods.
    fn protocol(&self, row: &Row) -> Value {
        let found = row.iter().find(|(object, _)| self.policy.object_at(*object).kind == ObjectKind::Protocol);
        match found {
            Some((_, cell)) => self.of_cell(*cell),
            None => self.deny("deny:not_granted"),
        }
    }

    fn of_cell(&self, cell: Cell) -> Value {
        self.conditions(&self.policy.rule_at(cell.rule).name, self.policy.conditions.get(cell.condition), &[])
    }

    /// Tools or prompts, by their names; those under the same rule stand together.
    fn named(&self, named: &Named<'_>, at: Addressed, tools: bool) -> Value {
        let matchers = named.iter().map(|((rule, condition), names)| {
            let these = addressed(at, one_of(names.iter().copied()));
            (these, self.conditions(rule, condition, if tools { names } else { &[] }))
        });
        nested(first_of(matchers.collect(), self.deny("deny:not_granted")))
    }

    fn either<'c>(&self, conditions: impl Iterator<Item = &'c Condition>) -> Condition {
        conditions.fold(Condition::never(), |any, condition| any.or(condition))
    }

    /// What a request must show, and then it is let through.
    fn conditions(&self, rule: &str, condition: &Condition, names: &[&str]) -> Value {
        match self.denials(rule, condition, names) {
            Ok(denials) => {
                let allow = action(&format!("{}/{rule}/allow", self.server.name), true);
                nested(first_of(denials, allow))
            }
            Err(denied) => denied,
        }
    }

    /// Resources, each at one of these places. A URI is of the narrowest patterns that match it, and needs what each of them needs, so
    /// all denials come before what is let through.
    fn resources(&self, resources: &[(&str, Cell)], places: &[Addressed]) -> Value {
        let some = |test: &dyn Fn(Addressed) -> Predicate| Predicate::any(places.iter().map(|at| Some(test(*at))));
        let mut matchers: Vec<(Predicate, Value)> =
            some(&spelled_otherwise).map(|other| (other, self.deny("deny:uri_spelling"))).into_iter().collect();
        let condition_of = |cell: Cell| self.policy.conditions.get(cell.condition);
        // The URIs of a pattern that this caller may read where it may not read all of the pattern.
        let easier = |pattern: &str, condition: Option<&Condition>| {
            let inside = resources.iter().filter(|(other, _)| *other != pattern && holds(pattern, other));
            let easier = inside.filter(|(_, cell)| condition.is_none_or(|needed| !condition_of(*cell).implies(needed)));
            easier.map(|(other, _)| *other).collect::<Vec<&str>>()
        };
        // That some resource is of a pattern, and of none that is easier.
        let of = |pattern: &str, condition: Option<&Condition>| {
            let easier = easier(pattern, condition);
            some(&|at| {
                let these = matches(at, pattern);
                match Predicate::any(easier.iter().map(|other| Some(matches(at, other)))) {
                    None => these,
                    Some(easier) => these.and(easier.negated()),
                }
            })
        };
        for (pattern, cell) in resources {
            let rule = &self.policy.rule_at(cell.rule).name;
            let condition = condition_of(*cell);
            let Some(these) = of(pattern, Some(condition)) else { continue };
            match self.denials(rule, condition, &[]) {
                Err(denied) => matchers.push((these, denied)),
                Ok(denials) => {
                    matchers.extend(denials.into_iter().map(|(lacks, denied)| (these.clone().and(lacks), denied)));
                }
            }
        }
        // A pattern that this caller may not read under any condition is denied before a wider one lets it through.
        let of_server = self.policy.index.objects_on(&self.policy.objects, self.server.name.value.as_str());
        for (object, _) in of_server {
            if let ObjectKind::Resource(pattern) = &object.kind
                && !resources.iter().any(|(known, _)| known == pattern)
            {
                matchers.extend(of(pattern, None).map(|these| (these, self.deny("deny:not_granted"))));
            }
        }
        // A pattern within another one of these adds nothing here.
        let within = |pattern: &str| resources.iter().any(|(wider, _)| *wider != pattern && holds(wider, pattern));
        let widest: Vec<&str> = resources.iter().map(|(pattern, _)| *pattern).filter(|one| !within(one)).collect();
        let absent = |at: Addressed| (places.len() > 1).then(|| addressed(at, present()).negated());
        let known = Predicate::all(places.iter().map(|at| {
            let known = widest.iter().map(|pattern| Some(matches(*at, pattern)));
            Predicate::any(std::iter::once(absent(*at)).chain(known))
        }));
        matchers.extend(known.map(|known| (known, action(&format!("{}/resource/allow", self.server.name), true))));
        nested(first_of(matchers, self.deny("deny:unknown_resource")))
    }
}

/// That a request asks for a URI of a pattern.
fn matches(at: Addressed, pattern: &str) -> Predicate {
    let value = match pattern.contains('*') {
        false => json!({"string_match": {"exact": pattern}}),
        true => json!({"string_match": {"safe_regex": {"regex": format!("(?s){}", as_regex(pattern))}}}),
    };
    addressed(at, value)
}

/// That a request asks for a URI that is not in normal form.
fn spelled_otherwise(at: Addressed) -> Predicate {
    addressed(at, json!({"string_match": {"safe_regex": {"regex": NOT_NORMAL}}}))
}
