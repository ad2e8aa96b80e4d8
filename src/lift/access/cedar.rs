//! Reads `policies.cedar` and `entities.json` back into the access relation.
//!
//! For each principal, Cedar's partial evaluation leaves a formula over the resource's groups and the facts. Its
//! disjuncts give, for each group, the condition under which the group's objects may be used.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use crate::bundle::Artifact;
use crate::cedar::Uid;
use crate::cedar::engine::{Engine, Shape};
use crate::cedar::handwritten::validate;
use crate::cedar::residual::{Evaluator, Formula};
use crate::lift::LiftError;
use crate::lift::access::relation::Part;
use crate::model::Model;
use crate::model::name::FlowKind;
use crate::policy::compare::Lifted;
use crate::policy::condition::Condition;
use crate::policy::fact::Facts;
use crate::policy::{Object, ObjectIx, ObjectKind, Policy, PrincipalId};

/// Most disjuncts that a formula may have after it is multiplied out.
const MOST_TERMS: usize = 100_000;

/// What the files of the target's folder decide; hand-written policies are those of the model, and so is the evidence, because
/// policies are as good as the facts that they are given.
///
/// # Errors
/// Where a file is missing, is refused, or is another than the model makes it.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    check_handwritten(artifacts, model)?;
    check_evidence(artifacts, model)?;
    Ok(Part::whole(lift(&engine(artifacts)?, policy)?))
}

/// Reads the three files of the target's folder and checks what holds for all generated Cedar: strict validation without
/// a warning, entities that conform, permits only, each with its id and source.
///
/// # Errors
/// Where a file is missing, or Cedar or one of these checks refuses it.
pub fn engine(artifacts: &BTreeMap<String, Artifact>) -> Result<Engine, LiftError> {
    let text = |name: &str| -> Result<&str, LiftError> {
        artifacts
            .get(name)
            .and_then(|artifact| std::str::from_utf8(&artifact.bytes).ok())
            .ok_or_else(|| LiftError::File(name.to_owned()))
    };
    let engine =
        Engine::load(text("cedar/schema.cedarschema")?, text("cedar/policies.cedar")?, text("cedar/entities.json")?)?;
    engine.check_generated()?;
    Ok(engine)
}

/// Checks the hand-written policies of the target's folder: they are those of the model, to the byte, and Cedar's strict
/// validator accepts them against the schema beside them.
///
/// # Errors
/// Where a file is missing, is another one, or is refused.
pub fn check_handwritten(artifacts: &BTreeMap<String, Artifact>, model: &Model) -> Result<(), LiftError> {
    const FOLDER: &str = "cedar/handwritten/";
    let found: BTreeMap<&str, &[u8]> = artifacts
        .iter()
        .filter_map(|(path, artifact)| Some((path.strip_prefix(FOLDER)?, artifact.bytes.as_slice())))
        .collect();
    let expected: BTreeMap<&str, &[u8]> =
        model.handwritten.files.iter().map(|file| (file.name.as_str(), file.text.as_bytes())).collect();
    if found != expected {
        return Err(LiftError::Unexpected("the hand-written policies are not those of the workspace".to_owned()));
    }
    if expected.is_empty() {
        return Ok(());
    }
    let schema = artifacts.get("cedar/schema.cedarschema").and_then(|file| std::str::from_utf8(&file.bytes).ok());
    let schema = schema.ok_or_else(|| LiftError::File("cedar/schema.cedarschema".to_owned()))?;
    match validate(schema, &model.handwritten.texts())?.into_iter().flatten().next() {
        Some(fault) => Err(LiftError::Unexpected(format!("a hand-written policy is refused: {}", fault.message))),
        None => Ok(()),
    }
}

/// Checks the map from requests to Cedar: it is there, and denies on each server the methods that the entry of the server denies.
///
/// # Errors
/// Where it is missing, is not JSON, or denies other methods.
pub fn check_evidence(artifacts: &BTreeMap<String, Artifact>, model: &Model) -> Result<(), LiftError> {
    const FILE: &str = "cedar/evidence.json";
    let bytes = artifacts.get(FILE).map(|artifact| artifact.bytes.as_slice());
    let map: Option<serde_json::Value> = bytes.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let map = map.ok_or_else(|| LiftError::File(FILE.to_owned()))?;
    let found = map.pointer("/denied_methods/servers").and_then(serde_json::Value::as_object);
    let methods = |list: &serde_json::Value| -> Option<BTreeSet<String>> {
        list.as_array()?.iter().map(|method| method.as_str().map(str::to_owned)).collect()
    };
    let found: Option<BTreeMap<String, BTreeSet<String>>> =
        found.into_iter().flatten().map(|(server, list)| Some((server.clone(), methods(list)?))).collect();
    let denying = model.servers.values().filter(|server| !server.denied_methods.is_empty());
    let expected = denying.map(|server| {
        (server.name.value.to_string(), server.denied_methods.keys().map(|method| (*method).to_owned()).collect())
    });
    if found.as_ref() == Some(&expected.collect()) {
        return Ok(());
    }
    Err(LiftError::Unexpected(format!("`{FILE}` does not deny the methods that the entries of the servers deny")))
}

