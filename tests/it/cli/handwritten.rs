//! Hand-written Cedar on the command line.

use super::{folder, mcpctl, put};

const FLEET: &str = include_str!("../../../fixtures/handwritten/fleet.yaml");
const FREEZE: &str = include_str!("../../../fixtures/handwritten/freeze.cedar");
const ON_CALL: &str = include_str!("../../../fixtures/handwritten/on-call.cedar");

fn fleet(settings: &str) -> tempfile::TempDir {
    folder(&[("fleet.yaml", FLEET), ("freeze.cedar", FREEZE), ("on-call.cedar", ON_CALL), ("mcpctl.yaml", settings)])
}

const PERMITS: &str = "allow_handwritten_permits: true\n";

#[test]
fn can_decides_with_all_policies() {
    let fleet = fleet(PERMITS);
    let can = |principal: &str, tool: &str, with: &str| {
        mcpctl(&["can", principal, tool, "--with", with]).arg(fleet.path()).run()
    };
    let all = "service_account_token,user_delegation,mfa,mtls";
    can("billing_agent", "payment_server/charge_card", all).code(0);
    let frozen = can("billing_agent", "payment_server/charge_card", &format!("{all},frozen")).code(1);
    assert!(frozen.out.starts_with("deny: "), "{}", frozen.out);
    assert!(frozen.out.contains("hand-written Cedar forbids it (`freeze`)"), "{}", frozen.out);
    assert!(frozen.out.contains("freeze.cedar:2"), "{}", frozen.out);
    can("billing_agent", "payment_server/charge_card", &format!("{all},frozen,on_call")).code(0);
    // The relation needs a user; the permit does not.
    can("billing_agent", "crm_server/get_customer", "mtls").code(1);
    let permitted = can("billing_agent", "crm_server/get_customer", "mtls,on_call").code(0);
    assert!(permitted.out.contains("hand-written Cedar permits it (`on-call-reads`)"), "{}", permitted.out);
    let json =
        mcpctl(&["can", "billing_agent", "crm_server/get_customer", "--with", "mtls,on_call", "--format", "json"])
            .arg(fleet.path())
            .run()
            .code(0)
            .json();
    assert_eq!(json["decision"], "allow");
    assert_eq!(json["handwritten"]["relation_alone"], "deny");
    assert_eq!(json["handwritten"]["places"][0]["file"], "on-call.cedar");
}

#[test]
fn answers_that_leave_it_out_say_so() {
    let fleet = fleet(PERMITS);
    for call in [&["who-can", "payment_server/charge_card"][..], &["what-can", "billing_agent"], &["test"]] {
        let said = mcpctl(call).arg(fleet.path()).run();
        assert!(said.err.contains("is not part of it"), "{call:?}: {}", said.err);
    }
}

#[test]
fn a_bundle_holds_it_and_other_targets_need_acceptance() {
    let fleet = fleet(PERMITS);
    let out = folder(&[]);
    let out = out.path().join("bundle");
    let plain = mcpctl(&["compile", "--out"]).arg(&out).arg(fleet.path()).run().code(0);
    assert_eq!(std::fs::read_to_string(out.join("cedar/handwritten/freeze.cedar")).unwrap(), FREEZE);
    assert_eq!(std::fs::read_to_string(out.join("cedar/handwritten/on-call.cedar")).unwrap(), ON_CALL);
    assert!(plain.out.contains("target `agentgateway` is left out: it needs"), "{}", plain.out);
    assert!(plain.out.contains("hand-written Cedar"), "{}", plain.out);
    mcpctl(&["compile", "--target", "toolhive", "--out"])
        .arg(&out)
        .arg(fleet.path())
        .run()
        .refused("hand-written Cedar");
    // ToolHive sees no certificate.
    put(fleet.path(), "fleet.yaml", &FLEET.replace("mutual_tls: strict", "mutual_tls: permissive"));
    put(fleet.path(), "mcpctl.yaml", "allow_handwritten_permits: true\naccept_handwritten: [toolhive]\n");
    let accepted = mcpctl(&["compile", "--target", "toolhive", "--out"]).arg(&out).arg(fleet.path()).run().code(0);
    let warning =
        "warning[handwritten-left-out]: target `toolhive` enforces nothing of `freeze.cedar` and `on-call.cedar`";
    assert!(accepted.out.contains(warning), "{}", accepted.out);
    assert_eq!(accepted.out.matches("handwritten-left-out").count(), 1, "one for all files: {}", accepted.out);
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("bundle.json")).unwrap()).unwrap();
    let entry = &manifest["targets"][0]["handwritten"];
    assert_eq!(entry[0]["file"], "freeze.cedar");
    assert_eq!(entry[0]["enforced"], false);
}

#[test]
fn prove_says_what_it_cannot_prove_without_a_solver() {
    let fleet = fleet(PERMITS);
    let proved = mcpctl(&["prove", "--solver", "none"]).arg(fleet.path()).run().code(0);
    assert!(proved.out.contains("PROVED    the files of `cedar` decide each of"), "{}", proved.out);
    assert!(proved.out.contains("PROVED    no policy that forbids can fail to evaluate"), "{}", proved.out);
    assert!(proved.out.contains("UNPROVED:"), "{}", proved.out);
    mcpctl(&["prove", "--solver", "none", "--require-proof"]).arg(fleet.path()).run().code(1);
    mcpctl(&["prove", "--solver", "/no/such/solver"]).arg(fleet.path()).run().refused("the solver");
    mcpctl(&["prove", "--solver", "true"]).arg(fleet.path()).run().refused("does not call itself cvc5");
}
