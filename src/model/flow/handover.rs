//! What a step takes from results before it: the condition on which it begins, and arguments.

use super::{Flow, Step};
use crate::model::access::Scalar;
use crate::model::name::ToolName;
use crate::source::Spanned;

/// A field of the result of a call.
#[derive(Debug, Clone)]
pub struct ResultField {
    /// The step that makes the call.
    pub step: Spanned<String>,
    /// The tool that it calls; not written where the step makes one call.
    pub tool: Option<Spanned<ToolName>>,
    /// The name of the field, at the top of the structured result.
    pub field: Spanned<String>,
}

/// What a result must say.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The field that is looked at.
    pub of: ResultField,
    /// What it must be equal to, in value and type.
    pub equals: Spanned<Scalar>,
}

/// An argument that comes from a result.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The name of the argument.
    pub argument: Spanned<String>,
    /// The tool of the step that takes it, a compensation included; not written where the step makes one call.
    pub to: Option<Spanned<ToolName>>,
    /// Where it comes from.
    pub from: ResultField,
}

/// The call that a field is of: the places of its step in the flow and of the call among those that do the step.
pub type Source = (usize, usize);

/// Why a field is of no call that is done by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSource {
    /// The flow has no such step.
    Step,
    /// The step may be done later than the one that takes the field.
    Later,
    /// The step does not call the tool.
    Tool,
    /// The step calls several tools, and none is named.
    Ambiguous,
}

impl Step {
    /// The tools that do the step, in order.
    pub fn doing(&self) -> impl Iterator<Item = &Spanned<ToolName>> {
        self.calls.iter().filter(|call| !call.compensation && !call.is_alternative()).map(|call| &call.tool)
    }

    /// The tools that undo the step, in order.
    pub fn undoing(&self) -> impl Iterator<Item = &Spanned<ToolName>> {
        self.calls.iter().filter(|call| call.compensation && !call.is_alternative()).map(|call| &call.tool)
    }

    /// The tool that takes an argument; `None` where the step calls several and none is named.
    #[must_use]
    pub fn taker<'a>(&'a self, taken: &'a Taken) -> Option<&'a ToolName> {
        let mut doing = self.doing();
        let only = doing.next().filter(|_| doing.next().is_none());
        taken.to.as_ref().or(only).map(|tool| &tool.value)
    }
}

impl Flow {
    /// Whether a step begins only on some result, or hands results on: what runs the flow without them does something else.
    #[must_use]
    pub fn goes_by_results(&self) -> bool {
        self.steps.iter().any(|step| step.proceed_if.is_some() || !step.takes.is_empty())
    }

    /// Whether a call of it goes to one of several servers, by the class of its data.
    #[must_use]
    pub fn goes_by_classes(&self) -> bool {
        self.calls().any(|(_, call)| call.routed.is_some())
    }

    /// The call that a field is of, for a step, or for what undoes that step, which knows the results of the step, too.
    ///
    /// # Errors
    /// Where there is none, or it may not be done by then.
    pub fn source(&self, step: usize, undoes: bool, field: &ResultField) -> Result<Source, NoSource> {
        let from = self.steps.iter().position(|other| other.name.value == field.step.value).ok_or(NoSource::Step)?;
        if !(self.is_done_before(from, step) || (undoes && from == step)) {
            return Err(NoSource::Later);
        }
        let calls: Vec<&ToolName> =
            self.steps.get(from).into_iter().flat_map(Step::doing).map(|tool| &tool.value).collect();
        match &field.tool {
            Some(tool) => calls.iter().position(|call| **call == tool.value).ok_or(NoSource::Tool),
            None if calls.len() == 1 => Ok(0),
            None => Err(NoSource::Ambiguous),
        }
        .map(|call| (from, call))
    }

    /// Whether a step waits for another one, itself or by steps between them. A saga is a sequence.
    fn is_done_before(&self, first: usize, then: usize) -> bool {
        if self.id.value.kind == crate::model::name::FlowKind::Saga {
            return first < then;
        }
        let graph = self.graph();
        let (mut seen, mut open) = (vec![false; self.steps.len()], vec![then]);
        while let Some(step) = open.pop() {
            for before in graph.needs(step) {
                if before == first {
                    return true;
                }
                if let Some(seen) = seen.get_mut(before).filter(|seen| !**seen) {
                    *seen = true;
                    open.push(before);
                }
            }
        }
        false
    }
}