/// The relation that the engine decides, over the principals, objects and facts of the policy.
///
/// # Errors
/// Where a residual is not a monotone formula, a policy could permit something that is not in the entities, or the entities
/// are not exactly the policy's principals and objects.
pub fn lift(engine: &Engine, policy: &Policy) -> Result<Lifted, LiftError> {
    let index = Index::new(engine, policy)?;
    let evaluator = Evaluator::new(engine)?;
    let shapes = engine.shapes();
    for shape in &shapes {
        check_closed(&evaluator.residual(shape, None)?, shape, &policy.facts)?;
    }
    policy
        .principals
        .par_iter()
        .map(|principal| {
            let uid = principal_uid(&principal.id);
            let mut row: BTreeMap<ObjectIx, Condition> = BTreeMap::new();
            // A shape without objects can permit nothing: `check_closed` saw that every disjunct asks for a group.
            for shape in shapes.iter().filter(|s| s.principal == uid.kind && index.by_group.contains_key(&s.resource)) {
                let formula = evaluator.residual(shape, Some(&uid.id))?;
                for term in terms(&formula, &policy.facts)? {
                    index.add(&shape.resource, &term, &mut row)?;
                }
            }
            Ok(row)
        })
        .collect()
}

/// One disjunct: the resource is in one of each of these lists of entities, and these facts hold.
#[derive(Debug, Clone, Default)]
struct Term<'f> {
    within: Vec<&'f [Uid]>,
    granted: Vec<&'f str>,
    facts: u64,
}

/// The formula as a disjunction.
fn terms<'f>(formula: &'f Formula, facts: &Facts) -> Result<Vec<Term<'f>>, LiftError> {
    let too_many = || LiftError::Unexpected("a policy has too many alternatives to be read back".to_owned());
    match formula {
        Formula::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(terms(part, facts)?);
                if all.len() > MOST_TERMS {
                    return Err(too_many());
                }
            }
            Ok(all)
        }
        Formula::All(parts) => {
            let mut all = vec![Term::default()];
            for part in parts {
                let part = terms(part, facts)?;
                if all.len().saturating_mul(part.len()) > MOST_TERMS {
                    return Err(too_many());
                }
                all = all.iter().flat_map(|left| part.iter().map(move |right| both(left, right))).collect();
            }
            Ok(all)
        }
        Formula::ResourceIn(uids) => Ok(vec![Term { within: vec![uids], ..Term::default() }]),
        Formula::ResourceGranted(rule) => Ok(vec![Term { granted: vec![rule], ..Term::default() }]),
        Formula::Fact(name) => match facts.mask(name) {
            Some(bit) => Ok(vec![Term { facts: bit, ..Term::default() }]),
            None => Err(LiftError::Unexpected(format!("a policy asks for `{name}`, which is not a fact of the model"))),
        },
    }
}

fn both<'f>(left: &Term<'f>, right: &Term<'f>) -> Term<'f> {
    let mut both = left.clone();
    both.within.extend(&right.within);
    both.granted.extend(&right.granted);
    both.facts |= right.facts;
    both
}

/// A principal that is in no entity has no grants, and an object that is in none is in no group. So where every disjunct
/// asks for both, nothing outside of the entities is permitted.
fn check_closed(formula: &Formula, shape: &Shape, facts: &Facts) -> Result<(), LiftError> {
    let open = terms(formula, facts)?.into_iter().any(|term| term.granted.is_empty());
    if open {
        return Err(LiftError::Unexpected(format!(
            "a policy permits `{}` without a grant to a `{}`",
            shape.action, shape.principal
        )));
    }
    Ok(())
}

/// The objects by what they are in.
struct Index {
    by_group: HashMap<String, HashMap<Uid, Vec<ObjectIx>>>,
}

