//! The targets that decide calls, and what rules for products have in common.

pub mod agentcore;
pub mod agentgateway;
pub mod agentic_networking;
pub mod ai_gateway;
pub mod cedar;
pub mod cel;
mod dialects;
pub mod envoy;
pub mod grants;
pub mod istio;
mod keys;
pub mod toolhive;
