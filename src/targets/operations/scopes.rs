//! The folders of a target that configures an engine: `central`, and one for each unit folder that has sections of its own.

use std::collections::BTreeMap;

use crate::model::{Model, Scope};
use crate::targets::names::dns_labels;
use crate::targets::{CompileError, TargetId};

/// The folder of what the central configuration says.
const CENTRAL: &str = "central";

/// The folder of each of these scopes.
///
/// # Errors
/// For two units whose names become one.
pub(super) fn folders<'m>(
    target: TargetId,
    model: &'m Model,
    scopes: impl IntoIterator<Item = &'m Scope>,
) -> Result<BTreeMap<&'m Scope, String>, CompileError> {
    let scopes: Vec<&Scope> = scopes.into_iter().collect();
    let units = scopes.iter().filter_map(|scope| scope.as_ref()).map(|unit| {
        let loc = model.topology.units.get(unit).map(|unit| unit.name.loc);
        (unit.as_str(), loc.unwrap_or_default())
    });
    let labels = dns_labels(target, units).map_err(CompileError::Findings)?;
    let folder = |scope: &Scope| match scope {
        None => CENTRAL.to_owned(),
        Some(unit) => labels.get(unit.as_str()).cloned().unwrap_or_else(|| unit.to_string()),
    };
    Ok(scopes.into_iter().map(|scope| (scope, folder(scope))).collect())
}

/// The names of units that folders spell differently.
pub(super) fn renamed<'m>(scopes: impl IntoIterator<Item = &'m Scope>) -> impl Iterator<Item = (String, String)> {
    let units = scopes.into_iter().filter_map(|scope| scope.as_ref());
    units.filter_map(|unit| crate::targets::names::renamed(unit.as_str()))
}
