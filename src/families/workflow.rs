//! `workflow_definition`. Source: the document, "Orchestrated Workflow Pattern".

use super::decode::OneOrMany;
use super::handover::{ConditionSection, TakenSection};
use crate::lower::{At, Lowering};
use crate::model::flow::{Call, Flow, Step};
use crate::model::name::{FlowId, FlowKind, ServerName, ToolName, UnitName};
use crate::model::value::ResourceUri;
use crate::source::Spanned;

/// A workflow: steps that call tools of MCP servers in an order. It is a principal of its own, granted exactly the tools
/// that its steps name. May stand many times, with unique names.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkflowDefinition {
    /// Its name, unique among workflows.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// What it is for, for readers.
    #[serde(default, rename = "description")]
    _description: Option<Spanned<String>>,
    /// The unit it belongs to; by default that of its folder, else `central`.
    business_unit: Option<Spanned<UnitName>>,
    /// The token subject it runs as; by default derived from the trust domain of `identity`.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-subject")))]
    subject: Option<Spanned<String>>,
    /// Switches the workflow off, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    suspended: Option<Spanned<String>>,
    /// What it does.
    #[cfg_attr(test, schemars(length(min = 1), with = "Vec<WorkflowStep>"))]
    steps: Vec<Ready>,
}

/// A step of a workflow.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct WorkflowStep {
    /// Its name, unique within the workflow.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// The server whose tools it calls. Of several servers with the same tool, a call goes to the one whose
    /// class, location and unit fit: `class_from` in the registry says the class of its data.
    mcp_server: OneOrMany<StepServer>,
    /// The tools it calls.
    #[cfg_attr(test, schemars(length(min = 1)))]
    tools: Vec<Spanned<ToolName>>,
    /// Resources of the same server that it reads, each a URI or a pattern of the registry's.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    resources: Vec<Spanned<ResourceUri>>,
    /// Prompts of the same server that it gets.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    prompts: Vec<Spanned<String>>,
    /// Tools of the same server that undo the step, called when a later one fails.
    #[serde(default)]
    compensation: Vec<Spanned<ToolName>>,
    /// Steps that must be done before.
    #[serde(default)]
    depends_on: Vec<Spanned<String>>,
    /// Whether the flow goes on without the step when it fails.
    optional: Option<Spanned<bool>>,
    /// What the result of a step before must say. Where it says anything else, the step is not begun, which counts as its failure.
    proceed_if: Option<ConditionSection>,
    /// Arguments of its calls that are fields of results before.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    arguments: Vec<TakenSection>,
}

type StepServer = Spanned<ServerName>;

/// A step as the model has it. Files are read in parallel and lowered one after the other, so this is made while reading.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(from = "WorkflowStep")]
struct Ready(Step);

impl From<WorkflowStep> for Ready {
    fn from(step: WorkflowStep) -> Self {
        let call = |compensation| move |tool| Call { tool, server: None, compensation, routed: None };
        let calls = step.tools.into_iter().map(call(false));
        Self(Step {
            name: step.name,
            servers: step.mcp_server.0,
            calls: calls.chain(step.compensation.into_iter().map(call(true))).collect(),
            reads: super::reads(step.resources, step.prompts),
            depends_on: step.depends_on,
            optional: step.optional,
            proceed_if: step.proceed_if.map(Into::into),
            takes: step.arguments.into_iter().map(Into::into).collect(),
        })
    }
}

impl WorkflowDefinition {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let id = self.name.map(|name| FlowId { kind: FlowKind::Workflow, name: name.into() });
        let steps: Vec<Step> = self.steps.into_iter().map(|Ready(step)| step).collect();
        out.declare_steps(&steps, "the server of a workflow step");
        let flow = Flow {
            id,
            unit: super::no_unit(),
            unit_written: false,
            subject: self.subject,
            steps,
            compensations_enabled: None,
            subscribes_to: Vec::new(),
            suspended: self.suspended,
        };
        super::add_flow(at, out, flow, self.business_unit);
    }
}
