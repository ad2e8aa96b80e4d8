//! Hand-written Cedar beside the YAML: what is found in it, at which place.

use mcpctl::bundle::Artifact;
use mcpctl::lift::access::cedar::check_handwritten;

use crate::memory::{Files, shown};

const FLEET: &str = include_str!("../../fixtures/handwritten/fleet.yaml");

fn workspace(settings: &str, cedar: &str) -> Files {
    Files::of([("fleet.yaml", FLEET), ("mcpctl.yaml", settings), ("own.cedar", cedar)])
}

/// The findings in `own.cedar` and `mcpctl.yaml`.
fn found(settings: &str, cedar: &str) -> Vec<String> {
    let all = workspace(settings, cedar).findings();
    all.into_iter().filter(|line| !line.starts_with("fleet.yaml")).collect()
}

const PERMITS: &str = "allow_handwritten_permits: true\n";
const FREEZE: &str = "@id(\"freeze\")\nforbid (principal, action, resource in Mcp::Backend::\"payment_server\")\nunless { context.on_call };\n";

#[test]
fn the_fixture_is_clean() {
    let files = ["freeze.cedar", "on-call.cedar", "mcpctl.yaml", "fleet.yaml"].map(|name| {
        let path = format!("{}/fixtures/handwritten/{name}", env!("CARGO_MANIFEST_DIR"));
        (name, std::fs::read_to_string(path).unwrap())
    });
    let files = Files::of(files.iter().map(|(name, text)| (*name, text.as_str())));
    let analysis = files.analyse();
    let found = shown(&analysis);
    assert!(
        found
            .iter()
            .all(|line| line.ends_with(" restricted-data-flow") || line.ends_with(" delegation-by-fixed-claim")),
        "{found:#?}"
    );
    assert_eq!(analysis.model().handwritten.files.len(), 2);
    // Facts that only `identity` speaks of are there for hand-written policies.
    assert!(analysis.policy().facts.mask("frozen").is_some());
}

#[test]
fn a_forbid_that_cannot_fail_is_accepted_without_a_setting() {
    assert_eq!(found("{}\n", FREEZE), [""; 0]);
}

#[test]
fn what_cedar_refuses_is_shown_where_it_stands() {
    assert_eq!(found("{}\n", "forbid (principal, action, resource\n"), ["own.cedar:1:36 cedar-syntax"]);
    let template = "permit (principal == ?principal, action, resource);\n";
    assert_eq!(found(PERMITS, template), ["own.cedar:1:1 cedar-syntax"]);
    let fact = "forbid (principal, action, resource)\nwhen { context.no_such_fact };\n";
    assert_eq!(found("{}\n", fact), ["own.cedar:2:8 cedar-invalid"]);
    let class = "forbid (principal, action, resource in Mcp::Class::\"secret\");\n";
    assert_eq!(found("{}\n", class).len(), 1);
    // A policy that can never apply is only warned of by Cedar; here it is an error.
    let never = "forbid (principal is Mcp::Tool, action, resource);\n";
    assert!(found("{}\n", never).iter().all(|line| line.ends_with("cedar-invalid")), "{:?}", found("{}\n", never));
    assert!(!found("{}\n", never).is_empty());
}

#[test]
fn what_would_end_the_stack_is_refused() {
    let nested = |depth: usize| {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        format!("forbid (principal, action, resource) when {{ {open}context.mfa{close} }};\n")
    };
    assert_eq!(found("{}\n", &nested(45)), [""; 0]);
    for depth in [60, 50_000] {
        assert_eq!(found("{}\n", &nested(depth)), ["own.cedar:1:94 cedar-syntax"], "{depth}");
    }
    let chain = |length: usize| {
        let all = vec!["context.mfa"; length].join(" || ");
        format!("forbid (principal, action, resource) when {{ {all} }};\n")
    };
    // On a thread of a pool, whose stack is the smallest that there is.
    assert_eq!(found("{}\n", &chain(240)), [""; 0]);
    assert_eq!(found("{}\n", &chain(50_000)).len(), 1);
    // What stands in texts and comments is not nested.
    let brackets = "(".repeat(60);
    let quoted =
        format!("{FREEZE}// {brackets}\nforbid (principal, action, resource) when {{ \"{brackets}\" == \"\" }};\n");
    assert!(found("{}\n", &quoted).iter().all(|line| !line.ends_with("cedar-syntax")), "{:?}", found("{}\n", &quoted));
}

