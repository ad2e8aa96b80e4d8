//! `saga_definition`. Source: the document, "Saga Pattern for Distributed Transactions".

use super::decode::OneOrMany;
use super::handover::{ConditionSection, TakenSection};
use crate::lower::{At, Lowering};
use crate::model::flow::{Call, Flow, Step};
use crate::model::name::{FlowId, FlowKind, ServerName, ToolName, UnitName};
use crate::model::value::ResourceUri;
use crate::source::Spanned;

/// A saga: steps over several servers, each with the call that undoes it. It is a principal of its own, granted every
/// action and every compensation. May stand many times, with unique names.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SagaDefinition {
    /// Its name, unique among sagas.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// What it is for, for readers.
    #[serde(default, rename = "description")]
    _description: Option<Spanned<String>>,
    /// Whether compensations run when a step fails.
    compensations_enabled: Option<Spanned<bool>>,
    /// The unit it belongs to; by default that of its folder, else `central`.
    business_unit: Option<Spanned<UnitName>>,
    /// The token subject it runs as; by default derived from the trust domain of `identity`.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-subject")))]
    subject: Option<Spanned<String>>,
    /// Switches the saga off, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    suspended: Option<Spanned<String>>,
    /// What it does, in order.
    #[cfg_attr(test, schemars(length(min = 1), with = "Vec<SagaStep>"))]
    steps: Vec<Ready>,
}

/// A step of a saga.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct SagaStep {
    /// Its name, unique within the saga.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// The server of action and compensation. Of several servers with the same tool, a call goes to the one whose
    /// class, location and unit fit: `class_from` in the registry says the class of its data.
    mcp_server: OneOrMany<StepServer>,
    /// The tool that does the step.
    action: Spanned<ToolName>,
    /// The tool that undoes it.
    compensation: Option<Spanned<ToolName>>,
    /// Resources of the same server that it reads, each a URI or a pattern of the registry's.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    resources: Vec<Spanned<ResourceUri>>,
    /// Prompts of the same server that it gets.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    prompts: Vec<Spanned<String>>,
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
#[serde(from = "SagaStep")]
struct Ready(Step);

impl From<SagaStep> for Ready {
    fn from(step: SagaStep) -> Self {
        let action = Call { tool: step.action, server: None, compensation: false, routed: None };
        let undo = step.compensation.map(|tool| Call { tool, server: None, compensation: true, routed: None });
        Self(Step {
            name: step.name,
            servers: step.mcp_server.0,
            calls: std::iter::once(action).chain(undo).collect(),
            reads: super::reads(step.resources, step.prompts),
            depends_on: Vec::new(),
            optional: step.optional,
            proceed_if: step.proceed_if.map(Into::into),
            takes: step.arguments.into_iter().map(Into::into).collect(),
        })
    }
}

impl SagaDefinition {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let id = self.name.map(|name| FlowId { kind: FlowKind::Saga, name: name.into() });
        let steps: Vec<Step> = self.steps.into_iter().map(|Ready(step)| step).collect();
        out.declare_steps(&steps, "the server of a saga step");
        let flow = Flow {
            id,
            unit: super::no_unit(),
            unit_written: false,
            subject: self.subject,
            steps,
            compensations_enabled: self.compensations_enabled,
            subscribes_to: Vec::new(),
            suspended: self.suspended,
        };
        super::add_flow(at, out, flow, self.business_unit);
    }
}
