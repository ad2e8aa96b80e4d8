//! The verifier sees what somebody, or a faulty emitter, did to the files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{World, enterprise, text};
use crate::build::{BuildError, verify};
use crate::bundle::Artifact;
use crate::model::Model;
use crate::policy::Policy;
use crate::policy::compare::compare;
use crate::targets::TargetId;

/// The enterprise's files after a change of one of them, which must change something.
fn tampered(file: &str, change: impl Fn(&str) -> String) -> (Policy, BTreeMap<String, Artifact>) {
    let (policy, built) = enterprise().built();
    let mut artifacts = built.bundle.artifacts;
    let before = text(&artifacts, file).to_owned();
    let after = change(&before);
    assert_ne!(before, after, "the change must change something");
    artifacts.get_mut(&format!("cedar/{file}")).unwrap().bytes = after.into_bytes();
    (policy, artifacts)
}

/// What the verifier says, with all causes, and how many leaks and refusals it counts where it gets to comparing.
fn verdict((policy, artifacts): &(Policy, BTreeMap<String, Artifact>)) -> String {
    let error = verify(TargetId::Cedar, artifacts, &Model::default(), policy).expect_err("tampering must not pass");
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        said = format!("{said}: {next}");
        cause = next.source();
    }
    if let BuildError::Verify { said: causes, .. } = &error {
        said = causes.iter().fold(said, |said, cause| format!("{said}: {cause}"));
    }
    said
}

fn leaks_and_denies((policy, artifacts): &(Policy, BTreeMap<String, Artifact>)) -> (usize, usize) {
    let engine = crate::lift::access::cedar::engine(artifacts).unwrap();
    let differences = compare(policy, &crate::lift::access::cedar::lift(&engine, policy).unwrap());
    let count = |of: fn(&crate::policy::compare::Difference) -> &Vec<u64>| {
        differences.iter().filter(|difference| !of(difference).is_empty()).count()
    };
    (count(|difference| &difference.leaks), count(|difference| &difference.denies))
}

fn entities(change: impl Fn(&mut Vec<Value>)) -> (Policy, BTreeMap<String, Artifact>) {
    tampered("entities.json", |text| {
        let mut entities: Vec<Value> = serde_json::from_str(text).unwrap();
        change(&mut entities);
        serde_json::to_string(&entities).unwrap()
    })
}

fn entity<'a>(entities: &'a mut [Value], kind: &str, id: &str) -> &'a mut Value {
    let uid = json!({"type": format!("Mcp::{kind}"), "id": id});
    entities.iter_mut().find(|entity| entity["uid"] == uid).unwrap()
}

#[test]
fn a_dropped_fact_is_a_leak() {
    let changed = tampered("policies.cedar", |text| text.replacen("context.cross_unit_approval && ", "", 1));
    let (leaks, denies) = leaks_and_denies(&changed);
    assert!(leaks > 0 && denies == 0, "{leaks} {denies}");
    let said = verdict(&changed);
    assert!(
        said.contains("`any_agent@treasury` on `site/get_page`: allows {mtls, service_account_token, tls}"),
        "{said}"
    );
}

#[test]
fn an_added_fact_is_a_refusal() {
    let changed = tampered("policies.cedar", |text| text.replacen("context.tls", "context.tls && context.mfa", 1));
    let (leaks, denies) = leaks_and_denies(&changed);
    assert!(leaks == 0 && denies > 0, "{leaks} {denies}");
}

#[test]
fn a_tool_in_another_group_is_a_leak() {
    let changed = entities(|entities| {
        let parents = entity(entities, "Tool", "bank/pay")["parents"].as_array_mut().unwrap();
        let group = parents.iter_mut().find(|parent| parent["type"] == "Mcp::Group").unwrap();
        group["id"] = json!("site/get_page");
    });
    let (leaks, denies) = leaks_and_denies(&changed);
    assert!(leaks > 0 && denies > 0, "{leaks} {denies}");
    assert!(verdict(&changed).contains("`any_agent@retail` on `bank/pay`: allows"), "{}", verdict(&changed));
}

#[test]
fn an_added_grant_is_a_leak() {
    let changed = entities(|entities| {
        let grants = &mut entity(entities, "Agent", "idle")["attrs"]["grants"]["level-1"];
        *grants = json!([{"__entity": {"type": "Mcp::Group", "id": "site/publish"}}]);
    });
    assert_eq!(leaks_and_denies(&changed), (1, 0));
    assert!(verdict(&changed).contains("1 cell differently from the model: `idle` on `site/publish`: allows"));
}

#[test]
fn a_removed_policy_is_a_refusal() {
    let changed = tampered("policies.cedar", |text| {
        let end = text.find("\n\n").unwrap();
        text[end..].to_owned()
    });
    let (leaks, denies) = leaks_and_denies(&changed);
    assert!(leaks == 0 && denies > 0, "{leaks} {denies}");
}

#[test]
fn an_added_policy_that_permits_all_is_seen() {
    let more = "\n@id(\"x\")\n@source(\"a.yaml:1\")\npermit(principal, action, resource);\n";
    let said = verdict(&tampered("policies.cedar", |text| format!("{text}{more}")));
    assert!(said.contains("without a grant"), "{said}");
}

