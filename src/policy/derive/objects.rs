//! Everything that can be called.

use super::demand::{self, Demand, DemandId, Demands};
use crate::model::Model;
use crate::model::server::Tool;
use crate::policy::fact::Facts;
use crate::policy::objects::ObjectIndex;
use crate::policy::{Object, ObjectKind};

/// Every object, and what derives from it alone.
pub(super) struct Objects {
    /// Sorted.
    pub(super) objects: Vec<Object>,
    pub(super) index: ObjectIndex,
    /// For each object what calls to it demand.
    pub(super) demand_of: Vec<DemandId>,
    pub(super) demands: Vec<Demand>,
    /// For each object whether an agent may be granted it.
    pub(super) grantable: Vec<Grantable>,
}

/// Whether an agent may be granted an object.
#[derive(Clone, Copy)]
pub(super) enum Grantable {
    /// It is the protocol, which comes with everything else, or a tool that only a flow names, which exists for that flow alone.
    No,
    /// A resource, a prompt, or a tool that is annotated as read-only.
    Reading,
    /// Any other tool.
    Writing,
}

impl Grantable {
    fn of(tool: &Tool) -> Self {
        match &tool.read_only {
            _ if !tool.registered => Self::No,
            Some(flag) if flag.value => Self::Reading,
            Some(_) | None => Self::Writing,
        }
    }
}

/// Every object of a model.
pub(super) fn objects_of(model: &Model, facts: &Facts) -> Objects {
    let mut found: Vec<(Object, DemandId, Grantable)> = Vec::new();
    let restated = demand::restated(model);
    let mut demands = Demands::new(model, facts, &restated);
    for server in model.servers.values() {
        let mut common = demands.common(server);
        let mut add = |kind: ObjectKind, grantable: Grantable| {
            let demand = demands.of(server, &kind, common.as_mut());
            found.push((Object { server: server.name.value.clone(), kind }, demand, grantable));
        };
        add(ObjectKind::Protocol, Grantable::No);
        server.tools.iter().for_each(|(name, tool)| add(ObjectKind::Tool(name.clone()), Grantable::of(tool)));
        server.resources.iter().for_each(|it| add(ObjectKind::Resource(it.uri.value.clone()), Grantable::Reading));
        server.prompts.iter().for_each(|it| add(ObjectKind::Prompt(it.name.value.clone()), Grantable::Reading));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    let demands = demands.finish();
    let (mut objects, mut demand_of, mut grantable) = (Vec::new(), Vec::new(), Vec::new());
    for (object, demand, grant) in found {
        objects.push(object);
        demand_of.push(demand);
        grantable.push(grant);
    }
    let index = ObjectIndex::of(&objects);
    Objects { objects, index, demand_of, demands, grantable }
}
