//! The page of the target.

/// Its documentation, in Markdown.
pub(super) const DOC: &str = "\
A folder for each experiment: `central/KIND-TARGET`, and `UNIT/KIND-TARGET` for the experiments of a unit folder. `KIND` is \
`network-partition`, `resource-exhaustion` or `dependency-failure`.

- `experiment.json`: an experiment of Chaos Toolkit. It switches a fault on in Toxiproxy, waits for `duration`, asks whether the \
fault is on and whether what is `expected` holds, and switches the fault off, also after a failure or a signal.
- `chaos-mesh.yaml`: the same fault as objects of Chaos Mesh, one for each server whose `url` names a service of the cluster \
(`http://cards.retail.svc.cluster.local`). Nothing applies this file with the rest of a cluster.

| `chaos_experiments` | Toxiproxy | Chaos Mesh |
|---|---|---|
| `network_partitions` | the toxic `timeout` in both directions: nothing gets through, and no connection ends | `NetworkChaos` \
between the server and its gateway |
| `dependency_failures` | `reset_peer` with `toxicity`, the share of connections that are reset | `PodChaos` where all calls fail; \
nothing for a share of them |
| `resource_exhaustion` | `latency`: an answer takes the share `limit` of the time that a call may take | `StressChaos` for \
`90%_memory` and `90%_cpu`, with one worker and in whole percents, rounded up |
| `failure_rate`, `limit` | all where they are not written | all where they are not written |
| `duration` | the pause after the fault; 1 minute where it is not written | `duration` |

The time that a call may take is `timeout` of the breaker, and 30 seconds where none is declared. A `limit` of memory is of what \
Chaos Mesh takes as the total available memory.

| `expected` | holds where |
|---|---|
| `circuit_breaker_activation` | a gateway cut one of the servers off during the experiment \
(`envoy_cluster_outlier_detection_ejections_active`, asked of Prometheus) |
| `load_shedding` | a gateway refused calls beyond a bulkhead during the experiment (`envoy_cluster_upstream_rq_pending_overflow` or \
`envoy_cluster_upstream_rq_active_overflow`) |
| `graceful_degradation` | the service at `SERVICE_URL` answers `GET` with 200 or 203, in the time that a call may take |
| `success` | it answers with 200 |
| `failure`, `compensating_transaction` | no experiment is written, because a flow ends in this way and no gateway does; a note names \
the scenario to write |
| not written | the fault is on |

**Which servers.** A target that is a server, or a tool of one, breaks the proxy of that server. The network segment of the servers and a \
unit break the proxies of all their servers. Anything else (`database_connection`, `payment_server_database`, a topic, a name that \
[`chaos-target-unmatched`](../checks/chaos-target-unmatched.md) reports) breaks one proxy with the name of the target, and has no \
object of Chaos Mesh. Names are DNS labels in the files: `payment_server` is the proxy `payment-server`. Gateways are asked about the servers \
that are hit; for a database, these are the servers that `connection_pooling` lists; about all servers where the workspace does not say.

**What to do.** Run Toxiproxy in a test environment, between each gateway and the servers, and between the servers and what they use. \
Create a proxy of each name that the experiment uses:

```sh
toxiproxy-cli create --listen 127.0.0.1:18080 --upstream payment.mcp.svc:8080 payment-server
```

Let the gateway call the server at that address. Let Prometheus scrape the gateways with the files of the target `prometheus`, at least twice \
in the time of an experiment. Send calls as users do, because without calls no breaker opens and nothing is refused. Then run:

```sh
python -m pip install chaostoolkit==1.19.0 'chaostoolkit-lib[jsonpath]==1.44.0'
export TOXIPROXY_URL=http://127.0.0.1:8474 PROMETHEUS_URL=http://127.0.0.1:9090 SERVICE_URL=https://app.example.com/health
chaos run bundle/chaos/central/dependency-failure-payment-server/experiment.json
```

`SERVICE_URL` is a page of an application or an agent that calls the servers; it needs no token. The exit code is 0 where the outcome \
is the expected one, and 1 where it is not. Start from a fleet that is well: a breaker that is open already shows nothing. In a \
cluster with Chaos Mesh, `kubectl apply -f chaos-mesh.yaml` injects the fault instead, and `kubectl delete` or the end of `duration` removes it.

**Why the hypothesis has it all.** Chaos Toolkit ignores the tolerance of a probe in `method`, and an action that fails does not fail a \
run. So the hypothesis asks Toxiproxy for each fault, with its share, before it asks for the outcome. It is judged once, at the end of \
`duration`, while the fault is on.

**From YAML to what was observed.** In the tests of this project a server is behind Toxiproxy and the compiled gateway, and this is compiled:

```yaml
chaos_experiments:
  dependency_failures:
    - {target: payment_server, duration: 5s, expected: circuit_breaker_activation}
```

Every connection is reset, the gateway cuts the server off after the declared failures in a row, and `chaos run` ends with 0. It ends with \
1 where nobody calls and no breaker opens, where another outcome is expected, and where the fault is not injected. A `failure_rate` below \
`100%` is tried by itself: of 400 new connections, the declared share is reset. The gateways are compiled Envoys behind TLS; the service that \
falls back is a small one of the tests, because no gateway serves fallbacks.

**What is not there.** A share of calls: connections are failed, and calls in one connection fail together; a gateway that keeps \
connections open makes many calls in few of them. No memory, processor or disk is used up by Toxiproxy. The exit of a pod, clocks and \
disks are for experiments of your own.";
