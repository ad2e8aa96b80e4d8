//! Words about how work is run: orchestration, event-driven integration, batches.

use super::Word;
use super::access::rows;
use crate::families::FamilyId;

pub(super) const WORDS: &[(FamilyId, &[Word])] = &[
    (FamilyId::Orchestration, ORCHESTRATION),
    (FamilyId::EventDriven, EVENT_DRIVEN),
    (FamilyId::BatchProcessing, BATCH_PROCESSING),
];

const ORCHESTRATION: &[Word] = rows! {
    "engine" {
        "temporal"
            means "Temporal runs the workflows and sagas"
            becomes "`temporal`: a plan for each flow, and a worker; `scenarios` runs them; the check \
                `unsupported-orchestration-value` judges the other keys"
            not "a grant: a flow is granted the tools of its steps with every engine";
        "cadence"
            means "Cadence runs the workflows and sagas"
            becomes "nothing: no target writes files for Cadence, and the note `not-expressible` says so"
            not "Temporal, which is a fork of it: the target `temporal` writes nothing then";
        "camunda"
            means "Camunda runs the workflows and sagas"
            becomes "nothing: no target writes files for Camunda, and the note `not-expressible` says so";
        "conductor"
            means "Conductor runs the workflows and sagas"
            becomes "nothing: no target writes files for Conductor, and the note `not-expressible` says so";
        "step_functions"
            means "AWS Step Functions runs the workflows and sagas"
            becomes "nothing: no target writes files for Step Functions, and the note `not-expressible` says so";
    }
    "error_handling.retry_policy.backoff" {
        "exponential"
            means "each pause between attempts is twice the one before it; the same as without the key"
            becomes "`temporal`: `backoffCoefficient: 2`, with pauses of 1 s, 2 s, 4 s, at most 100 s"
            not "retries at a gateway: `envoy` makes no call twice";
        "linear"
            means "each pause between attempts is longer than the one before it by the same time"
            becomes "nothing: with `engine: temporal` the error `unsupported-orchestration-value`, else the note \
                `not-expressible`";
        "fixed"
            means "all pauses between attempts are equally long"
            becomes "`temporal`: `backoffCoefficient: 1`, with pauses of 1 s"
            not "no pause";
    }
    "error_handling.failure_handling" {
        "compensating_transactions"
            means "what the run did is undone, in reverse order, when all attempts of a step failed"
            becomes "`temporal`: `onFailure: compensate`; the check `workflow-without-compensation` finds workflows \
                that cannot be undone"
            not "a rollback by itself: the tools under `compensation` undo the steps";
        "abort"
            means "the run fails, and what it did stays done"
            becomes "`temporal`: `onFailure: stop`; the check `compensation-never-runs` finds compensations of \
                workflows"
            not "the end of compensations in sagas: they run unless `compensations_enabled` is `false`";
        "continue"
            means "the run goes on without the step that failed"
            becomes "`temporal`: `onFailure: continue`, also for steps that depend on it; the check \
                `compensation-never-runs` finds compensations of workflows"
            not "a rule for sagas that have compensations: they undo what they did";
        "manual_intervention"
            means "the step that failed waits for the decision of a person"
            becomes "`temporal`: `onFailure: wait`, with the signal `decide`: `retry`, `skip`, `compensate` or `stop`; \
                sagas with compensations undo what they did instead"
            not "the fact `approval_workflow`: that is asked for before a call";
    }
    "state_management.persistence" {
        "event_sourced"
            means "the state of a run is the history of its events"
            becomes "no field: what Temporal always does; without `engine: temporal` the note `not-expressible` says \
                that nothing is written";
        "database"
            means "the state of a run is in rows that are overwritten"
            becomes "nothing: with `engine: temporal` the error `unsupported-orchestration-value`, else the note \
                `not-expressible`"
            not "the database behind Temporal: its histories may be in any";
        "in_memory"
            means "the state of a run is in the memory of the engine alone"
            becomes "nothing: with `engine: temporal` the error `unsupported-orchestration-value`, else the note \
                `not-expressible`";
    }
    "state_management.checkpointing" {
        "per_step"
            means "the state of a run is saved with every step"
            becomes "no field: what Temporal always does; without `engine: temporal` the note `not-expressible` says \
                that nothing is written";
        "per_workflow"
            means "the state of a run is saved at its end"
            becomes "nothing: with `engine: temporal` the error `unsupported-orchestration-value`, else the note \
                `not-expressible`";
        "periodic"
            means "the state of a run is saved at intervals"
            becomes "nothing: with `engine: temporal` the error `unsupported-orchestration-value`, else the note \
                `not-expressible`";
        "none"
            means "the state of a run is never saved"
            becomes "nothing: with `engine: temporal` the error `unsupported-orchestration-value`, else the note \
                `not-expressible`";
    }
    "state_management.replay_capability" {
        "true"
            means "a run can be replayed from its history"
            becomes "no field: what Temporal always does; without `engine: temporal` the note `not-expressible` says \
                that nothing is written"
            not "calls that are made again: a replay repeats decisions and reads answers from the history";
        "false"
            means "a run cannot be replayed"
            becomes "nothing: with `engine: temporal` the error `unsupported-orchestration-value`, else the note \
                `not-expressible`";
    }
};

