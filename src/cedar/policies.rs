//! Cedar policies as typed values, printed by Cedar and laid out by its formatter.
//!
//! There are permits only. A `forbid` whose condition fails to evaluate is skipped, and the request allowed; a permit whose
//! condition fails to evaluate permits nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, Effect, EntityType, EntityUID, Expr, Literal, Name, Policy as PstPolicy,
    PrincipalConstraint, ResourceConstraint, StaticPolicy, Template, Var,
};
use cedar_policy::{Policy, pst};
use cedar_policy_formatter::{Config, policies_str_to_pretty};

use super::{Error, NAMESPACE};

/// Width of lines in the printed policies.
const LINE_WIDTH: usize = 120;

/// The attribute of a principal that holds its grants by rule.
pub const GRANTS: &str = "grants";

/// A policy that permits.
#[derive(Debug, Clone)]
pub struct Permit {
    /// Its id, also printed as `@id`.
    pub id: String,
    /// Further annotations by name.
    pub annotations: BTreeMap<String, String>,
    /// The action group that it is about, of [`NAMESPACE`].
    pub action_group: String,
    /// When.
    pub condition: Condition,
}

/// What a generated policy can ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All of them; `true` for none.
    All(Vec<Condition>),
    /// At least one of them; `false` for none.
    Any(Vec<Condition>),
    /// The resource is in one of the groups that the principal is granted under this rule.
    Granted(String),
    /// This fact holds.
    Fact(String),
}

/// Prints the policies, sorted by id. The text of no policy at all is empty.
///
/// # Errors
/// Where Cedar cannot express or print one.
pub fn print(permits: &[Permit]) -> Result<String, Error> {
    super::count_use();
    let mut sorted: Vec<&Permit> = permits.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let config = Config { line_width: LINE_WIDTH, indent_width: 2 };
    let mut blocks = Vec::with_capacity(sorted.len());
    for permit in sorted {
        let text = built(permit)
            .map_err(|cause| Error::new(format!("the policy `{}` cannot be built", permit.id)).because(cause))?
            .to_cedar()
            .ok_or_else(|| Error::new(format!("the policy `{}` cannot be printed", permit.id)))?;
        // One by one: the formatter's cost grows with the square of what it is given.
        let pretty = policies_str_to_pretty(&text, &config)
            .map_err(|cause| Error::new(format!("the policy `{}` cannot be laid out: {cause:#}", permit.id)))?;
        blocks.push(pretty);
    }
    Ok(blocks.join("\n"))
}

fn built(permit: &Permit) -> Result<Policy, pst::PstConstructionError> {
    let action = EntityUID {
        ty: EntityType::from_name(Name::qualified([NAMESPACE], "Action")?),
        eid: permit.action_group.as_str().into(),
    };
    let annotations = permit
        .annotations
        .iter()
        .map(|(name, text)| (name.clone(), text.as_str().into()))
        .chain([("id".to_owned(), permit.id.as_str().into())])
        .collect();
    let template = Template::new(
        permit.id.as_str(),
        Effect::Permit,
        PrincipalConstraint::Any,
        ActionConstraint::In(vec![action]),
        ResourceConstraint::Any,
    )
    .try_with_clauses([Clause::When(expression(&permit.condition))])?
    .with_annotations(annotations);
    Policy::from_pst(PstPolicy::Static(StaticPolicy::try_from(template)?))
}

fn expression(condition: &Condition) -> Arc<Expr> {
    match condition {
        Condition::All(parts) => joined(parts, BinaryOp::And, true),
        Condition::Any(parts) => joined(parts, BinaryOp::Or, false),
        Condition::Granted(rule) => Arc::new(Expr::BinaryOp {
            op: BinaryOp::In,
            left: Arc::new(Expr::Var(Var::Resource)),
            right: attribute(attribute(Arc::new(Expr::Var(Var::Principal)), GRANTS), rule),
        }),
        Condition::Fact(fact) => attribute(Arc::new(Expr::Var(Var::Context)), fact),
    }
}

fn joined(parts: &[Condition], op: BinaryOp, of_none: bool) -> Arc<Expr> {
    let mut parts = parts.iter().map(expression);
    let Some(first) = parts.next() else { return Arc::new(Expr::Literal(Literal::Bool(of_none))) };
    parts.fold(first, |left, right| Arc::new(Expr::BinaryOp { op, left, right }))
}

fn attribute(of: Arc<Expr>, name: &str) -> Arc<Expr> {
    Arc::new(Expr::GetAttr { expr: of, attr: name.into() })
}
