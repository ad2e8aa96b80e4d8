//! The relation as a product can decide it: without the facts and objects that it cannot see, and with those that are
//! taken as given. What is left is never wider than the relation, but for what is taken as given.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{CondId, Condition, Conditions};
use super::{ObjectIx, Policy, PrincipalIx};
pub use crate::model::access::evidence::matches;
use crate::model::name::FactName;
pub use crate::model::uri::sample;

/// What a product sees of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Facts that it cannot see, each with the reason: what needs one is denied.
    pub blind: BTreeMap<FactName, String>,
    /// Facts that are taken as given, each with the reason that the settings give.
    pub given: BTreeMap<FactName, String>,
    /// Facts that hold for every request which names the principal at all: that the caller is known.
    pub implied: BTreeSet<FactName>,
    /// Facts with the same evidence as another one, which stands for both.
    pub same: BTreeMap<FactName, FactName>,
    /// For objects that a request cannot show some fact for, these facts: an approval of `{tool}` is not an approval of a prompt.
    /// They are false there, whatever the product.
    pub unshown: BTreeMap<u32, BTreeSet<FactName>>,
    /// Objects that it cannot let through, by index, each with the reason.
    pub left_out: BTreeMap<u32, String>,
    /// Objects that it does not judge, by index, each with the reason: somebody else has to.
    pub undecided: BTreeMap<u32, String>,
}

/// What a view costs: cells that it denies more often than the relation does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stricter {
    /// For each fact that cannot be seen, the cells that it narrows.
    pub facts: BTreeMap<FactName, usize>,
    /// For each reason why objects are left out, the cells that are lost.
    pub objects: BTreeMap<String, usize>,
    /// For each reason why objects are not judged, their cells.
    pub undecided: BTreeMap<String, usize>,
    /// Cells that the relation can allow.
    pub possible: usize,
    /// Those of them that the view can allow.
    pub kept: usize,
}

/// The relation through a view, over the same principals, objects and facts.
#[must_use]
pub fn seen(policy: &Policy, view: &View) -> (Policy, Stricter) {
    let bit = |fact: &FactName| policy.facts.mask(fact.as_str()).unwrap_or_default();
    let given = view.given.keys().chain(&view.implied).map(bit).fold(0, |all, bit| all | bit);
    let blind = view.blind.keys().map(bit).fold(0, |all, bit| all | bit) & !given;
    let same: Vec<(u64, u64)> = view.same.iter().map(|(fact, other)| (bit(fact), bit(other))).collect();
    let narrowed = |condition: &Condition| {
        let sets = condition.minimal_sets().iter().filter(|set| *set & blind == 0).map(|set| {
            let set = same.iter().fold(*set, |set, (one, other)| if set & one == 0 { set } else { set & !one | other });
            set & !given
        });
        Condition::any_of(sets)
    };
    let mut conditions = Conditions::default();
    let mut numbers: BTreeMap<CondId, CondId> = BTreeMap::new();
    let mut number = |old: CondId, conditions: &mut Conditions| {
        *numbers.entry(old).or_insert_with(|| conditions.intern(narrowed(policy.conditions.get(old))))
    };
    let mut stricter = Stricter::default();
    let mut cells = Vec::with_capacity(policy.cells.len());
    for row in &policy.cells {
        let mut kept = Vec::with_capacity(row.len());
        for (object, cell) in row {
            let mut cell = *cell;
            let possible = !policy.is_never(cell.condition);
            if let Some(why) = view.undecided.get(&object.0) {
                *stricter.undecided.entry(why.clone()).or_default() += 1;
                continue;
            }
            stricter.possible += usize::from(possible);
            let old = policy.conditions.get(cell.condition);
            if let Some(why) = view.left_out.get(&object.0) {
                if possible {
                    *stricter.objects.entry(why.clone()).or_default() += 1;
                }
                continue;
            }
            cell.condition = number(cell.condition, &mut conditions);
            if let Some(facts) = view.unshown.get(&object.0) {
                let unshown = facts.iter().map(bit).fold(0, |all, bit| all | bit);
                let sets = conditions.get(cell.condition).minimal_sets().iter().copied();
                let shown = Condition::any_of(sets.filter(|set| set & unshown == 0));
                cell.condition = conditions.intern(shown);
            }
            for fact in policy.facts.named(blind) {
                let bit = policy.facts.mask(fact.as_str()).unwrap_or_default();
                if old.minimal_sets().iter().any(|set| set & bit != 0) {
                    *stricter.facts.entry(fact.clone()).or_default() += 1;
                }
            }
            stricter.kept += usize::from(possible && cell.condition != CondId::NEVER);
            kept.push((*object, cell));
        }
        cells.push(kept);
    }
    let rules = policy.rules.iter().cloned().map(|mut rule| {
        rule.condition = number(rule.condition, &mut conditions);
        rule
    });
    let rules = rules.collect();
    let seen = Policy {
        facts: policy.facts.clone(),
        evidence: policy.evidence.clone(),
        principals: policy.principals.clone(),
        objects: policy.objects.clone(),
        index: policy.index.clone(),
        calls: policy.calls.clone(),
        // What is asked for is the model's, whatever a product sees of it.
        demands: policy.demands.clone(),
        demand_of: policy.demand_of.clone(),
        conditions,
        rules,
        cells,
        faults: Vec::new(),
    };
    (seen, stricter)
}

