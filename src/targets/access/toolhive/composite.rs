//! Composite tools: each workflow as steps that call one tool each, in their order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{API, arguments};
use crate::bundle::Artifact;
use crate::model::Model;
use crate::model::flow::{Call, Flow};
use crate::model::name::FlowKind;
use crate::model::quantity::Attempts;
use crate::source::{Loc, Spanned};
use crate::targets::CompileError;
use crate::targets::gateways::cluster_of;
use crate::targets::names::dns_labels;
use crate::targets::objects::objects;

/// Most steps of a composite tool: the engine of ToolHive refuses one with more (its source, `pkg/vmcp/composer`).
const MOST_STEPS: usize = 100;

/// Most retries of a step: the same engine quietly makes no more.
const MOST_RETRIES: u32 = 10;

/// A cluster, and a file for it.
type OfCluster<'m> = (&'m str, (String, Artifact));

/// The file with all of them in each cluster that has some: a workflow runs in that of its unit.
pub(super) fn files<'m>(
    model: &'m Model,
    namespace: &str,
    servers: &BTreeMap<&str, String>,
) -> Result<Vec<OfCluster<'m>>, CompileError> {
    let flows: Vec<&Flow> = model
        .flows
        .values()
        .filter(|flow| {
            flow.id.value.kind == FlowKind::Workflow
                && flow.suspended.is_none()
                && !flow.goes_by_results()
                && !flow.goes_by_classes()
        })
        .collect();
    let named = flows.iter().map(|flow| (&*flow.id.value.name, flow.id.loc));
    let names = dns_labels(super::TARGET.id, named).map_err(CompileError::Findings)?;
    let mut of_cluster: BTreeMap<&str, (Vec<Value>, Vec<Loc>)> = BTreeMap::new();
    for flow in flows {
        let Some(name) = names.get(&*flow.id.value.name) else { continue };
        let (steps, parameters) = steps(model, flow, servers)?;
        if steps.is_empty() {
            continue;
        }
        if steps.len() > MOST_STEPS {
            let what = format!(
                "workflow `{}` to take at most {MOST_STEPS} calls as a composite tool; it takes {}",
                flow.id.value.name,
                steps.len()
            );
            return Err(CompileError::Beyond { what, how: "split the workflow".to_owned() });
        }
        let (documents, from) = of_cluster.entry(cluster_of(model, Some(&flow.unit.value))).or_default();
        from.push(flow.id.loc);
        let mut spec = Map::new();
        spec.insert("name".to_owned(), json!(name));
        spec.insert("description".to_owned(), json!(format!("The workflow {}", flow.id.value.name)));
        if !parameters.is_empty() {
            let required: Vec<&String> = parameters.keys().collect();
            let all = json!({"type": "object", "properties": parameters, "required": required});
            spec.insert("parameters".to_owned(), all);
        }
        spec.insert("steps".to_owned(), Value::Array(steps));
        documents.push(json!({
            "apiVersion": API,
            "kind": "VirtualMCPCompositeToolDefinition",
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        }));
    }
    let file = |(cluster, (documents, from))| Ok((cluster, objects(model, "composite-tools.yaml", documents, from)?));
    of_cluster.into_iter().map(file).collect()
}

/// How often the steps of a flow are tried in all: as its unit says, else as the central configuration does.
pub(super) fn attempts<'m>(model: &'m Model, flow: &Flow) -> Option<&'m Spanned<Attempts>> {
    Model::in_scope(&model.orchestration, &Some(flow.unit.value.clone()))?.max_attempts.as_ref()
}

/// Whether a call may be made twice with the effect of one.
pub(super) fn is_idempotent(model: &Model, call: &Call) -> bool {
    let tool = call.server.as_ref().and_then(|name| model.servers.get(name)?.tools.get(&call.tool.value));
    tool.and_then(|tool| tool.idempotent.as_ref()).is_some_and(|idempotent| idempotent.value)
}

/// The steps, and what the composite tool takes for each.
type Steps = (Vec<Value>, BTreeMap<String, Value>);

/// One step for each call that is not a compensation. The calls of one step of the workflow come one after the other.
fn steps(model: &Model, flow: &Flow, servers: &BTreeMap<&str, String>) -> Result<Steps, CompileError> {
    let ids = dns_labels(super::TARGET.id, flow.steps.iter().map(|step| (step.name.value.as_str(), step.name.loc)))
        .map_err(CompileError::Findings)?;
    let attempts = attempts(model, flow).map_or(1, |attempts| attempts.value.0);
    let graph = flow.graph();
    let calls = |at: usize| {
        let step = flow.steps.get(at);
        step.into_iter().flat_map(|step| step.calls.iter().filter(|call| !call.compensation))
    };
    let id = |at: usize, number: usize| {
        let step = flow.steps.get(at).map_or("", |step| step.name.value.as_str());
        format!("{}-{}", ids.get(step).map_or("", String::as_str), number + 1)
    };
    let mut steps = Vec::new();
    let mut parameters = BTreeMap::new();
    for at in graph.order() {
        // The last call of each step that must be done, or of those before it where it calls nothing.
        let mut before: BTreeSet<String> = BTreeSet::new();
        let mut open: Vec<usize> = graph.needs(at).collect();
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        while let Some(needed) = open.pop() {
            if seen.insert(needed) {
                match calls(needed).count() {
                    0 => open.extend(graph.needs(needed)),
                    several => drop(before.insert(id(needed, several - 1))),
                }
            }
        }
        for (number, call) in calls(at).enumerate() {
            let server = call.server.as_ref().and_then(|server| servers.get(server.as_str()));
            let Some(server) = server else { continue };
            let needs: Vec<String> =
                if number == 0 { before.iter().cloned().collect() } else { vec![id(at, number - 1)] };
            let mut step = Map::new();
            step.insert("id".to_owned(), json!(id(at, number)));
            step.insert("type".to_owned(), json!("tool"));
            step.insert("tool".to_owned(), json!(format!("{server}.{}", call.tool.value)));
            let tool = call.server.as_ref().and_then(|name| model.servers.get(name)?.tools.get(&call.tool.value));
            let required = tool.map(|tool| arguments::required(model, tool)).unwrap_or_default();
            if !required.is_empty() {
                let name = id(at, number);
                step.insert("arguments".to_owned(), Value::Object(arguments::handed_on(&name, &required)));
                parameters.insert(name, arguments::parameter(&required));
            }
            if !needs.is_empty() {
                step.insert("dependsOn".to_owned(), json!(needs));
            }
            // What was done may have been done although its answer was lost.
            let retries = if is_idempotent(model, call) { attempts.saturating_sub(1) } else { 0 };
            if retries > MOST_RETRIES {
                let what =
                    format!("a step of a composite tool to be retried at most {MOST_RETRIES} times, and not {retries}");
                let how = format!("let `max_attempts` of `orchestration` be at most {}", MOST_RETRIES + 1);
                return Err(CompileError::Beyond { what, how });
            }
            if retries > 0 {
                step.insert("onError".to_owned(), json!({"action": "retry", "retryCount": retries}));
            }
            steps.push(Value::Object(step));
        }
    }
    Ok((steps, parameters))
}
