//! The target `prometheus`: what is scraped, the declared metrics as recorded series, alerts with their tests and routes, a dashboard.

mod alerts;
mod calls;
mod dashboard;
mod recordings;
mod routes;
mod rules;
mod scrape;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bundle::Artifact;
use crate::diagnostic::Diagnostic;
use crate::families::FamilyId;
use crate::model::Model;
use crate::source::Loc;
use crate::targets::left_out::Waiting;
use crate::targets::{
    CompileError, Covers, Does, Files, Input, NotExpressed, Proof, Shown, TARGET_LIMIT, Target, TargetId,
};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Prometheus,
    summary: "Scrapes, recording rules, alerts with their tests, Alertmanager's routes and a dashboard, for Prometheus 2.42 and newer",
    doc: "\
One folder for the fleet:

- `rules.yaml`: a recorded series for each declared metric, and alerts on breakers, bulkheads and probes.
- `rules_test.yaml`: a test of each rule. `promtool test rules rules_test.yaml` runs them. Each alert is silent below its threshold, \
and fires above it.
- `prometheus.yaml`: the scrapes of the gateways of the target `envoy`, and of the servers.
- `alertmanager.yaml`: whom each alert goes to.
- `dashboard.json`: the metrics, the open breakers, the calls in hand and the healthy instances, for Grafana.

| configuration | Prometheus |
|---|---|
| `counter` | the rate over five minutes, summed up by the labels of the metric and `gateway` |
| `gauge` | the sum |
| `histogram` | the quantiles 0.5 and 0.99 of the last five minutes |
| `summary` | the mean of the last five minutes |
| `failure_threshold`, `half_open_timeout` | `McpBreakerOpen`: a gateway sends no calls to a server |
| `timeout` of a breaker | `McpCallsTimeOut`: a call got no answer for that time |
| `connections` of a bulkhead | `McpBulkheadNearlyFull`: more than four fifths are in use for five minutes; `McpBulkheadFull`: calls are refused |
| `interval` of health checks | `McpServerUnhealthy`: no instance answers for that time |
| | `McpGatewayUnread`: a gateway cannot be scraped for a minute |
| | `McpCallsDenied`, `McpTokensRefused`: over 20 denials, or requests without a valid token, in five minutes, and over half of those of an hour |
| | `McpStepUpsFailed`: the same for calls that lack evidence. Their callers were told what is missing, and do not bring it. The first denial of a rule begins its series, and is not counted |
| a counter `mcp_granted_calls_total` with the labels `mcp_server` and `principal` | `McpGrantFirstUsed`: a principal calls a server for the first time in a week. When the metric is new, every pair is |
| `suspended` | `McpSuspendedCalled`: somebody calls a server or a tool that is suspended. The first such call counts already |
| `business_units[].gateway` | `McpPolicyVersionsDiffer`: for a quarter of an hour, a unit's gateway got its calls by another version of the policy than its own. Roll out the bundle that is behind |

Failing calls page; conditions under which calls will soon fail open a ticket. Each alert has a link to the page of its family, where `docs_url` of \
`mcpctl.yaml` says where the book is published; otherwise it names the command that shows the page.

**Names.** Envoy puts `envoy_mcpctl_` in front of the declared names, and the scrape takes it away again. It keeps the declared metrics, \
and those of Envoy's own that alerts read. The labels of a metric win over those of its target (`honor_labels`), so `mcp_server` is \
what the metric says. The label `gateway` tells the two gateways apart that a call to a unit's server passes.

Where any metric is declared, `mcp_server_operation_duration_seconds` is scraped and recorded as well: OpenTelemetry's metric for MCP, which \
the gateways measure, and servers that follow its conventions do, too.

**What to do.** Prometheus reads the admin interface of each gateway at the address in `targets.envoy`: on the loopback address it \
has to run beside the gateway. Name Alertmanager in `mcpctl.yaml`, as Prometheus sends no alert otherwise:

```yaml
targets:
  prometheus: {alertmanager: 'http://alertmanager.observability:9093'}
```

Servers are asked for `/metrics` at the host and port of their `url`. A server that has none is `up == 0`, and no alert says so. \
The receivers of `alertmanager.yaml` have names alone: `central-page` and `central-ticket`, and two for each unit. Add the notification \
settings of each receiver, and load credentials from your secret store:

```sh
yq eval-all '. as $item ireduce ({}; . *d $item)' bundle/prometheus/alertmanager.yaml receivers.yaml > alertmanager.yaml
amtool check-config alertmanager.yaml
```

Of servers, the declared metrics alone are kept, so that no server can give a series of a gateway's.

