//! Whose configuration a gateway goes by.

use std::collections::BTreeMap;

use super::Setting;
use crate::model::name::UnitName;

/// What the gateway's unit says, else what the central configuration does.
pub(super) fn of_gateway<'m, T>(all: &'m BTreeMap<Option<UnitName>, T>, setting: &Setting<'_>) -> Option<&'m T> {
    all.get(&setting.unit.cloned()).or_else(|| all.get(&None))
}
