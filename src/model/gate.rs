//! What access a change may widen without failing the gate of `mcpctl diff`, and who accepted what else.
//! Source: `review` of `mcpctl.yaml`, or the file that `mcpctl diff --budget` names.

use std::collections::BTreeMap;

use super::name::{ClassName, FactName, UnitName};
use crate::source::{Loc, Spanned};

/// The rules of the gate. Without any, no access may widen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gate {
    /// Most pairs of a principal and an object that may widen in all.
    pub max_new_allow: Option<Spanned<u32>>,
    /// Most of them on servers of a unit.
    pub units: BTreeMap<UnitName, Spanned<u32>>,
    /// Most of them on servers of a data class.
    pub classes: BTreeMap<ClassName, Spanned<u32>>,
    /// Most changes of operation that may take capacity, protection or visibility away; any number where it is not set.
    pub max_lost_operation: Option<Spanned<u32>>,
    /// What somebody accepted beforehand.
    pub waivers: Vec<GateWaiver>,
}

impl Gate {
    /// Whether anything is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A widening that somebody accepted before the change was made, for a reason and a time.
#[derive(Debug, Clone, PartialEq)]
pub struct GateWaiver {
    /// Which widening.
    pub what: Waived,
    /// Why it is accepted.
    pub reason: Spanned<String>,
    /// Who accepted it.
    pub owner: Spanned<String>,
    /// The last day on which it holds, as `2027-03-31`.
    pub expires: Spanned<String>,
    /// The entry.
    pub loc: Loc,
}

/// What a waiver is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Waived {
    /// Pairs of one of these principals and one of these objects.
    Pairs {
        /// Who: names in which `*` matches any text.
        principals: Vec<Spanned<String>>,
        /// What: `server/tool`, in which `*` matches any text.
        tools: Vec<Spanned<String>>,
        /// Facts that every request which is let through must show.
        facts: Vec<Spanned<FactName>>,
    },
    /// A change of trust.
    Trust {
        /// What it is about: a text in which `*` matches any text.
        what: Spanned<String>,
        /// The new value that is accepted, and no other one. Without it nothing is accepted, and a check says so.
        to: Option<Spanned<String>>,
    },
}
