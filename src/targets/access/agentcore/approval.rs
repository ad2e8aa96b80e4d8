//! What needs an earlier call, as policies that permit it only after that call.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::MOST_EVENTS;
use crate::cedar::Uid;
use crate::cedar::dialect::literal;
use crate::model::access::{AnswerTest, CalledEvidence};
use crate::targets::CompileError;
use crate::targets::access::dialects::{Test, Ways};

/// The earlier calls that ways ask for.
type Calls = BTreeSet<CalledEvidence>;

/// The ways by the earlier calls that they ask for: one policy can look for all of these, and not for some of them.
pub(super) fn by_history(ways: &Ways) -> BTreeMap<Calls, Ways> {
    let mut found: BTreeMap<Calls, Ways> = BTreeMap::new();
    for way in ways {
        let called = way.iter().filter_map(|test| match test {
            Test::Called(called) => Some(called.clone()),
            Test::Delegated
            | Test::Claim(..)
            | Test::Is(..)
            | Test::Present(_)
            | Test::Argument(_)
            | Test::Issuer(_)
            | Test::NotWorkload(_) => None,
        });
        found.entry(called.collect()).or_default().push(way.clone());
    }
    found
}

/// The policy, where all of these calls were made before.
pub(super) fn after(permit: &str, calls: &Calls, targets: &BTreeMap<&str, String>) -> Result<String, CompileError> {
    if calls.is_empty() {
        return Ok(permit.to_owned());
    }
    if calls.len() > MOST_EVENTS {
        return Err(CompileError::Beyond {
            what: format!("at most {MOST_EVENTS} earlier calls for one call; some need {}", calls.len()),
            how: "let fewer requirements of one call be proved by `called`".to_owned(),
        });
    }
    let events = calls.iter().map(|called| event(called, targets)).collect::<Result<Vec<_>, _>>()?;
    let head = permit.trim_end().trim_end_matches(';');
    Ok(format!("{head}\nwhen temporal {{\n  {}\n}};", events.join(" &&\n  ")))
}

/// The call, as an event of the session.
fn event(called: &CalledEvidence, targets: &BTreeMap<&str, String>) -> Result<String, CompileError> {
    let target = targets.get(called.server.as_str());
    let target = target.ok_or_else(|| CompileError::Refused(format!("there is no server `{}`", called.server)))?;
    let action = Uid { kind: "AgentCore::Action".to_owned(), id: format!("{target}___{}", called.tool) };
    let mut fields = vec!["eventResource: resource".to_owned()];
    for (field, test) in &called.answer {
        fields.push(match test {
            // Nothing in it needs to be escaped.
            AnswerTest::Text(text) => format!("output.{field}: \"{text}\""),
            AnswerTest::Truth(truth) => format!("output.{field}: {truth}"),
            AnswerTest::Number(number) => format!("output.{field}: {number}"),
        });
    }
    fields.extend(called.same.iter().map(|(argument, field)| format!("output.{field}: context.input.{argument}")));
    Ok(format!("(formerly within {} {}::response{{ {} }})", called.within, literal(&action)?, fields.join(", ")))
}
