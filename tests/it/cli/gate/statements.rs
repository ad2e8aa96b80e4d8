//! Policy tests and invariants that a change removes or weakens.

use super::Change;
use crate::cli::diff::{Edit, edit};

const DENIES: &str = "  - name: nobody pays a claim without a second factor
    principal: claims_agent
    call: claims_server/pay_claim
    with: [service_account_token, user_delegation, approval_workflow, mtls]
    expect: deny
    missing: [[mfa]]
";

pub(super) const DROPPED: Edit<'_> = ("policy-tests.yaml", DENIES, "");

#[test]
fn what_is_no_longer_stated_is_a_widening() {
    let never = "    never: {principals: sales_agent, calls: \"claims_server/*\"}\n";
    let of_another = DENIES.replace("claims_agent", "audit_agent").replace("    missing: [[mfa]]\n", "");
    let last = "  - name: only the claims unit and the centre touch claims\n";
    for (edit, widens) in [
        (DROPPED, true),
        (("policy-tests.yaml", "    missing: [[mfa]]\n", ""), true),
        (("policy-tests.yaml", DENIES, &of_another), true),
        (
            (
                "policy-tests.yaml",
                "    principal: claims_agent\n    call: claims_server/pay_claim\n",
                "    principal: \"claims_*\"\n    call: claims_server/pay_claim\n",
            ),
            false,
        ),
        (("policy-tests.yaml", "  - name: nobody pays a claim", "  - name: no one pays a claim"), false),
        (("policy-tests.yaml", never, "    never: {principals: sales_agent, calls: claims_server/get_claim}\n"), true),
        (("policy-tests.yaml", never, "    never: {principals: \"sales_*\", calls: \"claims_server/*\"}\n"), false),
        (("policy-tests.yaml", last, "  - name: claims are touched by the claims unit and the centre\n"), false),
    ] {
        let ran = Change::of("", &[edit]).run(&["--format", "short"]);
        let expected = ran.out.lines().any(|line| {
            line.starts_with("trust widening: policy test `") || line.starts_with("trust widening: invariant `")
        });
        assert_eq!((expected, ran.code > 0), (widens, widens), "{edit:?}\n{ran:?}");
        assert!(ran.out.lines().any(|line| line.starts_with("trust")), "{edit:?}\n{ran:?}");
    }
}

/// Who is gone needs no test.
#[test]
fn a_statement_about_what_is_gone_is_no_widening() {
    let agent = "    - name: audit_agent\n      business_unit: central\n      subject: spiffe://harbor.example/ns/central/sa/audit\n      may_call: [claims_server/get_claim, crm_server/get_customer]\n";
    let test = "  - name: nobody audits a claim without a second factor\n    principal: audit_agent\n    call: claims_server/pay_claim\n    with: [mtls]\n    expect: deny\n";
    let change = Change::of("", &[("registry.yaml", agent, "")]);
    edit(&change.base, &[("policy-tests.yaml", DENIES, &format!("{DENIES}{test}"))]);
    let ran = change.run(&["--format", "short"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("trust: policy test `nobody audits a claim without a second factor`: gone"),
        "{}",
        ran.out
    );
}
