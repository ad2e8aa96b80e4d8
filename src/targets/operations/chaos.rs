//! The target `chaos`: experiments of Chaos Toolkit with the faults of Toxiproxy, and objects of Chaos Mesh.

mod faults;
mod mesh;
mod outcome;
mod page;
mod toolkit;
mod unexpressed;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::scopes;
use crate::bundle::Artifact;
use crate::families::FamilyId;
use crate::model::assurance::hit::{Hit, call_time};
use crate::model::assurance::{Experiment, ExperimentKind};
use crate::model::quantity::Duration;
use crate::model::url::Url;
use crate::model::{Model, Scope};
use crate::source::Loc;
use crate::targets::cluster::{Cluster, cluster, hosts};
use crate::targets::left_out::Waiting;
use crate::targets::names::{dns_label, dns_labels, renamed};
use crate::targets::objects::objects;
use crate::targets::{CompileError, Covers, Does, Files, Input, Proof, Shown, Target, TargetId};
use outcome::{seconds, seen};
use toolkit::{Document, Hypothesis, Reference, Runtime};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Chaos,
    summary: "Experiments of Chaos Toolkit with the faults of Toxiproxy 2, and objects of Chaos Mesh",
    doc: page::DOC,
    covers: &[Covers::part(
        FamilyId::ChaosExperiments,
        &[
            "network_partitions",
            "resource_exhaustion",
            "dependency_failures",
            "target",
            "limit",
            "failure_rate",
            "duration",
            "expected",
        ],
        "faults are injected, and outcomes asked for; the calls come from whoever uses the fleet meanwhile",
    )],
    unexpressed: unexpressed::unexpressed,
    names,
    proof: Proof::Run(Shown {
        by: "Chaos Toolkit 1.19, Toxiproxy 2.12, Prometheus 2.42 and Envoy 1.40",
        what: "each fault is shown to be on while an experiment runs, a breaker opens, a full bulkhead refuses calls, a service \
         falls back, and the fault is gone afterwards; a wrong expectation and a fault that was not injected fail the run",
        beyond: "Chaos Mesh, whose objects are checked by the product's own definitions where these are at hand",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// An experiment with what it is about.
struct Case<'m> {
    scope: &'m Scope,
    experiment: &'m Experiment,
    /// Its name: the folder of its files, and that of its objects and faults.
    name: String,
    hit: Hit<'m>,
    /// The proxies of Toxiproxy that it breaks: those of the servers, else one that has the name of the target.
    proxies: Vec<String>,
    call_time: Duration,
}

impl Case<'_> {
    /// How long an answer is kept back, in milliseconds: the share of the time that a call may take.
    fn slowed(&self) -> u64 {
        const WHOLE: u64 = 100_000;
        (self.call_time.0.saturating_mul(u64::from(self.experiment.share())) / WHOLE).max(1)
    }
}

/// The word that begins the name of an experiment.
fn word(kind: ExperimentKind) -> &'static str {
    match kind {
        ExperimentKind::NetworkPartition => "network-partition",
        ExperimentKind::ResourceExhaustion => "resource-exhaustion",
        ExperimentKind::DependencyFailure => "dependency-failure",
    }
}

/// Every experiment, by scope and in the order written.
fn cases(model: &Model) -> Vec<Case<'_>> {
    let mut found = Vec::new();
    for (scope, chaos) in &model.chaos {
        let mut counted: BTreeMap<(ExperimentKind, String), u32> = BTreeMap::new();
        for experiment in &chaos.experiments {
            let hit = Hit::of(model, &experiment.target.value);
            let label = dns_label(&experiment.target.value);
            let number = counted.entry((experiment.kind, label.clone())).or_default();
            *number += 1;
            // A label has no two dashes in a row, so this is the name of no other.
            let name = match *number {
                1 => format!("{}-{label}", word(experiment.kind)),
                more => format!("{}--{more}-{label}", word(experiment.kind)),
            };
            let proxies = if hit.whole {
                hit.servers.iter().map(|server| dns_label(server.name.value.as_str())).collect()
            } else {
                vec![label]
            };
            found.push(Case { scope, experiment, name, hit, proxies, call_time: call_time(model, scope) });
        }
    }
    found
}

/// What is called in another way in the files: targets, and the servers that they are.
fn called<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (&'c str, Loc)> {
    let target = &case.experiment.target;
    let servers = case.hit.servers.iter().filter(|_| case.hit.whole);
    let servers = servers.map(|server| (server.name.value.as_str(), server.name.loc));
    // Another spelling of a server, and a tool of one, have no name of their own.
    let own = !case.hit.whole || case.hit.servers.len() > 1;
    servers.chain(own.then_some((target.value.as_str(), target.loc)))
}

fn names(model: &Model) -> BTreeMap<String, String> {
    let cases = cases(model);
    let things = cases.iter().flat_map(called).filter_map(|(name, _)| renamed(name));
    things.chain(scopes::renamed(model.chaos.keys())).collect()
}

