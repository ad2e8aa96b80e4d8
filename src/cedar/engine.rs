//! Reading Cedar text back: parsing, strict validation, and decisions by the real authorizer.

use std::collections::BTreeSet;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision as CedarDecision, Effect, Entities, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};

use super::{Error, NAMESPACE, Uid};

/// A schema, policies and entities that were read from text and belong together.
#[derive(Debug)]
pub struct Engine {
    pub(super) schema: Schema,
    pub(super) policies: PolicySet,
    pub(super) entities: Entities,
}

/// What the authorizer says to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed: Cedar allows it, and nothing failed to evaluate.
    pub allowed: bool,
    /// Ids of the policies that decided.
    pub policies: BTreeSet<String>,
    /// What failed to evaluate, one line each.
    pub errors: Vec<String>,
}

/// A kind of request that the schema knows: entity types by full name, the action by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// `Mcp::Agent`.
    pub principal: String,
    /// `call_tool`.
    pub action: String,
    /// `Mcp::Tool`.
    pub resource: String,
}

/// An entity as it was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loaded {
    /// Which one.
    pub uid: Uid,
    /// Everything that it is in, directly or through another entity, sorted.
    pub ancestors: Vec<Uid>,
}

impl Engine {
    /// Reads the three texts. Policies are validated strictly, and a warning of the validator (a policy that can never
    /// apply, text that looks like other text) counts as an error. Entities must conform to the schema.
    ///
    /// # Errors
    /// What Cedar says against the first of the three that it refuses.
    pub fn load(schema: &str, policies: &str, entities: &str) -> Result<Self, Error> {
        Self::load_with(schema, policies, entities, &[])
    }

    /// As [`Engine::load`], with the files of hand-written policies, by name.
    ///
    /// # Errors
    /// As [`Engine::load`], and where two policies have one id.
    pub fn load_with(
        schema: &str,
        policies: &str,
        entities: &str,
        handwritten: &[(&str, &str)],
    ) -> Result<Self, Error> {
        super::count_use();
        let (schema, warnings) = Schema::from_cedarschema_str(schema)
            .map_err(|cause| Error::new("Cedar cannot read the schema").because(cause))?;
        let refused = warnings.fold(Error::new("Cedar warns about the schema"), Error::because);
        if !refused.said().is_empty() {
            return Err(refused);
        }
        let mut policies = named_by_annotation(
            &PolicySet::from_str(policies)
                .map_err(|cause| Error::new("Cedar cannot read the policies").because(cause))?,
        )?;
        for policy in super::handwritten::policies(handwritten)?.policies() {
            let added = policies.add(policy.clone());
            added.map_err(|cause| Error::new("a hand-written policy has the id of another one").because(cause))?;
        }
        let found = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        let mut refused = Error::new("Cedar's validator refuses the policies");
        refused = found.validation_errors().cloned().fold(refused, Error::because);
        refused = found.validation_warnings().cloned().fold(refused, Error::because);
        if !refused.said().is_empty() {
            return Err(refused);
        }
        let entities = Entities::from_json_str(entities, Some(&schema))
            .map_err(|cause| Error::new("Cedar refuses the entities").because(cause))?;
        Ok(Self { schema, policies, entities })
    }

    /// Checks what holds for generated policies alone: permits only, no template, and every policy says where it comes
    /// from.
    ///
    /// # Errors
    /// The first policy that breaks this.
    pub fn check_generated(&self) -> Result<(), Error> {
        if self.policies.num_of_templates() > 0 {
            return Err(Error::new("there is a policy template among the generated policies"));
        }
        for policy in self.policies.policies() {
            if policy.effect() != Effect::Permit {
                return Err(Error::new(format!("the generated policy `{}` forbids", policy.id())));
            }
            if policy.annotation("source").is_none_or(str::is_empty) {
                return Err(Error::new(format!("the generated policy `{}` has no @source", policy.id())));
            }
        }
        Ok(())
    }

