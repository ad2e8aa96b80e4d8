//! What is switched off, and where that is written.

use super::{Object, ObjectKind};
use crate::model::{Model, Suspension};
use crate::source::Loc;

/// Where an object, its server, its class or its unit is switched off; `None` where it is not.
#[must_use]
pub fn suspension_of(model: &Model, object: &Object) -> Option<Loc> {
    let server = model.servers.get(&object.server)?;
    let unit = server.unit.as_ref().map(|unit| &unit.value);
    let restated = unit.and_then(|unit| model.restated_for(unit));
    let classes = std::iter::once(&model.access).chain(&restated);
    let classes = classes.filter_map(|rules| rules.governing_class(server.name.value.as_str()));
    let classes: Vec<Suspension> = classes.map(|(_, class)| class.suspended.clone()).collect();
    let of_unit = unit.and_then(|unit| model.topology.units.get(unit)).map(|unit| &unit.suspended);
    let of_tool = std::iter::once(&server.access).chain(&server.overlay).filter_map(|access| match &object.kind {
        ObjectKind::Tool(tool) => access.tools.get(tool).map(|own| &own.suspended),
        ObjectKind::Protocol | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => None,
    });
    let mut all = std::iter::once(&server.suspended).chain(&classes).chain(of_unit).chain(of_tool);
    all.find_map(|suspension| suspension.as_ref()).map(|reason| reason.loc)
}
