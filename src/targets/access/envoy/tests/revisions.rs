//! Settings that accept few revisions of MCP, or pages of another origin; the scopes that clients are told of; and what Envoy refuses.

use super::*;

/// Whatever revisions and origins the settings accept, what is emitted is proved to accept just these: it is not what accepts all.
#[test]
fn few_revisions_and_more_origins_are_proved_as_they_are_set() {
    let (all, policy, _) = compiled();
    let with = |settings: &str| WORLD.replacen("targets:\n  envoy:\n", settings, 1);
    for accepted in ["[2026-07-28]", "[2025-11-25]", "[2025-03-26, 2026-07-28]", "[2024-11-05]"] {
        let text = with(&format!("protocol: {accepted}\ntargets:\n  envoy:\n"));
        let few = built(&TARGET, &text).unwrap().bundle.artifacts;
        assert!(verify(TargetId::Envoy, &few, all.model(), &policy).is_err(), "{accepted}");
    }
    let text = with("targets:\n  envoy:\n    origins: ['https://console.example']\n");
    let open = built(&TARGET, &text).unwrap().bundle.artifacts;
    assert!(verify(TargetId::Envoy, &open, all.model(), &policy).is_err());
}

/// Clients ask for every scope that the metadata names, so it names those that anything on the server needs, and no other.
#[test]
fn the_metadata_of_a_server_names_the_least_scopes() {
    let announced = |text: &str| {
        let artifacts = built(&TARGET, text).unwrap().bundle.artifacts;
        let file: Value = serde_yaml::from_slice(&artifacts["envoy/central/xds/rds.yaml"].bytes).unwrap();
        let routes = file["resources"][0]["virtual_hosts"][0]["routes"].as_array().unwrap().clone();
        let route = routes.into_iter().find(|route| route["name"] == "faq/metadata").unwrap();
        let body: Value =
            serde_json::from_str(route["direct_response"]["body"]["inline_string"].as_str().unwrap()).unwrap();
        body.get("scopes_supported").cloned()
    };
    let scoped = WORLD.replacen(
        "    small: {argument",
        "    mfa: {claim: amr, contains: mfa, scope: mcp.mfa}\n    signed_in: {claim: auth_time, present: true, scope: mcp.login}\n    small: {argument",
        1,
    );
    // One tool asks for a second factor, so no client needs it from the beginning.
    assert_eq!(announced(&scoped), None);
    let all = scoped.replacen("- {name: faq,", "- {name: faq, requires: [signed_in],", 1);
    assert_eq!(announced(&all), Some(json!(["mcp.login"])));
}

/// Before anything is asked of the caller, what the entry of the server denies is answered as what does not exist.
#[test]
fn what_the_entry_of_a_server_denies_is_denied_by_its_name_in_the_messages_of_that_server() {
    let artifacts = built(&TARGET, WORLD).unwrap().bundle.artifacts;
    let (mut first, mut others) = (Vec::new(), 0);
    for gateway in ["central", "retail"] {
        let file: Value = serde_yaml::from_slice(&artifacts[&format!("envoy/{gateway}/xds/rds.yaml")].bytes).unwrap();
        for route in file["resources"][0]["virtual_hosts"][0]["routes"].as_array().unwrap() {
            let rules = &route["typed_per_filter_config"]["envoy.filters.http.rbac"]["rbac"]["matcher"];
            let denies = &rules["matcher_list"]["matchers"][0];
            match denies["on_match"]["action"]["name"].as_str() {
                Some(name) => {
                    let methods = denies["predicate"].to_string();
                    first.push((route["name"].clone(), name.to_owned()));
                    assert!(methods.contains("\"ping\"") && methods.contains("\"resources/subscribe\""), "{methods}");
                    assert_eq!(denies["on_match"]["action"]["typed_config"]["action"], "DENY");
                    let rest = rules["matcher_list"]["matchers"].as_array().unwrap()[1..].iter();
                    assert!(rest.clone().all(|rule| !rule.to_string().contains("\"resources/subscribe\"")));
                }
                None => others += usize::from(rules.is_object()),
            }
        }
    }
    let denial = (json!("crm/messages"), "crm/deny:method".to_owned());
    // The streams of both, and the other server.
    assert_eq!((first, others), (vec![denial.clone(), denial], 4));
}

#[test]
fn what_envoy_does_not_hold_is_refused_with_its_place() {
    for (from, to, what) in [
        ("{argument: amount, at_most: 100}", "{argument: [a.b], at_most: 100}", "holds a dot"),
        ("faq", "'..'", "not part of a path"),
    ] {
        let text = if from == "faq" { WORLD.replace("faq/ask", "../ask") } else { WORLD.to_owned() };
        let text = text.replace(from, to);
        let errors = built(&TARGET, &text).unwrap_err();
        let (findings, other) = crate::build::findings(errors);
        assert!(other.is_empty() && findings.iter().any(|found| found.message.contains(what)), "{what}: {findings:?}");
    }
}

/// Envoy itself refuses a file with such a URL of keys.
#[test]
fn keys_at_a_host_with_an_underscore_are_refused() {
    let at =
        |host: &str| WORLD.replace("jwks: 'https://flows.example/jwks'", &format!("jwks: 'https://{host}/jwks_a'"));
    assert!(built(&TARGET, &at("flows-1.example")).is_ok());
    for host in ["flows_1.example", "_._"] {
        let errors = built(&TARGET, &at(host)).unwrap_err();
        assert!(format!("{errors:?}").contains("whose host has an underscore"), "{errors:?}");
    }
}
