//! Review: what a workspace lets whom do, and how a change widens and narrows access.
//!
//! Everything here is read from the normal form of [`crate::policy`]; nothing is evaluated that is not in it.

pub mod access;
pub mod align;
pub mod cause;
pub mod coverage;
pub mod decide;
pub mod diff;
pub mod evidence;
pub mod excuse;
pub mod export;
pub mod gate;
pub mod graph;
pub mod group;
pub mod handwritten;
pub mod mixture;
pub mod mutate;
pub mod naming;
pub mod objects;
pub mod operation;
pub mod premises;
pub mod proof;
pub mod rename;
pub mod replay;
pub mod rollout;
pub mod solved;
pub mod suite;
pub mod trust;

#[cfg(test)]
mod tests;
