//! The targets that configure an engine and decide no call.

pub mod kafka;
pub mod kubernetes;
pub mod pools;
pub mod redis;
mod scopes;
pub mod temporal;
