//! What the targets for products with a Cedar of their own have in common: who may use what, grouped so that what is alike
//! is one policy, with each fact as the test of a request that shows it.

use std::collections::BTreeMap;

use crate::model::Model;
use crate::model::access::placeholder::filled;
use crate::model::access::{ArgumentEvidence, ArgumentTest, CalledEvidence, ClaimTest, Evidence, Placeholder, Scalar};
use crate::model::name::{ServerName, UnitName};
use crate::policy::condition::CondId;
use crate::policy::{ObjectIx, ObjectKind, Policy, Principal, PrincipalId};

/// The path of the claim that names who acts for the token's subject.
pub(super) const ACTOR: [&str; 2] = ["act", "sub"];

/// What shows a fact in a request for one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    /// The caller acts for somebody else.
    Delegated,
    /// The claim at this path is one of these texts, or a list with one.
    Claim(Vec<String>, Vec<String>),
    /// The claim at this path is one of these texts, and no list.
    Is(Vec<String>, Vec<String>),
    /// The token is of this issuer.
    Issuer(String),
    /// `sub` is none of these.
    NotWorkload(Vec<String>),
    /// The claim at this path is there and not empty.
    Present(Vec<String>),
    /// An argument is in these bounds, or one of these texts.
    Argument(Argument),
    /// The caller made this call before.
    Called(CalledEvidence),
}

/// Bounds of an argument, or its texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) at_least: Option<i64>,
    pub(super) at_most: Option<i64>,
    pub(super) one_of: Vec<String>,
}

impl Argument {
    /// The argument of evidence that is in whole numbers or in texts, and not nested; else `None`.
    pub(super) fn of(evidence: &ArgumentEvidence) -> Option<Self> {
        let [name] = evidence.path.as_slice() else { return None };
        let whole =
            |bound: &Option<crate::model::access::Decimal>| bound.map(|bound| bound.as_whole().ok_or(())).transpose();
        let mut argument = Self { name: name.clone(), at_least: None, at_most: None, one_of: Vec::new() };
        match &evidence.test {
            ArgumentTest::Within { at_least, at_most } => {
                (argument.at_least, argument.at_most) = (whole(at_least).ok()?, whole(at_most).ok()?);
            }
            ArgumentTest::OneOf(values) => {
                argument.one_of =
                    values.iter().map(|value| value.as_text().map(str::to_owned)).collect::<Option<_>>()?;
            }
            ArgumentTest::Matches(_) | ArgumentTest::EqualsClaim(_) => return None,
        }
        Some(argument)
    }
}

/// Ways to meet a condition: all tests of one of these.
pub(super) type Ways = Vec<Vec<Test>>;

/// Callers that the same rule is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Callers<'a> {
    /// Who.
    pub(super) who: Who<'a>,
    /// The issuers whose tokens may speak for them.
    pub(super) issuers: Vec<&'a str>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who<'a> {
    /// Declared principals, by subject, sorted.
    Declared(Vec<&'a str>),
    /// A caller that is none of them: of that unit, where there are units.
    Stranger(Option<&'a UnitName>),
}

/// Objects that the same callers may use in the same ways.
#[derive(Debug)]
pub(super) struct Grant<'a> {
    pub(super) callers: Callers<'a>,
    pub(super) ways: Ways,
    pub(super) objects: Vec<ObjectIx>,
}

/// What objects share: the server, the kind, the number of the ways, and for whom they are.
type Likeness<'a> = (Option<&'a ServerName>, u8, usize, Vec<u32>);

/// The relation as grants. Objects of several servers share one only where `across` says so; those of several kinds never do.
pub(super) fn grants<'a>(model: &'a Model, policy: &'a Policy, across: bool) -> Vec<Grant<'a>> {
    let rows = Rows::new(model, policy);
    let mut alike: BTreeMap<Likeness<'_>, Vec<ObjectIx>> = BTreeMap::new();
    for (index, column) in rows.columns.iter().enumerate() {
        let index = ObjectIx(index as u32);
        let object = policy.object_at(index);
        for (ways, principals) in column {
            let key = (Some(&object.server).filter(|_| !across), rank(&object.kind), *ways, principals.clone());
            alike.entry(key).or_default().push(index);
        }
    }
    let mut grants = Vec::new();
    for ((_, _, ways, principals), objects) in alike {
        for callers in callers(model, policy, &principals) {
            grants.push(Grant { callers, ways: rows.ways(ways), objects: objects.clone() });
        }
    }
    grants
}

fn rank(kind: &ObjectKind) -> u8 {
    match kind {
        ObjectKind::Protocol => 0,
        ObjectKind::Tool(_) => 1,
        ObjectKind::Resource(_) => 2,
        ObjectKind::Prompt(_) => 3,
    }
}

/// For each object, the ways that lead to it, by number, and for whom; what can never be met is left out.
pub(super) struct Rows {
    pub(super) columns: Vec<BTreeMap<usize, Vec<u32>>>,
    distinct: Vec<Ways>,
}

