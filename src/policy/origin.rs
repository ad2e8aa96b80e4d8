//! Where the grant behind a cell was written, and what asks for a fact of it.

use super::derive::effective_level;
use super::fact::{CROSS_UNIT_APPROVAL, MTLS, TLS};
use super::{Object, ObjectKind, PrincipalId};
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::access::{Grant, GrantedTools, MutualTls};
use crate::model::name::{FactName, ToolName};
use crate::model::server::Tool;
use crate::model::topology::Encryption;
use crate::source::{Loc, Spanned};

/// The place of the first grant, or the first flow step, that gives the principal this tool. `None` for what is no
/// tool, or is not granted.
#[must_use]
pub fn grant_place(model: &Model, principal: &PrincipalId, object: &Object) -> Option<Loc> {
    grant_places(model, principal, object).first().copied()
}

/// The places of every grant, or every flow step, that gives the principal this tool, in the order written. Empty for what
/// is no tool, or is not granted.
#[must_use]
pub fn grant_places(model: &Model, principal: &PrincipalId, object: &Object) -> Vec<Loc> {
    let ObjectKind::Tool(name) = &object.kind else { return Vec::new() };
    let tool = model.server(object.server.as_str()).and_then(|server| server.tools.get(name));
    let of_grants = |grants: &[Grant]| {
        let covering = grants.iter().filter(|grant| covers(grant, object, name, tool));
        covering.map(|grant| grant.text.loc).collect()
    };
    match principal {
        PrincipalId::Agent(name) => model.agents.get(name).map(|agent| of_grants(&agent.may_call)).unwrap_or_default(),
        PrincipalId::AnyAgent(_) => model.any_agent.as_ref().map(|any| of_grants(&any.may_call)).unwrap_or_default(),
        PrincipalId::Flow(id) => {
            let calls = model.flows.get(id).into_iter().flat_map(|flow| flow.calls());
            calls
                .filter(|(_, call)| call.tool.value == *name && call.server.as_ref() == Some(&object.server))
                .map(|(_, call)| call.tool.loc)
                .collect()
        }
    }
}

fn covers(grant: &Grant, object: &Object, name: &ToolName, tool: Option<&Tool>) -> bool {
    let reads = tool.and_then(|tool| tool.read_only.as_ref()).is_some_and(|flag| flag.value);
    grant.server == object.server
        && (reads || !grant.only_read_only)
        && match &grant.tools {
            GrantedTools::All => true,
            GrantedTools::One(one) => one == name,
        }
}

/// A place that asks for a fact of a call: the first of the level's, its alternatives', the class's, the server's, the
/// object's and the principal's grants' requirements, else the rule of the mesh, the network or between units that does. `classes` are the
/// centre's; what a unit folder restates is not looked at.
#[must_use]
pub fn fact_place(
    model: &Model,
    classes: &Classification<'_>,
    principal: Option<&PrincipalId>,
    object: &Object,
    fact: &str,
) -> Option<Loc> {
    let server = model.server(object.server.as_str())?;
    let name = server.name.value.as_str();
    let (own_level, own): (Option<&Spanned<u32>>, &[Spanned<FactName>]) = match &object.kind {
        ObjectKind::Protocol => (None, &[]),
        ObjectKind::Tool(tool) => {
            let own = server.access.tools.get(tool);
            (own.and_then(|own| own.auth_level.as_ref()), own.map(|own| own.requires.as_slice()).unwrap_or_default())
        }
        ObjectKind::Resource(uri) => {
            let own = server.resources.iter().find(|own| own.uri.value == *uri);
            (own.and_then(|own| own.auth_level.as_ref()), own.map(|own| own.requires.as_slice()).unwrap_or_default())
        }
        ObjectKind::Prompt(prompt) => {
            let own = server.prompts.iter().find(|own| own.name.value == *prompt);
            (own.and_then(|own| own.auth_level.as_ref()), own.map(|own| own.requires.as_slice()).unwrap_or_default())
        }
    };
    let levels = &model.access.levels;
    let wanted = classes.level(name, &server.access, own_level);
    let level = wanted.and_then(|wanted| effective_level(levels, wanted));
    let cumulative = level.into_iter().flat_map(|level| levels.range(..=level));
    let alternatives = level.and_then(|level| levels.get(&level)).into_iter().flat_map(|level| &level.alternatives);
    let class = classes.governing(name).map(|(_, class)| &class.requires);
    let grants = match principal {
        Some(PrincipalId::Agent(name)) => model.agents.get(name).map(|agent| agent.may_call.as_slice()),
        Some(PrincipalId::AnyAgent(_)) => model.any_agent.as_ref().map(|any| any.may_call.as_slice()),
        Some(PrincipalId::Flow(_)) | None => None,
    };
    let grants = grants.into_iter().flatten().filter(|grant| match &object.kind {
        ObjectKind::Tool(tool) => covers(grant, object, tool, server.tools.get(tool)),
        ObjectKind::Protocol | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => false,
    });
    let written = cumulative
        .flat_map(|(_, level)| &level.requirements)
        .chain(alternatives.flat_map(|way| &way.requirements))
        .chain(class.into_iter().flatten())
        .chain(&server.access.requires)
        .chain(own)
        .chain(grants.flat_map(|grant| &grant.requires));
    let is_protocol = object.kind == ObjectKind::Protocol;
    let mut written = written.filter(|_| !is_protocol);
    written.find(|asked| asked.value.as_str() == fact).map(|asked| asked.loc).or_else(|| match fact {
        MTLS => model.access.mutual_tls.as_ref().filter(|mode| mode.value == MutualTls::Strict).map(|mode| mode.loc),
        TLS => model
            .topology
            .encryption_in_transit
            .as_ref()
            .filter(|mode| mode.value == Encryption::Required)
            .map(|mode| mode.loc),
        CROSS_UNIT_APPROVAL => model.topology.cross_unit_routing.as_ref().map(|routing| routing.loc),
        _ => None,
    })
}
