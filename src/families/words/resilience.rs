//! Words about failures and load: circuit breakers, health monitoring, caches.

use super::Word;
use super::access::rows;
use crate::families::FamilyId;

pub(super) const WORDS: &[(FamilyId, &[Word])] = &[
    (FamilyId::CircuitBreaker, CIRCUIT_BREAKER),
    (FamilyId::HealthMonitoring, HEALTH_MONITORING),
    (FamilyId::Caching, CACHING),
];

const CIRCUIT_BREAKER: &[Word] = rows! {
    "cascading_protection.upstream_failures" {
        "isolate_downstream"
            means "each flow has a circuit of its own to a server, so the failures that one flow meets cut off that \
                flow alone"
            becomes "`temporal`: `breaker.per: flow`; `envoy` and `istio`: nothing, all callers of a gateway share one \
                circuit"
            not "what cuts off everything behind the server";
        "fail_fast"
            means "a call that an open circuit holds back fails at once, and its step with it"
            becomes "`temporal`: `breaker.whenOpen: fail`, unless `queue_requests` comes first in \
                `fallback_strategies`; `envoy`: nothing, it answers 503 at once with every word"
            not "a shorter time for calls: that is `timeout`";
        "propagate"
            means "a call that an open circuit holds back is tried again when the circuit lets it through; the same as \
                without the key"
            becomes "`temporal`: neither `breaker.per` nor `breaker.whenOpen`"
            not "a breaker that is switched off: it opens as for the other words";
    }
    "cascading_protection.dependency_mapping" {
        "automatic_discovery"
            means "what a server's callers are follows from grants, workflows, sagas and event processors; the same as \
                without the key"
            becomes "`mcpctl graph dependents`; no target: the note `not-expressible` says so"
            not "discovery from live traffic: only the configuration is read";
        "declared"
            means "what a server's callers are follows from workflows and sagas alone"
            becomes "`mcpctl graph dependents` leaves agents and event processors out; the check \
                `undeclared-dependents` names them; no target: the note `not-expressible` says so"
            not "a list that you write: no key holds one";
    }
    "cascading_protection.fallback_strategies[]" {
        "cached_responses"
            means "a result that a cache layer holds is used while the circuit is open"
            becomes "`temporal`: the worker asks the layers at `client` of `cache-plan` before the breaker, with every \
                word; `envoy`: nothing; the checks `fallback-without-cache` and `fallback-caches-sensitive-data` judge \
                it"
            not "a cache by itself: declare layers in `caching_strategy`";
        "degraded_mode"
            means "callers are told that the server is not available, and when to come back"
            becomes "`envoy`: a 503 with the JSON-RPC error -32005, `retryAfter` and the header `Retry-After`, while \
                the breaker is open"
            not "an answer in the place of the server's: no gateway has one";
        "default_response"
            means "a fixed answer takes the place of the server's"
            becomes "nothing: no key declares such an answer; `temporal` says so by the note `not-expressible`";
        "queue_requests"
            means "a call that an open circuit holds back waits until the circuit lets it through"
            becomes "`temporal`: no `breaker.whenOpen`, also with `upstream_failures: fail_fast`, unless `fail_fast` \
                comes before it in the list; `envoy`: nothing, it answers 503 at once"
            not "a queue in the gateway";
        "fail_fast"
            means "a call that an open circuit holds back fails at once, and its step with it"
            becomes "`temporal`: `breaker.whenOpen: fail`, unless `queue_requests` comes before it in the list; \
                `envoy`: nothing, it answers 503 at once with every word";
    }
};

