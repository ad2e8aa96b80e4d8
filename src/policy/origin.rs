//! Where the grant behind a cell was written, and what asks for a fact of it.

use super::derive::effective_level;
use super::fact::{CROSS_UNIT_APPROVAL, MTLS, TLS};
use super::objects::own_access;
use super::{Object, ObjectKind, PrincipalId};
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::access::{Grant, MutualTls};
use crate::model::name::ServerName;
use crate::model::server::{Server, ServerAccess};
use crate::model::topology::Encryption;
use crate::source::Loc;

/// The place of the first grant, or the first flow step, that gives the principal this tool. `None` for what is no
/// tool, or is not granted.
#[must_use]
pub fn grant_place(model: &Model, principal: &PrincipalId, object: &Object) -> Option<Loc> {
    grant_places(model, principal, object).first().copied()
}

/// The places of every grant, or every flow step, that gives the principal this tool, in the order written. Empty for what
/// is not a tool, or is not granted.
#[must_use]
pub fn grant_places(model: &Model, principal: &PrincipalId, object: &Object) -> Vec<Loc> {
    if object.kind == ObjectKind::Protocol {
        return Vec::new();
    }
    let of_grants = |grants: &[Grant]| {
        let covering = grants.iter().filter(|grant| covers(model, grant, object));
        covering.map(|grant| grant.text.loc).collect()
    };
    match principal {
        PrincipalId::Agent(name) => model.agents.get(name).map(|agent| of_grants(&agent.may_call)).unwrap_or_default(),
        PrincipalId::AnyAgent(_) => model.any_agent.as_ref().map(|any| of_grants(&any.may_call)).unwrap_or_default(),
        PrincipalId::Flow(id) => {
            let Some(flow) = model.flows.get(id) else { return Vec::new() };
            let here = |server: &Option<ServerName>| server.as_ref() == Some(&object.server);
            let calls = flow.calls().filter(|(_, call)| flow.makes(call) && here(&call.server));
            let calls = calls.filter(|(_, call)| object.kind.is_tool(&call.tool.value)).map(|(_, call)| call.tool.loc);
            let reads = flow.steps.iter().flat_map(|step| &step.reads).filter(|read| here(&read.server));
            let reads = reads.filter(|read| object.kind.is_of(&read.what.value)).map(|read| read.what.loc);
            calls.chain(reads).collect()
        }
    }
}

fn covers(model: &Model, grant: &Grant, object: &Object) -> bool {
    let writes = || match &object.kind {
        ObjectKind::Tool(name) => {
            let tool = model.server(object.server.as_str()).and_then(|server| server.tools.get(name));
            !tool.and_then(|tool| tool.read_only.as_ref()).is_some_and(|flag| flag.value)
        }
        ObjectKind::Protocol | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => false,
    };
    grant.server == object.server && object.kind.is_granted_by(&grant.what) && !(grant.only_read_only && writes())
}

/// A place that asks for a fact of a call: by the central rules, else by those of the server's unit, else by the principal's
/// grants, else the rule of the mesh, the network or between units that does. `classes` are those of the central configuration.
#[must_use]
pub fn fact_place(
    model: &Model,
    classes: &Classification<'_>,
    principal: Option<&PrincipalId>,
    object: &Object,
    fact: &str,
) -> Option<Loc> {
    let server = model.server(object.server.as_str())?;
    let of_unit = || {
        let restated = server.unit.as_ref().and_then(|unit| model.restated_for(&unit.value));
        let access = server.overlay.as_ref().unwrap_or(&server.access);
        match &restated {
            Some(rules) => asked_by(&Classification::of(rules), access, server, &object.kind, fact),
            None => asked_by(classes, access, server, &object.kind, fact),
        }
    };
    let of_grants = || {
        let grants = match principal? {
            PrincipalId::Agent(name) => model.agents.get(name).map(|agent| agent.may_call.as_slice()),
            PrincipalId::AnyAgent(_) => model.any_agent.as_ref().map(|any| any.may_call.as_slice()),
            PrincipalId::Flow(_) => None,
        };
        let covering =
            grants?.iter().filter(|grant| object.kind != ObjectKind::Protocol && covers(model, grant, object));
        let mut asked = covering.flat_map(|grant| &grant.requires);
        asked.find(|asked| asked.value.as_str() == fact).map(|asked| asked.loc)
    };
    let topology = &model.topology;
    let of_rules = || match fact {
        MTLS => model.access.mutual_tls.as_ref().filter(|mode| mode.value == MutualTls::Strict).map(|mode| mode.loc),
        TLS => {
            let mode = topology.encryption_in_transit.as_ref();
            let of_all = mode.filter(|mode| mode.value == Encryption::Required).map(|mode| mode.loc);
            let class = classes.governing(object.server.as_str()).map(|(_, class)| class);
            of_all.or_else(|| class?.encryption.as_ref().map(|word| word.loc))
        }
        CROSS_UNIT_APPROVAL => topology.cross_unit_routing.as_ref().map(|routing| routing.loc),
        _ => None,
    };
    let of_centre = asked_by(classes, &server.access, server, &object.kind, fact);
    of_centre.or_else(of_unit).or_else(of_grants).or_else(of_rules)
}

/// The first of the level's, its alternatives', the class's, the server's and the object's own requirements that is this fact,
/// by one scope's rules.
fn asked_by(
    classes: &Classification<'_>,
    access: &ServerAccess,
    server: &Server,
    kind: &ObjectKind,
    fact: &str,
) -> Option<Loc> {
    let name = server.name.value.as_str();
    if *kind == ObjectKind::Protocol {
        return None;
    }
    let (own_level, own) = own_access(server, access, kind);
    let levels = &classes.rules().levels;
    let wanted = match kind {
        ObjectKind::Tool(tool) => classes.tool_level(server, access, tool.as_str()),
        ObjectKind::Protocol | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => {
            classes.level(name, access, own_level)
        }
    };
    let level = wanted.and_then(|wanted| effective_level(levels, wanted));
    let cumulative = level.into_iter().flat_map(|level| levels.range(..=level));
    let alternatives = level.and_then(|level| levels.get(&level)).into_iter().flat_map(|level| &level.alternatives);
    let class = classes.governing(name).map(|(_, class)| &class.requires);
    let mut written = cumulative
        .flat_map(|(_, level)| &level.requirements)
        .chain(alternatives.flat_map(|way| &way.requirements))
        .chain(class.into_iter().flatten())
        .chain(&access.requires)
        .chain(own);
    written.find(|asked| asked.value.as_str() == fact).map(|asked| asked.loc)
}
