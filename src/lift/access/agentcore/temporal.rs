//! Temporal policies: that each forbids a flow some actions until others are done, and no order of the model is left out.
//!
//! They only forbid, so they can let nothing through that the others deny. Their language is not Cedar: the part before
//! `unless temporal` is, and the rest is one form, compared whole.

use std::collections::{BTreeMap, BTreeSet};

use super::{LiftError, MOST_EVENTS, label, scoped, shapes};
use crate::cedar::Uid;
use crate::cedar::dialect::{Statement, literal, parse_literal};
use crate::model::Model;
use crate::model::flow::Flow;
use crate::policy::{Policy, PrincipalId};

/// What a policy says: whose these actions wait for those.
struct Order {
    subjects: BTreeSet<String>,
    waiting: BTreeSet<String>,
    done: BTreeSet<String>,
    head: String,
}

/// The part that is Cedar, of a policy that is in order.
pub(super) fn check(text: &str, arn: &str, model: &Model, policy: &Policy) -> Result<String, LiftError> {
    let order = read(text)?;
    let wrong = |why: &str| Err(LiftError::Unexpected(format!("a temporal policy {why}: {text}")));
    let statement = Statement::parse(&order.head)?;
    if statement.permits || !scoped(&statement, arn) {
        return wrong("does more than to forbid OAuth users some actions of the gateway");
    }
    let known = flows(model, policy);
    let asked = known.iter().any(|(subject, issuers, flow)| {
        order.subjects.len() == 1
            && order.subjects.contains(*subject)
            && statement.condition == shapes::caller(subject, issuers)
            && order
                .waiting
                .iter()
                .all(|action| expected(flow).get(action).is_some_and(|needed| order.done.is_subset(needed)))
    });
    if asked { Ok(order.head) } else { wrong("forbids what no flow's order does") }
}

/// That every order of the model is in some policy.
pub(super) fn complete(texts: &[String], model: &Model, policy: &Policy) -> Result<(), LiftError> {
    let orders: Vec<Order> = texts.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
    for (subject, _, flow) in flows(model, policy) {
        for (action, done) in expected(flow) {
            // Each policy forbids by itself, so what one asks for is asked for beside what the others do.
            let mine =
                orders.iter().filter(|order| order.subjects.contains(subject) && order.waiting.contains(&action));
            let held: BTreeSet<&String> = mine.flat_map(|order| &order.done).collect();
            if !done.iter().eq(held) {
                return Err(LiftError::Unexpected(format!(
                    "no temporal policy lets `{action}` wait for what is before it"
                )));
            }
        }
    }
    Ok(())
}

/// The flows, each with its subject and the issuers that may speak for it.
fn flows<'a>(model: &'a Model, policy: &'a Policy) -> Vec<(&'a str, Vec<&'a str>, &'a Flow)> {
    let issuers = || model.identity.iter().flat_map(|identity| &identity.issuers);
    let each = policy.principals.iter().filter_map(|principal| {
        let PrincipalId::Flow(id) = &principal.id else { return None };
        let speak = issuers().filter(|issuer| issuer.caller.is_none() && principal.is_spoken_for_by(issuer));
        let mut speak: Vec<&str> = speak.map(|issuer| issuer.issuer.value.as_str()).collect();
        speak.sort_unstable();
        let subject = principal.subject.as_deref().filter(|_| !speak.is_empty())?;
        Some((subject, speak, model.flows.get(id)?))
    });
    each.collect()
}

fn read(text: &str) -> Result<Order, LiftError> {
    let wrong = || LiftError::Unexpected(format!("a temporal policy cannot be read exactly: {text}"));
    let (head, rest) = text.split_once("\nunless temporal {\n  ").ok_or_else(wrong)?;
    let events = rest.strip_suffix("\n};").ok_or_else(wrong)?;
    let mut done = BTreeSet::new();
    for event in events.split(" &&\n  ") {
        let action = event.strip_prefix("(formerly within 1h ").ok_or_else(wrong)?;
        let action = action.strip_suffix("::response{ eventResource: resource })").ok_or_else(wrong)?;
        let uid = parse_literal(action)?;
        // Written as Cedar writes it, so that no text can pass for the end of the event.
        if uid.kind != "AgentCore::Action" || literal(&uid)? != action || !done.insert(uid.id) {
            return Err(wrong());
        }
    }
    if done.len() > MOST_EVENTS {
        return Err(wrong());
    }
    let head = format!("{head};");
    let statement = Statement::parse(&head)?;
    let mut subjects = BTreeSet::new();
    if let Some(condition) = &statement.condition {
        shapes::named(condition, &mut subjects);
    }
    let waiting: BTreeSet<String> = statement.actions.into_iter().map(|Uid { id, .. }| id).collect();
    Ok(Order { subjects, waiting, done, head })
}

/// What each action of a flow waits for: what every step that makes it has before it. Compensations wait for nothing.
fn expected(flow: &Flow) -> BTreeMap<String, BTreeSet<String>> {
    let graph = flow.graph();
    let made = |at: usize, compensation: bool| -> Vec<String> {
        let calls = flow.steps.get(at).into_iter().flat_map(|step| &step.calls);
        calls
            .filter(|call| call.compensation == compensation && call.routed.is_none())
            .filter_map(|call| Some(format!("{}___{}", label(call.server.as_ref()?.as_str()), call.tool.value)))
            .collect()
    };
    let mut waits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut free: BTreeSet<String> = BTreeSet::new();
    for at in 0..flow.steps.len() {
        let mut before: BTreeSet<String> = BTreeSet::new();
        for step in graph.before(at) {
            if step != at {
                before.extend(made(step, false));
            }
        }
        for action in made(at, false) {
            waits
                .entry(action)
                .and_modify(|known| known.retain(|done| before.contains(done)))
                .or_insert(before.clone());
        }
        free.extend(made(at, true));
    }
    waits.retain(|action, done| !done.is_empty() && !free.contains(action));
    waits
}
