//! What Istio would read otherwise than it is written is refused or denied.

use super::WORLD;
use crate::build::{BuildError, missing};
use crate::targets::access::istio::TARGET;
use crate::targets::tests::{built, checked};
use crate::targets::{CompileError, seen};

fn refused(from: &str, to: &str) -> Vec<String> {
    assert!(WORLD.contains(from), "{from}");
    let errors = built(&TARGET, &WORLD.replace(from, to)).expect_err("it must be refused");
    let of = |error: BuildError| match error {
        BuildError::Compile { cause: CompileError::Findings(found), .. } => found,
        other @ (BuildError::Compile { .. }
        | BuildError::Verify { .. }
        | BuildError::Differs { .. }
        | BuildError::UnknownTarget(_)) => panic!("{other}"),
    };
    errors.into_iter().flat_map(of).map(|found| format!("{}: {}", found.rule.name, found.message)).collect()
}

#[test]
fn patterns_are_no_texts() {
    for (from, to, said) in [
        ("subject: seller", "subject: 'sell*'", "the subject `sell*` is a pattern"),
        ("subject: seller", "subject: '*'", "the subject `*` is a pattern"),
        (":8080/mcp'\n      methods", ":8080/*'\n      methods", "the path of server `site` is not plain text"),
        ("business_unit_claim: bu", "business_unit_claim: scope", "cannot read a unit from the claim `scope`"),
        ("business_unit_claim: bu", "business_unit_claim: 'a][b'", "cannot read a unit from the claim"),
    ] {
        let found = refused(from, to);
        assert!(
            found.iter().any(|found| found.starts_with("target-limit: ") && found.contains(said)),
            "{said}: {found:?}"
        );
    }
}

#[test]
fn servers_of_one_host_need_the_same_limits() {
    let found = refused("http://crm.mcp.svc.cluster.local:8080/mcp", "http://site.mcp.svc.cluster.local:8080/crm");
    assert!(found[0].contains("share the host `site.mcp.svc.cluster.local`"), "{found:?}");
}

#[test]
fn evidence_that_it_cannot_see_is_denied() {
    for (from, to, why) in [
        ("mfa: {claim: amr, contains: mfa}", "mfa: {claim: permission, contains: mfa}", "at spaces"),
        ("mfa: {claim: amr, contains: mfa}", "mfa: {claim: amr, contains: 'mfa*'}", "for a pattern"),
        ("mfa: {claim: amr, contains: mfa}", "mfa: {claim: ['a[b'], contains: mfa}", "brackets"),
        ("mfa: {claim: amr, contains: mfa}", "mfa: {claim: roles, contains: mfa, separator: ','}", "no claims but"),
        ("mfa: {claim: amr, contains: mfa}", "mfa: {claim: amr, contains: true}", "texts alone"),
        ("mfa: {claim: amr, contains: mfa}", "mfa: {claim: sub, contains: mfa}", "who is calling"),
        ("mfa: {claim: amr, contains: mfa}", "mfa: {claim: bu, contains: mfa}", "who is calling"),
        ("mfa: {claim: amr, contains: mfa}", "mfa: {claim: amr, differs_from: acr}", "compare two claims"),
        ("mfa: {claim: amr, contains: mfa}", "mfa: {argument: amount, at_most: 10}", "bodies"),
    ] {
        assert!(WORLD.contains(from));
        let text = WORLD.replace(from, to);
        let built = built(&TARGET, &text).unwrap_or_else(|errors| panic!("{to}: {errors:#?}"));
        let stricter = &built.bundle.manifest.targets[0].stricter;
        assert!(stricter.iter().any(|one| one.what == "fact mfa" && one.why.contains(why)), "{to}: {stricter:#?}");
    }
}

#[test]
fn names_that_headers_carry_encoded_are_denied() {
    for name in ["\u{e9}", "a,b", "=?base64?Zm9v?=", "a b"] {
        let text = WORLD.replace("{name: greet}", &format!("{{name: {}}}", serde_json::to_string(name).unwrap()));
        let (checked, _) = checked(&text);
        let (_, policy, stricter) = seen(&TARGET, checked.model(), checked.policy());
        let kept = policy.all_cells().any(|(_, object, _)| policy.object_at(object).to_string().contains("prompt"));
        assert!(!kept && stricter.objects.keys().any(|why| why.contains("encoded")), "{name}");
    }
}

