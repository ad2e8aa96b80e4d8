//! Composite tools: that each workflow is one, with all its calls, in an order that is neither looser nor tighter than the
//! workflow's.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{LiftError, Resource, text};
use crate::bundle::Artifact;
use crate::lift::folders::cluster_of;
use crate::lift::names::label;
use crate::model::Model;
use crate::model::flow::Flow;
use crate::model::name::FlowKind;
use crate::model::server::Tool;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolSpec {
    name: String,
    description: String,
    parameters: Option<Value>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Step {
    id: String,
    r#type: String,
    tool: String,
    #[serde(default)]
    arguments: Map<String, Value>,
    #[serde(default)]
    depends_on: Vec<String>,
    on_error: Option<OnError>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OnError {
    action: String,
    retry_count: u32,
}

/// What a workflow asks of one call.
struct Expected {
    tool: String,
    /// Whether the tool may be called again with the same effect.
    idempotent: bool,
    /// The arguments that it requires and that can be handed on, with their schemas.
    takes: BTreeMap<String, Value>,
    /// The calls that must be done before.
    after: BTreeSet<String>,
}

/// Takes the file of a cluster from those that are left over.
pub(super) fn check(
    files: &BTreeMap<String, Artifact>,
    rest: &mut BTreeSet<&str>,
    model: &Model,
    (cluster, namespace): (&str, &str),
) -> Result<(), LiftError> {
    let path = format!("toolhive/{cluster}/composite-tools.yaml");
    let path = path.as_str();
    let flows = model.flows.values().filter(|flow| {
        let here = cluster_of(model, Some(&flow.unit.value)) == cluster;
        let by_results = flow.steps.iter().any(|step| step.proceed_if.is_some() || !step.takes.is_empty());
        let by_classes = flow.steps.iter().flat_map(|step| &step.calls).any(|call| call.routed.is_some());
        here && flow.id.value.kind == FlowKind::Workflow && flow.suspended.is_none() && !by_results && !by_classes
    });
    let mut missing: BTreeMap<String, (BTreeMap<String, Expected>, u32)> = flows
        .map(|flow| (label(&flow.id.value.name), (expected(flow, model), retries(flow, model))))
        .filter(|(_, (expected, _))| !expected.is_empty())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    rest.remove(path);
    for document in serde_yaml::Deserializer::from_str(text(files, path)?) {
        let resource = Resource::<ToolSpec>::deserialize(document)
            .map_err(|cause| LiftError::Unexpected(format!("`{path}` cannot be read: {cause}")))?;
        let name = resource.spec.name.clone();
        resource.check(path, "VirtualMCPCompositeToolDefinition", (&name, namespace), model)?;
        let wrong = |what: &str| Err(LiftError::Unexpected(format!("the composite tool `{name}` {what}")));
        let Some((expected, retries)) = missing.remove(&name) else {
            return wrong("is not a workflow, or is there twice");
        };
        if resource.spec.description.is_empty() {
            return wrong("has no description");
        }
        let taken: BTreeMap<&String, Value> = expected
            .iter()
            .filter(|(_, call)| !call.takes.is_empty())
            .map(|(id, call)| (id, taken(call.takes.iter())))
            .collect();
        let parameters = (!taken.is_empty()).then(|| taken_all(&taken));
        if resource.spec.parameters.as_ref() != parameters.as_ref() {
            return wrong("takes something else than its steps need");
        }
        let mut after: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for step in &resource.spec.steps {
            let Some(call) = expected.get(&step.id) else { return wrong("has a step that no workflow has") };
            let found = step.on_error.as_ref().map(|on_error| (on_error.action.as_str(), on_error.retry_count));
            let again = (retries > 0 && call.idempotent).then_some(("retry", retries));
            if step.r#type != "tool" || step.tool != call.tool || found != again {
                return wrong(&format!("does something else in the step `{}`", step.id));
            }
            let mut handed_on = call.takes.iter().map(|(name, schema)| (name, handed_on(&step.id, name, schema)));
            let is_all = handed_on.all(|(name, template)| step.arguments.get(name) == Some(&template));
            if !is_all || step.arguments.len() != call.takes.len() {
                return wrong(&format!("hands something else on to the step `{}`", step.id));
            }
            // Steps stand in an order in which what they need is before them.
            let mut all: BTreeSet<String> = BTreeSet::new();
            for needed in &step.depends_on {
                let Some(before) = after.get(needed.as_str()) else { return wrong("needs a step before it is there") };
                all.extend(before.iter().cloned());
                all.insert(needed.clone());
            }
            if all != call.after {
                return wrong(&format!("does the step `{}` too early or too late", step.id));
            }
            if after.insert(&step.id, all).is_some() {
                return wrong("has a step twice");
            }
        }
        if after.len() != expected.len() {
            return wrong("lacks a step");
        }
    }
    match missing.keys().next() {
        None => Ok(()),
        Some(name) => Err(LiftError::Unexpected(format!("there is no composite tool for the workflow `{name}`"))),
    }
}

/// How often the steps of a workflow are tried again.
fn retries(flow: &Flow, model: &Model) -> u32 {
    let own = model.orchestration.get(&Some(flow.unit.value.clone()));
    let engine = own.or_else(|| model.orchestration.get(&None));
    engine.and_then(|engine| engine.max_attempts.as_ref()).map_or(0, |attempts| attempts.value.0.saturating_sub(1))
}

/// Every call of a workflow that is not a compensation, by the id of its step.
fn expected(flow: &Flow, model: &Model) -> BTreeMap<String, Expected> {
    let graph = flow.graph();
    let calls = |at: usize| -> Vec<(String, String, bool, BTreeMap<String, Value>)> {
        let Some(step) = flow.steps.get(at) else { return Vec::new() };
        let made = step.calls.iter().filter(|call| !call.compensation).zip(1..);
        made.filter_map(|(call, number)| {
            let server = call.server.as_ref()?;
            let id = format!("{}-{number}", label(step.name.value.as_str()));
            let tool = model.servers.get(server).and_then(|server| server.tools.get(&call.tool.value));
            let takes = tool.map(|tool| takes(model, tool)).unwrap_or_default();
            let idempotent = tool.and_then(|tool| tool.idempotent.as_ref()).is_some_and(|idempotent| idempotent.value);
            Some((id, format!("{}.{}", label(server.as_str()), call.tool.value), idempotent, takes))
        })
        .collect()
    };
    let mut expected = BTreeMap::new();
    for at in 0..flow.steps.len() {
        let before = graph.before(at).into_iter().filter(|step| *step != at);
        let mut after: BTreeSet<String> = before.flat_map(|step| calls(step).into_iter().map(|(id, ..)| id)).collect();
        for (id, tool, idempotent, takes) in calls(at) {
            expected.insert(id.clone(), Expected { tool, idempotent, takes, after: after.clone() });
            after.insert(id);
        }
    }
    expected
}

/// What a tool requires and ToolHive can hand on: by its schema a text, a number or a truth value, under a name that stands in a
/// template as it is.
fn takes(model: &Model, tool: &Tool) -> BTreeMap<String, Value> {
    let text = tool.input_schema.and_then(|at| model.input_schemas.get(&at));
    let Some(Value::Object(schema)) = text.and_then(|text| serde_json::from_str(text).ok()) else {
        return BTreeMap::new();
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let plain =
        |name: &str| !name.is_empty() && !name.contains(|c: char| !(c.is_ascii_alphanumeric() || "-._".contains(c)));
    let scalar = |schema: &&Value| {
        matches!(schema.get("type").and_then(Value::as_str), Some("boolean" | "integer" | "number" | "string"))
    };
    required
        .filter(|name| plain(name))
        .filter_map(|name| Some((name.to_owned(), properties?.get(name).filter(scalar)?.clone())))
        .collect()
}

/// An object in which these must be.
fn taken<'v>(all: impl Iterator<Item = (&'v String, &'v Value)>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, schema) in all {
        required.push(name.as_str());
        properties.insert(name.clone(), schema.clone());
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// The same for the whole tool; the order in which steps are required means nothing.
fn taken_all(all: &BTreeMap<&String, Value>) -> Value {
    taken(all.iter().map(|(name, schema)| (*name, schema)))
}

/// The template of an argument. What is not text is written as JSON, which writes numbers in full.
fn handed_on(step: &str, name: &str, schema: &Value) -> Value {
    let value = format!(r#"index .params "{step}" "{name}""#);
    let is_text = schema.get("type").and_then(Value::as_str) == Some("string");
    Value::from(if is_text { ["{{", &value, "}}"].concat() } else { ["{{json (", &value, ")}}"].concat() })
}
