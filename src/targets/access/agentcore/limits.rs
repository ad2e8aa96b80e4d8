//! The limits of a policy engine: a policy that is too long becomes several, and a workspace beyond them is refused.

use std::collections::BTreeMap;

use crate::bundle::manifest;
use crate::model::Model;
use crate::targets::CompileError;
use crate::targets::access::dialects::{Callers, Who};

/// Most characters of a policy.
pub(super) const MOST_CHARACTERS: usize = 10_000;
/// Most policies of an engine.
const MOST_POLICIES: usize = 1_000;
/// Most bytes of the schema that AgentCore makes from the tools.
const MOST_SCHEMA: usize = 400_000;
/// About what a tool takes there beside its name, which is there twice, and its arguments.
const SCHEMA_OF_TOOL: usize = 160;
/// Most policies of an engine that look back.
const MOST_TEMPORAL: usize = 20;
/// Most earlier calls that one policy looks for.
pub(super) const MOST_EVENTS: usize = 3;
/// Most bytes of all policies for one gateway.
const MOST_BYTES: usize = 200_000;

type Print<'a> = dyn Fn(&[String], &Callers<'_>) -> Result<String, CompileError> + 'a;

/// Prints a policy, or several where one would be too long: for fewer actions each, and then for fewer callers.
pub(super) fn split(
    actions: &[String],
    callers: &Callers<'_>,
    print: &Print<'_>,
    statements: &mut BTreeMap<String, String>,
) -> Result<(), CompileError> {
    let statement = print(actions, callers)?;
    if statement.chars().count().max(statement.len()) <= MOST_CHARACTERS {
        statements.insert(name_of(&statement), statement);
        return Ok(());
    }
    if actions.len() > 1 {
        let (left, right) = actions.split_at(actions.len() / 2);
        split(left, callers, print, statements)?;
        return split(right, callers, print, statements);
    }
    match &callers.who {
        Who::Declared(subjects) if subjects.len() > 1 => {
            let (left, right) = subjects.split_at(subjects.len() / 2);
            for part in [left, right] {
                let callers = Callers { who: Who::Declared(part.to_vec()), issuers: callers.issuers.clone() };
                split(actions, &callers, print, statements)?;
            }
            Ok(())
        }
        Who::Declared(_) | Who::Stranger(_) => Err(CompileError::Beyond {
            what: format!(
                "policies of at most {MOST_CHARACTERS} characters; the one for `{}` has {}",
                actions.first().map_or("", String::as_str),
                statement.len()
            ),
            how: "declare fewer principals beside `any_agent`, or ask for fewer alternatives".to_owned(),
        }),
    }
}

/// A name that changes with the statement: a policy's name cannot be changed, and is not used again for another.
pub(super) fn name_of(statement: &str) -> String {
    let digest = manifest::sha256(statement.as_bytes());
    format!("mcp_{}", digest.get(..16).unwrap_or_default())
}

/// About how long the schema is that AgentCore makes from the tools.
fn schema_size(model: &Model) -> usize {
    let tools = model.servers.values().flat_map(|server| server.tools.values().map(move |tool| (server, tool)));
    let sizes = tools.map(|(server, tool)| {
        let name = server.name.value.as_str().len() + 3 + tool.name.value.as_str().len();
        SCHEMA_OF_TOOL + 2 * name + tool.input_schema.and_then(|at| model.input_schemas.get(&at)).map_or(0, String::len)
    });
    sizes.sum()
}

/// Refuses tools whose schema would be too large.
pub(super) fn schema(model: &Model) -> Result<(), CompileError> {
    let schema = schema_size(model);
    if schema > MOST_SCHEMA {
        return Err(CompileError::Beyond {
            what: format!(
                "a schema of at most {MOST_SCHEMA} bytes, which the tools make; it would have about {schema}"
            ),
            how: "compile a part of the workspace for each of several policy engines".to_owned(),
        });
    }
    Ok(())
}

/// Refuses policies that are too many or too large in all.
pub(super) fn policies(
    statements: &BTreeMap<String, String>,
    approvals: &BTreeMap<String, String>,
    temporal: &BTreeMap<String, String>,
) -> Result<(), CompileError> {
    let looking_back = approvals.len() + temporal.len();
    let count = statements.len() + looking_back;
    let bytes: usize = statements.values().chain(approvals.values()).chain(temporal.values()).map(String::len).sum();
    let how = || "compile a part of the workspace for each of several gateways".to_owned();
    if count > MOST_POLICIES {
        return Err(CompileError::Beyond {
            what: format!("at most {MOST_POLICIES} policies; there are {count}"),
            how: how(),
        });
    }
    if looking_back > MOST_TEMPORAL {
        return Err(CompileError::Beyond {
            what: format!("at most {MOST_TEMPORAL} policies that look back; there are {looking_back}"),
            how: "let fewer callers differ in what they need beside an earlier call, and fewer steps of workflows in what \
                  they depend on; or compile a part of the workspace for each of several gateways"
                .to_owned(),
        });
    }
    if bytes > MOST_BYTES {
        let what = format!("policies of at most {MOST_BYTES} bytes in all; they have {bytes}");
        return Err(CompileError::Beyond { what, how: how() });
    }
    Ok(())
}
