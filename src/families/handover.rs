//! `optional`, `proceed_if` and `arguments` of the steps of workflows and sagas.

use super::identity::scalar::ScalarWord;
use crate::model::access::Scalar;
use crate::model::flow::handover::{Condition, ResultField, Taken};
use crate::model::name::ToolName;
use crate::source::Spanned;

/// What a result before the step must say.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionSection {
    /// The step whose result is looked at.
    step: Spanned<String>,
    /// The tool of that step, where it calls several.
    tool: Option<Spanned<ToolName>>,
    /// The field of the result.
    #[cfg_attr(test, schemars(length(min = 1)))]
    field: Spanned<String>,
    /// What the field must be equal to, in value and type.
    equals: Spanned<ScalarWord>,
}

/// An argument that is a field of a result.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TakenSection {
    /// The name of the argument.
    #[cfg_attr(test, schemars(length(min = 1)))]
    argument: Spanned<String>,
    /// The tool of this step that takes it, where the step calls several, or a compensation takes it.
    to: Option<Spanned<ToolName>>,
    /// The step whose result has it.
    step: Spanned<String>,
    /// The tool of that step, where it calls several.
    tool: Option<Spanned<ToolName>>,
    /// The field of the result.
    #[cfg_attr(test, schemars(length(min = 1)))]
    field: Spanned<String>,
}

impl From<ConditionSection> for Condition {
    fn from(section: ConditionSection) -> Self {
        let of = ResultField { step: section.step, tool: section.tool, field: section.field };
        Self { of, equals: section.equals.map(|ScalarWord(value): ScalarWord| -> Scalar { value }) }
    }
}

impl From<TakenSection> for Taken {
    fn from(section: TakenSection) -> Self {
        let from = ResultField { step: section.step, tool: section.tool, field: section.field };
        Self { argument: section.argument, to: section.to, from }
    }
}
