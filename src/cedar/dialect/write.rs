//! From a typed policy to text.

use std::sync::Arc;

use cedar_policy::Policy;
use cedar_policy::pst::{
    self, ActionConstraint, BinaryOp, Clause, Effect, EntityOrSlot, EntityType, EntityUID, Literal, Name, PatternElem,
    Policy as PstPolicy, PrincipalConstraint, PstConstructionError, ResourceConstraint, StaticPolicy, Template,
    UnaryOp, Var,
};

use super::{Expr, Piece, Scope, Statement};
use crate::cedar::{Error, Uid};

pub(super) fn print(statement: &Statement) -> Result<String, Error> {
    let built = built(statement).map_err(|cause| Error::new("a policy cannot be built").because(cause))?;
    built.to_cedar().ok_or_else(|| Error::new("a policy cannot be printed"))
}

fn built(statement: &Statement) -> Result<Policy, PstConstructionError> {
    let principal = match &statement.principal {
        None => PrincipalConstraint::Any,
        Some(kind) => PrincipalConstraint::Is(entity_type(kind)?),
    };
    let actions: Vec<EntityUID> = statement.actions.iter().map(entity).collect::<Result<_, _>>()?;
    let action = match <[EntityUID; 1]>::try_from(actions) {
        Ok([one]) => ActionConstraint::Eq(one),
        Err(none) if none.is_empty() => ActionConstraint::Any,
        Err(several) => ActionConstraint::In(several),
    };
    let resource = match &statement.resource {
        Scope::Any => ResourceConstraint::Any,
        Scope::Is(kind) => ResourceConstraint::Is(entity_type(kind)?),
        Scope::Same(uid) => ResourceConstraint::Eq(EntityOrSlot::Entity(entity(uid)?)),
        Scope::In(uid) => ResourceConstraint::In(EntityOrSlot::Entity(entity(uid)?)),
    };
    let effect = if statement.permits { Effect::Permit } else { Effect::Forbid };
    let mut template = Template::new("policy0", effect, principal, action, resource);
    if let Some(condition) = &statement.condition {
        template = template.try_with_clauses([Clause::When(expression(condition)?)])?;
    }
    Policy::from_pst(PstPolicy::Static(StaticPolicy::try_from(template)?))
}

fn entity_type(name: &str) -> Result<EntityType, PstConstructionError> {
    let mut parts: Vec<&str> = name.split("::").collect();
    let last = parts.pop().unwrap_or_default();
    Ok(EntityType::from_name(Name::qualified(parts, last)?))
}

fn entity(uid: &Uid) -> Result<EntityUID, PstConstructionError> {
    Ok(EntityUID { ty: entity_type(&uid.kind)?, eid: uid.id.as_str().into() })
}

fn expression(expr: &Expr) -> Result<Arc<pst::Expr>, PstConstructionError> {
    let binary = |op, left: &Expr, right: &Expr| -> Result<pst::Expr, PstConstructionError> {
        Ok(pst::Expr::BinaryOp { op, left: expression(left)?, right: expression(right)? })
    };
    let text = |text: &str| pst::Expr::Literal(Literal::String(text.into()));
    Ok(Arc::new(match expr {
        Expr::All(parts) => return joined(parts, BinaryOp::And, true),
        Expr::Any(parts) => return joined(parts, BinaryOp::Or, false),
        Expr::Not(inner) => pst::Expr::UnaryOp { op: UnaryOp::Not, expr: expression(inner)? },
        Expr::Principal => pst::Expr::Var(Var::Principal),
        Expr::Resource => pst::Expr::Var(Var::Resource),
        Expr::Context => pst::Expr::Var(Var::Context),
        Expr::Text(value) => text(value),
        Expr::Long(number) => pst::Expr::Literal(Literal::Long(*number)),
        Expr::Entity(uid) => pst::Expr::Literal(Literal::EntityUID(entity(uid)?)),
        Expr::EmptyRecord => pst::Expr::Record(std::collections::BTreeMap::new()),
        Expr::Set(parts) => pst::Expr::Set(parts.iter().map(expression).collect::<Result<_, _>>()?),
        Expr::Attribute(of, name) => pst::Expr::GetAttr { expr: expression(of)?, attr: name.as_str().into() },
        Expr::Has(of, name) => {
            pst::Expr::HasAttr { expr: expression(of)?, attrs: (name.as_str().into(), Vec::new()).into() }
        }
        Expr::Tag(of, name) => {
            pst::Expr::BinaryOp { op: BinaryOp::GetTag, left: expression(of)?, right: Arc::new(text(name)) }
        }
        Expr::HasTag(of, name) => {
            pst::Expr::BinaryOp { op: BinaryOp::HasTag, left: expression(of)?, right: Arc::new(text(name)) }
        }
        Expr::Same(left, right) => binary(BinaryOp::Eq, left, right)?,
        Expr::Differs(left, right) => binary(BinaryOp::NotEq, left, right)?,
        Expr::AtMost(left, right) => binary(BinaryOp::LessEq, left, right)?,
        Expr::AtLeast(left, right) => binary(BinaryOp::GreaterEq, left, right)?,
        Expr::Contains(left, right) => binary(BinaryOp::Contains, left, right)?,
        Expr::Like(of, pattern) => pst::Expr::Like { expr: expression(of)?, pattern: elements(pattern) },
    }))
}

/// As a balanced tree, so that long lists nest no deeper than they must.
fn joined(parts: &[Expr], op: BinaryOp, of_none: bool) -> Result<Arc<pst::Expr>, PstConstructionError> {
    match parts {
        [] => Ok(Arc::new(pst::Expr::Literal(Literal::Bool(of_none)))),
        [one] => expression(one),
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            let (left, right) = (joined(left, op, of_none)?, joined(right, op, of_none)?);
            Ok(Arc::new(pst::Expr::BinaryOp { op, left, right }))
        }
    }
}

fn elements(pattern: &[Piece]) -> Vec<PatternElem> {
    pattern
        .iter()
        .flat_map(|piece| match piece {
            Piece::Any => vec![PatternElem::Wildcard],
            Piece::Text(text) => text.chars().map(PatternElem::Char).collect(),
        })
        .collect()
}