**What is not there.** Thresholds that the workspace does not declare, such as a share of failed calls. Bounds of buckets are those of \
whoever measures. Envoy takes the name of a server up to its first dot for the name of its statistics, so a server with a dot in its name has \
no alert; a note names it. Gateways limit each server to its share of a bulkhead, and `McpBulkheadNearlyFull` compares the calls to all of its \
servers with the whole: where one server uses up its share, only `McpBulkheadFull` says so.",
    covers: &[
        Covers::all(FamilyId::Metrics),
        Covers::part(
            FamilyId::CircuitBreaker,
            &["per_mcp_server"],
            "an alert says that a breaker is open, or that calls time out; gateways open it and end them",
        ),
        Covers::part(
            FamilyId::Bulkhead,
            &["resource_pools", "name", "mcp_servers"],
            "alerts say that a bulkhead is nearly full, or full; gateways and the platform hold it",
        ),
        Covers::part(
            FamilyId::HealthMonitoring,
            &["health_checks"],
            "an alert says that a server fails its probes; gateways make them",
        ),
    ],
    unexpressed,
    names: |_| BTreeMap::new(),
    proof: Proof::Run(Shown {
        by: "Prometheus 2.42 with promtool, amtool 0.25, running gateways of the target `envoy` and a server that exports the declared metrics",
        what: "every declared metric is there under its name, with its labels; six of the eight alerts fire and reach the address of Alertmanager, and `McpGatewayUnread` is \
               pending; promtool \
               runs the tests of all rules, and amtool routes their labels",
        beyond: "`McpBulkheadNearlyFull` outside of promtool, notifications of an Alertmanager, and the dashboard in Grafana, whose own types \
                 decode it",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// Servers that no alert can name.
fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let watched = !(model.breaker.is_empty() && model.bulkheads.is_empty() && model.health.is_empty());
    let dotted = model.servers.values().filter(|server| watched && server.name.value.as_str().contains('.'));
    let left = dotted.map(|server| NotExpressed {
        family: FamilyId::Registry,
        key: format!("servers[].name: {}", server.name),
        loc: server.name.loc,
        why: "Envoy cuts the name of a server at its first dot in its statistics, so no alert finds them",
        own: true,
    });
    left.collect()
}

/// What keeps a file from being written, or a gateway from being in it.
pub(crate) fn waiting(model: &Model) -> Option<Waiting> {
    let unknown: Vec<String> = scrape::gateways(model)
        .into_iter()
        .filter(|(_, at)| at.is_none())
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if !TARGET.is_of_use(model) || unknown.is_empty() {
        return None;
    }
    let needs = format!("an `admin` address of its own for gateway {}", unknown.join(" and "));
    let how = "add `admin: ADDRESS:PORT` to each gateway in `targets.envoy` of `mcpctl.yaml`".to_owned();
    let file =
        if scrape::is_known(model) { "the scrape of gateways in `prometheus.yaml`" } else { "`prometheus.yaml`" };
    Some(Waiting { file: file.to_owned(), needs, how })
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    if !TARGET.is_of_use(model) {
        return Ok(Files::new());
    }
    // What is between these braces in a text of an alert is a program to Prometheus.
    let pools = model.bulkheads.values().flatten().filter(|pool| pool.name.value.contains("{{"));
    let pools = pools.map(|pool| {
        let message = format!("the name of pool `{}` holds `{{{{`, which Prometheus takes for a template", pool.name);
        Diagnostic::new(&TARGET_LIMIT, pool.name.loc, message).help("give the pool another name")
    });
    let metrics = recordings::colliding(model).into_iter().map(|(metric, first, record)| {
        let message = format!("`{}` is recorded as `{record}`, and so is `{}`", metric.name, first.name);
        Diagnostic::new(&TARGET_LIMIT, metric.name.loc, message)
            .label(first.name.loc, "recorded under the same name")
            .help("give one of the two another name, or other labels")
    });
    let findings: Vec<Diagnostic> = pools.chain(metrics).collect();
    if !findings.is_empty() {
        return Err(CompileError::Findings(findings));
    }
    let mut files = Files::new();
    if scrape::is_known(model) {
        files.push(scrape::config(model)?);
    }
    files.extend(rules::files(model)?);
    files.push(routes::config(model)?);
    files.push(dashboard::dashboard(model)?);
    Ok(files)
}

/// A file of YAML.
fn yaml(path: &str, value: &impl Serialize, from: Vec<Loc>) -> Result<(String, Artifact), CompileError> {
    let text = serde_yaml::to_string(value)
        .map_err(|cause| CompileError::Refused(format!("`{path}` has no YAML form: {cause}")))?;
    Ok((path.to_owned(), Artifact { bytes: text.into_bytes(), from }))
}
