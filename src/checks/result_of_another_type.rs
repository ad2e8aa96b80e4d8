//! `result-of-another-type`.

use serde_json::Value;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::Model;
use crate::model::access::declared::{Fit, Need, fit};
use crate::model::flow::handover::ResultField;
use crate::model::flow::{Flow, Step};
use crate::model::name::ToolName;
use crate::model::server::Tool;
use crate::source::{Loc, Spanned};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "result-of-another-type",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds fields of results that the `output_schema` of the tool does not have, values of `proceed_if` that the field never \
               is, and arguments that the `input_schema` of the tool that takes them does not have, or has with another type. Schemas \
               that leave it open say nothing.",
        why: "The condition never holds, or the call is refused, and the flow ends there in every run.",
        fix: "Correct the name or the value, or the schema in the registry.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["workflow_definition", "saga_definition", "mcp_registry"]) {
        return;
    }
    for flow in model.flows.values() {
        for (at, step) in flow.steps.iter().enumerate() {
            if let Some(condition) = &step.proceed_if {
                let needs = [condition.equals.value.clone()];
                report.extend(field(
                    input,
                    flow,
                    (at, false),
                    &condition.of,
                    Need::OneOf(&needs),
                    condition.equals.loc,
                ));
            }
            for taken in &step.takes {
                let undoes = taken.to.as_ref().is_some_and(|to| step.undoing().any(|tool| tool.value == to.value));
                let missing = field(input, flow, (at, undoes), &taken.from, Need::Scalar, Loc::default());
                let (found, source) = (missing.is_some(), result(model, flow, (at, undoes), &taken.from));
                report.extend(missing);
                let Some((tool, loc, schema)) =
                    step.taker(taken).and_then(|name| schema_of(model, step, name, |tool| tool.input_schema))
                else {
                    continue;
                };
                let kinds = source
                    .filter(|_| !found)
                    .map(|(.., schema)| kinds(&schema, &taken.from.field.value))
                    .unwrap_or_default();
                report.extend(argument(input, &taken.argument, (tool, loc, &schema), &kinds));
            }
        }
    }
}

/// The schema of a tool that a step calls, with its place.
fn schema_of<'m>(
    model: &'m Model,
    step: &'m Step,
    name: &ToolName,
    which: impl Fn(&Tool) -> Option<Loc>,
) -> Option<(&'m Tool, Loc, Value)> {
    let call = step.calls.iter().find(|call| call.tool.value == *name)?;
    let tool = model.servers.get(call.server.as_ref()?)?.tools.get(name)?;
    let loc = which(tool)?;
    Some((tool, loc, serde_json::from_str(model.input_schemas.get(&loc)?).ok()?))
}

/// What is known of the result that a field is of.
fn result<'m>(
    model: &'m Model,
    flow: &'m Flow,
    (at, undoes): (usize, bool),
    of: &ResultField,
) -> Option<(&'m Tool, Loc, Value)> {
    let (from, call) = flow.source(at, undoes, of).ok()?;
    let step = flow.steps.get(from)?;
    schema_of(model, step, &step.doing().nth(call)?.value, |tool| tool.output_schema)
}

/// A field that a result does not have, or that is never what it has to be: `value` is the place of what it should be.
fn field(
    input: &Input<'_>,
    flow: &Flow,
    at: (usize, bool),
    of: &ResultField,
    need: Need<'_>,
    value: Loc,
) -> Option<Diagnostic> {
    let (tool, schema, text) = result(input.model, flow, at, of)?;
    let name = &of.field.value;
    let shown = (schema, format!("the results of `{}`", tool.name));
    match fit(&text, std::slice::from_ref(name), &need) {
        Fit::Missing(known) => Some(
            Diagnostic::new(&CHECK.rule, of.field.loc, format!("the result of `{}` has no field `{name}`", tool.name))
                .label(shown.0, shown.1)
                .help(format!("the schema has {}", quoted(known.iter().copied())))
                .suggest(name, input.nearest(name, known.iter().copied())),
        ),
        Fit::OtherType(kind) if value != Loc::default() => Some(
            Diagnostic::new(
                &CHECK.rule,
                value,
                format!("the field `{name}` of `{}` is of the type `{kind}`", tool.name),
            )
            .label(shown.0, shown.1)
            .help("write a value of that type; text is quoted, and `true`, `false` and numbers are not"),
        ),
        Fit::OtherType(_) | Fit::Fits | Fit::Open => None,
    }
}

/// An argument that a tool does not have, or that is never of one of these types.
fn argument(
    input: &Input<'_>,
    name: &Spanned<String>,
    (tool, loc, schema): (&Tool, Loc, &Value),
    from: &[String],
) -> Option<Diagnostic> {
    let found = |message| {
        Diagnostic::new(&CHECK.rule, name.loc, message).label(loc, format!("the arguments of `{}`", tool.name))
    };
    if let Fit::Missing(known) = fit(schema, std::slice::from_ref(&name.value), &Need::Scalar) {
        let message = format!("`{}` has no argument `{name}`", tool.name);
        return Some(
            found(message)
                .help(format!("the schema has {}", quoted(known.iter().copied())))
                .suggest(&name.value, input.nearest(&name.value, known.iter().copied())),
        );
    }
    let to = kinds(schema, &name.value);
    let meets = |one: &String| to.iter().any(|other| other == one || (one == "integer" && other == "number"));
    (!to.is_empty() && !from.is_empty() && !from.iter().any(meets)).then(|| {
        let message = format!(
            "the argument `{name}` of `{}` is of the type {}, and the result of the type {}",
            tool.name,
            quoted(to.iter().map(String::as_str)),
            quoted(from.iter().map(String::as_str))
        );
        found(message).help("take another field, or correct one of the two schemas")
    })
}

/// The types that a schema gives a property; none where it does not say.
fn kinds(schema: &Value, name: &str) -> Vec<String> {
    match schema.get("properties").and_then(|all| all.get(name)).and_then(|one| one.get("type")) {
        Some(Value::String(kind)) => vec![kind.clone()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    }
}
