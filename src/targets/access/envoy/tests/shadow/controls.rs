//! Controls that gateways run, beside two policies: what the old rules let through passes what it passed.

use super::*;

/// The world in which a class demands a control that its servers lack, and a processor runs it.
fn world(more: &str, secret: &str, changes: &[(&str, &str)]) -> String {
    let public = if secret.contains(more) { "faq".to_owned() } else { format!("faq, {more}") };
    let servers = format!(
        "{{level: public, encryption: in_transit, mcp_servers: [{public}]}}, {{level: secret, encryption: in_transit, \
         mcp_servers: [{secret}], additional_controls: [dlp], min_auth_level: 1}}"
    );
    let text = super::world(
        more,
        &[
            (
                "    listen: 127.0.0.1:8443\n",
                "    listen: 127.0.0.1:8443\n    controls: {dlp: 'https://dlp.example:9002'}\n",
            ),
            ("{level: public, encryption: in_transit, mcp_servers: [crm, faq]}", &servers),
        ],
    );
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn bundle(text: &str) -> Existing {
    let built = built(&TARGET, text).unwrap();
    let files = built.bundle.artifacts.into_iter().map(|(path, artifact)| (path, artifact.bytes)).collect();
    Existing { manifest: built.bundle.manifest, digest: "sha256:1".to_owned(), files }
}

const CENTRAL: &str = "envoy/central/envoy.static.yaml";

#[test]
fn what_old_rules_let_through_passes_the_controls_that_it_passed() {
    let existing = bundle(&world("gone", "crm, gone", &[]));
    let (checked, sources) = checked(&world("here", "crm", &[]));
    let built = shadow(&checked, &sources, &existing, "sha256:2").unwrap();
    let files = built.bundle.artifacts;
    let policy = crate::targets::seen(&TARGET, checked.model(), checked.policy()).1;
    for gateway in ["central", "retail"] {
        let path = format!("envoy/{gateway}/envoy.static.yaml");
        let whole = parsed(&files[&path].bytes);
        let clusters = whole["static_resources"]["clusters"].as_array().unwrap();
        let named = clusters.iter().filter(|cluster| cluster["name"] == "mcpctl.control.dlp").count();
        assert_eq!(named, 1, "the processor of {gateway}");
        for (old, new) in [
            (r#""http_filters":[{"name":"mcpctl.control.dlp""#, r#""nothing":[{"name":"mcpctl.control.dlp""#),
            ("dlp.example", "elsewhere.example"),
        ] {
            let text = whole.to_string();
            assert!(text.contains(old), "{gateway}: {old}");
            let spoiled = serde_json::from_str(&text.replace(old, new)).unwrap();
            let spoiled = with(&files, gateway, &spoiled);
            let said = format!("{:?}", verify_beside(&spoiled, &existing, checked.model(), &policy).unwrap_err());
            assert!(said.contains("pass other controls"), "{gateway}, {old}: {said}");
        }
    }
    let plain = crate::targets::access::envoy::tests::built(&TARGET, &world("here", "crm", &[])).unwrap();
    let plain = parsed(&plain.bundle.artifacts[CENTRAL].bytes).to_string();
    assert!(!plain.contains("mcpctl.control"), "the new workspace alone needs no processor there");
}

#[test]
fn other_controls_cannot_be_combined() {
    let each = ("{mutual_tls: strict}", "{mutual_tls: strict, policy_enforcement: per_request}");
    let existing = bundle(&world("gone", "crm, gone", &[each]));
    for (changes, why) in [
        ([each, ("dlp.example", "other.example")].as_slice(), "calls to a server would pass other controls"),
        (&[each, ("additional_controls: [dlp], ", "")], "calls to a server would pass other controls"),
        (&[], "connections would end at another age"),
        (
            &[each, ("    controls: {dlp", "    max_stream_age: 90s\n    controls: {dlp")],
            "connections would end at another age",
        ),
    ] {
        let (checked, sources) = checked(&world("here", "crm", changes));
        let errors = shadow(&checked, &sources, &existing, "sha256:2").unwrap_err();
        let said: Vec<String> =
            errors.iter().filter_map(|error| std::error::Error::source(error).map(ToString::to_string)).collect();
        assert!(said.iter().any(|said| said.contains(why)), "{why}: {said:?}");
    }
}
