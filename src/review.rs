//! Review: what a workspace lets whom do, and what a change opens or closes.

pub mod access;
pub mod cause;
pub mod group;
pub mod hybrid;
pub mod parts;
pub mod replay;

#[cfg(test)]
mod tests;
