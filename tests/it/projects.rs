//! The projects under `fixtures/projects` are what they say they are: whole, and right about who may call what. Their
//! findings are held to their marks where those of the checks are.

use std::collections::BTreeSet;
use std::path::Path;

use mcpctl::analysis::{Analysis, analyse};
use mcpctl::families::FamilyId;
use mcpctl::model::assurance::PolicyTest;
use mcpctl::policy::{Object, ObjectKind};
use mcpctl::workspace::{self, Disk, Input};

fn enterprise() -> Analysis {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/enterprise");
    analyse(workspace::read(&Input::Path(folder), &Disk, None).unwrap(), Some("2026-11-22"))
}

#[test]
fn the_enterprise_uses_every_family() {
    let analysis = enterprise();
    let missing: Vec<&str> =
        FamilyId::ALL.iter().map(|family| family.key()).filter(|key| !analysis.model.keys.contains_key(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(analysis.model.topology.units.len(), 3);
    assert!((10..=14).contains(&analysis.model.servers.len()), "{}", analysis.model.servers.len());
    assert_eq!(analysis.model.overlays.len(), 1);
    assert_eq!((analysis.counts.skipped_manifests, analysis.counts.waived), (1, 1));
}

/// What a test states that the relation does not say, if anything.
fn wrong(analysis: &Analysis, test: &PolicyTest) -> Option<String> {
    let policy = &analysis.policy;
    let mask = |facts: &[mcpctl::source::Spanned<mcpctl::model::name::FactName>]| {
        let bits = facts.iter().map(|fact| policy.facts.mask(fact.value.as_str()).unwrap_or_else(|| panic!("{fact}")));
        policy.facts.closed(bits.fold(0, |all, bit| all | bit))
    };
    let (principal, call, with) = (&test.principals[0], &test.calls[0], &test.with[0]);
    let (server, tool) = call.value.split_once('/').unwrap();
    let object = Object { server: server.into(), kind: ObjectKind::Tool(tool.into()) };
    let principal = policy.principal(&principal.value).unwrap_or_else(|| panic!("{principal}"));
    let object = policy.object(&object).unwrap_or_else(|| panic!("{call}"));
    let with = mask(with);
    let allowed = policy.decide(principal, object, with);
    if allowed != test.allow.value {
        return Some(format!("{}: decided {allowed}", test.name));
    }
    let stated: BTreeSet<u64> = test.missing.as_ref()?.iter().map(|facts| mask(facts) & !with).collect();
    let cell = policy.cell(principal, object);
    let missing: BTreeSet<u64> =
        cell.iter().flat_map(|cell| policy.conditions.get(cell.condition).missing(with)).collect();
    let shown = |sets: &BTreeSet<u64>| sets.iter().map(|set| policy.facts.shown(*set)).collect::<Vec<_>>();
    (stated != missing).then(|| format!("{}: missing are {:?}, not {:?}", test.name, shown(&missing), shown(&stated)))
}

#[test]
fn the_enterprises_own_statements_hold() {
    let analysis = enterprise();
    assert!(analysis.model.policy_tests.len() >= 8);
    let wrong: Vec<String> = analysis.model.policy_tests.iter().filter_map(|test| wrong(&analysis, test)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The unit folder asks for more, so a call that the centre's rules allow is denied for the unit's servers alone.
#[test]
fn the_payments_unit_asks_for_more_than_the_centre() {
    let analysis = enterprise();
    let policy = &analysis.policy;
    let decide = |principal: &str, server: &str, tool: &str, facts: &[&str]| {
        let object = Object { server: server.into(), kind: ObjectKind::Tool(tool.into()) };
        let facts = facts.iter().map(|fact| policy.facts.mask(fact).unwrap()).fold(0, |all, bit| all | bit);
        policy.decide(policy.principal(principal).unwrap(), policy.object(&object).unwrap(), facts)
    };
    let person = ["service_account_token", "user_delegation", "mfa", "treasury_dealer", "mtls"];
    let attested = [&person[..], &["attested_device"]].concat();
    assert!(!decide("treasury_agent", "payment_server", "charge_card", &person));
    assert!(decide("treasury_agent", "payment_server", "charge_card", &attested));
    assert!(decide("customer_care_agent", "crm_server", "get_customer", &person));
}
