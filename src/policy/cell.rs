//! Cells and the reasons for their conditions.

use super::condition::CondId;
use crate::model::name::{FactName, UnitName};
use crate::source::Loc;

/// A rule by number, within one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// The condition of one (principal, object) pair and why it is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// When it is allowed.
    pub condition: CondId,
    /// Why.
    pub rule: RuleId,
}

/// What made a condition: everything that the deciding clauses contributed. Cells with the same ingredients share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessRule {
    /// Readable and unique within the policy: `level-3`, `level-3.cross-unit`, `level-4.requires-treasury_dealer`,
    /// `protocol`. Letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// The level that applies; `None` for protocol methods and where no levels are declared.
    pub level: Option<u32>,
    /// Facts asked for beside the level's, sorted (class, server, tool and grant together).
    pub requires: Vec<FactName>,
    /// Whether the caller stands in another unit than the server.
    pub cross_unit: bool,
    /// The unit whose folder restates part of it.
    pub restated_by: Option<UnitName>,
    /// The condition, the same as its cells'.
    pub condition: CondId,
    /// Why it can never hold, where it cannot.
    pub blocked: Option<Blocked>,
    /// The places it comes from; the first one is where a reader should look first.
    pub from: Vec<Loc>,
}

/// Why a cell can never be allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocked {
    /// What blocks it, in words: "the server is suspended".
    pub why: String,
    /// Where that stands; `None` where it follows from something that is not written (an absent `cross_unit_routing`).
    pub loc: Option<Loc>,
    /// Whether it is a suspension, which somebody chose, and not a contradiction.
    pub suspension: bool,
}