#[test]
fn permits_take_a_setting_and_a_scope() {
    let exact = "permit (principal == Mcp::Agent::\"billing_agent\", action, resource == Mcp::Tool::\"crm_server/get_customer\");\n";
    assert_eq!(found("{}\n", exact), ["own.cedar:1:1 handwritten-permit"]);
    assert_eq!(found(PERMITS, exact), [""; 0]);
    let open = "permit (principal, action, resource in Mcp::Backend::\"crm_server\");\n";
    assert_eq!(found(PERMITS, open), ["own.cedar:1:1 unbounded-permit"]);
}

#[test]
fn a_forbid_that_could_be_skipped_is_an_error() {
    for body in ["resource.server == Mcp::Server::\"crm_server\"", "resource has server && context.frozen"] {
        let cedar = format!("forbid (principal, action == Mcp::Action::\"call_tool\", resource)\nwhen {{ {body} }};\n");
        let found = found("{}\n", &cedar);
        assert_eq!(found, ["own.cedar:2:8 forbid-can-fail"], "{body}");
    }
    let sum = "forbid (principal, action, resource)\nwhen { 9223372036854775807 + 1 > 2 };\n";
    assert!(found("{}\n", sum).iter().any(|line| line.ends_with("forbid-can-fail")), "{:?}", found("{}\n", sum));
    // A permit that fails permits nothing.
    let permit = "permit (principal == Mcp::Agent::\"billing_agent\", action == Mcp::Action::\"call_tool\", resource == Mcp::Tool::\"crm_server/get_customer\")\nwhen { resource.server == Mcp::Server::\"crm_server\" };\n";
    assert_eq!(found(PERMITS, permit), [""; 0]);
}

#[test]
fn names_that_are_nothing_are_found() {
    let tool = "forbid (principal, action, resource == Mcp::Tool::\"payment_server/charge_crad\");\n";
    let analysis = workspace("{}\n", tool).analyse();
    let finding = analysis.report().diagnostics.iter().find(|d| d.rule.name == "unknown-entity").unwrap();
    assert_eq!(finding.help.as_deref(), Some("did you mean `payment_server/charge_card`?"));
    assert_eq!(analysis.sources.text_at(finding.loc), "Mcp::Tool::\"payment_server/charge_crad\"");
    let backend = "forbid (principal, action, resource in Mcp::Backend::\"payments\");\n";
    assert!(found("{}\n", backend).iter().any(|line| line.ends_with("unknown-entity")));
}

#[test]
fn every_policy_has_an_id_of_its_own() {
    let twice = format!("{FREEZE}{FREEZE}");
    assert_eq!(found("{}\n", &twice), ["own.cedar:4:1 duplicate-policy-id"]);
    let rule = workspace("{}\n", FREEZE).analyse().policy().rules[0].name.clone();
    let generated = FREEZE.replace("freeze", &rule);
    assert_eq!(found("{}\n", &generated), ["own.cedar:1:1 duplicate-policy-id"]);
}

#[test]
fn a_permit_of_something_suspended_is_an_error() {
    let permit = "permit (principal == Mcp::Agent::\"support_agent\", action, resource == Mcp::Tool::\"payment_server/charge_card\");\n";
    let suspended = FLEET.replace("- name: payment_server\n", "- name: payment_server\n      suspended: incident 7\n");
    let files = Files::of([("fleet.yaml", suspended.as_str()), ("mcpctl.yaml", PERMITS), ("own.cedar", permit)]);
    let found: Vec<String> = files.findings().into_iter().filter(|line| line.starts_with("own")).collect();
    assert_eq!(found, ["own.cedar:1:1 permit-of-suspended"]);
    let agent = FLEET.replace("- name: support_agent\n", "- name: support_agent\n      suspended: left\n");
    let files = Files::of([("fleet.yaml", agent.as_str()), ("mcpctl.yaml", PERMITS), ("own.cedar", permit)]);
    assert!(files.findings().contains(&"own.cedar:1:1 permit-of-suspended".to_owned()));
}

