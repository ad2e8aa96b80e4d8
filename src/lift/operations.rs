//! Readers of files that configure an engine: what they say must be what the model says.

pub mod cache_plan;
pub mod chaos;
pub mod consul;
pub mod elasticsearch;
pub mod kafka;
pub mod kubernetes;
pub mod otel_collector;
pub mod pools;
pub mod prometheus;
pub mod redis;
pub mod scenarios;
mod scoped;
pub mod temporal;
