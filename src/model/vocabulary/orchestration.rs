//! Words of orchestration, of the event bus and of batches.

vocabulary! {

    /// `orchestration.engine`.
    Engine {
        /// Temporal.
        Temporal = "temporal",
        /// Cadence.
        Cadence = "cadence",
        /// Camunda.
        Camunda = "camunda",
        /// Conductor.
        Conductor = "conductor",
        /// AWS Step Functions.
        StepFunctions = "step_functions",
    }
    /// `retry_policy.backoff`.
    Backoff {
        /// The waiting time grows by a factor.
        Exponential = "exponential",
        /// It grows by the same amount.
        Linear = "linear",
        /// It stays the same.
        Fixed = "fixed",
    }
    /// `error_handling.failure_handling`.
    FailureHandling {
        /// What was done is undone.
        CompensatingTransactions = "compensating_transactions",
        /// The run ends as failed, and what was done stays.
        Abort = "abort",
        /// The run goes on without the step.
        Continue = "continue",
        /// The run waits for a person.
        ManualIntervention = "manual_intervention",
    }
    /// `state_management.persistence`.
    Persistence {
        /// As a history of events.
        EventSourced = "event_sourced",
        /// As rows that are overwritten.
        Database = "database",
        /// In the memory of the engine alone.
        InMemory = "in_memory",
    }
    /// `state_management.checkpointing`.
    Checkpointing {
        /// With every step.
        PerStep = "per_step",
        /// At the end of a run.
        PerWorkflow = "per_workflow",
        /// At intervals.
        Periodic = "periodic",
        /// Never.
        None = "none",
    }
    /// `event_bus.provider`.
    BusProvider {
        /// Apache Kafka.
        ApacheKafka = "apache_kafka",
        /// Apache Pulsar.
        ApachePulsar = "apache_pulsar",
        /// RabbitMQ.
        Rabbitmq = "rabbitmq",
        /// NATS.
        Nats = "nats",
        /// Amazon Kinesis.
        AmazonKinesis = "amazon_kinesis",
        /// Azure Event Hubs.
        AzureEventHubs = "azure_event_hubs",
        /// Google Cloud Pub/Sub.
        GooglePubsub = "google_pubsub",
    }
    /// `batch_processing.compression`.
    Compression {
        /// Gzip.
        Gzip = "gzip",
        /// Zstandard.
        Zstd = "zstd",
        /// Snappy.
        Snappy = "snappy",
        /// LZ4.
        Lz4 = "lz4",
        /// Not compressed.
        None = "none",
    }
}
