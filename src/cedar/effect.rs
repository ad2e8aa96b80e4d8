//! What hand-written policies do to the requests of one principal on one object: what is left of them when both are known
//! and the facts are not.
//!
//! Pairs that no policy can tell apart share one evaluation: those of one kind that are in the same of the entities which
//! the policies name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::pst::{Clause, Expr, Literal};
use cedar_policy::{
    Effect as CedarEffect, Entities, PartialEntities, PartialEntityUid, PartialRequest, PolicySet, Schema, TpeResponse,
};

use super::engine::cedar_uid;
use super::handwritten::{parse, policies};
use super::{Error, Uid};

/// What a policy adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Adds {
    /// It permits.
    Permit,
    /// It forbids.
    Forbid,
}

/// What is left of the hand-written policies: conditions over the facts alone. Comparing compares how they are written.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    pub(super) parts: Vec<(Adds, Arc<Expr>)>,
    /// The ids of the policies that are left, in order.
    pub policies: Vec<String>,
    written: Vec<(Adds, String)>,
}

impl PartialEq for Effect {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}
impl Eq for Effect {}
impl PartialOrd for Effect {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Effect {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.written.cmp(&other.written)
    }
}

impl Effect {
    /// Whether no policy has a say.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether some policy can permit something.
    #[must_use]
    pub fn permits(&self) -> bool {
        self.parts.iter().any(|(adds, _)| *adds == Adds::Permit)
    }

    /// Whether every permit here is one of the other's, and every forbid of the other's is here: seen from how they are written.
    #[must_use]
    pub fn opens_nothing_beyond(&self, other: &Self) -> bool {
        let of = |effect: &Self, wanted: Adds| -> BTreeSet<String> {
            effect.written.iter().filter(|(adds, _)| *adds == wanted).map(|(_, text)| text.clone()).collect()
        };
        of(self, Adds::Permit).is_subset(&of(other, Adds::Permit))
            && of(other, Adds::Forbid).is_subset(&of(self, Adds::Forbid))
    }

    /// The conditions in Cedar's syntax, permits first: whether each permits, and its text.
    pub fn conditions(&self) -> impl Iterator<Item = (bool, &str)> {
        self.written.iter().map(|(adds, text)| (*adds == Adds::Permit, text.as_str()))
    }

    /// The conditions as lines.
    #[must_use]
    pub fn in_words(&self) -> Vec<String> {
        let line = |(permits, text)| format!("{} when {text}", if permits { "permit" } else { "forbid" });
        self.conditions().map(line).collect()
    }
}

/// Hand-written policies with everything that they are evaluated against.
#[derive(Debug)]
pub struct Effects {
    pub(super) schema: Schema,
    pub(super) policies: PolicySet,
    pub(super) entities: PartialEntities,
    pub(super) concrete: Entities,
    ancestors: BTreeMap<Uid, Vec<Uid>>,
    named: BTreeSet<Uid>,
    /// Whether some policy reads attributes, so that any two entities may differ for it.
    reads_attributes: bool,
}

impl Effects {
    /// Reads a schema, entities, and the files of policies by name.
    ///
    /// # Errors
    /// What Cedar says against them.
    pub fn new(schema: &str, entities: &str, texts: &[(&str, &str)]) -> Result<Self, Error> {
        super::count_use();
        let (schema, _) = Schema::from_cedarschema_str(schema)
            .map_err(|cause| Error::new("Cedar cannot read the schema").because(cause))?;
        let mut named = BTreeSet::new();
        let mut reads_attributes = false;
        for (name, text) in texts {
            let written = parse(name, text).map_err(|_| Error::new(format!("Cedar cannot read `{name}`")))?;
            for policy in written {
                named.extend(policy.entities);
                reads_attributes |= !policy.fallible.is_empty();
            }
        }
        let loaded = Entities::from_json_str(entities, Some(&schema))
            .map_err(|cause| Error::new("Cedar refuses the entities").because(cause))?;
        let plain = |uid: &cedar_policy::EntityUid| Uid {
            kind: uid.type_name().to_string(),
            id: uid.id().unescaped().to_owned(),
        };
        let ancestors = loaded.iter().map(|entity| {
            let uid = entity.uid();
            (plain(&uid), loaded.ancestors(&uid).into_iter().flatten().map(plain).collect())
        });
        let ancestors = ancestors.collect();
        let concrete = loaded.clone();
        let entities = PartialEntities::from_concrete(loaded, &schema)
            .map_err(|cause| Error::new("Cedar cannot evaluate with these entities").because(cause))?;
        Ok(Self { schema, policies: policies(texts)?, entities, concrete, ancestors, named, reads_attributes })
    }

