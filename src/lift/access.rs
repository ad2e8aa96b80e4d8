//! Readers of files that decide calls: each answers with the relation that its files decide.

pub mod agentcore;
pub mod agentgateway;
pub mod agentic_networking;
pub mod ai_gateway;
pub mod cedar;
pub mod cel;
pub mod envoy;
pub mod istio;
pub mod probe;
mod protocol;
pub mod relation;
pub mod toolhive;
