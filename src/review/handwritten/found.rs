//! What is found: for each group of pairs the verdict, and requests that are decided differently.

use crate::cedar::symbolic::{Decided, Held};
use crate::policy::{Object, PrincipalId};

/// What is known of the decisions of some pairs before and after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// A solver shows that every request is decided alike.
    Equivalent,
    /// More is allowed.
    Widened,
    /// Less is allowed.
    Narrowed,
    /// Some requests are allowed that were denied, and some denied that were allowed.
    Incomparable,
    /// The solver has no answer, and why.
    Unknown(String),
    /// There is no solver. Whether at least nothing opens is seen from the form of the policies.
    Unproved {
        /// Permits were only removed, forbids only added, and the access relation allows no more.
        opens_nothing: bool,
    },
}

impl Proof {
    /// The word in every output.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Equivalent => "PROVED EQUIVALENT",
            Self::Widened => "WIDENED",
            Self::Narrowed => "NARROWED",
            Self::Incomparable => "INCOMPARABLE",
            Self::Unknown(_) => "UNKNOWN",
            Self::Unproved { .. } => "UNPROVED",
        }
    }

    /// Whether it is not shown that nothing opens.
    #[must_use]
    pub fn may_open(&self) -> bool {
        match self {
            Self::Equivalent | Self::Narrowed | Self::Unproved { opens_nothing: true } => false,
            Self::Widened | Self::Incomparable | Self::Unknown(_) | Self::Unproved { opens_nothing: false } => true,
        }
    }

    /// Whether there is a proof at all.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        !matches!(self, Self::Unknown(_) | Self::Unproved { .. })
    }
}

/// A request that is decided differently, as Cedar's authorizer decided it on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The facts that hold.
    pub facts: Held,
    /// Whether it is allowed now.
    pub allowed: bool,
    /// The policies that decide now, or that decided before where nothing allows it now.
    pub policies: Vec<String>,
}

/// Pairs whose decisions changed alike, and in which hand-written policies have a say on a side at least.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What is known.
    pub proof: Proof,
    /// The principals, sorted.
    pub principals: Vec<PrincipalId>,
    /// The objects, sorted.
    pub objects: Vec<Object>,
    /// How many pairs: not every principal with every object need be among them.
    pub pairs: usize,
    /// The decision before.
    pub before: Decided,
    /// The decision now.
    pub after: Decided,
    /// Requests that are decided differently: an opened one first.
    pub examples: Vec<Example>,
}

/// What hand-written policies change.
#[derive(Debug, Default)]
pub struct Found {
    /// How many pairs there are in which they have a say on a side at least.
    pub pairs: usize,
    /// How many of those are decided by the same conditions before and after.
    pub same: usize,
    /// The others.
    pub groups: Vec<Judged>,
    /// What proved it; `None` without a solver.
    pub solver: Option<String>,
}

impl Found {
    /// Whether it is not shown that nothing opens.
    #[must_use]
    pub fn may_open(&self) -> bool {
        self.groups.iter().any(|group| group.proof.may_open())
    }

    /// Whether nothing is known to be decided differently.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.groups.iter().all(|group| group.proof == Proof::Equivalent)
    }

    /// Whether every verdict is proved.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.groups.iter().all(|group| group.proof.is_proved())
    }
}