impl Rows {
    pub(super) fn new(model: &Model, policy: &Policy) -> Self {
        let evidence = evidence(policy);
        let templated = evidence.iter().zip(0_u32..).filter(|(evidence, _)| is_template(evidence));
        let templated = templated.fold(0, |all, (_, bit)| all | 1_u64 << bit);
        let mut rows = Self { columns: vec![BTreeMap::new(); policy.objects.len()], distinct: Vec::new() };
        let mut numbers: BTreeMap<Ways, usize> = BTreeMap::new();
        let mut known: BTreeMap<(CondId, Option<ObjectIx>), Option<usize>> = BTreeMap::new();
        for (principal, object, cell) in policy.all_cells() {
            if policy.is_never(cell.condition) {
                continue;
            }
            let sets = policy.conditions.get(cell.condition).minimal_sets();
            let of_object = sets.iter().any(|set| set & templated != 0).then_some(object);
            let number = *known.entry((cell.condition, of_object)).or_insert_with(|| {
                let ways = ways(sets, &evidence, model, policy, object);
                (!ways.is_empty()).then(|| {
                    let next = numbers.len();
                    *numbers.entry(ways.clone()).or_insert_with(|| {
                        rows.distinct.push(ways);
                        next
                    })
                })
            });
            if let (Some(number), Some(column)) = (number, rows.columns.get_mut(object.0 as usize)) {
                column.entry(number).or_default().push(principal.0);
            }
        }
        rows
    }

    pub(super) fn ways(&self, number: usize) -> Ways {
        self.distinct.get(number).cloned().unwrap_or_default()
    }
}

/// The evidence of each fact, in the order of their bits.
fn evidence(policy: &Policy) -> Vec<Evidence> {
    // A fact without any is seen by nobody, so no condition asks for it any more.
    policy.evidence.iter().map(|evidence| evidence.clone().unwrap_or(Evidence::KnownCaller)).collect()
}

fn is_template(evidence: &Evidence) -> bool {
    Placeholder::ALL.iter().any(|placeholder| evidence.mentions(*placeholder))
}

/// The sets of facts as ways. One with a fact that no request for this object can show is none.
fn ways(sets: &[u64], evidence: &[Evidence], model: &Model, policy: &Policy, object: ObjectIx) -> Ways {
    let mut ways: Ways = sets
        .iter()
        .filter_map(|set| {
            let bits = evidence.iter().zip(0_u32..).filter(|(_, bit)| set >> bit & 1 == 1);
            let tests = bits.map(|(evidence, _)| test(evidence, model, policy, object)).collect::<Option<Vec<_>>>()?;
            let mut tests: Vec<Test> = tests.into_iter().flatten().collect();
            tests.sort();
            tests.dedup();
            Some(tests)
        })
        .collect();
    ways.sort();
    ways.dedup();
    ways
}

/// The test for a fact; nothing to test where it is given, and `None` where it cannot be shown.
fn test(evidence: &Evidence, model: &Model, policy: &Policy, object: ObjectIx) -> Option<Option<Test>> {
    Some(Some(match evidence {
        // Whoever the rules name is known; and the connection is either given or seen by nobody.
        Evidence::KnownCaller | Evidence::Transport => return Some(None),
        // Policies come in single pieces of evidence.
        Evidence::All(_) => return None,
        Evidence::Called(called) => Test::Called(called.clone()),
        Evidence::Argument(argument) => Test::Argument(Argument::of(argument)?),
        Evidence::Issuer(issuer) => Test::Issuer(issuer.clone()),
        Evidence::NotWorkload => Test::NotWorkload(policy.subjects().into_iter().map(str::to_owned).collect()),
        Evidence::Claim(claim) => match &claim.test {
            ClaimTest::Contains(values) => {
                let object = policy.object_at(object);
                let (server, unit) = (object.server.as_str(), model.unit_of(&object.server));
                let texts = values.iter().filter_map(Scalar::as_text);
                let texts: Vec<String> = texts.filter_map(|text| filled(text, server, object.tool(), unit)).collect();
                if texts.is_empty() {
                    return None;
                }
                Test::Claim(claim.path.clone(), texts)
            }
            ClaimTest::Is(texts) if texts.is_empty() => return None,
            ClaimTest::Is(texts) => Test::Is(claim.path.clone(), texts.clone()),
            ClaimTest::Present => Test::Present(claim.path.clone()),
            ClaimTest::DiffersFrom(_) => Test::Delegated,
        },
    }))
}

