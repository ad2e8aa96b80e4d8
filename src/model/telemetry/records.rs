//! Log records: the fields that every gateway writes, what known fields hold, and what the Elastic Common Schema calls them.
//! Sources: the document, "Log Aggregation"; the Elastic Common Schema 9 (field sets `error`, `gen_ai`, `http`, `log`,
//! `organization`, `user`).

/// Fields that every record of a gateway has, in this order behind those of `logging_config`.
pub const OF_GATEWAYS: [&str; 13] = [
    "time",
    "record_id",
    "gateway",
    "mcp_server",
    "mcp_method",
    "tool_name",
    "caller",
    "subject",
    "peer",
    "decision",
    "status",
    "details",
    "flags",
];

/// Fields that records of servers and workers have beside those of `logging_config`.
pub const OF_SERVERS: [&str; 4] = ["time", "record_id", "level", "message"];

/// What is inside of `decision`: what Envoy's filter of rules tells, of the rules that decide and of those that are only counted.
pub const OF_DECISIONS: [&str; 4] = [
    "mcpctl_enforced_effective_policy_id",
    "mcpctl_enforced_engine_result",
    "mcpctl_shadow_effective_policy_id",
    "mcpctl_shadow_engine_result",
];

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A name, a number or an id, which is searched for as a whole.
    Word,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// A time of RFC 3339.
    Time,
    /// A text, which is searched for by its words.
    Text,
    /// What the rules of a gateway decided: [`OF_DECISIONS`].
    Decision,
}

/// What a field holds, by its name. One that is not known is a word.
#[must_use]
pub fn holds(field: &str) -> Holds {
    match field {
        "time" => Holds::Time,
        "status" | "status_code" => Holds::Whole,
        // Milliseconds.
        "execution_time" => Holds::Number,
        "message" | "error_message" => Holds::Text,
        "decision" => Holds::Decision,
        _ => Holds::Word,
    }
}

/// The field of the Elastic Common Schema that means the same, in the same unit.
#[must_use]
pub fn ecs(field: &str) -> Option<&'static str> {
    Some(match field {
        "request_id" => "http.request.id",
        "user_id" => "user.id",
        "tenant_id" => "organization.id",
        "tool_name" | "tool" => "gen_ai.tool.name",
        "agent" | "caller" => "gen_ai.agent.id",
        "status" | "status_code" => "http.response.status_code",
        "error_code" => "error.code",
        "error_message" => "error.message",
        "level" => "log.level",
        "session_id" => "session.id",
        "span_id" => "span.id",
        "trace_id" => "trace.id",
        "user_agent" => "user_agent.original",
        _ => return None,
    })
}
