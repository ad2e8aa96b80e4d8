//! Which results a layer may keep.

use std::collections::BTreeMap;

use super::plan::Kept;
use crate::model::access::DataClass;
use crate::model::server::{Server, Tool};
use crate::model::vocabulary::CacheLocation;
use crate::model::{Model, Scope};
use crate::source::Spanned;

/// What a layer at this place may keep of the servers that the scope is about, by server: results that depend on nothing but the call,
/// of data that may be at this place.
pub(super) fn kept(at: CacheLocation, scope: &Scope, model: &Model) -> BTreeMap<String, Kept> {
    let servers = model.servers.values().filter(|server| server.registered && is_of(server, scope, model));
    servers
        .filter_map(|server| {
            let rules = server.unit.as_ref().and_then(|unit| model.restated_for(&unit.value));
            let class = rules.as_ref().unwrap_or(&model.access).governing_class(server.name.value.as_str());
            let class = class.map(|(_, class)| class);
            if is_closed(server, class, model)
                || (class.is_some_and(DataClass::is_confined) && at != CacheLocation::McpServer)
            {
                return None;
            }
            let tools = server.tools.values().filter(|tool| is_repeatable(tool) && !is_suspended(tool, server));
            let kept = Kept {
                class: class.map(|class| class.name.value.to_string()),
                tools: tools.map(|tool| tool.name.value.to_string()).collect(),
                resources: server.resources.iter().map(|resource| resource.uri.value.clone()).collect(),
            };
            let is_anything = !(kept.tools.is_empty() && kept.resources.is_empty());
            is_anything.then(|| (server.name.value.to_string(), kept))
        })
        .collect()
}

/// Whether the layers of a scope are those of a server: a unit's own layers are for its servers, and the central ones for all others.
fn is_of(server: &Server, scope: &Scope, model: &Model) -> bool {
    let unit = server.unit.as_ref().map(|unit| &unit.value);
    match scope {
        Some(own) => unit == Some(own),
        None => unit.is_none_or(|unit| !model.caching.contains_key(&Some(unit.clone()))),
    }
}

/// Whether a result may stand for the next one. An annotation that is absent says nothing, so such a tool's results are not kept.
fn is_repeatable(tool: &Tool) -> bool {
    let says = |annotation: &Option<Spanned<bool>>, what: bool| annotation.as_ref().is_some_and(|it| it.value == what);
    says(&tool.read_only, true) && !says(&tool.destructive, true) && !says(&tool.idempotent, false)
}

/// Whether the server, its class or its unit is suspended.
fn is_closed(server: &Server, class: Option<&DataClass>, model: &Model) -> bool {
    let unit = server.unit.as_ref().and_then(|unit| model.topology.units.get(&unit.value));
    let mut listed = model.access.classes_of(server.name.value.as_str());
    server.suspended.is_some()
        || class.is_some_and(|class| class.suspended.is_some())
        || listed.any(|(_, class, _)| class.suspended.is_some())
        || unit.is_some_and(|unit| unit.suspended.is_some())
}

fn is_suspended(tool: &Tool, server: &Server) -> bool {
    let all = [Some(&server.access), server.overlay.as_ref()];
    all.into_iter().flatten().filter_map(|access| access.tools.get(&tool.name.value)).any(|own| own.suspended.is_some())
}