#[test]
fn a_pattern_that_it_cannot_match_narrows_those_beside_it() {
    let text = WORLD.replace("'site://members/*'", "'site://*/members'");
    let built = built(&TARGET, &text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let rules = String::from_utf8(built.bundle.artifacts["istio/central/servers/site.yaml"].bytes.clone()).unwrap();
    assert!(!rules.contains("site://"), "{rules}");
}

#[test]
fn what_is_missing_is_said() {
    let domain = "  trust_domain: example.org\n";
    assert!(WORLD.contains(domain));
    let flows = "  name: nightly\n";
    let text = WORLD.replace(domain, "").replace(flows, &format!("{flows}  subject: nightly\n"));
    let needs = missing(&checked(&text).0, &TARGET);
    assert!(needs.iter().any(|need| need.what == "a trust domain"), "{needs:?}");
}

#[test]
fn callers_whom_no_rule_can_tell_are_the_need() {
    let text = WORLD.replace("jwks: 'https://idp.example/keys'", "caller: azp, jwks: 'https://idp.example/keys'");
    let text = text
        .replace("audience: per_server, jwks_file: keys.json", "audiences: [mcp], caller: azp, jwks_file: keys.json");
    let text = text.replace(
        "user_delegation: {claim: [act, sub], differs_from: sub}",
        "user_delegation: {claim: amr, contains: pwd}",
    );
    let needs = missing(&checked(&text).0, &TARGET);
    let [need] = needs.as_slice() else { panic!("{needs:?}") };
    assert_eq!(need.what, "a call that it could allow, since it would deny every one");
    assert!(need.how.contains("`caller`"), "{}", need.how);
}

#[test]
fn short_names_and_hosts_outside_of_the_cluster_are_said_at_the_url() {
    let found = refused("http://crm.mcp.svc.cluster.local", "https://crm");
    assert_eq!(found, ["target-limit: the host `crm` of server `crm` leads to another service in each namespace"]);
    for (host, rule, entry) in [
        ("crm.mcp", "short-host", true),
        ("crm.example.org", "host-outside-cluster", true),
        ("10.0.0.7", "host-outside-cluster", false),
        ("crm.mcp.svc.other.example", "host-outside-cluster", true),
        ("crm.mcp.svc", "", false),
    ] {
        let text = WORLD.replace("http://crm.mcp.svc.cluster.local", &format!("https://{host}"));
        let built = built(&TARGET, &text).unwrap_or_else(|errors| panic!("{host}: {errors:#?}"));
        let rules = ["short-host", "host-outside-cluster"];
        let said: Vec<&str> =
            built.notes.iter().map(|note| note.rule.name).filter(|name| rules.contains(name)).collect();
        let expected: Vec<&str> = Some(rule).filter(|rule| !rule.is_empty()).into_iter().collect();
        assert_eq!(said, expected, "{host}");
        let file = |name: &str| {
            let artifact = built.bundle.artifacts.get(&format!("istio/central/{name}"));
            artifact.map(|artifact| String::from_utf8(artifact.bytes.clone()).unwrap()).unwrap_or_default()
        };
        assert_eq!(file("service-entries.yaml").contains(&format!("- {host}\n")), entry, "{host}");
        let whole = if host == "crm.mcp.svc" { "crm.mcp.svc.cluster.local" } else { host };
        // istiod refuses a rule for an address, so none is written.
        let has_rule = file("destination-rules.yaml").contains(&format!("host: {whole}\n"));
        assert_eq!(has_rule, host != "10.0.0.7", "{host}");
    }
}

#[test]
fn a_mesh_without_certificates_has_no_rules() {
    for word in ["permissive", "disabled"] {
        let world = WORLD.replace("http://", "https://").replace("mutual_tls: strict", &format!("mutual_tls: {word}"));
        let errors = built(&TARGET, &world);
        let errors = errors.map(|_| ()).expect_err("its rules rest on certificates");
        assert!(
            matches!(errors.as_slice(), [BuildError::Compile { cause: CompileError::Beyond { what, .. }, .. }] if what.contains(word)),
            "{errors:?}"
        );
    }
}
