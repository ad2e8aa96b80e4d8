//! What a gateway does for a call beside deciding it: when its answer ends, which controls it runs, what it says of what is suspended.

use super::*;

/// A class whose server lacks a control, and a processor that runs it.
fn hooked() -> String {
    WORLD
        .replace("    listen: 127.0.0.1:8443\n", "    listen: 127.0.0.1:8443\n    controls: {dlp: 'https://dlp.example:9002'}\n")
        .replace(
            "{level: public, encryption: in_transit, mcp_servers: [crm, faq]}",
            "{level: public, encryption: in_transit, mcp_servers: [faq]}, \
             {level: secret, encryption: in_transit, mcp_servers: [crm], additional_controls: [dlp], min_auth_level: 1}",
        )
}

/// The static files, by gateway, and whether a change of one of them is caught.
fn whole(text: &str) -> (BTreeMap<String, Value>, impl Fn(&str, &Value) -> bool + use<>) {
    let (checked, _) = checked(text);
    let (_, policy, _) = crate::targets::seen(&TARGET, checked.model(), checked.policy());
    let mut folders = Folders::new();
    for (path, artifact) in built(&TARGET, text).unwrap().bundle.artifacts {
        let (name, file) = path.strip_prefix("envoy/").unwrap().split_once('/').unwrap();
        let value = serde_yaml::from_slice(&artifact.bytes).unwrap();
        folders.entry(name.to_owned()).or_default().insert(file.to_owned(), value);
    }
    let files = folders.iter().map(|(name, files)| (name.clone(), files["envoy.static.yaml"].clone())).collect();
    let judged = move |name: &str, whole: &Value| {
        let mut changed = folders.clone();
        let bootstrap = changed[name]["bootstrap.yaml"].clone();
        changed.insert(name.to_owned(), folder_of(whole, &bootstrap));
        caught(&changed, checked.model(), &policy)
    };
    (files, judged)
}

fn changed(value: &Value, old: &str, new: &str) -> Value {
    let text = value.to_string();
    assert!(text.contains(old), "{old} is not there");
    serde_json::from_str(&text.replace(old, new)).unwrap()
}

