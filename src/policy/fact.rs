//! Facts of a request, as bits of a mask.

use crate::model::name::FactName;

/// The connection is encrypted.
pub const TLS: &str = "tls";
/// The caller proved itself with a certificate; implies [`TLS`].
pub const MTLS: &str = "mtls";
/// The unit of the server approved the call from outside it.
pub const CROSS_UNIT_APPROVAL: &str = "cross_unit_approval";
/// Most facts that a workspace can use: the bits of a mask.
pub const MOST_FACTS: usize = 64;

/// The facts that a policy's conditions speak of, sorted by name; the index is the bit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    names: Vec<FactName>,
}

impl Facts {
    /// These facts. At most [`MOST_FACTS`]; the rest is dropped, which the caller must have reported.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = FactName>) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort();
        names.dedup();
        names.truncate(MOST_FACTS);
        Self { names }
    }

    /// All facts, in the order of their bits.
    #[must_use]
    pub fn names(&self) -> &[FactName] {
        &self.names
    }

    /// The mask of one fact; `None` for a fact that no condition uses.
    #[must_use]
    pub fn mask(&self, name: &str) -> Option<u64> {
        self.names.binary_search_by(|fact| fact.as_str().cmp(name)).ok().map(|bit| 1 << bit)
    }

    /// The mask of every fact.
    #[must_use]
    pub fn all(&self) -> u64 {
        if self.names.len() == MOST_FACTS { u64::MAX } else { (1 << self.names.len()) - 1 }
    }

    /// The facts of a mask by name, in order.
    pub fn named(&self, mask: u64) -> impl Iterator<Item = &FactName> {
        self.names.iter().enumerate().filter(move |(bit, _)| mask >> bit & 1 == 1).map(|(_, name)| name)
    }

    /// The mask with everything that it implies: `mtls` implies `tls`.
    #[must_use]
    pub fn closed(&self, mask: u64) -> u64 {
        match (self.mask(MTLS), self.mask(TLS)) {
            (Some(mtls), Some(tls)) if mask & mtls != 0 => mask | tls,
            _ => mask,
        }
    }

    /// `{mfa, mtls}`, for messages.
    #[must_use]
    pub fn shown(&self, mask: u64) -> String {
        let names: Vec<_> = self.named(mask).map(FactName::as_str).collect();
        format!("{{{}}}", names.join(", "))
    }
}