const EVENT_DRIVEN: &[Word] = rows! {
    "event_bus.provider" {
        "apache_kafka"
            means "the event bus is Apache Kafka"
            becomes "`kafka`: topics, settings of consumers and producers, and plans of processors; the check \
                `flush-interval-too-long` judges `batch_processing`"
            not "a grant: a processor is granted its tools with every bus";
        "apache_pulsar"
            means "the event bus is Apache Pulsar"
            becomes "nothing: no target writes files for Pulsar, and the note `not-expressible` says so";
        "rabbitmq"
            means "the event bus is RabbitMQ"
            becomes "nothing: no target writes files for RabbitMQ, and the note `not-expressible` says so";
        "nats"
            means "the event bus is NATS"
            becomes "nothing: no target writes files for NATS, and the note `not-expressible` says so";
        "amazon_kinesis"
            means "the event bus is Amazon Kinesis"
            becomes "nothing: no target writes files for Kinesis, and the note `not-expressible` says so";
        "azure_event_hubs"
            means "the event bus is Azure Event Hubs"
            becomes "nothing: no target writes files for Event Hubs, and the note `not-expressible` says so"
            not "Kafka, whose protocol it also takes: write `apache_kafka` for the files of `kafka`";
        "google_pubsub"
            means "the event bus is Google Cloud Pub/Sub"
            becomes "nothing: no target writes files for Pub/Sub, and the note `not-expressible` says so";
    }
};

const BATCH_PROCESSING: &[Word] = rows! {
    "compression" {
        "gzip"
            means "batches are compressed by gzip"
            becomes "`kafka`: `compression.type=gzip`; `otel-collector`: `compression: gzip` of each exporter, and \
                `OTEL_EXPORTER_OTLP_COMPRESSION` of SDKs"
            not "compression of calls of MCP: gateways leave them as they are";
        "zstd"
            means "batches are compressed by Zstandard"
            becomes "`kafka`: `compression.type=zstd`; `otel-collector`: `compression: zstd` of exporters for OTLP, \
                and nothing for Zipkin and SDKs";
        "snappy"
            means "batches are compressed by Snappy"
            becomes "`kafka`: `compression.type=snappy`; `otel-collector`: `compression: snappy` of exporters for \
                OTLP, and nothing for Zipkin and SDKs";
        "lz4"
            means "batches are compressed by LZ4"
            becomes "`kafka`: `compression.type=lz4`; `otel-collector`: `compression: lz4` of exporters for OTLP over \
                HTTP, and nothing for OTLP over gRPC, Zipkin and SDKs";
        "none"
            means "batches are not compressed"
            becomes "`kafka`: `compression.type=none`; `otel-collector`: `compression: none` of each exporter, and \
                `OTEL_EXPORTER_OTLP_COMPRESSION` of SDKs"
            not "the default of the collector, which compresses by gzip";
    }
    "strategies[].trigger" {
        "every_second"
            means "a batch is sent when its oldest item has waited for a second"
            becomes "`temporal`: `everyMs: 1000` in the plan; `otel-collector` and `kafka`: nothing, they go by \
                `flush_interval`; the check `batch-never-triggers` compares it with `flush_interval`"
            not "a schedule: nothing is sent where no item waits";
        "every_minute"
            means "a batch is sent when its oldest item has waited for a minute"
            becomes "`temporal`: `everyMs: 60000` in the plan; the rest as for `every_second`"
            not "a schedule: nothing is sent where no item waits";
        "every_hour"
            means "a batch is sent when its oldest item has waited for an hour"
            becomes "`temporal`: `everyMs: 3600000` in the plan; the rest as for `every_second`"
            not "the beginning of an hour on the clock";
        "every_day"
            means "a batch is sent when its oldest item has waited for a day"
            becomes "`temporal`: `everyMs: 86400000` in the plan; the rest as for `every_second`"
            not "a time of day: the day begins with the oldest item";
        "batch_full"
            means "a batch is sent when `batch_size` items wait"
            becomes "`temporal`: `on: full` in the plan, and nothing without `batch_size`; `otel-collector`: \
                `max_items` is `send_batch_max_size`; `kafka`: nothing, it goes by `batch_size`; the check \
                `batch-truncates` compares `max_items` with `batch_size`"
            not "a limit of bytes";
        "high_priority_item"
            means "a batch is sent as soon as an item of high priority waits"
            becomes "`temporal`: `on: highPriority` in the plan, for items with `priority: high`; `otel-collector` and \
                `kafka`: nothing"
            not "a batch of that item alone: other items go with it, up to `max_items`";
    }
};