impl Index {
    fn new(engine: &Engine, policy: &Policy) -> Result<Self, LiftError> {
        let objects: HashMap<Uid, ObjectIx> =
            policy.objects.iter().zip(0..).map(|(object, at)| (object_uid(object), ObjectIx(at))).collect();
        let principals: BTreeSet<Uid> =
            policy.principals.iter().map(|principal| principal_uid(&principal.id)).collect();
        if objects.len() != policy.objects.len() || principals.len() != policy.principals.len() {
            return Err(LiftError::Unexpected("two things of the model share one Cedar entity".to_owned()));
        }
        let shapes = engine.shapes();
        let principal_types: BTreeSet<&str> = shapes.iter().map(|shape| shape.principal.as_str()).collect();
        let mut by_group: HashMap<String, HashMap<Uid, Vec<ObjectIx>>> = HashMap::new();
        let (mut seen_objects, mut seen_principals) = (0, 0);
        for loaded in engine.loaded() {
            if let Some(object) = objects.get(&loaded.uid) {
                seen_objects += 1;
                let of_kind = by_group.entry(loaded.uid.kind.clone()).or_default();
                for group in loaded.ancestors.into_iter().chain([loaded.uid]) {
                    of_kind.entry(group).or_default().push(*object);
                }
            } else if principals.contains(&loaded.uid) {
                seen_principals += 1;
            } else if principal_types.contains(loaded.uid.kind.as_str())
                || shapes.iter().any(|shape| shape.resource == loaded.uid.kind)
            {
                return Err(LiftError::Unexpected(format!("the entity `{}` is nothing in the model", loaded.uid)));
            }
        }
        if seen_objects != objects.len() || seen_principals != principals.len() {
            return Err(LiftError::Unexpected(
                "a principal or object of the model is not among the entities".to_owned(),
            ));
        }
        Ok(Self { by_group })
    }

    /// Adds the condition of a disjunct to every object that it applies to.
    fn add(&self, kind: &str, term: &Term<'_>, row: &mut BTreeMap<ObjectIx, Condition>) -> Result<(), LiftError> {
        let Some((first, rest)) = term.within.split_first() else {
            return Err(LiftError::Unexpected(format!("a policy permits any `{kind}` without naming one")));
        };
        if !term.granted.is_empty() {
            return Err(LiftError::Unexpected("a known principal's grants could not be told".to_owned()));
        }
        let Some(by_group) = self.by_group.get(kind) else { return Ok(()) };
        let also: Vec<BTreeSet<ObjectIx>> = rest.iter().map(|uids| members(by_group, uids).collect()).collect();
        let condition = Condition::all_of(term.facts);
        for object in members(by_group, first).filter(|object| also.iter().all(|set| set.contains(object))) {
            row.entry(object).and_modify(|held| *held = held.or(&condition)).or_insert_with(|| condition.clone());
        }
        Ok(())
    }
}

/// The objects in any of these entities.
fn members<'i>(by_group: &'i HashMap<Uid, Vec<ObjectIx>>, uids: &'i [Uid]) -> impl Iterator<Item = ObjectIx> + 'i {
    uids.iter().filter_map(|uid| by_group.get(uid)).flatten().copied()
}

/// The entity that stands for a principal.
#[must_use]
pub fn principal_uid(id: &PrincipalId) -> Uid {
    match id {
        PrincipalId::Agent(name) => Uid::new("Agent", name.as_str()),
        PrincipalId::AnyAgent(unit) => Uid::new("AnyAgent", unit.as_ref().map_or("any", |unit| unit.as_str())),
        PrincipalId::Flow(flow) => match flow.kind {
            FlowKind::Workflow => Uid::new("Workflow", &*flow.name),
            FlowKind::Saga => Uid::new("Saga", &*flow.name),
            FlowKind::Processor => Uid::new("Processor", &*flow.name),
        },
    }
}

/// The entity that stands for an object.
#[must_use]
pub fn object_uid(object: &Object) -> Uid {
    let on_server = |name: &str| format!("{}/{name}", object.server);
    match &object.kind {
        ObjectKind::Protocol => Uid::new("Server", object.server.as_str()),
        ObjectKind::Tool(tool) => Uid::new("Tool", on_server(tool.as_str())),
        ObjectKind::Resource(uri) => Uid::new("Resource", on_server(uri)),
        ObjectKind::Prompt(name) => Uid::new("Prompt", on_server(name)),
    }
}
