//! The JSON Schemas of tools, for targets that type arguments by them. Reading a workspace keeps their places alone: most
//! runs need no more, and they are most of what a registry says.

use std::collections::{BTreeMap, BTreeSet};

use super::Analysis;
use crate::model::Model;
use crate::model::access::Evidence;
use crate::model::deployment::TargetId;
use crate::model::flow::Flow;
use crate::model::name::FlowKind;
use crate::model::server::Tool;
use crate::schema::arena::to_json;
use crate::source::yaml::{self, NodeId, NodeKind, Tree};
use crate::source::{FileId, Loc, Sources};

/// Reads the schema of every tool again, if a requirement asks for an argument or an earlier call, or a target is bound by
/// their size; else those of the tools that workflows call, whose arguments composite tools hand on.
pub fn attach(analysis: &mut Analysis) {
    let asked = asks_for_arguments(&analysis.model);
    let model = &analysis.model;
    // AgentCore makes a schema of its own from them, of limited size.
    let all = asked || model.deployment.of(TargetId::Agentcore).is_some();
    let tools: Vec<&Tool> = if all { tools(model).collect() } else { called_by_workflows(model).collect() };
    analysis.model.input_schemas = texts_of(tools, &analysis.sources);
}

/// Whether evidence of some fact reads an argument of the call that is decided.
fn asks_for_arguments(model: &Model) -> bool {
    let evidence = model.identity.iter().flat_map(|identity| identity.evidence.values());
    evidence
        .flat_map(|evidence| evidence.value.pieces())
        .any(|piece| matches!(piece, Evidence::Argument(_) | Evidence::Called(_)))
}

/// Reads the schemas of all tools, if evidence reads an argument, or a flow hands results on, for the checks that compare both.
pub(super) fn attach_for_checks(model: &mut Model, sources: &Sources) {
    if model.flows.values().any(Flow::goes_by_results) || asks_for_arguments(model) {
        model.input_schemas = texts_of(tools(model).collect(), sources);
    }
}

fn tools(model: &Model) -> impl Iterator<Item = &Tool> {
    model.servers.values().flat_map(|server| server.tools.values())
}

/// The schemas of these tools as JSON texts, by their places.
fn texts_of(tools: Vec<&Tool>, sources: &Sources) -> BTreeMap<Loc, String> {
    let mut wanted: BTreeMap<FileId, BTreeSet<Loc>> = BTreeMap::new();
    for loc in tools.into_iter().flat_map(|tool| [tool.input_schema, tool.output_schema]).flatten() {
        wanted.entry(loc.file).or_default().insert(loc);
    }
    let mut texts: BTreeMap<Loc, String> = BTreeMap::new();
    for (file, locs) in wanted {
        let tree = yaml::parse(file, sources.file(file), &mut Vec::new());
        for root in tree.documents() {
            collect(&tree, *root, &locs, &mut texts);
        }
    }
    texts
}

fn called_by_workflows(model: &Model) -> impl Iterator<Item = &Tool> {
    let workflows = model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Workflow);
    let calls = workflows.flat_map(|flow| &flow.steps).flat_map(|step| &step.calls);
    calls.filter_map(|call| model.servers.get(call.server.as_ref()?)?.tools.get(&call.tool.value))
}

fn collect(tree: &Tree<'_>, node: NodeId, wanted: &BTreeSet<Loc>, texts: &mut BTreeMap<Loc, String>) {
    let loc = tree.loc(node);
    if wanted.contains(&loc) {
        texts.insert(loc, to_json(tree, node).to_string());
        return;
    }
    match tree.kind(node) {
        NodeKind::Sequence(elements) => elements.iter().for_each(|element| collect(tree, *element, wanted, texts)),
        NodeKind::Mapping(entries) => entries.iter().for_each(|(_, value)| collect(tree, *value, wanted, texts)),
        NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
    }
}
