//! Hand-written policies asked about one request, and which facts their answers for a pair depend on.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, Expr, Literal, Var};
use cedar_policy::{Authorizer, Decision};

use super::effect::Effects;
use super::engine::request;
use super::{Error, Uid};

/// What is left of the policies for a pair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Left {
    /// The ids of the policies that are left, sorted.
    pub policies: Vec<String>,
    /// The facts that they name; `None` where they may depend on any.
    pub facts: Option<BTreeSet<String>>,
}

/// What the policies say of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether a permit applies and no forbid.
    pub permits: bool,
    /// Whether a forbid applies.
    pub forbids: bool,
    /// Whether a policy fails to evaluate.
    pub fails: bool,
    /// The ids of the policies that decide, sorted.
    pub policies: Vec<String>,
}

impl Effects {
    /// Which policies have a say on requests of this principal with this action on this resource, and by which facts.
    ///
    /// # Errors
    /// Where Cedar cannot evaluate them partially.
    pub fn left(&self, principal: &Uid, action: &str, resource: &Uid) -> Result<Left, Error> {
        let request = self.request(principal, action, resource)?;
        let response = self.response(&request)?;
        let mut left = Left { policies: Vec::new(), facts: Some(BTreeSet::new()) };
        for policy in response.policies() {
            let tree = policy
                .to_pst()
                .map_err(|_| Error::new(format!("what policy `{}` asks cannot be read back", policy.id())))?;
            let bodies: Vec<_> = tree
                .body()
                .clauses()
                .iter()
                .map(|clause| {
                    let (Clause::When(expression) | Clause::Unless(expression)) = clause;
                    expression.clone()
                })
                .collect();
            if bodies.iter().any(|body| **body == Expr::Literal(Literal::Bool(false))) {
                continue;
            }
            left.policies.push(policy.id().to_string());
            for body in bodies {
                let mut named = Some(BTreeSet::new());
                facts_of(&body, &mut named);
                left.facts = left.facts.zip(named).map(|(mut all, named)| {
                    all.extend(named);
                    all
                });
            }
        }
        left.policies.sort();
        Ok(left)
    }

    /// Puts one request to Cedar's authorizer with the hand-written policies alone.
    ///
    /// # Errors
    /// Where the request does not conform to the schema.
    pub fn ask(&self, principal: &Uid, action: &str, resource: &Uid, facts: &[(&str, bool)]) -> Result<Said, Error> {
        let request = request(principal, action, resource, facts.iter().copied(), &self.schema)?;
        let response = Authorizer::new().is_authorized(&request, &self.policies, &self.concrete);
        let allowed = response.decision() == Decision::Allow;
        let mut policies: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        policies.sort();
        Ok(Said {
            permits: allowed,
            forbids: !allowed && !policies.is_empty(),
            fails: response.diagnostics().errors().next().is_some(),
            policies,
        })
    }
}

/// Adds the attributes of the context that an expression reads; `None` where it uses the context as a whole, or in a way that is
/// not known here.
#[expect(clippy::wildcard_enum_match_arm, reason = "what Cedar may add to its syntax may depend on every fact")]
fn facts_of(expression: &Expr, named: &mut Option<BTreeSet<String>>) {
    match expression {
        Expr::GetAttr { expr, attr } if **expr == Expr::Var(Var::Context) => {
            if let Some(named) = named {
                named.insert(attr.to_string());
            }
        }
        // Every fact is an attribute of every request.
        Expr::HasAttr { expr, .. } if **expr == Expr::Var(Var::Context) => {}
        Expr::Var(Var::Context) => *named = None,
        Expr::Literal(_) | Expr::Var(_) | Expr::ResidualError => {}
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => facts_of(expr, named),
        Expr::BinaryOp { left, right, .. } => {
            facts_of(left, named);
            facts_of(right, named);
        }
        Expr::Is { expr, in_expr, .. } => {
            facts_of(expr, named);
            in_expr.iter().for_each(|inside| facts_of(inside, named));
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            [cond, then_expr, else_expr].into_iter().for_each(|part| facts_of(part, named));
        }
        Expr::Set(parts) => parts.iter().for_each(|part| facts_of(part, named)),
        Expr::Record(parts) => parts.values().for_each(|part| facts_of(part, named)),
        _ => *named = None,
    }
}
