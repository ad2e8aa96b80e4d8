//! The projects under `fixtures/projects` are what they say they are: whole, and right about who may call what. Their
//! findings are held to their marks where those of the checks are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    let missing: Vec<&str> = FamilyId::ALL
        .iter()
        .map(|family| family.key())
        .filter(|key| !analysis.model().keys.contains_key(key))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(analysis.model().topology.units.len(), 3);
    assert!((10..=14).contains(&analysis.model().servers.len()), "{}", analysis.model().servers.len());
    assert_eq!(analysis.model().overlays.len(), 1);
    assert_eq!((analysis.counts.skipped_manifests, analysis.report().suppressed.len()), (1, 1));
}

/// What a test states that the relation does not say, if anything.
fn wrong(analysis: &Analysis, test: &PolicyTest) -> Option<String> {
    let policy = analysis.policy();
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
    assert!(analysis.model().policy_tests.len() >= 8);
    let wrong: Vec<String> = analysis.model().policy_tests.iter().filter_map(|test| wrong(&analysis, test)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The unit folder asks for more, so a call that the centre's rules allow is denied for the unit's servers alone.
#[test]
fn the_payments_unit_asks_for_more_than_the_centre() {
    let analysis = enterprise();
    let policy = analysis.policy();
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

fn bank() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/bank")
}

/// Most notes and warnings that a compile of the bank may print.
const MOST_NOTES: usize = 16;

#[test]
fn the_bank_is_an_estate_with_all_that_such_estates_have() {
    let analysis = analyse(workspace::read(&Input::Path(bank()), &Disk, None).unwrap(), Some("2026-11-22"));
    let missing: Vec<&str> = FamilyId::ALL
        .iter()
        .map(|family| family.key())
        .filter(|key| !analysis.model().keys.contains_key(key))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!((analysis.model().servers.len(), analysis.model().topology.units.len()), (14, 2));
    assert_eq!((analysis.model().handwritten.files.len(), analysis.model().overlays.len()), (1, 1));
}

#[test]
fn the_bank_compiles_to_a_screen_that_a_person_reads_whole() {
    for environment in [None, Some("uat"), Some("dr")] {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcpctl"));
        command.args(["compile", "--today", "2026-11-22", "--format", "json", "--out"]).arg(scratch.path().join("out"));
        command.args(environment.iter().flat_map(|name| ["--env", name])).arg(bank());
        let run = command.output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let said: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        let findings = said["diagnostics"].as_array().unwrap();
        assert!(findings.len() <= MOST_NOTES, "{}: {findings:#?}", findings.len());
        for finding in findings {
            assert_ne!(finding["severity"], "error", "{finding:#}");
            assert!(finding["help"].as_str().is_some_and(|help| !help.is_empty()), "no fix: {finding:#}");
        }
        for target in ["agentgateway", "cedar", "envoy", "istio", "kubernetes"] {
            assert!(scratch.path().join("out").join(target).is_dir(), "{target}");
        }
        for gateway in ["central", "retail", "payments"] {
            assert!(scratch.path().join("out/envoy").join(gateway).join("bootstrap.yaml").is_file(), "{gateway}");
        }
    }
}

#[test]
fn the_banks_own_statements_hold() {
    let run = Command::new(env!("CARGO_BIN_EXE_mcpctl")).arg("test").arg(bank()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("8 tests and 3 invariants"), "{said}");
}
