//! Hand-written permits that reach what is switched off.

use std::collections::BTreeMap;

use crate::cedar::effect::Effects;
use crate::cedar::{Error, Uid};
use crate::model::Model;
use crate::policy::suspended::suspension_of;
use crate::policy::{Object, Policy, PrincipalId};
use crate::source::Loc;
use crate::targets::access::cedar::{principal_uid, request_of};

/// A policy that is left in some pair with something suspended: its id, the pair in words, and where the suspension stands.
pub(super) struct Reached {
    pub(super) policy: String,
    pub(super) what: String,
    pub(super) loc: Loc,
}

/// Every hand-written policy that has a say on something suspended, once.
///
/// # Errors
/// Where Cedar cannot evaluate them.
pub(super) fn reached(model: &Model, policy: &Policy, effects: &Effects) -> Result<Vec<Reached>, Error> {
    let off_objects: Vec<(usize, Loc)> = policy
        .objects
        .iter()
        .enumerate()
        .filter_map(|(at, object)| Some((at, suspension_of(model, object)?)))
        .collect();
    let off_principals: Vec<(usize, Loc)> = policy
        .principals
        .iter()
        .enumerate()
        .filter_map(|(at, principal)| Some((at, of_principal(model, principal)?)))
        .collect();
    let objects: Vec<(&Object, (&str, Uid))> =
        policy.objects.iter().map(|object| (object, request_of(object))).collect();
    let principals: Vec<(&PrincipalId, Uid)> =
        policy.principals.iter().map(|principal| (&principal.id, principal_uid(&principal.id))).collect();
    let mut known = BTreeMap::new();
    let mut found: BTreeMap<String, Reached> = BTreeMap::new();
    let mut ask = |who: &(&PrincipalId, Uid), on: &(&Object, (&str, Uid)), loc: Loc| -> Result<(), Error> {
        let (object, (action, resource)) = on;
        let signs = (effects.sign(&who.1), effects.sign(resource));
        if known.contains_key(&signs) {
            return Ok(());
        }
        let effect = effects.of(&who.1, action, resource)?;
        for id in effect.policies.iter().filter(|_| effect.permits()) {
            let what = format!("`{}` on `{object}`", who.0);
            found.entry(id.clone()).or_insert(Reached { policy: id.clone(), what, loc });
        }
        known.insert(signs, ());
        Ok(())
    };
    for (at, loc) in &off_objects {
        for who in &principals {
            if let Some(on) = objects.get(*at) {
                ask(who, on, *loc)?;
            }
        }
    }
    for (at, loc) in &off_principals {
        for on in &objects {
            if let Some(who) = principals.get(*at) {
                ask(who, on, *loc)?;
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Where a principal, or its unit, is switched off.
fn of_principal(model: &Model, principal: &crate::policy::Principal) -> Option<Loc> {
    let own = match &principal.id {
        PrincipalId::Agent(name) => model.agents.get(name).map(|agent| &agent.suspended),
        PrincipalId::AnyAgent(_) => model.any_agent.as_ref().map(|any| &any.suspended),
        PrincipalId::Flow(id) => model.flows.get(id).map(|flow| &flow.suspended),
    };
    let of_unit = principal.unit.as_ref().and_then(|unit| model.topology.units.get(unit)).map(|unit| &unit.suspended);
    own.into_iter().chain(of_unit).find_map(|suspension| suspension.as_ref()).map(|reason| reason.loc)
}