/// Why a piece of evidence is in none of the forms that all products with a Cedar of their own see.
pub(super) fn unseen(evidence: &Evidence) -> Option<&'static str> {
    match evidence {
        Evidence::Claim(claim) => match &claim.test {
            ClaimTest::Contains(_) if claim.separator.is_some() => {
                Some("its policies cannot take a text apart at separators")
            }
            ClaimTest::Contains(values) if values.iter().any(|value| value.as_text().is_none()) => {
                Some("its policies compare claims with texts alone")
            }
            ClaimTest::Contains(_) | ClaimTest::Is(_) | ClaimTest::DiffersFrom(_) | ClaimTest::Present => None,
        },
        Evidence::Argument(argument) => match (argument.path.as_slice(), &argument.test) {
            ([_], ArgumentTest::OneOf(values)) if values.iter().all(|value| value.as_text().is_some()) => None,
            ([_], ArgumentTest::Within { at_least, at_most }) => {
                let whole = [at_least, at_most].into_iter().flatten().all(|bound| bound.as_whole().is_some());
                (!whole).then_some("its policies compare arguments with whole numbers alone")
            }
            ([_], ArgumentTest::OneOf(_)) => Some("its policies compare arguments with texts and with bounds alone"),
            (_, ArgumentTest::Matches(_)) => Some("its policies do not match arguments with patterns"),
            (_, ArgumentTest::EqualsClaim(_)) => Some("its policies do not compare arguments with claims"),
            (_, ArgumentTest::OneOf(_) | ArgumentTest::Within { .. }) => Some("its policies see no nested arguments"),
        },
        Evidence::KnownCaller
        | Evidence::Called(_)
        | Evidence::Issuer(_)
        | Evidence::NotWorkload
        | Evidence::Transport
        | Evidence::All(_) => None,
    }
}

/// Whether the evidence is that the caller acts for another subject: the one difference between claims that can be tested.
pub(super) fn is_delegation(path: &[String], other: &[String]) -> bool {
    let one = |a: &[String], b: &[String]| a == ACTOR && b == ["sub"];
    one(path, other) || one(other, path)
}

/// The principals by who may speak for them.
pub(super) fn callers<'a>(model: &'a Model, policy: &'a Policy, principals: &[u32]) -> Vec<Callers<'a>> {
    let mut declared: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    let mut all = Vec::new();
    for index in principals {
        let principal = policy.principal_at(crate::policy::PrincipalIx(*index));
        let issuers = issuers(model, principal);
        match (&principal.id, principal.subject.as_deref()) {
            (PrincipalId::AnyAgent(unit), _) => all.push(Callers { who: Who::Stranger(unit.as_ref()), issuers }),
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(subject)) => {
                declared.entry(issuers).or_default().push(subject);
            }
            // Nobody can call as it.
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => {}
        }
    }
    for (issuers, mut subjects) in declared {
        subjects.sort_unstable();
        subjects.dedup();
        all.push(Callers { who: Who::Declared(subjects), issuers });
    }
    all.retain(|callers| !callers.issuers.is_empty());
    all.sort();
    all
}

fn issuers<'a>(model: &'a Model, principal: &Principal) -> Vec<&'a str> {
    let declared = model.identity.iter().flat_map(|identity| &identity.issuers);
    let mut issuers: Vec<&str> = declared
        // These policies know callers by `act.sub` and `sub` alone.
        .filter(|issuer| issuer.caller.is_none() && principal.is_spoken_for_by(issuer))
        .map(|issuer| issuer.issuer.value.as_str())
        .collect();
    issuers.sort_unstable();
    issuers
}

/// The ways that ask for a caller who acts for another, without that test; and the others.
pub(super) fn by_delegation(ways: &Ways) -> (Ways, Ways) {
    let (delegated, own): (Ways, Ways) = ways.iter().cloned().partition(|way| way.contains(&Test::Delegated));
    let without = |way: Vec<Test>| way.into_iter().filter(|test| *test != Test::Delegated).collect();
    (delegated.into_iter().map(without).collect(), own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::tests::checked;

    const WORLD: &str = "
# file: all.yaml
identity:
  issuers:
    - {issuer: 'https://a.example', audiences: [a], speaks_for: [agents]}
    - {issuer: 'https://f.example', audiences: [a], speaks_for: [flows]}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - level: 2
      requirements: [service_account_token, mfa]
      alternatives: [{name: approved, requirements: [service_account_token, approval_workflow]}]
data_routing: {classifications: [{level: public, mcp_servers: [s]}]}
mcp_registry:
  servers: [{name: s, auth_level: 2, tools: [{name: t}, {name: u}]}]
  agents: [{name: a, subject: one, may_call: [s/t, s/u]}, {name: b, subject: two, may_call: [s/t, s/u]}]
workflow_definition: {name: w, subject: three, steps: [{name: x, mcp_server: s, tools: [t]}]}
";

    #[test]
    fn what_is_alike_is_one_grant_and_templates_tell_objects_apart() {
        let (checked, _) = checked(WORLD);
        let (model, policy) = (checked.model(), checked.policy());
        let found = grants(model, policy, true);
        let tools: Vec<String> = found
            .iter()
            .filter(|grant| grant.objects.iter().all(|o| matches!(policy.object_at(*o).kind, ObjectKind::Tool(_))))
            .map(|grant| format!("{:?} {:?} {}", grant.callers, grant.ways, grant.objects.len()))
            .collect();
        assert_eq!(tools.len(), 3, "{tools:#?}");
        assert!(tools[0].contains("[\"one\", \"two\"]") && tools[0].contains("s/t"), "{tools:#?}");
        assert!(tools.iter().any(|tool| tool.contains("[\"three\"]") && tool.contains("https://f.example")));
    }
}
