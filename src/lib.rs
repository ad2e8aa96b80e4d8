//! mcpctl reads the configuration of a fleet of MCP servers, checks it, and compiles it into policies.
//!
//! The pipeline, one verb and one module a stage:
//!
//! ```text
//! paths ─read→ Sources ─parse→ sections ─route→ family ─validate→ schema findings
//!  ─decode→ as-written types ─lower→ Model ─derive→ Policy
//! (Model, Policy) ─check→ CheckedModel
//! CheckedModel ─compile→ artifacts ─lift→ relation ─compare→ differences ─write→ bundle
//! ```
//!
//! Stages return what they made together with what they found and never stop at the first fault.

pub mod analysis;
pub mod build;
pub mod bundle;
pub mod cedar;
pub mod checks;
pub mod cli;
pub mod diagnostic;
pub mod families;
pub mod handwritten;
pub mod lift;
pub mod lower;
pub mod lsp;
pub mod model;
pub mod policy;
pub mod render;
pub mod review;
pub mod schema;
pub mod settings;
pub mod source;
pub mod targets;
pub mod workspace;

/// Tests judge tens of thousands of changed bundles, and with the allocator of the system a third of their time is for memory.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
