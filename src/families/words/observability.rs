//! Words about what is seen of calls: traces, metrics, logs.

use super::Word;
use super::access::rows;
use crate::families::FamilyId;

pub(super) const WORDS: &[(FamilyId, &[Word])] =
    &[(FamilyId::Tracing, TRACING), (FamilyId::Metrics, METRICS), (FamilyId::Logging, LOGGING)];

const TRACING: &[Word] = rows! {
    "exporters[].type" {
        "otlp"
            means "spans are sent by OTLP: over HTTP where the endpoint's path ends in `/v1/traces` or its port is \
                4318, else over gRPC"
            becomes "`otel-collector`: an exporter `otlp_http` or `otlp_grpc`; `envoy`: `envoy.tracers.opentelemetry`, \
                for the first exporter whose protocol it speaks"
            not "the name of the exporter: a name tells nothing";
        "otlp_grpc"
            means "spans are sent by OTLP over gRPC, regardless of the endpoint"
            becomes "`otel-collector`: an exporter `otlp_grpc`, and an error for an endpoint with a path; `envoy`: \
                `grpc_service` of `envoy.tracers.opentelemetry`, for the first exporter whose protocol it speaks";
        "otlp_http"
            means "spans are sent by OTLP over HTTP, regardless of the endpoint"
            becomes "`otel-collector`: an exporter `otlp_http`; `envoy`: `http_service` of \
                `envoy.tracers.opentelemetry`, for the first exporter whose protocol it speaks";
        "zipkin"
            means "spans are sent in the JSON of Zipkin, version 2"
            becomes "`otel-collector`: an exporter `zipkin`; `envoy`: `envoy.tracers.zipkin`, for the first exporter \
                whose protocol it speaks";
        "jaeger"
            means "spans are sent by a protocol of Jaeger's own"
            becomes "`otel-collector`: OTLP to port 4317 of that host, for the ports 14268, 14250, 6831 and 6832; else \
                nothing, and the note `not-expressible` says so; `envoy`: nothing; the check \
                `legacy-exporter-endpoint` warns of these ports"
            not "Jaeger as the product: it takes OTLP, so write `otlp`";
    }
    "sampling.strategy" {
        "probabilistic"
            means "the share `rate` of all traces is kept, chosen by chance at the first span; all without `rate`"
            becomes "`otel-collector`: `OTEL_TRACES_SAMPLER=parentbased_traceidratio` of SDKs; `envoy`: \
                `random_sampling`; `istio`: `randomSamplingPercentage`"
            not "a percentage: `rate: 0.1` is a tenth";
        "always_on"
            means "every trace is kept"
            becomes "`otel-collector`: `OTEL_TRACES_SAMPLER=always_on` of SDKs; `envoy`: `random_sampling` of 100; \
                `istio`: `randomSamplingPercentage` of 100; the note `not-expressible` names a `rate` beside it";
        "always_off"
            means "no trace is kept"
            becomes "`otel-collector`: `OTEL_TRACES_SAMPLER=always_off` of SDKs, and no `collector.yaml`; with \
                `priority_boost` a collector keeps the boosted traces alone; `envoy`: `random_sampling` of 0; `istio`: \
                `randomSamplingPercentage` of 0";
        "rate_limiting"
            means "`rate` traces a second are kept"
            becomes "nothing: `envoy` and `otel-collector` keep every trace, `istio` writes no share, and the note \
                `not-expressible` says so"
            not "a share: here `rate` may be more than 1";
        "tail"
            means "the share `rate` of all traces is kept, chosen when a trace has ended"
            becomes "`otel-collector`: `tail_sampling`, with `OTEL_TRACES_SAMPLER=always_on` of SDKs; `envoy`: \
                `random_sampling` of 100; `istio`: no share, unless `targets.otel-collector.endpoint` is set"
            not "traces with errors first: that is `priority_boost: error_spans`";
    }
    "sampling.priority_boost" {
        "error_spans"
            means "every trace with an error is kept, beside the share `rate` of the others"
            becomes "`otel-collector`: the policy `status_code: ERROR` of `tail_sampling`; the check \
                `error-boost-needs-tail-sampling` finds strategies that decide too early"
            not "errors of tools alone: any span with the status of an error counts";
        "slow_spans"
            means "every trace that took long is kept, beside the share `rate` of the others"
            becomes "`otel-collector`: the policy `latency` of `tail_sampling`, after \
                `targets.otel-collector.slow_after`; without that setting nothing, and the note `not-expressible` says \
                so"
            not "a time of its own: the setting says what is slow";
    }
};

const METRICS: &[Word] = rows! {
    "custom_metrics[].type" {
        "counter"
            means "a number that only grows"
            becomes "`envoy`: a counter, where the name says what a gateway counts, such as requests, calls of tools \
                or denials; `prometheus`: the recorded rate over five minutes; the check `counter-without-total` \
                judges the name";
        "gauge"
            means "a number that rises and falls"
            becomes "`envoy`: a gauge of requests in hand, where the name says so; `prometheus`: the recorded sum; the \
                check `metric-suffix-of-another-kind` judges the name"
            not "a mean: the values of all servers and gateways are added";
        "histogram"
            means "values counted in buckets"
            becomes "`envoy`: a histogram of how long requests or calls take, where the name says so and ends in \
                `_seconds` or `_milliseconds`; `prometheus`: the recorded quantiles 0.5 and 0.99 of five minutes; the \
                check `histogram-without-unit` judges the name"
            not "bounds of buckets that you choose: they are those of whoever measures";
        "summary"
            means "values with their sum and their number"
            becomes "`prometheus`: the recorded mean of five minutes; `envoy`: nothing, it has no summaries: the note \
                `not-expressible` says so; the check `histogram-without-unit` judges the name"
            not "quantiles over all servers: those of several summaries cannot be joined";
    }
};

const LOGGING: &[Word] = rows! {
    "structured_logging" {
        "true"
            means "a line of a log is a record of JSON; the same as without the key"
            becomes "`elasticsearch`: rulesets with `mcp-json`, and a JSON Schema of the records; `envoy`: \
                `json_format` of the access log";
        "false"
            means "a line of a log is text"
            becomes "`elasticsearch`: rulesets with `mcp-text`, which keep a line as it is in `message`; `envoy`: \
                nothing, its lines are JSON with either word"
            not "plain lines from gateways: they still write JSON";
    }
    "log_level" {
        "trace"
            means "records of every level are stored; the same as without the key"
            becomes "`elasticsearch`: no filter in `rsyslog.conf`, and a stream for `debug` and `trace`"
            not "records of gateways: they are stored with every level";
        "debug"
            means "records of `debug` and of more severe levels are stored"
            becomes "`elasticsearch`: `rsyslog.conf` drops `trace`, and a stream has `debug`"
            not "what servers write: they go on writing, and the filter drops records";
        "info"
            means "records of `info` and of more severe levels are stored"
            becomes "`elasticsearch`: `rsyslog.conf` drops `trace` and `debug`, so it has no stream for them unless \
                `retention.debug_logs` is written"
            not "what servers write: they go on writing, and the filter drops records";
        "warn"
            means "records of `warn` and of more severe levels are stored"
            becomes "`elasticsearch`: `rsyslog.conf` drops `trace`, `debug`, `info` and `notice`"
            not "a limit for audit records: those of gateways are stored with every level";
        "error"
            means "records of `error` and of more severe levels are stored"
            becomes "`elasticsearch`: `rsyslog.conf` drops `trace`, `debug`, `info`, `notice`, `warn` and `warning`"
            not "a limit for audit records: those of gateways are stored with every level";
    }
};