    /// Decides one request. Facts that are not named are false.
    ///
    /// # Errors
    /// Where the request does not conform to the schema.
    pub fn decide<'a>(
        &self,
        principal: &Uid,
        action: &str,
        resource: &Uid,
        facts: impl IntoIterator<Item = (&'a str, bool)>,
    ) -> Result<Decision, Error> {
        let request = request(principal, action, resource, facts, &self.schema)?;
        let response = Authorizer::new().is_authorized(&request, &self.policies, &self.entities);
        let errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
        Ok(Decision {
            allowed: response.decision() == CedarDecision::Allow && errors.is_empty(),
            policies: response.diagnostics().reason().map(ToString::to_string).collect(),
            errors,
        })
    }

    /// Every entity but the actions, sorted.
    #[must_use]
    pub fn loaded(&self) -> Vec<Loaded> {
        let action = format!("{NAMESPACE}::Action");
        let mut all: Vec<Loaded> = self
            .entities
            .iter()
            .map(|entity| {
                let uid = entity.uid();
                let mut ancestors: Vec<Uid> =
                    self.entities.ancestors(&uid).into_iter().flatten().map(plain_uid).collect();
                ancestors.sort();
                Loaded { uid: plain_uid(&uid), ancestors }
            })
            .filter(|loaded| loaded.uid.kind != action)
            .collect();
        all.sort();
        all
    }

    /// Every kind of request that the schema permits, sorted.
    #[must_use]
    pub fn shapes(&self) -> Vec<Shape> {
        let mut shapes: Vec<Shape> = self
            .schema
            .request_envs()
            .map(|env| Shape {
                principal: env.principal().to_string(),
                action: env.action().id().unescaped().to_owned(),
                resource: env.resource().to_string(),
            })
            .collect();
        shapes.sort();
        shapes.dedup();
        shapes
    }

    /// How many policies there are.
    #[must_use]
    pub fn policy_count(&self) -> usize {
        self.policies.num_of_policies()
    }
}

/// The policies under the ids of their annotations. Parsing alone would number them.
fn named_by_annotation(parsed: &PolicySet) -> Result<PolicySet, Error> {
    let mut named = PolicySet::new();
    for policy in parsed.policies() {
        let id = policy.annotation("id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Error::new(format!("the policy at position `{}` has no @id", policy.id())))?;
        named
            .add(policy.new_id(PolicyId::new(id)))
            .map_err(|cause| Error::new(format!("two policies have the @id `{id}`")).because(cause))?;
    }
    for template in parsed.templates() {
        named
            .add_template(template.clone())
            .map_err(|cause| Error::new("two policy templates have one id").because(cause))?;
    }
    Ok(named)
}

pub(super) fn cedar_type(name: &str) -> Result<EntityTypeName, Error> {
    EntityTypeName::from_str(name)
        .map_err(|cause| Error::new(format!("`{name}` is not a Cedar entity type")).because(cause))
}

/// A request with these facts.
///
/// # Errors
/// Where it does not conform to the schema.
pub(super) fn request<'a>(
    principal: &Uid,
    action: &str,
    resource: &Uid,
    facts: impl IntoIterator<Item = (&'a str, bool)>,
    schema: &Schema,
) -> Result<Request, Error> {
    let facts = facts.into_iter().map(|(name, held)| (name.to_owned(), RestrictedExpression::new_bool(held)));
    let context = Context::from_pairs(facts)
        .map_err(|cause| Error::new("the facts of a request make no Cedar context").because(cause))?;
    Request::new(
        cedar_uid(principal)?,
        cedar_uid(&Uid::new("Action", action))?,
        cedar_uid(resource)?,
        context,
        Some(schema),
    )
    .map_err(|cause| Error::new("Cedar refuses the request").because(cause))
}

pub(super) fn cedar_uid(uid: &Uid) -> Result<EntityUid, Error> {
    Ok(EntityUid::from_type_name_and_id(cedar_type(&uid.kind)?, EntityId::new(&uid.id)))
}

fn plain_uid(uid: &EntityUid) -> Uid {
    Uid { kind: uid.type_name().to_string(), id: uid.id().unescaped().to_owned() }
}
