//! Questions about all requests at once, put to a solver: what two decisions over the same facts have in common, and whether a
//! policy can fail to evaluate.
//!
//! Principal and object are known, so what is compared are conditions over the facts alone, in a schema that has nothing else.

mod findings;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, Effect as PstEffect, Expr, Literal, Policy as PstPolicy, PrincipalConstraint,
    ResourceConstraint, StaticPolicy, Template, UnaryOp, Var,
};
use cedar_policy::{EvalResult, Policy, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::{CompiledPolicy, CompiledPolicySet, Env};

use super::effect::{Adds, Effect};
use super::schema::{Action, Entity, Namespace, Type, print};
use super::solver::Solver;
use super::{Error, handwritten};
pub use findings::Findings;

/// How the requests of one principal on one object are decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decided {
    /// The minimal sets of facts by which the access relation allows them.
    pub generated: Vec<Vec<String>>,
    /// What hand-written policies add.
    pub effect: Effect,
}

/// Facts that hold in a request, sorted.
pub type Held = Vec<String>;

/// What a solver says of two decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They decide every request alike.
    Equivalent,
    /// The second allows everything that the first does, and this.
    Widened(Held),
    /// The second denies everything that the first does, and this.
    Narrowed(Held),
    /// The second allows what the first denies, and denies what the first allows.
    Incomparable(Held, Held),
    /// No answer, and why.
    Unknown(String),
}

/// The facts, and the pairs of them of which the first implies the second.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// Every fact of either decision.
    pub facts: Vec<String>,
    /// `(mtls, tls)`.
    pub implied: Vec<(String, String)>,
}

impl Solver {
    /// Compares two decisions over all requests that are possible.
    ///
    /// # Errors
    /// Where Cedar refuses what the two are put as. That a solver does not answer is [`Verdict::Unknown`].
    pub fn compare(&mut self, words: &Vocabulary, before: &Decided, after: &Decided) -> Result<Verdict, Error> {
        let schema = schema(&words.facts)?;
        let env = only_request(&schema)?;
        let [before, after] = [before, after].map(|decided| decided_by(words, decided));
        let compiled = |set: &PolicySet| {
            CompiledPolicySet::compile(set, &env, &schema)
                .map_err(|cause| Error::new("Cedar cannot put the policies to a solver").because(cause))
        };
        let (before, after) = (compiled(&before?)?, compiled(&after?)?);
        let opened = match self.allowed_beyond(&after, &before, &words.facts) {
            Ok(opened) => opened,
            Err(why) => return Ok(Verdict::Unknown(why)),
        };
        let closed = match self.allowed_beyond(&before, &after, &words.facts) {
            Ok(closed) => closed,
            Err(why) => return Ok(Verdict::Unknown(why)),
        };
        Ok(match (opened, closed) {
            (None, None) => Verdict::Equivalent,
            (Some(opened), None) => Verdict::Widened(opened),
            (None, Some(closed)) => Verdict::Narrowed(closed),
            (Some(opened), Some(closed)) => Verdict::Incomparable(opened, closed),
        })
    }

    /// A request that is allowed, with all of `held`, within these facts, and not holding all facts of any of the others; `None`
    /// where there is none.
    ///
    /// # Errors
    /// Where Cedar refuses what it is put as, or the solver does not answer.
    pub fn allowed(
        &mut self,
        words: &Vocabulary,
        decided: &Decided,
        (held, within): (&[String], &[String]),
        none_of: &[Vec<String>],
    ) -> Result<Option<Held>, Error> {
        let schema = schema(&words.facts)?;
        let env = only_request(&schema)?;
        let no = |expr| Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr });
        let mut bounded = decided.clone();
        let mut forbid = |expr: Arc<Expr>| bounded.effect.parts.push((Adds::Forbid, expr));
        held.iter().for_each(|name| forbid(no(fact(name))));
        words.facts.iter().filter(|name| !within.contains(*name)).for_each(|name| forbid(fact(name)));
        none_of.iter().for_each(|set| forbid(all_of(set)));
        let refused = |cause: String| Error::new(format!("the solver does not answer: {cause}"));
        let compile = |set: &PolicySet| {
            CompiledPolicySet::compile(set, &env, &schema)
                .map_err(|cause| Error::new("Cedar cannot put the policies to a solver").because(cause))
        };
        let (first, never) = (compile(&decided_by(words, &bounded)?)?, compile(&PolicySet::new())?);
        self.allowed_beyond(&first, &never, &words.facts).map_err(refused)
    }

    /// A request that the first allows and the second does not.
    fn allowed_beyond(
        &mut self,
        first: &CompiledPolicySet,
        second: &CompiledPolicySet,
        facts: &[String],
    ) -> Result<Option<Held>, String> {
        let question = self.compiler.check_implies_with_counterexample_opt(first, second);
        let answer = self.runtime.block_on(question).map_err(|cause| cause.to_string())?;
        answer.map(|found| held(&found, facts)).transpose()
    }

    /// Which of the hand-written policies that forbid can fail to evaluate for a request that conforms to the schema, so that
    /// they would be skipped: their ids. Entities are taken to be there.
    ///
    /// # Errors
    /// Where Cedar refuses the texts, or the solver does not answer.
    pub fn forbids_that_fail(&mut self, schema: &str, texts: &[(&str, &str)]) -> Result<Vec<String>, Error> {
        let (schema, _) = Schema::from_cedarschema_str(schema)
            .map_err(|cause| Error::new("Cedar cannot read the schema").because(cause))?;
        let mut failing = Vec::new();
        for policy in
            handwritten::policies(texts)?.policies().filter(|policy| policy.effect() == cedar_policy::Effect::Forbid)
        {
            let mut fails = false;
            for env in schema.request_envs() {
                let compiled = CompiledPolicy::compile(policy, &env, &schema)
                    .map_err(|cause| Error::new("Cedar cannot put a policy to a solver").because(cause))?;
                let never = self
                    .runtime
                    .block_on(self.compiler.check_never_errors_opt(&compiled))
                    .map_err(|cause| Error::new("the solver does not answer").because(cause))?;
                fails |= !never;
            }
            if fails {
                failing.push(policy.id().to_string());
            }
        }
        failing.sort();
        Ok(failing)
    }
}

