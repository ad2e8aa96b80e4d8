//! What Temporal does with flows, for readers, and what of each family it expresses.

use crate::families::FamilyId;
use crate::targets::Covers;

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Workflow,
        &[
            "name",
            "description",
            "business_unit",
            "subject",
            "suspended",
            "steps",
            "mcp_server",
            "tools",
            "compensation",
            "depends_on",
            "optional",
            "proceed_if",
            "equals",
            "arguments",
            "argument",
            "to",
            "step",
            "tool",
            "field",
        ],
        "steps run in their order, each call with its attempts, and are undone; the worker reads no resources and prompts",
    ),
    Covers::all(FamilyId::Orchestration),
    Covers::part(
        FamilyId::Saga,
        &[
            "name",
            "description",
            "business_unit",
            "subject",
            "suspended",
            "compensations_enabled",
            "steps",
            "mcp_server",
            "action",
            "compensation",
            "optional",
            "proceed_if",
            "equals",
            "arguments",
            "argument",
            "to",
            "step",
            "tool",
            "field",
        ],
        "actions run one after the other, and are undone in reverse order; the worker reads no resources and prompts",
    ),
    Covers::part(
        FamilyId::BatchProcessing,
        &["batch_size", "flush_interval", "strategies", "name", "trigger", "max_items"],
        "items are runs of a flow, which are started together; what is sent over a network is not compressed here",
    ),
    Covers::part(
        FamilyId::CircuitBreaker,
        &[
            "per_mcp_server",
            "failure_threshold",
            "timeout",
            "half_open_max_calls",
            "half_open_timeout",
            "cascading_protection",
            "upstream_failures",
            "fallback_strategies",
        ],
        "each worker has breakers, with trial calls; what a fallback answers is for gateways and caches, and dependencies are not discovered",
    ),
];

/// Its documentation.
pub(super) const DOC: &str = "\
`plans/` has a plan for each workflow and each saga of a scope whose `orchestration.engine` is `temporal`: \
`plans/KIND-NAME.json`. A plan is data, and its schema is `worker/plan.schema.json`. `worker/` is the same for every \
plan.

| configuration | plan | |
|---|---|---|
| `steps[].depends_on` | `dependsOn` | a step of a workflow without it starts at once; a step of a saga waits for the one before |
| `tools: [a, b]`, `action` | `calls`, one after the other | each is an activity of its own, so a retry repeats one call and not the step |
| `compensation` | `compensations` | in reverse order of the steps that were begun; within a step in the order written |
| `max_attempts: 3` | `maximumAttempts: 3` | the first one counts; 1 where it is not written |
| `backoff: exponential` | `backoffCoefficient: 2` | pauses of 1 s, 2 s, 4 s, at most 100 s |
| `backoff: fixed` | `backoffCoefficient: 1` | pauses of 1 s |
| `steps[].optional: true` | `optional` | the run goes on without the step when it fails, whatever `failure_handling` says |
| `steps[].proceed_if` | `proceedIf` | a field of a result before must be equal to a value, or the step is not begun, which counts as its failure |
| `mcp_server: [a, b]` | `routes` of a call, where both have the tool | the argument that `class_from` names says the class of the data, and the call goes to the least sensitive server that takes it; any other value is `NoServer`, and the step fails before anything is sent |
| `steps[].arguments` | `takes`, and `results` of the call that they come from | a field of a result before becomes an argument |
| `failure_handling` | `onFailure` | `compensate`, `stop` (`abort`), `continue`, or `wait` (`manual_intervention`) |
| `persistence`, `checkpointing`, `replay_capability` | | what Temporal always does |
| `circuit_breaker_config.timeout` | `callTimeoutMs` | 30 s where it is not written; `startToCloseMs` is 5 s longer |
| `failure_threshold`, `half_open_timeout`, `half_open_max_calls` | `breaker` | for each server, in each worker |
| `upstream_failures: isolate_downstream` | `breaker.per: flow` | each flow has its own: what one meets cuts off that one alone |
| `upstream_failures: propagate`, `fail_fast`, or none | no `breaker.per` | what one flow meets cuts off all flows of the worker |
| `upstream_failures: fail_fast`, the fallback `fail_fast` | `breaker.whenOpen: fail` | the step fails at once |
| the fallback `queue_requests`, or neither | no `breaker.whenOpen` | the next attempt comes when the breaker lets it through |
| the fallback `cached_responses` | | the layers at `client` of `cache-plan` are asked before the breaker |
| `batch_size`, `flush_interval` | `batching.size`, `flushIntervalMs` | how `batch.py` gathers items |
| `strategies[]` with `every_minute`, `batch_full`, `high_priority_item` | `strategies` with `everyMs`, `on: full`, `on: highPriority` | what sends a batch sooner, and at most `max_items` of it |
| the flow's own identity | `identity` | the subject of its tokens, and the issuers that may name it |

**What to do.** Install what the worker pins, tell it where Temporal, the tokens and the servers are, and start it. \
Settings hold references alone: no token and no secret is in them, in a plan, or in the history of a run.