/// A cell that a product cannot tell apart from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// Who.
    pub principal: PrincipalIx,
    /// What.
    pub object: ObjectIx,
    /// What must hold beside the cell's own condition.
    pub condition: Condition,
    /// Why.
    pub why: &'static str,
}

/// Narrows cells further, and counts them. A cell's own condition is always asked for too, so nothing is ever widened.
pub fn narrow(policy: &mut Policy, narrowed: Vec<Narrowed>, stricter: &mut Stricter) {
    for Narrowed { principal, object, condition, why } in narrowed {
        let Some(row) = policy.cells.get_mut(principal.0 as usize) else { continue };
        let Ok(at) = row.binary_search_by_key(&object, |(object, _)| *object) else { continue };
        let Some((_, cell)) = row.get_mut(at) else { continue };
        let old = policy.conditions.get(cell.condition);
        let new = old.and(&condition);
        if new == *old {
            continue;
        }
        cell.condition = policy.conditions.intern(new);
        *stricter.objects.entry(why.to_owned()).or_default() += 1;
        stricter.kept = stricter.kept.saturating_sub(usize::from(cell.condition == CondId::NEVER));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::cell::{Cell, RuleId};
    use crate::policy::fact::Facts;
    use crate::policy::objects::ObjectIndex;
    use crate::policy::{Object, ObjectKind, Principal, PrincipalId};
    use crate::source::Loc;

    fn policy(objects: &[ObjectKind], sets: &[&[u64]]) -> Policy {
        let facts = Facts::new(["mfa", "mtls", "tls"].map(FactName::from));
        let mut objects: Vec<Object> =
            objects.iter().map(|kind| Object { server: "s".into(), kind: kind.clone() }).collect();
        objects.sort();
        let mut conditions = Conditions::default();
        let row = sets.iter().zip(0..).map(|(masks, object)| {
            let condition = conditions.intern(Condition::any_of(masks.iter().copied()));
            (ObjectIx(object), Cell { condition, rule: RuleId(0) })
        });
        let row = row.collect();
        let principal = Principal {
            id: PrincipalId::Agent("a".into()),
            unit: None,
            subject: None,
            issuer: None,
            loc: Loc::default(),
        };
        let index = ObjectIndex::of(&objects);
        Policy { facts, principals: vec![principal], objects, index, conditions, cells: vec![row], ..Policy::default() }
    }

    fn sets(policy: &Policy, object: usize) -> Vec<u64> {
        policy.conditions.get(policy.cells[0][object].1.condition).minimal_sets().to_vec()
    }

    #[test]
    fn what_cannot_be_seen_denies_and_what_is_given_is_not_asked_for() {
        let (mfa, mtls) = (1, 2);
        let tool = |name: &str| ObjectKind::Tool(name.into());
        let model = policy(&[tool("x"), tool("y"), tool("z")], &[&[mfa | mtls], &[mfa], &[mfa, mtls]]);
        let reasons = |fact: &str| [(FactName::from(fact), "why".to_owned())].into();
        let (found, cost) = seen(&model, &View { given: reasons("mtls"), ..View::default() });
        assert_eq!([sets(&found, 0), sets(&found, 1), sets(&found, 2)], [vec![mfa], vec![mfa], vec![0]]);
        assert_eq!((cost.possible, cost.kept, cost.facts.len()), (3, 3, 0));
        let (found, cost) = seen(&model, &View { blind: reasons("mfa"), ..View::default() });
        assert_eq!([sets(&found, 0), sets(&found, 1), sets(&found, 2)], [vec![], vec![], vec![mtls]]);
        assert_eq!((cost.kept, cost.facts.get("mfa")), (1, Some(&3)));
        let (found, cost) = seen(&model, &View { left_out: [(1, "no".to_owned())].into(), ..View::default() });
        assert_eq!((found.cells[0].len(), cost.kept, cost.objects.get("no")), (2, 2, Some(&1)));
    }

    #[test]
    fn a_known_caller_is_implied_and_equal_evidence_is_one_fact() {
        let (mfa, mtls, tls) = (1, 2, 4);
        let tool = |name: &str| ObjectKind::Tool(name.into());
        let model = policy(&[tool("x"), tool("y")], &[&[mfa | mtls | tls], &[mtls]]);
        let view = View {
            implied: ["mfa".into()].into(),
            same: [("tls".into(), "mtls".into())].into(),
            undecided: [(1, "theirs".to_owned())].into(),
            ..View::default()
        };
        let (found, cost) = seen(&model, &view);
        assert_eq!((sets(&found, 0), found.cells[0].len()), (vec![mtls], 1));
        assert_eq!((cost.possible, cost.kept, cost.undecided.get("theirs")), (1, 1, Some(&1)));
    }

    #[test]
    fn what_a_request_cannot_show_is_false() {
        let model = policy(&[ObjectKind::Prompt("x".to_owned())], &[&[1, 2]]);
        let view = View { unshown: [(0, ["mfa".into()].into())].into(), ..View::default() };
        assert_eq!(sets(&seen(&model, &view).0, 0), [2]);
    }

    #[test]
    fn narrowing_never_widens() {
        let (mfa, mtls) = (1, 2);
        let tool = |name: &str| ObjectKind::Tool(name.into());
        let mut model = policy(&[tool("x"), tool("y"), tool("z")], &[&[mfa], &[mtls], &[mfa]]);
        let cell =
            |object, condition| Narrowed { principal: PrincipalIx(0), object: ObjectIx(object), condition, why: "w" };
        let mut stricter = Stricter { possible: 3, kept: 3, ..Stricter::default() };
        let all = vec![cell(0, Condition::always()), cell(1, Condition::all_of(mfa)), cell(2, Condition::never())];
        narrow(&mut model, all, &mut stricter);
        assert_eq!([sets(&model, 0), sets(&model, 1), sets(&model, 2)], [vec![mfa], vec![mfa | mtls], vec![]]);
        assert_eq!((stricter.objects["w"], stricter.kept), (2, 2));
        narrow(&mut model, vec![cell(9, Condition::never())], &mut stricter);
    }

    #[test]
    fn patterns_match_whole_uris() {
        for (pattern, uri, expected) in [
            ("crm://*", "crm://a", true),
            ("crm://*", "xcrm://a", false),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("*x*y", "1x2x3y", true),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(matches(pattern, uri), expected, "{pattern} {uri}");
        }
    }
}