#[test]
fn an_answer_ends_with_its_token_and_at_the_greatest_age() {
    let (files, judged) = whole(WORLD);
    let text = files["central"].to_string();
    assert!(text.contains(r#""max_stream_duration":{"grpc_timeout_header_max":"0s"}"#));
    assert!(!text.contains("max_connection_duration"));
    let each = WORLD.replace("{mutual_tls: strict}", "{mutual_tls: strict, policy_enforcement: per_request}");
    let set = each.replace("    listen: 127.0.0.1:8443\n", "    listen: 127.0.0.1:8443\n    max_stream_age: 90s\n");
    for (text, age) in [(&each, "900s"), (&set, "90s")] {
        let (files, judged) = whole(text);
        let text = files["retail"].to_string();
        assert!(text.contains(&format!(r#"{{"max_stream_duration":"{age}","grpc_timeout_header_max":"{age}"}}"#)));
        assert!(text.contains(&format!(r#""max_connection_duration":"{age}""#)));
        for key in ["max_stream_duration\":\"", "grpc_timeout_header_max\":\"", "max_connection_duration\":\""] {
            let longer = changed(&files["retail"], &format!("{key}{age}"), &format!("{key}9000s"));
            assert!(judged("retail", &longer), "{key}");
        }
    }
    assert!(judged("central", &changed(&files["central"], "\"grpc-timeout\"", "\"x-nothing\"")), "a server is told it");
    let none = each.replace("    listen: 127.0.0.1:8443\n", "    listen: 127.0.0.1:8443\n    max_stream_age: 500ms\n");
    let errors = built(&TARGET, &none).unwrap_err();
    assert!(format!("{errors:?}").contains("streams cannot end after 500ms"), "{errors:?}");
}

#[test]
fn a_control_that_a_server_lacks_is_run_in_front_of_it() {
    let (files, judged) = whole(&hooked());
    let text = |name: &str| files[name].to_string();
    assert!(!text("central").contains("ext_proc"), "the central gateway does not call the server itself");
    let listeners = files["retail"]["static_resources"]["listeners"].to_string();
    assert!(!listeners.contains("ext_proc"), "what is denied would be shown, and a denial would need the processor");
    for part in [
        r#""http_filters":[{"name":"mcpctl.control.dlp""#,
        r#""failure_mode_allow":false"#,
        r#""address":"dlp.example","port_value":9002"#,
    ] {
        assert!(text("retail").contains(part), "{part}");
    }
    for (old, new) in [
        (r#""failure_mode_allow":false"#, r#""failure_mode_allow":true"#),
        (r#""response_body_mode":"STREAMED""#, r#""response_body_mode":"NONE""#),
        ("dlp.example", "elsewhere.example"),
        (r#""disallow_all":true"#, r#""disallow_all":false"#),
        (r#""cluster_name":"mcpctl.control.dlp""#, r#""cluster_name":"crm""#),
        (r#""http_filters":[{"name":"mcpctl.control.dlp""#, r#""nothing":[{"name":"mcpctl.control.dlp""#),
    ] {
        assert!(judged("retail", &changed(&files["retail"], old, new)), "{old}");
    }
}

#[test]
fn without_a_processor_or_at_another_gateway_the_control_is_missing() {
    let lacking = hooked().replace("    controls: {dlp: 'https://dlp.example:9002'}\n", "");
    let found = crate::targets::tests::findings(&lacking);
    assert_eq!(found.iter().filter(|rule| *rule == "missing-additional-control").count(), 1, "{found:?}");
    let found = crate::targets::tests::findings(&hooked());
    assert!(!found.contains(&"missing-additional-control".to_owned()), "{found:?}");
    let (checked, _) = checked(&hooked());
    let needs = crate::build::missing(&checked, &crate::targets::access::agentgateway::TARGET);
    assert!(
        needs.iter().any(|need| need.what == "`dlp` of server `crm`, which gateways of the target `envoy` alone run"),
        "{needs:?}"
    );
}

#[test]
fn a_bundle_whose_gateways_run_no_control_says_so() {
    let (checked, sources) = checked(&hooked());
    let said = |targets: &[&'static Target]| {
        let (_, notes) = crate::build::build_what_fits(&checked, &sources, targets, targets, "").unwrap();
        notes.into_iter().filter(|note| note.rule.name == "control-not-run").count()
    };
    let cedar = &crate::targets::access::cedar::TARGET;
    assert_eq!((said(&[cedar]), said(&[cedar, &TARGET])), (1, 0));
}

#[test]
fn what_is_suspended_is_denied_as_such() {
    let denials = |text: &str| whole(text).0["central"].to_string();
    assert!(!denials(WORLD).contains("deny:suspended"));
    let tool = WORLD.replace("{name: put, auth_level: 2}", "{name: put, auth_level: 2, suspended: incident}");
    assert!(denials(&tool).contains("crm/deny:suspended") && denials(&tool).contains("crm/deny:not_granted"));
}

#[test]
fn a_processor_is_reached_by_host_and_port_over_tls() {
    for (url, fits) in [
        ("https://dlp.example:9002", true),
        ("https://dlp.example", true),
        ("http://dlp.example:9002", false),
        ("https://dlp.example:9002/check", false),
        ("https://dlp.example:9002?v=1", false),
    ] {
        let text = hooked().replace("https://dlp.example:9002", url);
        let found = crate::targets::tests::findings(&text);
        assert_eq!(!found.contains(&"invalid-value".to_owned()), fits, "{url}: {found:?}");
    }
}

#[test]
fn a_server_that_no_class_lists_needs_the_controls_of_the_most_sensitive_one() {
    let unlisted = hooked().replace("mcp_servers: [crm], additional_controls", "mcp_servers: [], additional_controls");
    let (files, _) = whole(&unlisted);
    assert!(files["retail"].to_string().contains("mcpctl.control.dlp"));
}
