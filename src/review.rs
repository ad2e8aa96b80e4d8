//! Review: what a workspace lets whom do, and what a change opens or closes.
//!
//! Everything here is read from the normal form of [`crate::policy`]; nothing is evaluated that is not in it.

pub mod coverage;
pub mod decide;
pub mod evidence;
pub mod export;
pub mod mutate;
pub mod naming;
pub mod suite;