const HEALTH_MONITORING: &[Word] = rows! {
    "discovery_service" {
        "consul"
            means "servers are registered in Consul, which also probes them"
            becomes "`consul`: a definition of a service for each server with a `url`; the check \
                `health-interval-too-short` judges its probes; `envoy` finds servers by DNS with every word"
            not "Consul as the mesh: that is `service_mesh.provider`";
        "dns"
            means "servers are found by their names in DNS alone"
            becomes "nothing: the note `not-expressible` says so; `envoy` finds servers by DNS with every word \
                (`STRICT_DNS`)";
        "kubernetes"
            means "servers are found as services of Kubernetes"
            becomes "nothing: the note `not-expressible` says so"
            not "what switches the target `kubernetes` on: a compile writes its files for every word";
        "etcd"
            means "servers are found in etcd"
            becomes "nothing: the note `not-expressible` says so";
        "eureka"
            means "servers are found in Eureka"
            becomes "nothing: the note `not-expressible` says so";
        "zookeeper"
            means "servers are found in ZooKeeper"
            becomes "nothing: the note `not-expressible` says so";
    }
    "health_checks[].type" {
        "http"
            means "a `GET` of `endpoint` has to be answered with success"
            becomes "`envoy`: `http_health_check` with `path`, statuses 200 to 299; `consul`: `HTTP` with the whole \
                URL; neither probes without an `endpoint`"
            not "a call of MCP: the path is one of the server's own";
        "tcp"
            means "a connection to the port is enough"
            becomes "`envoy`: `tcp_health_check`, with `port` as `alt_port`; `consul`: `TCP`"
            not "a server that answers calls: only a connection is made";
        "grpc"
            means "the health service of gRPC is asked"
            becomes "`consul`: `GRPC`, and `GRPCUseTLS` for a `url` with `https`; `envoy`: no probe, because an MCP \
                server need not have that service";
    }
    "load_balancing.strategy" {
        "weighted_round_robin"
            means "instances take calls in turn, by weights"
            becomes "`consul`: `Weights` by `health_factor` and `latency_factor`, where both are written; `envoy`: \
                `ROUND_ROBIN`, without weights; the check `load-balancing-factors-do-not-sum` judges the factors"
            not "weights that follow measured health or latency";
        "round_robin"
            means "instances take calls in turn"
            becomes "`envoy`: `lb_policy: ROUND_ROBIN`, as without the key; `consul`: nothing, clients choose";
        "least_request"
            means "the instance with the fewest calls in hand takes the next one"
            becomes "`envoy`: `lb_policy: LEAST_REQUEST`; `consul`: nothing, clients choose"
            not "the fastest instance";
        "random"
            means "any instance takes the next call, by chance"
            becomes "`envoy`: `lb_policy: RANDOM`; `consul`: nothing, clients choose";
        "ring_hash"
            means "all calls of one session go to one instance, by a hash on a ring"
            becomes "`envoy`: `lb_policy: RING_HASH`, with a `hash_policy` on the header `mcp-session-id`; `consul`: \
                nothing, clients choose"
            not "a hash of what the call holds: calls without a session are spread";
        "maglev"
            means "all calls of one session go to one instance, by a hash in a table"
            becomes "`envoy`: `lb_policy: MAGLEV`, with a `hash_policy` on the header `mcp-session-id`; `consul`: \
                nothing, clients choose"
            not "a hash of what the call holds: calls without a session are spread";
    }
};

const CACHING: &[Word] = rows! {
    "layers[].location" {
        "client"
            means "whoever calls keeps the results"
            becomes "`cache-plan`: the layer and what it may keep; `temporal`: the worker holds it in its memory, \
                where its settings name the plan";
        "gateway"
            means "the gateway keeps the results"
            becomes "`cache-plan`: the layer and what it may keep; no gateway that is compiled keeps any: the note \
                `not-expressible` says so"
            not "a cache in Envoy: every call of MCP is a `POST`, which Envoy does not cache";
        "mcp_server"
            means "the MCP server keeps its own results"
            becomes "`cache-plan`: the layer, and the only one that may keep data whose class demands a `location` or \
                `additional_controls`; the note `not-expressible` says that the server must take the plan";
        "redis"
            means "one node of Redis keeps the results"
            becomes "`redis`: `redis.conf` and `client.json`; `cache-plan`: the layer and what it may keep";
        "redis_cluster"
            means "a cluster of Redis keeps the results"
            becomes "`redis`: the same with `cluster-enabled yes`, and `size` divided among the masters; `cache-plan`: \
                the layer and what it may keep"
            not "the size of each node: `size` is that of all masters together";
        "memcached"
            means "Memcached keeps the results"
            becomes "`cache-plan`: the layer and what it may keep; no settings of Memcached are written: the note \
                `not-expressible` says so";
    }
    "layers[].eviction" {
        "lru"
            means "the entry that was used longest ago makes room"
            becomes "`redis`: `maxmemory-policy allkeys-lru`; `cache-plan`: `eviction`, by which the worker of \
                `temporal` goes";
        "lfu"
            means "the entry that was used least often makes room"
            becomes "`redis`: `maxmemory-policy allkeys-lfu`; `cache-plan`: `eviction`, by which the worker of \
                `temporal` goes; in Memcached the error `eviction-not-offered`";
        "fifo"
            means "the entry that was made first makes room"
            becomes "`cache-plan`: `eviction`, by which the worker of `temporal` goes; in Redis and Memcached the \
                error `eviction-not-offered`";
        "random"
            means "any entry makes room, by chance"
            becomes "`redis`: `maxmemory-policy allkeys-random`; `cache-plan`: `eviction`, by which the worker of \
                `temporal` goes; in Memcached the error `eviction-not-offered`";
        "ttl_based"
            means "the entry that expires next makes room"
            becomes "`redis`: `maxmemory-policy volatile-ttl`; `cache-plan`: `eviction`, by which the worker of \
                `temporal` goes; the check `eviction-without-ttl`, and in Memcached the error `eviction-not-offered`"
            not "removal at the end of `ttl`: entries expire with every word";
        "none"
            means "a full layer takes in nothing new"
            becomes "`redis`: `maxmemory-policy noeviction`; `cache-plan`: `eviction`, by which the worker of \
                `temporal` goes"
            not "a layer without a limit: leave `size` out for that";
    }
};
