//! What neither Toxiproxy nor Chaos Mesh can do of an experiment, with what comes nearest.

use super::mesh::{Means, means};
use super::outcome::{Seen, seen};
use super::{Case, cases, inside};
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::assurance::ExperimentKind;
use crate::source::Loc;
use crate::targets::NotExpressed;

/// The values in use that are not expressed as written.
pub(super) fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    cases(model).iter().flat_map(|case| of_case(model, case)).collect()
}

fn of_case(model: &Model, case: &Case<'_>) -> Vec<NotExpressed> {
    let experiment = case.experiment;
    let left = |key: &str, value: &str, loc: Loc, why| NotExpressed {
        family: FamilyId::ChaosExperiments,
        key: format!("{}[].{key}: {value}", experiment.kind.key()),
        loc,
        why,
        own: false,
    };
    let mut found = Vec::new();
    if case.hit.tool.is_some() {
        let why = "a proxy sees connections and no tools, so every call to the server is hit; \
                   the setting `fault` of a route of Envoy or Istio can tell calls apart by their headers";
        found.push(left("target", &experiment.target.value, experiment.target.loc, why));
    }
    if let Some(amount) = &experiment.amount {
        let percent = f64::from(amount.value.milli) / 1_000.0;
        match experiment.kind {
            ExperimentKind::DependencyFailure if experiment.share() < 100_000 => {
                let why = "Toxiproxy fails a share of connections, and Chaos Mesh one of packets or pods, so calls in one \
                           connection fail together; `fault.abort.percentage` of Istio fails a share of calls";
                found.push(left("failure_rate", &format!("{percent}%"), amount.loc, why));
            }
            ExperimentKind::ResourceExhaustion => {
                let stressed = matches!(means(case), Some(Means::Memory | Means::Cpu)) && inside(model, case);
                let why = "Toxiproxy uses nothing up and slows answers down instead; `StressChaos` of Chaos Mesh uses \
                           memory or processors of a server up whose `url` names a service of the cluster";
                if !stressed {
                    let of = amount.value.of.as_ref().map(|of| format!("_{of}")).unwrap_or_default();
                    found.push(left("limit", &format!("{percent}%{of}"), amount.loc, why));
                }
            }
            ExperimentKind::DependencyFailure | ExperimentKind::NetworkPartition => {}
        }
    }
    if let Some(expected) = &experiment.expected {
        match seen(expected.value) {
            None => {
                let why = "this is how a flow ends, which its engine shows and no gateway does; write a scenario of \
                           `integration_tests` with `inject_failure`";
                found.push(left("expected", expected.value.word(), expected.loc, why));
            }
            Some(Seen::Gateways(..)) if case.hit.servers.iter().any(|it| it.name.value.as_str().contains('.')) => {
                let why = "Envoy names the statistics of a server by its name up to the first dot, so no series is of \
                           this server; give it a name without dots";
                found.push(left("expected", expected.value.word(), expected.loc, why));
            }
            Some(_) => {}
        }
    }
    found
}
