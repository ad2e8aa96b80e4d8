//! What of each family Envoy enforces, and what its page says.

use crate::families::FamilyId;
use crate::targets::Covers;
use crate::targets::access::keys;

pub(super) const DOC: &str = "\
A folder for each gateway: `central`, and one for each business unit with a gateway of its own. In it:

- `envoy.static.yaml`: everything in one file, for `envoy -c envoy.static.yaml` and for `envoy --mode validate`.
- `bootstrap.yaml` and `xds/`: the same, read from files that Envoy watches. Run \
`envoy -c bootstrap.yaml --reject-unknown-dynamic-fields` in the folder; without that flag Envoy passes over what it does not \
understand in watched files, and an unknown action would be its default, which is to allow. \
So run, a certificate of the gateway's own or an authority is renewed by moving new files into the place of the old ones (a folder \
that Kubernetes mounts a secret to does so by itself); started from `envoy.static.yaml`, Envoy reads them once. \
The rules are in `xds/rds.yaml`; move a new one into its place (`mv`, not `cp`) and it is in force in a moment, without a \
lost connection. Envoy keeps the old one if the new one is broken, and only its statistic \
`http.mcp.rds.mcp.update_rejected` says so.

All of them are YAML in its JSON form, a predicate to a line; `yq -P` shows them in blocks.

Clients call `https://<gateway>/<server>/mcp`, with the server's name in YAML. The central gateway sends the calls for a \
unit's servers to that unit's gateway, with the token; each gateway decides the whole policy; no server gets a token.

**How it decides.** Tokens are verified first (issuer, audience, signature, expiry). With `audience: per_server`, `aud` must hold a \
URL of the server that is called: `https://<gateway>/<server>/mcp` at the central gateway or at that of the server's unit, or the \
server's own `url`. Envoy compares audiences without their scheme and a final slash. The MCP filter then reads each message \
whole, up to 1 MiB: it refuses what is not MCP, batches, duplicate keys, and headers that say something else than the body. \
A program of 330 lines of Lua, the same in every bundle, looks at the keys of the message: it is a request, or it is a response, \
which has the keys `jsonrpc`, `id` and one of `result` and `error`, and no other. What is both, what has a key of JSON-RPC or \
of MCP in another case, and what has a string with a control character or an escape that JSON does not have, is refused. So is a revision that `protocol` does not list, a method that the revision does not have, and \
a page of another origin than the gateway's own and those in `targets.envoy.origins`. Of requests of older revisions the headers \
`Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` are removed, because nothing has compared them with the body. \
Those of the current revision are compared with it (below). \
A certificate that names a declared principal is accepted only with a token of the same principal, and one that names a \
gateway with none, because gateways hold the tokens of others; one that names no declared principal proves no more than `mtls`, so \
issue certificates of that authority only to callers. Then the rules of the \
route: method, what it addresses, caller, facts. Everything else is denied.

**What callers see.** A denial is a JSON-RPC error -32001 with the reason in `data.reason`: \
`payment_server/level-3/deny:missing_mfa`. A method that does not exist, and one that the entry of the \
server denies (`methods`), is a 404 with -32601, whoever calls, and a revision that is not accepted \
a 400 with -32022 and the list of those that are. A denial has status 403; with `deny_status: 200` it has 200, for clients that end their \
session at any other. Where scopes would show all that is missing, a 403 also carries one `WWW-Authenticate` challenge with the scopes \
of the alternative that lacks the fewest. It names the scopes that the token already has, too, because clients of 2025-11-25 \
replace their scopes by those of the challenge. Where a fact without a scope is missing, such as an approval, there is no challenge: \
another token would not help. A missing or bad token is a 401 that points to the server's protected-resource metadata (RFC 9728). Both \
name the scopes that every call to the server needs, and not those of single tools.

**Arguments in headers.** The schema of a tool may mark an argument with `x-mcp-header: Region`. Clients of 2026-07-28 then send the \
argument in the header `Mcp-Param-Region` as well, and anything between the gateway and the server may read it there. For a tool with \
an `input_schema` in the registry, the gateway compares every marked argument with its header. It refuses a call (400 with -32020) \
where a header differs from its argument, is there twice or is missing, and where the call has a header without its argument; \
`data.header` names the header. Integers are compared as numbers; texts may be in base64, as MCP has it. The gateway removes all \
other `Mcp-Param-*` headers from calls of such a tool, and all of them from other messages. Keep `input_schema` the same as the schema \
that the server lists: if the registry lacks a mark, the gateway removes the header, and the server refuses the call. For a tool \
without an `input_schema` the gateway leaves the headers as they are, and the server has to compare them: nothing before the server \
may rely on them. A name with `_` is refused (`target-limit`), because the gateway refuses every request that has `_` in the name of \
a header.

