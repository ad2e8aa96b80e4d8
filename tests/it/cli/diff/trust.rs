//! What a change does to trust: evidence, issuers, addresses, waivers, levels of checks.

use std::fs;

use super::{Change, Edit};
use crate::cli::put;

/// Changes that flip no cell and open everything, or may.
const TRUST: &[(&str, &[Edit<'_>])] = &[
    ("evidence of `mfa`", &[("central/identity.yaml", "claim: amr, contains: mfa", "claim: groups, contains: staff")]),
    ("evidence of `mfa`", &[("central/identity.yaml", "contains: mfa,", "contains: pwd,")]),
    (
        "evidence of `workflow_ticket`",
        &[("central/identity.yaml", "tickets, contains: \"{server}/{tool}\"", "tickets, contains: \"{server}\"")],
    ),
    ("evidence of `treasury_dealer`", &[("central/identity.yaml", "contains: treasury-dealers", "contains: everyone")]),
    ("evidence of `amount_within_limit`", &[("central/identity.yaml", "at_most: 10000", "at_most: 1000000")]),
    ("evidence of `amount_within_limit`", &[("central/identity.yaml", "argument: amount", "argument: note")]),
    (
        "issuer `https://other.example`",
        &[(
            "central/identity.yaml",
            "    - issuer: https://workflows",
            "    - {issuer: https://other.example, audiences: [mcp-gateway], jwks: https://other.example/keys, speaks_for: [agents, flows]}\n    - issuer: https://workflows",
        )],
    ),
    (
        "issuer `https://login.other.example`",
        &[("central/identity.yaml", "https://login.meridian.example", "https://login.other.example")],
    ),
    (
        "audience `anything`",
        &[(
            "central/identity.yaml",
            "audiences: [mcp-gateway] # expect",
            "audiences: [mcp-gateway, anything] # expect",
        )],
    ),
    (
        "audience `mcp-gateway` of `https://login.meridian.example`",
        &[("central/identity.yaml", "audience: per_server", "audiences: [mcp-gateway]")],
    ),
    (
        "keys of",
        &[("central/identity.yaml", "jwks_file: central/keys/agents.json", "jwks_file: central/keys/flows.json")],
    ),
    (
        "keys of",
        &[("central/identity.yaml", "jwks_file: central/keys/agents.json", "jwks: https://elsewhere.example/keys")],
    ),
    (
        "whom `https://login.meridian.example` speaks for",
        &[("central/identity.yaml", "speaks_for: [agents]", "speaks_for: [agents, flows]")],
    ),
    (
        "whom `https://workflows.meridian.example` speaks for",
        &[("central/identity.yaml", "speaks_for: [flows]", "speaks_for: [flows, agents]")],
    ),
    ("trust domain", &[("central/identity.yaml", "trust_domain: meridian.example", "trust_domain: other.example")]),
    (
        "claim of the caller's unit",
        &[("central/identity.yaml", "business_unit_claim: bu", "business_unit_claim: department")],
    ),
    ("subject of `treasury_agent`", &[("registry/agents.yaml", "ns/finance/sa/treasury", "ns/finance/sa/anyone")]),
    (
        "URL of server `payment_server`",
        &[(
            "registry/finance.yaml",
            "https://payment.finance.meridian.example:9443/mcp",
            "https://payment.other.example/mcp",
        )],
    ),
    (
        "gateway of unit `retail`",
        &[(
            "registry/central.yaml",
            "https://gateway.retail.meridian.example:8444",
            "https://gateway.other.example:8444",
        )],
    ),
    (
        "URL of the central gateway",
        &[("registry/central.yaml", "https://mcp.meridian.example:8443", "https://mcp.other.example:8443")],
    ),
    (
        "`mtls` on target `agentgateway`",
        &[(
            "mcpctl.yaml",
            "targets:\n",
            "targets:\n  agentgateway: {assume: [mtls], assume_reason: \"the mesh\", listen: 0.0.0.0:9443}\n",
        )],
    ),
    ("target `cedar`", &[("mcpctl.yaml", "  cedar: {}\n", "")]),
    ("path `flows/drafts`", &[("mcpctl.yaml", "targets:\n", "exclude: [flows/drafts]\ntargets:\n")]),
    (
        "level of the check `never-allowed`",
        &[("mcpctl.yaml", "targets:\n", "checks: {never-allowed: note}\ntargets:\n")],
    ),
    (
        "hand-written Cedar on target `envoy`",
        &[("mcpctl.yaml", "targets:\n", "accept_handwritten: [envoy]\ntargets:\n")],
    ),
    ("permits in hand-written Cedar", &[("mcpctl.yaml", "targets:\n", "allow_handwritten_permits: true\ntargets:\n")]),
    (
        "what unit folders may restate",
        &[("central/federation.yaml", "local_policy_override: security_only", "local_policy_override: full")],
    ),
    (
        "`ca` of gateway `central`",
        &[(
            "mcpctl.yaml",
            "key: /etc/mcpctl/tls/central.key, ca: /etc/mcpctl/tls/ca.crt",
            "key: /etc/mcpctl/tls/central.key, ca: /etc/mcpctl/tls/all.crt",
        )],
    ),
    ("location of class `restricted`", &[("central/access.yaml", "      location: secure_enclave\n", "")]),
    ("location of server `notice_server`", &[("registry/central.yaml", "location: cloud", "location: on_premises")]),
    ("attestation", &[("central/federation.yaml", "attestation: continuous", "attestation: at_startup")]),
];

#[test]
fn every_change_of_trust_fails_the_gate() {
    assert!(TRUST.len() >= 25);
    let mut faults = Vec::new();
    for (what, edits) in TRUST {
        let ran = Change::of(edits).diff(&["--format", "short", "--deny", "widening"]);
        let named = ran.out.lines().any(|line| line.starts_with("trust widening: ") && line.contains(what));
        if ran.code != 1 || !named {
            faults.push(format!("{what}: exit {}\n{}{}", ran.code, ran.out, ran.err));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_guards_no_access_is_shown_and_opens_nothing() {
    let off = ("mcpctl.yaml", "targets:\n", "checks: {restricted-data-flow: off}\ntargets:\n");
    let waiver =
        "waivers:\n  - {name: later, check: dead-retention, file: x.yaml, reason: r, owner: o, expires: 2027-06-30}\n";
    let change = Change::of(&[off]);
    put(&change.head, "later.yaml", waiver);
    let ran = change.diff(&["--format", "short", "--deny", "widening"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in [
        "level of the check `restricted-data-flow`: warning -> off",
        "waiver `later` of dead-retention in x.yaml: new, until 2027-06-30",
    ] {
        assert!(ran.out.contains(&format!("trust: {said}")), "{said}\n{}", ran.out);
    }
    put(&change.head, "later.yaml", &waiver.replace("dead-retention", "never-allowed"));
    let ran = change.diff(&["--format", "short", "--deny", "widening"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("trust widening: waiver `later`"), "{}", ran.out);
    // Held against one of the base: a later day is a widening, an earlier one is not, nor is that it is gone.
    let of = |day: &str| waiver.replace("dead-retention", "never-allowed").replace("2027-06-30", day);
    put(&change.base, "later.yaml", &of("2027-06-30"));
    for (day, code) in [("2027-07-01", 1), ("2027-06-29", 0)] {
        put(&change.head, "later.yaml", &of(day));
        let ran = change.diff(&["--format", "short", "--deny", "widening"]);
        let said = format!("waiver `later` of never-allowed in x.yaml: until 2027-06-30 -> until {day}");
        assert!(ran.code == code && ran.out.contains(&said), "{ran:?}");
    }
    put(&change.head, "later.yaml", &of("2027-06-30").replace("file: x.yaml", "file: y.yaml"));
    assert_eq!(change.diff(&["--deny", "widening"]).code, 1, "another file");
    fs::remove_file(change.head.join("later.yaml")).unwrap();
    assert_eq!(change.diff(&["--deny", "widening"]).code, 0);
}

#[test]
fn what_an_environment_trusts_is_compared() {
    let file = "env/staging/addresses.yaml";
    let issuer = "- issuer: https://login.staging.meridian.example\n";
    let change = Change::of(&[(file, issuer, "- issuer: https://login.elsewhere.example\n")]);
    let ran = change.diff(&["--format", "short", "--deny", "widening"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let said = "trust widening: issuer `https://login.elsewhere.example` in environment `staging`";
    assert!(ran.out.contains(said), "{}", ran.out);
    // Of the chosen environment alone, everything has its place.
    let chosen = change.diff(&["--env", "staging", "--format", "short"]);
    assert!(
        chosen.out.contains("https://login.elsewhere.example") && chosen.out.contains("env/staging"),
        "{}",
        chosen.out
    );
}
