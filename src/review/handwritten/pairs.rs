//! Every pair of a principal and an object of either side, brought together by what decides it.

use std::collections::{BTreeMap, BTreeSet};

use super::{HandwrittenError, Loaded};
use crate::cedar::Uid;
use crate::cedar::effect::Effect;
use crate::cedar::symbolic::Decided;
use crate::policy::condition::CondId;
use crate::policy::{Object, ObjectIx, PrincipalId, PrincipalIx};
use crate::targets::access::cedar::{principal_uid, request_of};

/// Pairs that are decided alike: each of these principals with some of these objects.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) principals: BTreeSet<PrincipalId>,
    pub(super) objects: BTreeSet<Object>,
    pub(super) pairs: usize,
    /// One of the pairs.
    pub(super) example: (PrincipalId, Object),
}

/// What decides a pair on one side: its condition in the relation and what hand-written policies add, by number.
type Key = (CondId, usize);

/// The pairs of two sides in which hand-written policies have a say.
pub(super) struct Pairs<'a> {
    base: Seen<'a>,
    head: Seen<'a>,
    rows: BTreeMap<(Key, Key), Row>,
}

/// One side's principals and objects by what hand-written policies can tell of them.
struct Seen<'a> {
    loaded: &'a Loaded<'a>,
    principals: BTreeMap<PrincipalId, (PrincipalIx, usize)>,
    objects: BTreeMap<Object, (ObjectIx, usize)>,
    /// What the policies do, by the numbers of the two signs.
    memo: BTreeMap<(usize, usize), usize>,
    effects: Vec<Effect>,
}

impl<'a> Seen<'a> {
    fn new(loaded: &'a Loaded<'a>) -> Self {
        let policy = loaded.side.policy;
        let mut signs = BTreeMap::new();
        let mut sign = |uid: &Uid| {
            let sign = loaded.effects.as_ref().map(|effects| effects.sign(uid)).unwrap_or_default();
            let next = signs.len();
            *signs.entry(sign).or_insert(next)
        };
        let principals = policy
            .principals
            .iter()
            .zip(0..)
            .map(|(principal, at)| (principal.id.clone(), (PrincipalIx(at), sign(&principal_uid(&principal.id)))));
        let principals = principals.collect();
        let objects = policy.objects.iter().zip(0..);
        let objects =
            objects.map(|(object, at)| (object.clone(), (ObjectIx(at), sign(&request_of(object).1)))).collect();
        Self { loaded, principals, objects, memo: BTreeMap::new(), effects: vec![Effect::default()] }
    }

    /// What decides a pair; nothing where the side has no such principal or object.
    fn key(&mut self, principal: &PrincipalId, object: &Object) -> Result<Key, HandwrittenError> {
        let (Some((who, who_sign)), Some((what, what_sign))) =
            (self.principals.get(principal), self.objects.get(object))
        else {
            return Ok((CondId::NEVER, 0));
        };
        let condition = self.loaded.side.policy.cell(*who, *what).map_or(CondId::NEVER, |cell| cell.condition);
        let signs = (*who_sign, *what_sign);
        if let Some(effect) = self.memo.get(&signs) {
            return Ok((condition, *effect));
        }
        let effect = self.loaded.effect(principal, object)?;
        let at = self.effects.iter().position(|known| *known == effect).unwrap_or_else(|| {
            self.effects.push(effect);
            self.effects.len() - 1
        });
        self.memo.insert(signs, at);
        Ok((condition, at))
    }

    fn decided(&self, (condition, effect): Key) -> Decided {
        let policy = self.loaded.side.policy;
        let sets = policy.conditions.get(condition).minimal_sets();
        let named = |set: &u64| policy.facts.named(*set).map(ToString::to_string).collect();
        let mut generated: Vec<Vec<String>> = sets.iter().map(named).collect();
        generated.sort();
        Decided { generated, effect: self.effects.get(effect).cloned().unwrap_or_default() }
    }
}

impl<'a> Pairs<'a> {
    pub(super) fn new(base: &'a Loaded<'a>, head: &'a Loaded<'a>) -> Result<Self, HandwrittenError> {
        let mut all = Self { base: Seen::new(base), head: Seen::new(head), rows: BTreeMap::new() };
        let mut principals: Vec<PrincipalId> =
            all.base.principals.keys().chain(all.head.principals.keys()).cloned().collect();
        let mut objects: Vec<Object> = all.base.objects.keys().chain(all.head.objects.keys()).cloned().collect();
        principals.sort();
        principals.dedup();
        objects.sort();
        objects.dedup();
        for principal in &principals {
            for object in &objects {
                let (before, after) = (all.base.key(principal, object)?, all.head.key(principal, object)?);
                if before.1 == 0 && after.1 == 0 {
                    continue;
                }
                let row = all.rows.entry((before, after)).or_insert_with(|| Row {
                    principals: BTreeSet::new(),
                    objects: BTreeSet::new(),
                    pairs: 0,
                    example: (principal.clone(), object.clone()),
                });
                row.pairs += 1;
                if !row.principals.contains(principal) {
                    row.principals.insert(principal.clone());
                }
                if !row.objects.contains(object) {
                    row.objects.insert(object.clone());
                }
            }
        }
        Ok(all)
    }

    /// Each kind of decision before and after, with its pairs.
    pub(super) fn decided(&self) -> impl Iterator<Item = (Decided, Decided, Row)> + '_ {
        self.rows
            .iter()
            .map(|((before, after), row)| (self.base.decided(*before), self.head.decided(*after), row.clone()))
    }
}