```json
{
  \"temporal\": {\"address\": \"127.0.0.1:7233\", \"task_queue\": \"mcpctl\"},
  \"servers\": {\"payment_server\": \"https://mcp.example.org/payment_server/mcp\"},
  \"tokens\": {
    \"saga:order_processing_saga\": {\"endpoint\": \"https://idp.example.org/token\", \"client_id\": \"orders\", \"secret_file\": \"/run/secrets/orders\"},
    \"workflow:customer_onboarding\": {\"file\": \"/run/tokens/onboarding\"}
  },
  \"tls\": {\"ca\": \"/etc/mcp/ca.crt\", \"cert\": \"/etc/mcp/worker.crt\", \"key\": \"/etc/mcp/worker.key\"},
  \"cache\": {\"plans\": [\"bundle/cache-plan/central/plan.json\"]}
}
```

```sh
pip install -r bundle/temporal/worker/requirements.txt
python3 bundle/temporal/worker/run.py settings.json
python3 bundle/temporal/worker/start.py bundle/temporal/plans/saga-order-processing-saga.json --id order-4711 --arguments order.json
```

`servers` names the addresses that plans do not have, and comes before those that they have. A plan has the address of \
a server where the workspace declares `central_gateway` and the server's `url`: the gateway's, so that every call \
passes through it. `file-waits` names the plans that wait for addresses. The worker takes no other origin from the \
plan of a run, so nobody who starts one can have a token sent elsewhere. A token is for one flow. It is renewed before \
it expires, and once more where a gateway answers 401.

**A run.** The plan is its input, so a run goes on by the plan that it was started with, also after a later compile. \
`--arguments` is a file with the arguments of each call, by step and tool: `{\"charge_payment\": {\"charge_card\": \
{\"amount\": 12}}}`. A compensation has those under its own tool; where there are none, and its step has a single \
call, it has those of the call. Of an answer, the history keeps the fields that `proceed_if` and `arguments` name, up to 100,000 \
bytes, and nothing else: do not hand on what does not belong there. `cache` names plans of the target \
`cache-plan`: the worker keeps the results that their layers at `client` may keep, in its memory, each for one flow.

**Each call** sends an idempotency key in `_meta` under `mcpctl.io/idempotency-key`: the same for all attempts, and \
another one for each call and run. A compensation also sends the keys of the calls that it undoes, under \
`mcpctl.io/undoes`. A server that honours both does nothing twice, and nothing after it was undone. An error of a tool \
is tried again. What a gateway denies (403, or the JSON-RPC error -32001), an unknown tool and refused arguments are \
not. Where the answer is missing, the call is tried again, unless the registry annotates the tool as `idempotent: \
false`: then the step fails. \
With an SDK of OpenTelemetry in the worker's process, a call has the context of its trace in `_meta`, and in the headers `traceparent` and \
`tracestate`, which gateways read.

**Results.** A field is looked up in the structured result of a tool, else in its text, if that is an object of JSON. `proceed_if` fails \
where the field is missing. An argument from a result is never taken from what the run is started with. A result that lacks \
the field fails the step; where the step that has the result was left out, the argument is left out. A compensation may take fields of \
its own step: `{argument: charge, to: refund_payment, step: charge_payment, field: id}`.

**Batches.** `batch.py` reads items from its input, a line of JSON each, and starts a run for each item of a batch:

```sh
tail -f orders.jsonl | python3 bundle/temporal/worker/batch.py bundle/temporal/plans/saga-order-processing-saga.json
```

An item is `{\"id\": \"order-4711\", \"arguments\": {...}, \"priority\": \"high\"}`, where the last two may be left out. Its id is the id of the \
run, so an item that comes again is not started again. A batch is sent when `batch_size` items wait, when the oldest has waited for \
`flush_interval` or for the time of a strategy, and when an item of high priority comes. Items of high priority go first, as many batches as they fill; what else is \
beyond `max_items` waits for the next batch. The memo of a run names the strategy that started it.

**Undoing.** A step is undone as soon as one call of it was tried, because a call that fails may be half done. Undoing \
begins when no call is on its way any more, runs to its end also where the run is cancelled, and gives each \
compensation 10 attempts of its own. What cannot be undone is named in the failure of the run, and the other \
compensations run. With `manual_intervention` a step waits for the signal `decide`, with the step and one of `retry`, \
`skip`, `compensate` and `stop`; the query `progress` tells which steps wait.

**The breaker** is the worker's own, for each server, and begins closed. Refused and reset connections, calls \
without an answer in time and answers of 500 and above count; an error of a tool does not. A call that it holds back \
is an attempt, and the next one comes when it lets trial calls through; with `whenOpen: fail` there is no next one.

**Who may start runs.** Anyone who can start a run in the namespace acts with the flows' identities, as far as the gateways allow them. Restrict access \
to the namespace. The worker connects to Temporal without TLS: run them on one host, or in a network of their own.

**What is not there.** A note names flows that no engine runs, because `orchestration` names none. Event processors \
are for the target `kafka`. The \
worker reads no resources and prompts, gives no other answer for a server that fails (`degraded_mode`, `default_response`), and calls as the flow alone: a step \
that needs a user's delegation is denied (`unattended-flow-needs-human`).";