#[test]
fn it_is_the_centres_alone_and_of_no_environment() {
    let settings = "units: {retail: units/retail}\nenvironments: {prod: env/prod}\n";
    let units = "mcp_registry:\n  business_units: [{name: retail}]\n";
    let files = Files::of([
        ("a.yaml", units),
        ("mcpctl.yaml", settings),
        ("units/retail/own.cedar", FREEZE),
        ("units/retail/b.yaml", "{}\n"),
        ("env/prod/own.cedar", FREEZE),
    ]);
    let analysis = files.analyse_in(mcpctl::workspace::Wanted::All).unwrap();
    let found = shown(&analysis);
    assert!(found.contains(&"units/retail/own.cedar:1:1 centre-only-section".to_owned()), "{found:?}");
    assert!(found.contains(&"env/prod/own.cedar:1:1 environment-overreach".to_owned()), "{found:?}");
}

#[test]
fn acceptances_name_targets_that_need_one() {
    assert_eq!(found("accept_handwritten: [envoi]\n", FREEZE), ["mcpctl.yaml:1:22 unknown-accepted-target"]);
    assert_eq!(found("accept_handwritten: [cedar]\n", FREEZE), ["mcpctl.yaml:1:22 unknown-accepted-target"]);
    assert_eq!(found("accept_handwritten: [envoy]\n", FREEZE), [""; 0]);
}

#[test]
fn a_changed_policy_in_a_bundle_is_caught() {
    let analysis = workspace("{}\n", FREEZE).analyse();
    let schema = mcpctl::targets::access::cedar::schema_of(analysis.model(), analysis.policy()).unwrap();
    let artifact = |text: &str| Artifact { bytes: text.as_bytes().to_vec(), from: Vec::new() };
    let mut files = [("cedar/schema.cedarschema", schema.as_str()), ("cedar/handwritten/own.cedar", FREEZE)]
        .map(|(path, text)| (path.to_owned(), artifact(text)))
        .into_iter()
        .collect::<std::collections::BTreeMap<_, _>>();
    check_handwritten(&files, analysis.model()).unwrap();
    files.insert("cedar/handwritten/own.cedar".to_owned(), artifact(&FREEZE.replace("forbid", "permit")));
    assert!(check_handwritten(&files, analysis.model()).is_err());
    files.remove("cedar/handwritten/own.cedar");
    assert!(check_handwritten(&files, analysis.model()).is_err());
}

#[test]
fn the_whole_decision_is_the_one_of_cedars_engine() {
    let extra = "permit (principal == Mcp::Agent::\"support_agent\", action, resource == Mcp::Tool::\"payment_server/charge_card\")\nwhen { (if context.mfa then 1 else 0) + (if context.tls then 1 else 0) > 1 };\n";
    let freeze = include_str!("../../fixtures/handwritten/freeze.cedar");
    let on_call = include_str!("../../fixtures/handwritten/on-call.cedar");
    let files = Files::of([
        ("fleet.yaml", FLEET),
        ("mcpctl.yaml", PERMITS),
        ("a.cedar", freeze),
        ("b.cedar", on_call),
        ("c.cedar", extra),
    ]);
    let analysis = files.analyse();
    let (model, policy) = (analysis.model(), analysis.policy());
    let side = mcpctl::review::access::Side { model, policy };
    let loaded = mcpctl::review::handwritten::Loaded::new(side, &analysis.sources).unwrap();
    let (mut asked, mut beyond) = (0, 0);
    for (who, principal) in (0..).map(mcpctl::policy::PrincipalIx).zip(&policy.principals) {
        for (what, object) in (0..).map(mcpctl::policy::ObjectIx).zip(&policy.objects) {
            let missing = analysis.whole().missing(who, &[what], 0).unwrap();
            for facts in (0..=policy.facts.all()).filter(|facts| policy.facts.closed(*facts) == *facts) {
                let held: Vec<String> = policy.facts.named(facts).map(ToString::to_string).collect();
                let engine = loaded.decide(&principal.id, object, &held).unwrap().0;
                assert_eq!(
                    analysis.whole().decide(who, &[what], facts),
                    Ok(engine),
                    "{} {object} {held:?}",
                    principal.id
                );
                assert!(!engine || missing.iter().any(|set| set & facts == *set), "{held:?} {missing:?}");
                beyond += usize::from(engine != policy.decide(who, what, facts));
                asked += 1;
            }
            assert!(missing.iter().all(|set| analysis.whole().decide(who, &[what], *set) == Ok(true)));
        }
    }
    assert!(asked > 1000 && beyond > 10, "{asked} {beyond}");
}