/// Whether the URL of a server that an experiment hits names a service of the cluster.
fn inside(model: &Model, case: &Case<'_>) -> bool {
    let domain = hosts::domain(model, &mut Vec::new());
    let urls = case.hit.servers.iter().filter_map(|server| server.url.as_ref());
    urls.filter_map(|url| Url::parse(&url.value)).any(|url| hosts::Host::of(url.host, &domain).namespace().is_some())
}

/// What keeps objects of Chaos Mesh from being written.
pub(crate) fn waiting(model: &Model) -> Option<Waiting> {
    let cases = cases(model);
    let able = cases.iter().filter(|case| mesh::means(case).is_some());
    let mut servers: Vec<_> = able.flat_map(|case| case.hit.servers.iter().map(|server| &server.name)).collect();
    servers.retain(|name| model.server(name.value.as_str()).is_some_and(|server| server.url.is_none()));
    servers.sort_by(|a, b| a.value.cmp(&b.value));
    servers.dedup_by(|a, b| a.value == b.value);
    let (first, more) = servers.split_first()?;
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    Some(Waiting {
        file: "objects of Chaos Mesh".to_owned(),
        needs: format!("the URL of server `{first}`{more}"),
        how: "add `url` to the server's entry in `mcp_registry`".to_owned(),
    })
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let cases = cases(model);
    let folders = scopes::folders(TargetId::Chaos, model, model.chaos.keys())?;
    dns_labels(TargetId::Chaos, cases.iter().flat_map(called)).map_err(CompileError::Findings)?;
    let place = if cases.iter().any(|case| mesh::means(case).is_some() && inside(model, case)) {
        Some(cluster(TargetId::Chaos, model).map_err(CompileError::Findings)?)
    } else {
        None
    };
    let mut files = Files::new();
    for case in &cases {
        let Some(folder) = folders.get(case.scope).map(|scope| format!("{scope}/{}", case.name)) else { continue };
        if case.experiment.expected.as_ref().is_none_or(|expected| seen(expected.value).is_some()) {
            files.push((format!("{folder}/experiment.json"), experiment(case)?));
        }
        files.extend(chaos_mesh(model, case, place.as_ref(), &folder)?);
    }
    Ok(files)
}

/// Where an experiment comes from.
fn from(case: &Case<'_>) -> Vec<Loc> {
    let experiment = case.experiment;
    let parts = [
        Some(experiment.target.loc),
        experiment.amount.as_ref().map(|amount| amount.loc),
        experiment.duration.as_ref().map(|duration| duration.loc),
        experiment.expected.as_ref().map(|expected| expected.loc),
    ];
    parts.into_iter().flatten().collect()
}

fn experiment(case: &Case<'_>) -> Result<Artifact, CompileError> {
    let experiment = case.experiment;
    let expected = experiment.expected.as_ref().map(|expected| expected.value);
    let toxics = faults::toxics(case);
    let mut configuration = BTreeMap::from([("toxiproxy_url", Reference::to("TOXIPROXY_URL"))]);
    let mut probes: Vec<_> = toxics.iter().map(faults::Toxic::is_on).collect();
    if let Some((outcome, seen)) = expected.and_then(|outcome| Some((outcome, seen(outcome)?))) {
        configuration.extend([seen.reference()]);
        probes.push(seen.probe(outcome, case));
    }
    let mut method: Vec<_> = toxics.iter().map(faults::Toxic::on).collect();
    if let Some(last) = method.last_mut() {
        last.pause(seconds(experiment.lasts()));
    }
    // In a title Chaos Toolkit puts values in the place of what follows a `$`.
    let target = experiment.target.value.replace('$', "$$");
    let document = Document {
        title: format!("{}: {target}", word(experiment.kind)),
        description: format!("expected: {}", expected.map_or("nothing", |outcome| outcome.word())),
        tags: ["mcpctl", word(experiment.kind)],
        configuration,
        runtime: Runtime::default(),
        steady_state_hypothesis: Hypothesis { title: "the fault is on, and what is expected holds".to_owned(), probes },
        method,
        rollbacks: toxics.iter().map(faults::Toxic::off).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&document)
        .map_err(|cause| CompileError::Refused(format!("an experiment has no JSON form: {cause}")))?;
    bytes.push(b'\n');
    Ok(Artifact { bytes, from: from(case) })
}

fn chaos_mesh(
    model: &Model,
    case: &Case<'_>,
    cluster: Option<&Cluster<'_>>,
    folder: &str,
) -> Result<Files, CompileError> {
    let documents = cluster.map(|cluster| mesh::objects(case, cluster)).transpose()?.unwrap_or_default();
    if documents.is_empty() {
        return Ok(Files::new());
    }
    let servers = case.hit.servers.iter().map(|server| server.name.loc);
    let from = from(case).into_iter().chain(servers).collect();
    Ok(vec![objects(model, &format!("{folder}/chaos-mesh.yaml"), documents, from)?])
}
