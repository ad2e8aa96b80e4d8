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
        ],
        "actions run one after the other, and are undone in reverse order; the worker reads no resources and prompts",
    ),
    Covers::part(
        FamilyId::CircuitBreaker,
        &["per_mcp_server", "failure_threshold", "timeout", "half_open_max_calls", "half_open_timeout"],
        "each worker has a breaker for each server, with trial calls; there is no fallback and no discovery of dependencies",
    ),
];

/// Its documentation.
pub(super) const DOC: &str = "\
`plans/` has a plan for each workflow and each saga of a scope whose `orchestration.engine` is `temporal`: `plans/KIND-NAME.json`. A plan \
is data. Its schema is `schemas/temporal-plan.schema.json`.

| configuration | plan | |
|---|---|---|
| `steps[].depends_on` | `dependsOn` | a step of a workflow without it starts at once; a step of a saga waits for the one before |
| `tools: [a, b]`, `action` | `calls`, one after the other | each is an activity of its own, so a retry repeats one call and not the step |
| `compensation` | `compensations` | in reverse order of the steps that were begun; within a step in the order written |
| `max_attempts: 3` | `maximumAttempts: 3` | the first one counts; 1 where it is not written |
| `backoff: exponential` | `backoffCoefficient: 2` | pauses of 1 s, 2 s, 4 s, at most 100 s |
| `backoff: fixed` | `backoffCoefficient: 1` | pauses of 1 s |
| `failure_handling` | `onFailure` | `compensate`, `stop` (`abort`), `continue`, or `wait` (`manual_intervention`) |
| `persistence`, `checkpointing`, `replay_capability` | | what Temporal always does |
| `circuit_breaker_config.timeout` | `callTimeoutMs` | 30 s where it is not written; `startToCloseMs` is 5 s longer |
| `failure_threshold`, `half_open_timeout`, `half_open_max_calls` | `breaker` | for each server, in each worker |
| the flow's own identity | `identity` | the subject of its tokens, and the issuers that may name it |

A compensation has 10 attempts of its own, with the same pauses.

**What is not there.** A note names flows that no engine runs, because `orchestration` names none. Event processors are for the target `kafka`. \
`strategies` of `batch_processing` say when items are flushed, and a run has one.";