#[test]
fn an_added_policy_for_one_object_is_seen() {
    let more = "\n@id(\"x\")\n@source(\"a.yaml:1\")\npermit(principal, action, resource == Mcp::Tool::\"new/tool\");\n";
    let said = verdict(&tampered("policies.cedar", |text| format!("{text}{more}")));
    assert!(said.contains("cannot be read back"), "{said}");
}

#[test]
fn what_is_no_monotone_formula_is_refused() {
    for condition in [
        "resource in principal.grants.protocol && !context.tls",
        "resource in principal.grants.protocol && (if context.tls then true else false)",
        "resource in principal.grants.protocol && context has tls",
        "resource in principal.grants.protocol && context.tls == true",
        "principal == Mcp::Agent::\"idle\" && context.tls",
    ] {
        let more = format!(
            "\n@id(\"x\")\n@source(\"a.yaml:1\")\npermit(principal, action, resource) when {{ {condition} }};\n"
        );
        let said = verdict(&tampered("policies.cedar", |text| format!("{text}{more}")));
        assert!(said.contains("what policy `x` asks cannot be read back"), "{condition}: {said}");
    }
}

#[test]
fn an_error_of_evaluation_is_refused() {
    let more = "\n@id(\"x\")\n@source(\"a.yaml:1\")\npermit(principal, action, resource)\n\
                when { resource in principal.grants.protocol && 9223372036854775807 + 1 == 0 };\n";
    let said = verdict(&tampered("policies.cedar", |text| format!("{text}{more}")));
    assert!(said.contains("cannot be read back"), "{said}");
}

#[test]
fn warnings_of_the_validator_are_errors() {
    let impossible = "\n@id(\"x\")\n@source(\"a.yaml:1\")\npermit(principal is Mcp::Tool, action, resource);\n";
    let said = verdict(&tampered("policies.cedar", |text| format!("{text}{impossible}")));
    assert!(said.contains("validator refuses the policies") && said.contains("impossible"), "{said}");
    let misspelt = "\n@id(\"x\")\n@source(\"a.yaml:1\")\npermit(principal, action, resource in Mcp::Level::\"9\");\n";
    let said = verdict(&tampered("policies.cedar", |text| format!("{text}{misspelt}")));
    assert!(said.contains("validator refuses the policies") && said.contains("Level"), "{said}");
}

#[test]
fn every_policy_needs_its_id_and_source_and_permits() {
    for (from, to, expected) in [
        ("@id(\"protocol\")\n", "", "has no @id"),
        ("@id(\"protocol\")\n", "@id(\"level-1\")\n", "two policies have the @id `level-1`"),
        ("@source(\"world.yaml:70\")\n", "", "has no @source"),
        ("permit (", "forbid (", "forbids"),
        ("  principal,\n", "  principal == ?principal,\n", "there is a policy template"),
        ("permit (", "permit (((", "Cedar cannot read the policies"),
    ] {
        let said = verdict(&tampered("policies.cedar", |text| text.replacen(from, to, 1)));
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn entities_are_exactly_the_models() {
    let said = verdict(&entities(|entities| {
        let mut copy = entity(entities, "Agent", "idle").clone();
        copy["uid"]["id"] = json!("ghost");
        entities.push(copy);
    }));
    assert!(said.contains("`Mcp::Agent::\"ghost\"` is nothing in the model"), "{said}");
    let said = verdict(&entities(|entities| {
        let mut copy = entity(entities, "Tool", "bank/pay").clone();
        copy["uid"]["id"] = json!("bank/steal");
        entities.push(copy);
    }));
    assert!(said.contains("`Mcp::Tool::\"bank/steal\"` is nothing in the model"), "{said}");
    let said = verdict(&entities(|entities| entities.retain(|entity| entity["uid"]["id"] != "site/publish")));
    assert!(said.contains("not among the entities"), "{said}");
    let said = verdict(&entities(|entities| {
        entity(entities, "Tool", "bank/pay")["parents"] = json!([{"type": "Mcp::Group", "id": "no such group"}]);
    }));
    assert!(said.contains("Cedar refuses the entities"), "{said}");
}

#[test]
fn a_missing_file_is_refused() {
    let (policy, built) = enterprise().built();
    let mut artifacts = built.bundle.artifacts;
    artifacts.remove("cedar/entities.json");
    let said = verdict(&(policy, artifacts));
    assert!(said.contains("`cedar/entities.json` is missing"), "{said}");
}

/// The files of one workspace do not verify against another's model.
#[test]
fn another_models_files_are_refused() {
    let (_, built) = enterprise().built();
    let (policy, _) = World::default().server("crm", None, &["record"]).built();
    let said = verdict(&(policy, built.bundle.artifacts));
    assert!(said.contains("nothing in the model") || said.contains("not a fact of the model"), "{said}");
}

/// Whoever reads the error sees what Cedar itself says.
#[test]
fn cedars_own_words_are_rendered() {
    let (policy, artifacts) = tampered("policies.cedar", |text| text.replacen("context.tls", "context.unheard_of", 1));
    let error = verify(TargetId::Cedar, &artifacts, &Model::default(), &policy).unwrap_err();
    let mut rendered = String::new();
    miette::NarratableReportHandler::new().render_report(&mut rendered, &error).unwrap();
    assert!(rendered.contains("do not verify"), "{rendered}");
    assert!(rendered.contains("unheard_of"), "{rendered}");
}
