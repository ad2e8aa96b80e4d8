//! Review: what a workspace lets whom do, and what a change opens or closes.

pub mod access;
pub mod cause;
pub mod diff;
pub mod group;
pub mod hybrid;
pub mod operation;
pub mod parts;
pub mod replay;
pub mod trust;

#[cfg(test)]
mod tests;
