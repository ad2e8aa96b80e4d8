//! The order of workflows and sagas as temporal policies: a step is forbidden until the steps before it are done.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::{MOST_CHARACTERS, MOST_EVENTS, name_of};
use super::rules::Rules;
use crate::cedar::Uid;
use crate::cedar::dialect::literal;
use crate::model::flow::Flow;
use crate::policy::PrincipalId;
use crate::targets::CompileError;
use crate::targets::access::dialects;

/// How long a step counts as done. What AWS shows in its own examples.
const WINDOW: &str = "1h";

/// The policies by name.
pub(super) fn policies(
    rules: &Rules<'_>,
    targets: &BTreeMap<&str, String>,
) -> Result<BTreeMap<String, String>, CompileError> {
    let mut policies = BTreeMap::new();
    for (principal, index) in rules.policy.principals.iter().zip(0..) {
        let PrincipalId::Flow(id) = &principal.id else { continue };
        let Some(flow) = rules.model.flows.get(id) else { continue };
        let before = prerequisites(flow, targets);
        if before.is_empty() {
            continue;
        }
        for callers in dialects::callers(rules.model, rules.policy, &[index]) {
            for (done, actions) in &before {
                let actions: Vec<String> = actions.iter().cloned().collect();
                let forbid = rules.forbid(&actions, &callers).print()?;
                let done: Vec<&String> = done.iter().collect();
                // Each forbids by itself, so that all of these must be done.
                for some in done.chunks(MOST_EVENTS) {
                    let statement = with_history(&forbid, some)?;
                    if statement.len() > MOST_CHARACTERS {
                        return Err(CompileError::Beyond {
                            what: format!("policies of at most {MOST_CHARACTERS} characters for the order of `{id}`"),
                            how: "let a step depend on fewer others".to_owned(),
                        });
                    }
                    policies.insert(name_of(&statement), statement);
                }
            }
        }
    }
    Ok(policies)
}

/// What must be done before each action: sets of actions, with those that wait for exactly them. An action that also stands
/// in a step that needs less waits for that alone.
fn prerequisites(flow: &Flow, targets: &BTreeMap<&str, String>) -> BTreeMap<BTreeSet<String>, BTreeSet<String>> {
    let graph = flow.graph();
    let actions = |at: usize, compensations: bool| -> BTreeSet<String> {
        let calls = flow.steps.get(at).into_iter().flat_map(|step| &step.calls);
        // Of calls that go to one of several servers by the class of their data, the others are never made, so nothing waits for them.
        let calls = calls.filter(|call| call.compensation == compensations && call.routed.is_none());
        let named = calls.filter_map(|call| {
            let target = targets.get(call.server.as_ref()?.as_str())?;
            Some(format!("{target}___{}", call.tool.value))
        });
        named.collect()
    };
    let mut needed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for at in 0..flow.steps.len() {
        let before = graph.before(at).into_iter().filter(|step| *step != at);
        let done: BTreeSet<String> = before.flat_map(|step| actions(step, false)).collect();
        for action in actions(at, false) {
            let known = needed.get(&action).map(|known| known.intersection(&done).cloned().collect());
            needed.insert(action, known.unwrap_or_else(|| done.clone()));
        }
    }
    // What undoes a step may be called whenever the workflow fails.
    for action in (0..flow.steps.len()).flat_map(|at| actions(at, true)) {
        needed.remove(&action);
    }
    let mut alike: BTreeMap<BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
    for (action, done) in needed.into_iter().filter(|(_, done)| !done.is_empty()) {
        alike.entry(done).or_default().insert(action);
    }
    alike
}

/// The policy, where these are not all done.
fn with_history(forbid: &str, done: &[&String]) -> Result<String, CompileError> {
    let mut events = Vec::new();
    for action in done {
        let action = literal(&Uid { kind: "AgentCore::Action".to_owned(), id: (*action).clone() })?;
        events.push(format!("(formerly within {WINDOW} {action}::response{{ eventResource: resource }})"));
    }
    let head = forbid.trim_end().trim_end_matches(';');
    Ok(format!("{head}\nunless temporal {{\n  {}\n}};", events.join(" &&\n  ")))
}
