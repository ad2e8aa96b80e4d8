//! What an analysis of one policy finds over all requests that conform to a schema, whatever their tokens and arguments hold.
//!
//! AgentCore makes such an analysis of every policy that it is given, and can be told to take none with a finding.

use cedar_policy::{ActionConstraint, Policy, PolicyId, RequestEnv, Schema};
use cedar_policy_symcc::CompiledPolicy;
use serde_json::Value;

use super::super::Error;
use super::super::solver::Solver;

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings {
    /// It fails to evaluate for some request, and is skipped there.
    pub fails: bool,
    /// It fits every request for one of its actions.
    pub always: bool,
    /// It fits no request for one of its actions.
    pub never: bool,
    /// It fits a request that the bound does not fit.
    pub beyond: bool,
}

impl Solver {
    /// What is found of a policy, for each of the actions that it names. `bound` is a policy that fits whatever this one may fit.
    ///
    /// # Errors
    /// Where Cedar refuses the schema or a text, a policy names no action of the schema, or the solver does not answer.
    pub fn findings(&mut self, schema: &Value, text: &str, bound: &str) -> Result<Findings, Error> {
        let schema = Schema::from_json_value(schema.clone())
            .map_err(|cause| Error::new("Cedar cannot read the schema").because(cause))?;
        let read = |id: &str, text: &str| {
            Policy::parse(Some(PolicyId::new(id)), text)
                .map_err(|cause| Error::new("Cedar cannot read a policy").because(cause))
        };
        let (policy, bound) = (read("policy", text)?, read("bound", bound)?);
        let asked: Vec<RequestEnv> = schema.request_envs().filter(|env| names(&policy, env)).collect();
        if asked.is_empty() {
            return Err(Error::new("the policy names no action of the schema"));
        }
        let mut found = Findings::default();
        for env in &asked {
            let compiled = |policy: &Policy| {
                CompiledPolicy::compile(policy, env, &schema)
                    .map_err(|cause| Error::new("Cedar cannot put a policy to a solver").because(cause))
            };
            let (policy, bound) = (compiled(&policy)?, compiled(&bound)?);
            let (runtime, compiler) = (&self.runtime, &mut self.compiler);
            let unknown = |cause| Error::new("the solver does not answer").because(cause);
            found.fails |= !runtime.block_on(compiler.check_never_errors_opt(&policy)).map_err(unknown)?;
            found.always |= runtime.block_on(compiler.check_always_matches_opt(&policy)).map_err(unknown)?;
            found.never |= runtime.block_on(compiler.check_never_matches_opt(&policy)).map_err(unknown)?;
            found.beyond |= !runtime.block_on(compiler.check_matches_implies_opt(&policy, &bound)).map_err(unknown)?;
        }
        Ok(found)
    }
}

/// Whether a request of this kind is for an action of the policy.
fn names(policy: &Policy, env: &RequestEnv) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(action) => action == *env.action(),
        ActionConstraint::In(actions) => actions.contains(env.action()),
    }
}
