//! The changes, in the order in which they were made.

mod paths;

use super::{Of, Upgrade};

macro_rules! upgrades {
    ($($name:ident { rule: $rule:expr, of: $of:expr, what: $what:expr, before: $before:expr, write: $write:expr, })*) => {
        $(
            #[doc = $what]
            pub static $name: Upgrade = Upgrade { rule: $rule, of: $of, what: $what, before: $before, write: $write };
        )*
        /// Every change, in the order of the book's page.
        pub static UPGRADES: &[&Upgrade] = &[$(&$name,)*];
    };
}

// One entry a change; append at the end.
upgrades! {
    EXPORTER_BY_NAME {
        rule: "unknown-exporter-protocol",
        of: Of::Every,
        what: "a trace exporter without `type`, at an endpoint that tells no protocol",
        before: "the name of the exporter told its protocol, and any other name switched tracing off",
        write: "`type: zipkin`, or `otlp`, `otlp_grpc`, `otlp_http` or `jaeger`",
    }
    SECRET_HEADER {
        rule: "secret-correlation-header",
        of: Of::Every,
        what: "a correlation header that carries secrets, or that the protocol uses",
        before: "its value, as the caller sent it, was written into spans and records",
        write: "a header of its own for each: `request_id_header: x-request-id`, `user_id_header: x-user-id`, \
                `tenant_id_header: x-tenant-id`",
    }
    SHARED_URL {
        rule: "shared-url",
        of: Of::Every,
        what: "two servers with one URL",
        before: "each name had rules of its own, although both lead to one server",
        write: "one entry for the server with all of its tools, or a `url` of its own for each",
    }
    CLASS_WEAKER {
        rule: "class-weaker-than-lower",
        of: Of::Every,
        what: "a class that asks for less than a less sensitive one",
        before: "`min_auth_level` was taken as written, whatever the order of the classes says",
        write: "a `min_auth_level` that is at least that of every less sensitive class",
    }
    MISSING_SUBJECT {
        rule: "missing-subject",
        of: Of::Every,
        what: "an agent without `subject` beside `identity`",
        before: "gateways denied everything to it, while `mcpctl can` said that it is allowed",
        write: "`subject: \"spiffe://example.org/ns/agents/sa/clerk\"`, with what the agent's tokens have",
    }
    SERVER_IN_TWO_POOLS {
        rule: "server-in-two-pools",
        of: Of::Every,
        what: "a server in two pools of `bulkhead_config`",
        before: "the first pool that lists the server applied",
        write: "the server in the `mcp_servers` of one pool",
    }
    HEALTH_TIMEOUT {
        rule: "health-timeout-not-below-interval",
        of: Of::Every,
        what: "a health check whose `timeout` is not below its `interval`",
        before: "both were written to the product as they are",
        write: "`interval: 10s` and `timeout: 3s`",
    }
    BALANCING_FACTORS {
        rule: "load-balancing-factors-do-not-sum",
        of: Of::Every,
        what: "`health_factor` and `latency_factor` that are not 1 together",
        before: "both were read and their sum was not looked at",
        write: "`health_factor: 0.7` and `latency_factor: 0.3`",
    }
    POOL_EXCEEDS_BULKHEAD {
        rule: "pool-exceeds-bulkhead",
        of: Of::Every,
        what: "connection pools that are larger than their bulkhead",
        before: "the bulkhead and the pools were read apart from each other",
        write: "`connections` of at least what the servers' pools may open together",
    }
    AUDIT_RETENTION {
        rule: "audit-retention-too-short",
        of: Of::Every,
        what: "audit logs that are kept shorter than the federation asks for",
        before: "`audit_logs` and `audit_retention` were read apart from each other",
        write: "`audit_logs` of at least `audit_retention`",
    }
    RESERVED_LABEL {
        rule: "reserved-label",
        of: Of::Every,
        what: "a label of a metric that Prometheus keeps for itself",
        before: "the label was written to the product, where it is refused or dropped",
        write: "another name for the label, such as `server_name` for `__name__`",
    }
    UNKNOWN_FAILURE_TARGET {
        rule: "unknown-failure-target",
        of: Of::Every,
        what: "an `inject_failure` that names no server and fault",
        before: "any text was accepted, and nothing was broken by it",
        write: "`inject_failure: payment_server_timeout`: a server, `_` and a fault",
    }
    SAGA_WITHOUT_SWITCH {
        rule: "saga-without-compensation",
        of: Of::Told,
        what: "a saga without `compensations_enabled` and with a step that nothing undoes",
        before: "steps were only looked at where the switch was `true`, although compensations run without it",
        write: "`compensation: refund_charge` in the step, or `compensations_enabled: false` in the saga",
    }
    CLAIM_ALONE {
        rule: "evidence-without-test",
        of: Of::Every,
        what: "evidence that names a claim and compares it with nothing",
        before: "any value of the claim that was not empty showed the fact",
        write: "`present: true` beside the claim; or what it must be: `contains`, `one_of`",
    }
    ISSUER_FOR_ANYBODY {
        rule: "issuer-for-anybody",
        of: Of::Every,
        what: "one of several issuers without `speaks_for`",
        before: "its tokens could name every agent and flow, those of the other issuers included",
        write: "`speaks_for: [agents, flows]`",
    }
    ISSUER_WITHOUT_AUDIENCE {
        rule: "issuer-without-audience",
        of: Of::Every,
        what: "an issuer without an audience",
        before: "targets that need an audience were left out, and the others took a token for any service",
        write: "`audience: per_server`, or `audiences: [mcp-gateway]`",
    }
    EMPTY_SPEAKS_FOR {
        rule: "invalid-value",
        of: Of::At(&["identity/issuers/*/speaks_for"]),
        what: "an empty `speaks_for`",
        before: "an empty list meant that the issuer speaks for every principal",
        write: "`speaks_for: [agents, flows]`",
    }
    DELEGATION_OF_CLIENTS {
        rule: "delegation-without-login",
        of: Of::Every,
        what: "an issuer with `caller`, and `user_delegation` by default",
        before: "there was no `caller`, and the caller was always `act.sub` or `sub`",
        write: "`user_delegation: {claim: auth_time, present: true}`, or another claim that only a login has",
    }
    GUARDING_CHECK_OFF {
        rule: "guarding-check-off",
        of: Of::Every,
        what: "a check that guards access and is switched off",
        before: "`checks: {never-allowed: off}` hid the findings of any check",
        write: "a waiver with `owner`, `reason` and `expires` for each finding that is accepted",
    }
    PLACEHOLDER {
        rule: "unexpanded-placeholder",
        of: Of::Every,
        what: "a placeholder such as `${HOST}`",
        before: "the placeholder itself went into the files as the address, the name or the header",
        write: "the value itself, or the key in the folder of an environment (`environments: {prod: env/prod}` in `mcpctl.yaml`)",
    }
    CREDENTIALS {
        rule: "credentials-in-url",
        of: Of::Every,
        what: "a password or a token in a URL",
        before: "it went into the bundle and into messages",
        write: "the URL alone, `https://host/path`; the product gets the secret from its platform",
    }
    METRIC_NAME {
        rule: "invalid-metric-name",
        of: Of::Every,
        what: "a name of a metric or a label that Prometheus refuses",
        before: "the name went into the files as it was",
        write: "a name of letters, digits and `_`: `name: mcp_requests_total`",
    }
    OPEN_WORDS {
        rule: "unknown-word",
        of: Of::At(paths::OPEN_WORDS),
        what: "a word that has no meaning",
        before: "any text was accepted, and nothing was done by it",
        write: "one of the words that the message lists, such as `engine: temporal`; remove the key where none of them fits",
    }
    NOTHING {
        rule: "invalid-value",
        of: Of::At(paths::NOTHING),
        what: "a time, a size or a share of zero, or beyond what products hold",
        before: "zero meant no limit in one product and at once in the next, and what was too large was refused by the product",
        write: "a value such as `timeout: 30s`, or no such key",
    }
    GRAMMAR {
        rule: "invalid-value",
        of: Of::At(paths::GRAMMAR),
        what: "a text that the product which reads it refuses",
        before: "the text went into the files as it was",
        write: "what the message shows, such as `endpoint: https://collector:4318/v1/traces` or `user_id_header: x-user-id`",
    }
    EMPTY_LIST {
        rule: "invalid-value",
        of: Of::At(paths::EMPTY_LIST),
        what: "an empty list that would narrow nothing",
        before: "it asked for nothing and limited nothing",
        write: "what is asked for, such as `requirements: [service_account_token]`, or no such key",
    }
    CLASS_ENCRYPTION {
        rule: "plaintext-in-transit",
        of: Of::Told,
        what: "a class with `encryption` whose server has a plain `http` URL",
        before: "`encryption` of a class asked nothing of calls and of URLs",
        write: "`url: https://...`, or no `encryption` for a class that may go in the clear",
    }
    READ_WITH_A_TOOL {
        rule: "unreachable-tool",
        of: Of::Told,
        what: "a resource or a prompt that no grant names",
        before: "whoever was granted one tool of a server was granted all its resources and prompts",
        write: "`may_call: [\"server/resource:URI\", \"server/prompt:NAME\"]`, `server/*`, or `resources` and `prompts` of a flow's step",
    }
    URI_SPELLING {
        rule: "invalid-value",
        of: Of::At(&["mcp_registry/servers/*/resources/*/uri"]),
        what: "the URI of a resource with spaces, dot segments or needless percent-encodings",
        before: "it was compared as it stood, so another spelling of the same URI was another resource",
        write: "the normal form of the URI, such as `docs://handbook/intro`",
    }
    WAIVER_WITHOUT_VALUE {
        rule: "waiver-without-value",
        of: Of::Every,
        what: "a waiver with `trust` under `review`, without `to`",
        before: "it accepted whatever the new value was, and every later one",
        write: "`to: https://crm.new.example.com/mcp`: the new value as `mcpctl diff` shows it, `to: nothing` for what is gone",
    }
    TOOL_NAME {
        rule: "invalid-name",
        of: Of::At(&["mcp_registry/servers/*/tools/*/name", "workflow_definition/steps/*/tools/*"]),
        what: "the name of a tool with control characters, or of more than 512 bytes",
        before: "any text without `*` was accepted, and products read or refused it in ways of their own",
        write: "the name as the server lists it, such as `name: get_customer`",
    }
    UNKNOWN_ARGUMENT {
        rule: "unknown-argument",
        of: Of::Every,
        what: "evidence on an argument that the tool's `input_schema` does not have",
        before: "`identity` and `input_schema` were read apart from each other",
        write: "the name that the schema has, such as `argument: amount`, or `argument: [order, amount]` for a nested one",
    }
    ARGUMENT_HEADER {
        rule: "invalid-argument-header",
        of: Of::Every,
        what: "`x-mcp-header` where MCP does not allow it",
        before: "what a schema marked was not read, and no gateway compared the headers with the arguments",
        write: "`x-mcp-header: Region` on a property of `type: string`, `integer` or `boolean`, once for each name",
    }
    PATTERN_IN_LITERAL {
        rule: "pattern-in-literal",
        of: Of::Every,
        what: "a pattern where texts are compared as they are",
        before: "the pattern was compared character by character, and matched nothing that was meant",
        write: "`matches: \"sandbox-*\"` for an argument, `crm://customer/*` for a URI, and a list for a path: `claim: [realm_access, roles]`",
    }
    EVICTION_NOT_OFFERED {
        rule: "eviction-not-offered",
        of: Of::Every,
        what: "a cache layer in Redis or Memcached with an eviction that the product does not have",
        before: "the word was read, and nothing was compiled for the layer",
        write: "`eviction: lru`, which both have",
    }
    COLLIDING_TOPICS {
        rule: "colliding-topics",
        of: Of::Every,
        what: "two topics whose names differ only in `.` and `_`",
        before: "both were read, and Kafka refused the second one",
        write: "two names that differ in a letter: `name: customer_events_v2`",
    }
    FLUSH_INTERVAL {
        rule: "flush-interval-too-long",
        of: Of::Every,
        what: "a `flush_interval` of more than 15 minutes, where the event bus is Kafka",
        before: "the time was read, and a producer of librdkafka refused to start with it",
        write: "`flush_interval: 15m`",
    }
    RECYCLE_TIME {
        rule: "recycle-time-not-whole",
        of: Of::Every,
        what: "a `recycle_time` in fractions of a second",
        before: "the time was read, and no pool could be told it",
        write: "`recycle_time: 1800s`",
    }
    POOL_TOO_LARGE {
        rule: "invalid-value",
        of: Of::At(&[
            "connection_pooling/database_pools/*/pool_size",
            "connection_pooling/database_pools/*/max_overflow",
        ]),
        what: "a database pool of more than a billion connections",
        before: "the number was read, and PgBouncer took its default in place of it",
        write: "`pool_size: 20`",
    }
    TOO_MANY_PARTITIONS {
        rule: "invalid-value",
        of: Of::At(&["event_driven_config/event_bus/topics/*/partitions"]),
        what: "a topic with more than 9997 partitions",
        before: "the number was read, and a broker of Kafka refused the topic",
        write: "`partitions: 12`; partitions can be added later",
    }
    COLLIDING_METRICS {
        rule: "colliding-metrics",
        of: Of::Every,
        what: "a metric with the name of a series of a histogram or summary",
        before: "both were read, and Prometheus took their samples for one series",
        write: "two names that differ: `name: mcp_waits_total` beside `name: mcp_wait_seconds`",
    }
    DUPLICATE_LABEL {
        rule: "duplicate-label",
        of: Of::Every,
        what: "a metric that lists a label twice",
        before: "both were read, and client libraries refused the metric",
        write: "each label once: `labels: [mcp_server, method]`",
    }
}
