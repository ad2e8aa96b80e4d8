//! The errors of JSON-RPC that a gateway gives.

/// JSON-RPC error code of a denial: of the range that the protocol leaves to implementations.
pub(super) const DENIED: i32 = -32001;
/// That of a server that a breaker leaves out for a while: of the same range.
pub(super) const UNAVAILABLE: i32 = -32005;
/// That of a method that does not exist. Source: JSON-RPC 2.0, section 5.1.
pub(super) const UNKNOWN_METHOD: i32 = -32601;
/// That of a message that is not a single request, notification or response. Source: the same.
pub(super) const INVALID_MESSAGE: i32 = -32600;
/// That of headers that say something else than the body. Source: MCP 2026-07-28, "Server Validation".
pub(super) const HEADER_MISMATCH: i32 = -32020;
/// That of a revision that is not accepted. Source: MCP 2026-07-28, "Protocol Version Negotiation".
pub(super) const UNSUPPORTED_REVISION: i32 = -32022;
