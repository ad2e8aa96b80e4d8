//! Policy tests for Cedar's own command line: the `tests.json` of `cedar run-tests`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::suite::Suite;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::access::cedar::{engine, object_uid, principal_uid};
use crate::policy::Policy;

/// What `cedar run-tests` reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// One object for each request; its entities are the file `entities.json` beside it.
    pub tests: Value,
    /// Requests of principals or tools that do not exist, which Cedar cannot be asked.
    pub left_out: usize,
}

/// The requests of every test with what is expected of each, and, where Cedar allows one, the policies that do.
///
/// # Errors
/// Where the artifacts of the target `cedar` cannot be read, or Cedar refuses a request.
pub fn export(artifacts: &BTreeMap<String, Artifact>, policy: &Policy, suite: &Suite<'_>) -> Result<Export, LiftError> {
    let engine = engine(artifacts)?;
    let (mut tests, mut left_out) = (Vec::new(), 0);
    for run in &suite.tests {
        for outcome in &run.outcomes {
            let Some((who, what)) = outcome.case.principal.zip(outcome.case.object) else {
                left_out += 1;
                continue;
            };
            let principal = principal_uid(&policy.principal_at(who).id);
            let object = policy.object_at(what);
            let resource = object_uid(object);
            let held = |(bit, fact)| (fact, outcome.case.facts >> bit & 1 == 1);
            let names = policy.facts.names().iter().map(|fact| fact.as_str());
            let facts: Vec<(&str, bool)> = names.enumerate().map(held).collect();
            let decision = engine.decide(&principal, "call_tool", &resource, facts.iter().copied())?;
            let reason: Vec<String> = decision.policies.into_iter().filter(|_| run.test.allow.value).collect();
            let context: Map<String, Value> =
                facts.into_iter().map(|(fact, held)| (fact.to_owned(), held.into())).collect();
            let name = format!(
                "{}: {} calls {object} with {}",
                run.test.name,
                policy.principal_at(who).id,
                policy.facts.shown(outcome.case.facts)
            );
            tests.push(json!({
                "name": name,
                "request": {
                    "principal": principal.to_string(),
                    "action": "Mcp::Action::\"call_tool\"",
                    "resource": resource.to_string(),
                    "context": context,
                },
                "entities": "entities.json",
                "decision": if run.test.allow.value { "allow" } else { "deny" },
                "reason": reason,
                "num_errors": 0,
            }));
        }
    }
    Ok(Export { tests: tests.into(), left_out })
}