/// A schema of one kind of request, whose context is these facts.
fn schema(facts: &[String]) -> Result<Schema, Error> {
    let open = || Entity::Open { parents: Vec::new(), attributes: BTreeMap::new() };
    let context = Type::Record(facts.iter().map(|fact| (fact.clone(), Type::Bool)).collect());
    let action = Action {
        groups: Vec::new(),
        principals: vec!["Caller".to_owned()],
        resources: vec!["Object".to_owned()],
        context: Some("Facts".to_owned()),
    };
    let text = print(&Namespace {
        types: [("Facts".to_owned(), context)].into(),
        entities: [("Caller".to_owned(), open()), ("Object".to_owned(), open())].into(),
        actions: [("request".to_owned(), action)].into(),
    })?;
    Schema::from_str(&text).map_err(|cause| Error::new("Cedar cannot read its own schema").because(cause))
}

fn only_request(schema: &Schema) -> Result<RequestEnv, Error> {
    schema.request_envs().next().ok_or_else(|| Error::new("the schema has no request"))
}

/// The policies that decide so, and one that forbids what no request is.
fn decided_by(words: &Vocabulary, decided: &Decided) -> Result<PolicySet, Error> {
    let mut all: Vec<(Adds, Arc<Expr>)> = decided.generated.iter().map(|set| (Adds::Permit, all_of(set))).collect();
    all.extend(decided.effect.parts.iter().cloned());
    all.extend(words.implied.iter().map(|(one, other)| {
        let denied = Expr::UnaryOp { op: UnaryOp::Not, expr: fact(other) };
        (Adds::Forbid, both(fact(one), Arc::new(denied)))
    }));
    let mut set = PolicySet::new();
    for ((adds, expression), number) in all.into_iter().zip(0..) {
        let effect = if adds == Adds::Permit { PstEffect::Permit } else { PstEffect::Forbid };
        let built = Template::new(
            format!("p{number}").as_str(),
            effect,
            PrincipalConstraint::Any,
            ActionConstraint::Any,
            ResourceConstraint::Any,
        )
        .try_with_clauses([Clause::When(expression)])
        .and_then(|template| Policy::from_pst(PstPolicy::Static(StaticPolicy::try_from(template)?)))
        .map_err(|cause| Error::new("Cedar refuses a condition").because(cause))?;
        set.add(built).map_err(|cause| Error::new("Cedar refuses a condition").because(cause))?;
    }
    Ok(set)
}

fn fact(name: &str) -> Arc<Expr> {
    Arc::new(Expr::GetAttr { expr: Arc::new(Expr::Var(Var::Context)), attr: name.into() })
}

fn both(left: Arc<Expr>, right: Arc<Expr>) -> Arc<Expr> {
    Arc::new(Expr::BinaryOp { op: BinaryOp::And, left, right })
}

fn all_of(facts: &[String]) -> Arc<Expr> {
    facts.iter().map(|name| fact(name)).reduce(both).unwrap_or_else(|| Arc::new(Expr::Literal(Literal::Bool(true))))
}

/// The facts that hold in a counterexample.
fn held(found: &Env, facts: &[String]) -> Result<Held, String> {
    let context = found.request.context().ok_or("the counterexample has no context")?;
    let holds = |name: &String| context.get(name) == Some(EvalResult::Bool(true));
    Ok(facts.iter().filter(|name| holds(name)).cloned().collect())
}
