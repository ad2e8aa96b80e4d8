//! The target `otel-collector`: an OpenTelemetry Collector that samples, redacts and forwards traces, and what SDKs send to it.

mod config;
mod environment;
mod exporters;
mod redaction;
mod sampling;
mod unexpressed;
mod used;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::sampling::Choice;
use self::used::Used;
use super::scopes;
use crate::diagnostic::Diagnostic;
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::telemetry::{SpanProtocol, Tracing};
use crate::targets::left_out::Waiting;
use crate::targets::names::renamed;
use crate::targets::{CompileError, Covers, Does, Files, Input, Proof, Shown, Target, TargetId};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::OtelCollector,
    summary: "An OpenTelemetry Collector that samples, redacts and forwards traces, and the environment of SDKs",
    doc: "\
A folder for each `tracing_config`: `central`, and `UNIT` for that of a unit folder.

- `collector.yaml`: a collector that takes spans by OTLP, removes user ids, chooses traces, and sends them to every exporter.
- `sdk.env`: the environment of SDKs that send to it.

| configuration | collector | SDKs |
|---|---|---|
| `exporters[]`, OTLP over gRPC | `otlp_grpc/NAME` | |
| `exporters[]`, OTLP over HTTP | `otlp_http/NAME` | |
| `exporters[]`, Zipkin | `zipkin/NAME` | |
| `exporters[]` at a port of Jaeger's own | `otlp_grpc/NAME` at port 4317 of that host; a note says so | |
| `strategy: probabilistic`, `rate: 0.1` | | `OTEL_TRACES_SAMPLER=parentbased_traceidratio` with `0.1` |
| `strategy: tail`, `rate: 0.1` | `tail_sampling` with `sampling_percentage: 10` | `always_on` |
| `priority_boost: error_spans` | the policy `status_code: ERROR` of `tail_sampling` | `always_on` |
| `priority_boost: slow_spans` | the policy `latency`, after `targets.otel-collector.slow_after` | `always_on` |
| `request_id_header`, `tenant_id_header` | | are attributes of spans |
| `user_id_header`, and attributes that name a user | `transform/user_ids` | |
| `batch_size`, `flush_interval` | `send_batch_size`, `timeout` of `batch` | |
| `max_items` of the strategy with `batch_full` | `send_batch_max_size` | |
| `compression` | `compression` of each exporter whose receiver takes it | for `gzip` and `none` |
| `timeout` of circuit breakers | `decision_wait`: 30 seconds without it | |
| `targets.otel-collector.memory` | `memory_limiter`: four fifths of the memory without it | |

**Sampling.** A trace is chosen once. Where a share alone decides, SDKs choose at the first span, and the collector keeps what it gets. With \
`priority_boost`, or with `strategy: tail`, the collector chooses when a trace has ended: it keeps every trace with an error, and the \
declared share of all others. SDKs and gateways then have to send every trace. `rate` is a share of 1 and the collector's percentage is one \
of 100; it would take 0.1 for 10 % or 110 without a word, so write the share, and `validate` refuses more than 1.

A trace is chosen `decision_wait` after its first span arrives. Spans of a step that ends later are chosen anew. All spans of a trace have \
to reach the same collector: put `loadbalancingexporter` in front of several. At most 50,000 traces wait; where more arrive in that time, \
`otelcol_processor_tail_sampling_sampling_trace_dropped_too_early` counts the lost ones, and `num_traces` is what to raise.

**User ids.** No id of a user leaves the collector as it came in. In spans about servers of the classes up to `internal`, or up to \
`targets.otel-collector.pseudonyms_up_to`, `user.id` becomes its SHA-256, so that the traces of one user are still found together. \
In all other spans, events, scopes and resources, the attribute is deleted. `mcp.server` says which server a span is about; a span without \
it keeps nothing. Other attributes that name a user are deleted everywhere: `user.name`, `user.email`, `user.full_name`, `user.hash`, \
`enduser.id`, `enduser.pseudo.id`, `user_id`, and the header `user_id_header`. A hash without a secret is a pseudonym and no more: \
whoever has a list of users can compute it.

**What to do.** Write what belongs to the machine into a file of your own: addresses, certificates, and headers with credentials, \
which come from the environment. Later files win:

