//! Readers of files that configure an engine: what they say must be what the model says.

pub mod kafka;
pub mod kubernetes;
pub mod pools;
pub mod redis;
mod scoped;
pub mod temporal;
