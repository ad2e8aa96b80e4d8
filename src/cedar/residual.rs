//! What is left of the policies when the principal is known and the rest of a request is not, as a formula.
//!
//! Cedar's type-aware partial evaluation does the work; here its residual is read. What is not a monotone formula over the
//! resource's groups and the facts is an error, never skipped.

use cedar_policy::pst::{BinaryOp, Clause, EntityUID, Expr, Literal, Var};
use cedar_policy::{Effect, Entities, EntityId, PartialEntities, PartialEntityUid, PartialRequest};

use super::engine::{Engine, Shape, cedar_type, cedar_uid};
use super::policies::GRANTS;
use super::{Error, Uid};

/// When some policy permits, monotone in everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// All of them.
    All(Vec<Formula>),
    /// At least one of them.
    Any(Vec<Formula>),
    /// The resource is, or is in, one of these entities.
    ResourceIn(Vec<Uid>),
    /// The resource is in a group that the principal is granted under this rule. Only where the principal is unknown.
    ResourceGranted(String),
    /// This attribute of the context is true.
    Fact(String),
}

impl Formula {
    /// Never true.
    pub const NEVER: Self = Self::Any(Vec::new());
    /// Always true.
    pub const ALWAYS: Self = Self::All(Vec::new());
}

/// Evaluates policies partially. Knows the principals of the engine's entities, and none of the resources.
pub struct Evaluator<'e> {
    engine: &'e Engine,
    principals: PartialEntities,
}

impl<'e> Evaluator<'e> {
    /// An evaluator for an engine's policies.
    ///
    /// # Errors
    /// Where Cedar refuses the principals.
    pub fn new(engine: &'e Engine) -> Result<Self, Error> {
        let kinds: Vec<_> = engine.schema.principals().collect();
        let principals = engine.entities.iter().filter(|entity| kinds.contains(&entity.uid().type_name())).cloned();
        // Validated already, as part of the engine's entities.
        let principals = Entities::from_entities(principals, None)
            .map_err(|cause| Error::new("Cedar refuses the principals").because(cause))?;
        let principals = PartialEntities::from_concrete(principals, &engine.schema)
            .map_err(|cause| Error::new("Cedar cannot evaluate with these principals").because(cause))?;
        Ok(Self { engine, principals })
    }

    /// When a request of that shape is permitted: by the principal of that id, or, without one, by a principal of which
    /// only the type is known.
    ///
    /// # Errors
    /// Where Cedar cannot evaluate, or what is left is no such formula.
    pub fn residual(&self, shape: &Shape, principal: Option<&str>) -> Result<Formula, Error> {
        let request = PartialRequest::new(
            PartialEntityUid::new(cedar_type(&shape.principal)?, principal.map(EntityId::new)),
            cedar_uid(&Uid::new("Action", &shape.action))?,
            PartialEntityUid::new(cedar_type(&shape.resource)?, None),
            None,
            &self.engine.schema,
        )
        .map_err(|cause| Error::new("Cedar refuses a partial request").because(cause))?;
        let response = self
            .engine
            .policies
            .tpe(&request, &self.principals, &self.engine.schema)
            .map_err(|cause| Error::new("Cedar cannot evaluate the policies partially").because(cause))?;
        let mut parts = Vec::new();
        for policy in response.policies() {
            let unreadable = |what: &dyn std::fmt::Display| {
                Error::new(format!("what policy `{}` asks cannot be read back: `{what}`", policy.id()))
            };
            if policy.effect() != Effect::Permit {
                return Err(unreadable(&"forbid"));
            }
            let tree = policy.to_pst().map_err(|cause| unreadable(&cause))?;
            for clause in tree.body().clauses() {
                let Clause::When(expression) = clause else { return Err(unreadable(clause)) };
                let part = read(expression).ok_or_else(|| unreadable(clause))?;
                if part != Formula::NEVER {
                    parts.push(part);
                }
            }
        }
        Ok(Formula::Any(parts))
    }
}

/// The formula of an expression; `None` for anything that is not one.
#[expect(clippy::wildcard_enum_match_arm, reason = "Cedar's syntax may grow; whatever is not known here is refused")]
fn read(expression: &Expr) -> Option<Formula> {
    match expression {
        Expr::Literal(Literal::Bool(true)) => Some(Formula::ALWAYS),
        Expr::Literal(Literal::Bool(false)) => Some(Formula::NEVER),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => Some(Formula::All(vec![read(left)?, read(right)?])),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => Some(Formula::Any(vec![read(left)?, read(right)?])),
        Expr::BinaryOp { op: BinaryOp::In, left, right } if **left == Expr::Var(Var::Resource) => match &**right {
            Expr::Literal(Literal::EntityUID(uid)) => Some(Formula::ResourceIn(vec![plain(uid)])),
            Expr::Set(elements) => elements
                .iter()
                .map(|element| match &**element {
                    Expr::Literal(Literal::EntityUID(uid)) => Some(plain(uid)),
                    _ => None,
                })
                .collect::<Option<_>>()
                .map(Formula::ResourceIn),
            Expr::GetAttr { expr, attr } => match &**expr {
                Expr::GetAttr { expr, attr: outer } if **expr == Expr::Var(Var::Principal) && outer == GRANTS => {
                    Some(Formula::ResourceGranted(attr.to_string()))
                }
                _ => None,
            },
            _ => None,
        },
        Expr::GetAttr { expr, attr } if **expr == Expr::Var(Var::Context) => Some(Formula::Fact(attr.to_string())),
        _ => None,
    }
}

fn plain(uid: &EntityUID) -> Uid {
    Uid { kind: uid.ty.to_string(), id: uid.eid.to_string() }
}