**Two policies.** `mcpctl compile --shadow OLD` takes the rules of the bundle `OLD` into the new files as those that decide, and \
counts beside them what the workspace would decide (Envoy's shadow rules). What decides is proved to be what `OLD` decided, by \
comparison with its files; what is counted is proved like any other policy. A server that is new is denied as yet, and one that \
is gone goes on as before.

**Failures and limits.** `failure_threshold` failures in a row (answers of 500 and above, refused and reset connections, calls \
without an answer in `timeout`) leave a server out for `half_open_timeout`, at most a second more, whatever its probes say; every \
call is then a 503: with the fallback `degraded_mode` the error -32005 of JSON-RPC, with `Retry-After`. `timeout` is for each pause in an answer, the one before it begins included, because an answer may be an event \
stream; only the `timeout` of an HTTP pool ends the whole. An answer that stops after its head has come is cut off, which Envoy does \
not count as a failure. A bulkhead counts calls and open event streams together. Limits are \
for each Envoy process: with `targets.envoy.replicas: 3` each gets a third of the connections of a bulkhead, and a pool with fewer \
connections than replicas is refused (`target-limit`); a pool that several servers share is divided among them: each gets what its own HTTP pool asks for, and \
the others share the rest. No call is made twice.

**When answers end.** Each request is decided when it begins, and its answer may be an event stream. It ends when the token of the request expires (30 seconds later, for clocks that differ); the program in Lua tells Envoy so in the header `grpc-timeout`, which no server gets. With `policy_enforcement: per_request` it also ends at `targets.envoy.max_stream_age`, 15 minutes by default, because a grant may be taken back before the token expires; and a connection of that age takes no further request. Clients that listen open the stream again, and are decided again. Calls that end in this way are not failures of the server.

**Controls of data classes.** Where the class of a server demands a control (`additional_controls`) that the server does not have, a processor \
of yours can run it:

```yaml
targets:
  envoy:
    controls:
      data_loss_prevention: https://dlp.example.com:9002
```

The gateway in front of the server shows it every call that is allowed, and the answer, by Envoy's `ext_proc` over gRPC: the \
message whole, the answer in pieces as they come. It can end a call, and change messages and answers, but no headers. What it \
changes is not decided again, so a processor is trusted like the gateway itself. It gets no token, and sees nothing of what is denied. \
Where the processor is down, or says nothing for 5 seconds, the call fails with 500 or 504 before the server gets it; that \
opens no breaker. By the protocol of `ext_proc`, a processor that ends its stream without an error has nothing more to check, and the rest of \
the call passes: yours has to answer each message, and to end the stream with an error where it cannot. The gateway shows the processor its own certificate, and trusts `tls.ca`. No other \
gateway runs such a control, so the targets for other gateways are not compiled then.

**Two gateways, one policy.** The central gateway and those of units both enforce the whole policy, so while only one of them is rolled \
out, a call passes where both let it through. The central gateway writes the version of its policy into the header \
`x-mcp-policy-version`, whatever a caller says there; a unit's gateway takes it out, and compares it with its own. \
`mcp_policy_versions_differ` is 1 after a call that came by another version, and 0 after one by the same. The version changes with \
what decides calls, and with nothing else. `mcpctl diff` says in which order to roll out.

**What is told of the caller.** The headers of `correlation` that name user and tenant are removed from what callers send, and set \
from the verified token: `sub`, and the claim `business_unit_claim`. A request without a number gets one at the first gateway, and \
keeps it at the next. `mcp_tool_duration_seconds` and the like hold seconds, of tool calls alone where the name says `tool`. The \
labels `tool` and `method` hold what is declared, and `other` for anything else.

**Names of OpenTelemetry.** What the workspace does not name has the names of OpenTelemetry's conventions for MCP. Where `metrics_config` declares \
any metric, gateways also measure `mcp_server_operation_duration_seconds`: how long each request and notification takes, with the labels \
`mcp_server`, `mcp_method_name`, `gen_ai_tool_name` (calls of declared tools) and `error_type`. `error_type` is the error of JSON-RPC for what the \
gateway refuses, such as -32001, and the status of HTTP for any other failure (0 where the caller was gone before an answer); it is absent otherwise, also where a tool answers that it failed, which a gateway does not read. \
Declare a metric of that name to choose its labels. Spans are named after the method, and carry `mcp.method.name`, `gen_ai.tool.name`, \
`gen_ai.operation.name`, `gen_ai.prompt.name` and `mcp.protocol.version`; `mcp.server` and `request.id` are ours. URIs of resources and session ids \
are left out, because they may say who somebody is. A trace goes on through gateways by the header `traceparent`. Envoy chooses \
the trace before it reads the message, so the context that a client writes into `params._meta` reaches the server, and the gateway's span does \
not join it. Let clients send the header as well, as the worker of the target `temporal` does.

**What it does not do.** It does not know which tool started a task, so `tasks/*` are denied to everybody. A subscription \
(`subscriptions/listen`) can name up to four resources, and the caller needs the right to each; one that names more is denied. It looks at requests, so `tools/list`, `resources/list` and `prompts/list` show what the caller may not use: the lists are \
the server's own, the same for every caller, and a cache may share them as far as the server says (`cacheScope`). A breaker here has no \
trial calls: when its time is over, all calls are let through. The MCP filter of Envoy is marked as work in progress by its authors: use exactly the \
version that is named here, and let the file be validated by it (`envoy --mode validate -c envoy.static.yaml`).";

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        keys::UNITS_AND_GATEWAYS,
        "gateways decide calls between units and speak mutual TLS; network isolation is for the platform, and records are kept by the log store",
    ),
    Covers::part(
        FamilyId::Workflow,
        keys::WORKFLOW,
        "a workflow may call exactly the tools of its steps; a gateway sees single calls, not their order",
    ),
    keys::EVENT_DRIVEN,
    Covers::part(
        FamilyId::Saga,
        keys::SAGA,
        "a saga may call exactly its actions and compensations; a gateway sees single calls, and runs no compensation",
    ),
    Covers::part(
        FamilyId::ZeroTrust,
        &["service_mesh", "mutual_tls", "policy_enforcement"],
        "mutual TLS and identities are enforced, each request is decided, and no answer outlives its token; segments, rotation and attestation are for the network and for what issues certificates",
    ),
    Covers::all(FamilyId::ProgressiveAuth),
    Covers::part(
        FamilyId::DataRouting,
        &["classifications", "level", "mcp_servers", "min_auth_level", "requires", "suspended", "additional_controls"],
        "classes lead to levels and facts, and a processor runs a control that a server lacks; encryption and location of servers are \
         properties that no request carries, and are checked when compiling",
    ),
    Covers::part(
        FamilyId::CircuitBreaker,
        &[
            "per_mcp_server",
            "failure_threshold",
            "timeout",
            "half_open_timeout",
            "cascading_protection",
            "fallback_strategies",
        ],
        "failures in a row leave a server out for `half_open_timeout`, and calls end after `timeout`; Envoy has no trial calls and no answer of its own",
    ),
    Covers::part(
        FamilyId::Bulkhead,
        &["resource_pools", "name", "mcp_servers", "resources", "connections"],
        "requests in hand, open streams among them, are limited for each server and Envoy process; cores and memory are for the platform",
    ),
    Covers::part(
        FamilyId::HealthMonitoring,
        &["health_checks", "type", "endpoint", "port", "interval", "timeout", "load_balancing", "strategy"],
        "servers are probed by HTTP path and TCP port; discovery is DNS, and weights by health or latency do not exist",
    ),
    Covers::part(
        FamilyId::ConnectionPooling,
        &["http_pools", "mcp_server", "pool_size", "keep_alive", "timeout"],
        "HTTP pools become connection limits and times; database pools are inside the servers",
    ),
    Covers::part(
        FamilyId::Tracing,
        &[
            "exporters",
            "name",
            "type",
            "endpoint",
            "sampling",
            "strategy",
            "rate",
            "correlation",
            "request_id_header",
            "user_id_header",
            "tenant_id_header",
        ],
        "spans go to the first exporter whose protocol Envoy speaks (OTLP or Zipkin), sampled by probability; boosting is for a collector",
    ),
    Covers::part(
        FamilyId::Metrics,
        &["custom_metrics", "name", "type", "labels"],
        "counters, histograms and gauges of requests, tool calls and denials, with the labels that a gateway knows",
    ),
    Covers::part(
        FamilyId::Logging,
        &["structured_logging", "fields"],
        "records with the fields that a gateway knows, as JSON; retention is for the log store",
    ),
    Covers::part(
        FamilyId::Registry,
        &[
            "central_gateway",
            "business_units",
            "name",
            "gateway",
            "servers",
            "business_unit",
            "url",
            "auth_level",
            "requires",
            "suspended",
            "tools",
            "annotations",
            "read_only",
            "resources",
            "uri",
            "prompts",
            "agents",
            "subject",
            "may_call",
            "only",
            "any_agent",
            "methods",
            "deny",
            "input_schema",
        ],
        "servers, tools, resources, prompts, grants and denied methods become routes and rules, and so do the arguments that schemas mark with `x-mcp-header`; labels, and the rest of schemas, are for others",
    ),
    Covers::part(
        FamilyId::Identity,
        &[
            "issuer",
            "issuers",
            "audiences",
            "audience",
            "kind",
            "jwks",
            "jwks_file",
            "speaks_for",
            "trust_domain",
            "business_unit_claim",
            "requirements",
            "caller",
            "claim",
            "contains",
            "differs_from",
            "scope",
            "argument",
            "at_least",
            "at_most",
            "one_of",
        ],
        "all but what needs a memory: Envoy sees single calls, and none that was made before",
    ),
];
