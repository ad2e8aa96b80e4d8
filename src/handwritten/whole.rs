//! Hand-written policies as the access relation sees them: what they say of each pair, evaluated where it is asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::cedar::effect::Effects;
use crate::cedar::handwritten::parse;
use crate::cedar::{Error, Uid};
use crate::model::Model;
use crate::policy::whole::{Effect, MOST_TRIED, Says, Written, subsets};
use crate::policy::{ObjectIx, Policy, PrincipalIx};
use crate::source::Loc;
use crate::targets::access::cedar::{self, principal_uid, request_of};

/// Most facts of hand-written conditions that are tried in all combinations by Cedar's authorizer, which is slower than a table.
const MOST_ASKED: u32 = 12;

/// What is asked of Cedar, by index.
struct Asked {
    effects: Effects,
    principals: Vec<Uid>,
    objects: Vec<(&'static str, Uid)>,
    facts: Vec<String>,
    /// Every combination of facts that a request can have: `mtls` comes with `tls`.
    closed: Box<dyn Fn(u64) -> u64 + Send + Sync>,
}

impl Asked {
    fn pair(&self, who: PrincipalIx, what: ObjectIx) -> Option<(&Uid, &(&'static str, Uid))> {
        self.principals.get(who.0 as usize).zip(self.objects.get(what.0 as usize))
    }

    fn request(&self, who: PrincipalIx, what: ObjectIx, facts: u64) -> Result<(Says, Vec<String>), String> {
        let Some((principal, (action, resource))) = self.pair(who, what) else {
            return Ok((Says::Nothing, Vec::new()));
        };
        let facts = (self.closed)(facts);
        let context: Vec<(&str, bool)> =
            self.facts.iter().zip(0..).map(|(name, bit)| (name.as_str(), facts >> bit & 1 == 1)).collect();
        let said = self.effects.ask(principal, action, resource, &context).map_err(|error| error.to_string())?;
        let says = match (said.fails, said.forbids, said.permits) {
            (true, _, _) => Says::Fails,
            (_, true, _) => Says::Forbid,
            (_, _, true) => Says::Permit,
            (false, false, false) => Says::Nothing,
        };
        Ok((says, said.policies))
    }

    fn pair_effect(&self, who: PrincipalIx, what: ObjectIx) -> Effect {
        let Some((principal, (action, resource))) = self.pair(who, what) else { return Effect::None };
        let left = match self.effects.left(principal, action, resource) {
            Ok(left) => left,
            Err(error) => return Effect::Open { why: error.to_string(), policies: Vec::new() },
        };
        let policies = left.policies;
        if policies.is_empty() {
            return Effect::None;
        }
        let bits = self.facts.iter().zip(0..);
        let named = |name: &String| left.facts.as_ref().is_none_or(|facts| facts.contains(name));
        let facts = bits.filter(|(name, _)| named(name)).fold(0_u64, |all, (_, bit)| all | 1 << bit);
        let count = facts.count_ones();
        if count > MOST_ASKED.min(MOST_TRIED) {
            let why = format!("hand-written Cedar depends on {count} facts, more than are tried in all combinations");
            return Effect::Open { why, policies };
        }
        let says: Result<Vec<Says>, String> =
            subsets(facts).into_iter().map(|set| Ok(self.request(who, what, set)?.0)).collect();
        match says {
            Ok(says) => Effect::Tried { facts, says, policies },
            Err(why) => Effect::Open { why, policies },
        }
    }
}

/// The hand-written policies of a model; `None` where there are none.
///
/// # Errors
/// Where Cedar refuses them.
pub fn written(model: &Model, policy: &Policy) -> Result<Option<Written>, Error> {
    if model.handwritten.is_empty() {
        return Ok(None);
    }
    let texts = model.handwritten.texts();
    let effects = Effects::new(&cedar::schema_of(model, policy)?, &cedar::entities_of(model, policy)?, &texts)?;
    let (mut unbounded, mut places) = (Vec::new(), BTreeMap::new());
    for file in &model.handwritten.files {
        for written in parse(&file.name, &file.text).unwrap_or_default() {
            let loc = Loc { file: file.file, start: written.at.start as u32, end: written.at.end as u32 };
            if written.permits && written.open.contains(&"resource") {
                unbounded.push(written.id.clone());
            }
            places.insert(written.id, loc);
        }
    }
    let principals: Vec<Uid> = policy.principals.iter().map(|principal| principal_uid(&principal.id)).collect();
    let objects: Vec<(&'static str, Uid)> = policy.objects.iter().map(request_of).collect();
    let mut signs = BTreeMap::new();
    let mut number = |uid: &Uid| {
        let next = signs.len() as u32;
        *signs.entry(effects.sign(uid)).or_insert(next)
    };
    let of_principals = principals.iter().map(&mut number).collect();
    let of_objects = objects.iter().map(|(_, uid)| number(uid)).collect();
    let known = policy.facts.clone();
    let facts = policy.facts.names().iter().map(ToString::to_string).collect();
    let asked =
        Arc::new(Asked { effects, principals, objects, facts, closed: Box::new(move |facts| known.closed(facts)) });
    let of_request = Arc::clone(&asked);
    Ok(Some(Written {
        principals: of_principals,
        objects: of_objects,
        of_pair: Box::new(move |who, what| asked.pair_effect(who, what)),
        of_request: Box::new(move |who, what, facts| of_request.request(who, what, facts)),
        unbounded,
        places,
        known: Mutex::new(BTreeMap::new()),
    }))
}