    /// What the policies can tell of an entity: two entities of one sign are the same to all of them.
    #[must_use]
    pub fn sign(&self, uid: &Uid) -> (String, Vec<Uid>) {
        let own = std::iter::once(uid).filter(|uid| self.reads_attributes || self.named.contains(*uid));
        let inside = self.ancestors.get(uid).into_iter().flatten().filter(|above| self.named.contains(*above));
        let mut seen: Vec<Uid> = own.chain(inside).cloned().collect();
        seen.sort();
        (uid.kind.clone(), seen)
    }

    /// A request of this principal with this action on this resource, of which the facts are not known.
    pub(super) fn request(&self, principal: &Uid, action: &str, resource: &Uid) -> Result<PartialRequest, Error> {
        PartialRequest::new(
            PartialEntityUid::from_concrete(cedar_uid(principal)?),
            cedar_uid(&Uid::new("Action", action))?,
            PartialEntityUid::from_concrete(cedar_uid(resource)?),
            None,
            &self.schema,
        )
        .map_err(|cause| Error::new("Cedar refuses a partial request").because(cause))
    }

    /// What Cedar leaves of the policies for a request.
    pub(super) fn response<'r>(&'r self, request: &'r PartialRequest) -> Result<TpeResponse<'r>, Error> {
        self.policies
            .tpe(request, &self.entities, &self.schema)
            .map_err(|cause| Error::new("Cedar cannot evaluate the policies partially").because(cause))
    }

    /// What the policies do to requests of this principal with this action on this resource.
    ///
    /// # Errors
    /// Where Cedar cannot evaluate them, or what is left asks for something else than facts.
    pub fn of(&self, principal: &Uid, action: &str, resource: &Uid) -> Result<Effect, Error> {
        let request = self.request(principal, action, resource)?;
        let response = self.response(&request)?;
        let mut found: Vec<((Adds, String), Arc<Expr>, String)> = Vec::new();
        for policy in response.policies() {
            let adds = if policy.effect() == CedarEffect::Permit { Adds::Permit } else { Adds::Forbid };
            let tree = policy
                .to_pst()
                .map_err(|_| Error::new(format!("what policy `{}` asks cannot be read back", policy.id())))?;
            for clause in tree.body().clauses() {
                let (Clause::When(expression) | Clause::Unless(expression)) = clause;
                if matches!(clause, Clause::Unless(_)) || contains_error(expression) {
                    return Err(Error::new(format!("policy `{}` fails to evaluate for some request", policy.id())));
                }
                if **expression != Expr::Literal(Literal::Bool(false)) {
                    found.push(((adds, expression.to_string()), Arc::clone(expression), policy.id().to_string()));
                }
            }
        }
        found.sort_by(|a, b| (&a.0, &a.2).cmp(&(&b.0, &b.2)));
        let policies = found.iter().map(|(_, _, id)| id.clone()).collect();
        found.dedup_by(|a, b| a.0 == b.0);
        let mut effect = Effect { policies, ..Effect::default() };
        for ((adds, text), expression, _) in found {
            effect.parts.push((adds, expression));
            effect.written.push((adds, text));
        }
        Ok(effect)
    }
}

/// Whether some part is known to fail.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not known here is refused when it is put to the solver")]
fn contains_error(expression: &Expr) -> bool {
    match expression {
        Expr::ResidualError => true,
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => contains_error(expr),
        Expr::BinaryOp { left, right, .. } => contains_error(left) || contains_error(right),
        Expr::Is { expr, in_expr, .. } => contains_error(expr) || in_expr.as_ref().is_some_and(|e| contains_error(e)),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            contains_error(cond) || contains_error(then_expr) || contains_error(else_expr)
        }
        Expr::Set(parts) => parts.iter().any(|part| contains_error(part)),
        Expr::Record(parts) => parts.values().any(|part| contains_error(part)),
        _ => false,
    }
}
