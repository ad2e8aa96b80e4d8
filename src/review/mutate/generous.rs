//! The workspace in which everybody is granted everything.

use crate::model::Model;
use crate::model::access::{Grant, Granted, Readable};
use crate::model::flow::{Call, Read, Step};
use crate::model::name::ServerName;
use crate::model::server::Server;
use crate::source::{Loc, Spanned};

/// Most pairs of principal and object for which grants are tried.
pub(super) const MOST_PAIRS: usize = 2_000_000;

/// Everybody may use everything that a grant could name, and every flow also those that only flows name. Nothing else
/// differs: principals, objects and facts are the same.
pub(super) fn generous(model: &Model) -> Model {
    let mut model = model.clone();
    let put = |text: String| Spanned::new(text, Loc::default());
    let grant = |server: &ServerName| Grant {
        text: put(format!("{server}/*")),
        server: server.clone(),
        what: Granted::All,
        only_read_only: false,
        requires: Vec::new(),
    };
    let grants: Vec<Grant> = model.servers.keys().map(grant).collect();
    let calls: Vec<Call> = model
        .servers
        .iter()
        .flat_map(|(server, entry)| entry.tools.values().map(move |tool| (server, tool)))
        .map(|(server, tool)| Call {
            tool: tool.name.clone(),
            server: Some(server.clone()),
            compensation: false,
            routed: None,
        })
        .collect();
    let offered = |entry: &Server| -> Vec<Readable> {
        let resources = entry.resources.iter().map(|resource| Readable::Resource(resource.uri.value.clone()));
        resources.chain(entry.prompts.iter().map(|prompt| Readable::Prompt(prompt.name.value.clone()))).collect()
    };
    let reads =
        model.servers.iter().flat_map(|(server, entry)| offered(entry).into_iter().map(move |what| (server, what)));
    let reads: Vec<Read> = reads
        .map(|(server, what)| Read { what: Spanned::new(what, Loc::default()), server: Some(server.clone()) })
        .collect();
    for agent in model.agents.values_mut() {
        agent.may_call.extend(grants.iter().cloned());
    }
    if let Some(any) = &mut model.any_agent {
        any.may_call.extend(grants);
    }
    for flow in model.flows.values_mut() {
        let name = put(String::new());
        flow.steps.push(Step {
            name,
            servers: Vec::new(),
            calls: calls.clone(),
            reads: reads.clone(),
            depends_on: Vec::new(),
            optional: None,
            proceed_if: None,
            takes: Vec::new(),
        });
    }
    model
}
