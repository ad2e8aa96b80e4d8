//! From text to a typed policy.

use cedar_policy::Policy;
use cedar_policy::pst::{
    self, ActionConstraint, BinaryOp, Clause, Effect, EntityOrSlot, EntityUID, Literal, PatternElem,
    PrincipalConstraint, ResourceConstraint, UnaryOp, Var,
};

use super::{Expr, Piece, Scope, Statement};
use crate::cedar::{Error, Uid};

pub(super) fn parse(text: &str) -> Result<Statement, Error> {
    let policy = Policy::parse(None, text).map_err(|cause| Error::new("Cedar cannot read a policy").because(cause))?;
    let tree = policy.to_pst().map_err(|cause| Error::new("a policy has no readable form").because(cause))?;
    let body = tree.body();
    let unreadable = |what: &dyn std::fmt::Display| Error::new(format!("a policy cannot be read back: `{what}`"));
    if !body.annotations.is_empty() {
        return Err(unreadable(&"annotations"));
    }
    let principal = match &body.principal {
        PrincipalConstraint::Any => None,
        PrincipalConstraint::Is(kind) => Some(kind.to_string()),
        other @ (PrincipalConstraint::Eq(_) | PrincipalConstraint::In(_) | PrincipalConstraint::IsIn(..)) => {
            return Err(unreadable(other));
        }
    };
    let actions = match &body.action {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::Eq(one) => vec![plain(one)],
        ActionConstraint::In(several) => several.iter().map(plain).collect(),
    };
    let resource = match &body.resource {
        ResourceConstraint::Any => Scope::Any,
        ResourceConstraint::Is(kind) => Scope::Is(kind.to_string()),
        ResourceConstraint::Eq(EntityOrSlot::Entity(uid)) => Scope::Same(plain(uid)),
        ResourceConstraint::In(EntityOrSlot::Entity(uid)) => Scope::In(plain(uid)),
        other @ (ResourceConstraint::Eq(EntityOrSlot::Slot(_))
        | ResourceConstraint::In(EntityOrSlot::Slot(_))
        | ResourceConstraint::IsIn(..)) => return Err(unreadable(other)),
    };
    let condition = match body.clauses().as_slice() {
        [] => None,
        [Clause::When(condition)] => Some(expression(condition).ok_or_else(|| unreadable(condition))?),
        [first, ..] => return Err(unreadable(first)),
    };
    Ok(Statement { permits: body.effect == Effect::Permit, principal, actions, resource, condition })
}

fn plain(uid: &EntityUID) -> Uid {
    Uid { kind: uid.ty.to_string(), id: uid.eid.to_string() }
}

/// `None` for anything that has no form.
#[expect(clippy::wildcard_enum_match_arm, reason = "Cedar's syntax may grow; whatever is not known here is refused")]
fn expression(tree: &pst::Expr) -> Option<Expr> {
    let boxed = |tree: &pst::Expr| expression(tree).map(Box::new);
    Some(match tree {
        pst::Expr::Literal(Literal::String(text)) => Expr::Text(text.to_string()),
        pst::Expr::Literal(Literal::Long(number)) => Expr::Long(*number),
        pst::Expr::Literal(Literal::EntityUID(uid)) => Expr::Entity(plain(uid)),
        pst::Expr::Literal(Literal::Bool(true)) => Expr::All(Vec::new()),
        pst::Expr::Literal(Literal::Bool(false)) => Expr::Any(Vec::new()),
        pst::Expr::Var(Var::Principal) => Expr::Principal,
        pst::Expr::Var(Var::Resource) => Expr::Resource,
        pst::Expr::Var(Var::Context) => Expr::Context,
        // Cedar reads `a != b` as `!(a == b)`, and `a >= b` as `!(a < b)`.
        pst::Expr::UnaryOp { op: UnaryOp::Not, expr } => match &**expr {
            pst::Expr::BinaryOp { op: BinaryOp::Eq, left, right } => Expr::Differs(boxed(left)?, boxed(right)?),
            pst::Expr::BinaryOp { op: BinaryOp::Less, left, right } => Expr::AtLeast(boxed(left)?, boxed(right)?),
            _ => Expr::Not(boxed(expr)?),
        },
        pst::Expr::UnaryOp { op: UnaryOp::Neg, expr } => match &**expr {
            pst::Expr::Literal(Literal::Long(number)) => Expr::Long(number.checked_neg()?),
            _ => return None,
        },
        pst::Expr::GetAttr { expr, attr } => Expr::Attribute(boxed(expr)?, attr.to_string()),
        pst::Expr::HasAttr { expr, attrs } if attrs.tail.is_empty() => Expr::Has(boxed(expr)?, attrs.head.to_string()),
        pst::Expr::Like { expr, pattern } => Expr::Like(boxed(expr)?, pieces(pattern)),
        pst::Expr::Record(attributes) if attributes.is_empty() => Expr::EmptyRecord,
        pst::Expr::Set(parts) => Expr::Set(parts.iter().map(|part| expression(part)).collect::<Option<_>>()?),
        pst::Expr::BinaryOp { op: op @ (BinaryOp::And | BinaryOp::Or), .. } => {
            let mut parts = Vec::new();
            chain(tree, *op, &mut parts)?;
            if *op == BinaryOp::And { Expr::All(parts) } else { Expr::Any(parts) }
        }
        pst::Expr::BinaryOp { op: BinaryOp::GetTag, left, right } => Expr::Tag(boxed(left)?, text_of(right)?),
        pst::Expr::BinaryOp { op: BinaryOp::HasTag, left, right } => Expr::HasTag(boxed(left)?, text_of(right)?),
        pst::Expr::BinaryOp { op, left, right } => {
            let (left, right) = (boxed(left)?, boxed(right)?);
            match op {
                BinaryOp::Eq => Expr::Same(left, right),
                BinaryOp::NotEq => Expr::Differs(left, right),
                BinaryOp::LessEq => Expr::AtMost(left, right),
                BinaryOp::GreaterEq => Expr::AtLeast(left, right),
                BinaryOp::Contains => Expr::Contains(left, right),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// The operands of a chain of one operator, in order.
fn chain(tree: &pst::Expr, chained: BinaryOp, parts: &mut Vec<Expr>) -> Option<()> {
    if let pst::Expr::BinaryOp { op, left, right } = tree
        && *op == chained
    {
        chain(left, chained, parts)?;
        return chain(right, chained, parts);
    }
    parts.push(expression(tree)?);
    Some(())
}

fn text_of(tree: &pst::Expr) -> Option<String> {
    if let pst::Expr::Literal(Literal::String(text)) = tree { Some(text.to_string()) } else { None }
}

fn pieces(pattern: &[PatternElem]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for element in pattern {
        match (element, pieces.last_mut()) {
            (PatternElem::Wildcard, _) => pieces.push(Piece::Any),
            (PatternElem::Char(letter), Some(Piece::Text(text))) => text.push(*letter),
            (PatternElem::Char(letter), Some(Piece::Any) | None) => pieces.push(Piece::Text(letter.to_string())),
        }
    }
    pieces
}