```yaml
receivers: {otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317'}, http: {endpoint: '0.0.0.0:4318'}}}}
exporters: {otlp_http/vendor: {headers: {authorization: '${env:VENDOR_TOKEN}'}}}
```

```sh
otelcol-contrib --config bundle/otel-collector/central/collector.yaml --config own.yaml
```

Give `sdk.env` to the processes that make spans (`--env-file` of Docker, `EnvironmentFile` of systemd), and say in `mcpctl.yaml` where \
they reach the collector. The gateways of the target `envoy` send there, too, and begin every trace where the collector chooses. Without an \
`endpoint` SDKs send to their own machine, and gateways to the first exporter whose protocol they speak:

```yaml
targets:
  otel-collector: {endpoint: 'http://collector.observability:4318', memory: 512Mi}
```

**What is not there.** User ids in a text: the message of an event, a URL, the name of a span. Attributes of links. Logs and \
metrics have pipelines of their own: `logging_config` and `metrics_config` name no receiver for them.",
    covers: &[
        Covers::all(FamilyId::Tracing),
        Covers::part(
            FamilyId::BatchProcessing,
            &["batch_size", "flush_interval", "compression", "strategies", "name", "trigger", "max_items"],
            "the collector sends spans in batches of that size; other items are batched by what collects them",
        ),
    ],
    unexpressed: unexpressed::values,
    names,
    proof: Proof::Run(Shown {
        by: "an OpenTelemetry Collector 0.161 of the components that its files name, Zipkin 3.5, and the SDK of Python",
        what: "of 10,000 traces all with an error and the declared share of the others reach every exporter, and no id of a user does; \
               Zipkin finds each by the id of its request, and the SDK chooses what its environment says",
        beyond: "Jaeger, in whose place a receiver of OTLP counts, SDKs of other languages, several collectors, and a collector at its limit of \
                 memory",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// Where SDKs and gateways reach the collector, and what they speak; `None` where the settings do not say it.
pub(crate) fn reached(model: &Model) -> Option<(&str, SpanProtocol)> {
    let url = model.deployment.otel_collector.as_ref()?.endpoint.as_ref()?.value.as_str();
    let spoken = SpanProtocol::of(url)?;
    matches!(spoken, SpanProtocol::OtlpGrpc | SpanProtocol::OtlpHttp).then_some((url, spoken))
}

/// The share of traces, in percent, that are begun by who sends to the collector: all of them where the collector chooses.
pub(crate) fn begun(model: &Model, tracing: &Tracing) -> f64 {
    match sampling::choice(tracing, &model.deployment) {
        Choice::All | Choice::Tail(_) => 100.0,
        Choice::Head(share) => sampling::percent(share),
        Choice::None => 0.0,
    }
}

fn names(model: &Model) -> BTreeMap<String, String> {
    let exporters = Used::all(model).filter(Used::has_collector).flat_map(|used| &used.tracing.exporters);
    let exporters = exporters.filter(|exporter| exporters::destination(exporter).is_some());
    let exporters = exporters.filter_map(|exporter| renamed(&exporter.name.value));
    exporters.chain(scopes::renamed(model.tracing.keys())).collect()
}

/// What keeps the file of a collector from being written.
pub(crate) fn waiting(model: &Model) -> Option<Waiting> {
    let mut idle = Used::all(model).filter(|used| used.choice != Choice::None && !used.has_collector());
    idle.next()?;
    Some(Waiting {
        file: "`collector.yaml`".to_owned(),
        needs: "an exporter that it can send to".to_owned(),
        how: "add `{name: NAME, endpoint: 'https://HOST:4317'}` to `exporters` of `tracing_config`".to_owned(),
    })
}

/// The error for one fault of the workspace.
fn fault(finding: Diagnostic) -> CompileError {
    CompileError::Findings(vec![finding])
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let folders = scopes::folders(TargetId::OtelCollector, model, model.tracing.keys())?;
    let mut files = Files::new();
    for used in Used::all(model) {
        let Some(folder) = folders.get(used.scope) else { continue };
        let mut own = vec![environment::sdk(&used, model)?];
        if used.has_collector() {
            own.push(config::config(&used, model)?);
        }
        files.extend(own.into_iter().map(|(path, artifact)| (format!("{folder}/{path}"), artifact)));
    }
    Ok(files)
}
