//! Two policies in one configuration: what decides, what is counted, and that no change of either is overlooked.

mod controls;

use super::*;
use crate::build::{shadow, verify_beside};
use crate::bundle::Artifact;
use crate::bundle::existing::Existing;

/// The world with one more server, and whatever else is replaced.
fn world(more: &str, changes: &[(&str, &str)]) -> String {
    let server = format!(
        "    - {{name: {more}, business_unit: plain, url: 'https://{more}.example/mcp', tools: [{{name: ask, auth_level: 1}}]}}\n  agents:\n"
    );
    let text = WORLD
        .replace("  agents:\n", &server)
        .replace("may_call: [crm/get, ", &format!("may_call: [{more}/ask, crm/get, "));
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn old() -> Existing {
    let built = built(&TARGET, &world("gone", &[])).unwrap();
    let files = built.bundle.artifacts.into_iter().map(|(path, artifact)| (path, artifact.bytes)).collect();
    Existing { manifest: built.bundle.manifest, digest: "sha256:1".to_owned(), files }
}

/// The seller may pay less than before and get nothing at all.
fn new() -> String {
    world("here", &[("argument: amount", "argument: sum"), ("may_call: [crm/*]", "may_call: [crm/pay]")])
}

fn compiled_beside() -> (CheckedModel, Policy, Existing, BTreeMap<String, Artifact>) {
    let (checked, sources) = checked(&new());
    let existing = old();
    let built = shadow(&checked, &sources, &existing, "sha256:2").unwrap();
    let policy = crate::targets::seen(&TARGET, checked.model(), checked.policy()).1;
    let said = &built.bundle.manifest.settings.other;
    assert_eq!((said.shadow.as_deref(), said.enforced_sources.as_deref()), (Some("envoy"), Some("sha256:0")));
    assert_eq!(said.enforced_bundle.as_deref(), Some("sha256:1"));
    (checked, policy, existing, built.bundle.artifacts)
}

fn parsed(bytes: &[u8]) -> Value {
    serde_yaml::from_slice(bytes).unwrap()
}

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const RULES: &str = "/typed_per_filter_config/envoy.filters.http.rbac/rbac";

fn routes(whole: &Value) -> BTreeMap<String, Value> {
    let routes = whole.pointer(&format!("{MANAGER}/route_config/virtual_hosts/0/routes")).unwrap().as_array().unwrap();
    routes.iter().map(|route| (route["name"].as_str().unwrap().to_owned(), route.clone())).collect()
}

#[test]
fn the_old_rules_decide_and_the_new_ones_are_counted() {
    let (_, _, existing, files) = compiled_beside();
    let plain = built(&TARGET, &new()).unwrap().bundle.artifacts;
    for gateway in ["central", "retail"] {
        let path = format!("envoy/{gateway}/envoy.static.yaml");
        let (both, before, after) = (
            routes(&parsed(&files[&path].bytes)),
            routes(&parsed(&existing.files[&path])),
            routes(&parsed(&plain[&path].bytes)),
        );
        for (name, route) in both.iter().filter(|(_, route)| route.get("route").is_some()) {
            let rules = route.pointer(RULES).unwrap();
            let of = |routes: &BTreeMap<String, Value>| {
                routes.get(name).map(|route| route.pointer(RULES).unwrap()["matcher"].clone())
            };
            let denied = |rules: &Value| {
                rules["on_no_match"]["action"]["typed_config"]["action"] == "DENY"
                    && rules.get("matcher_list").is_none()
            };
            match (of(&before), of(&after)) {
                (Some(before), Some(after)) => {
                    assert_eq!([&rules["matcher"], &rules["shadow_matcher"]], [&before, &after])
                }
                (Some(before), None) => {
                    assert!(
                        name.starts_with("gone/") && rules["matcher"] == before && denied(&rules["shadow_matcher"]),
                        "{name}"
                    );
                }
                (None, Some(after)) => {
                    assert!(
                        name.starts_with("here/") && denied(&rules["matcher"]) && rules["shadow_matcher"] == after,
                        "{name}"
                    );
                }
                (None, None) => panic!("{name}"),
            }
        }
        assert!(before.keys().all(|name| both.contains_key(name)));
        let clusters = parsed(&files[&path].bytes)["static_resources"]["clusters"].to_string();
        assert_eq!(clusters.contains("gone/messages"), gateway == "central");
        let extracted = parsed(&files[&path].bytes)
            .pointer(&format!("{MANAGER}/http_filters/1/typed_config/parser_config"))
            .unwrap()
            .to_string();
        assert!(
            extracted.contains("params.arguments.amount") && extracted.contains("params.arguments.sum"),
            "{extracted}"
        );
    }
}

#[test]
fn what_enforces_goes_on_through_a_second_shadow() {
    let (checked, _, existing, files) = compiled_beside();
    let files = files.into_iter().map(|(path, artifact)| (path, artifact.bytes)).collect();
    let second = Existing { files, ..existing.clone() };
    let (_, sources) = super::checked(&new());
    let built = shadow(&checked, &sources, &second, "sha256:3").unwrap();
    let whole = |bytes: &[u8]| routes(&parsed(bytes))["crm/messages"].pointer(RULES).unwrap()["matcher"].clone();
    let path = "envoy/central/envoy.static.yaml";
    assert_eq!(whole(&built.bundle.artifacts[path].bytes), whole(&existing.files[path]));
}

/// The files of one gateway for another static file, so that the folder does not contradict itself.
fn with(files: &BTreeMap<String, Artifact>, gateway: &str, whole: &Value) -> BTreeMap<String, Artifact> {
    let bootstrap = parsed(&files[&format!("envoy/{gateway}/bootstrap.yaml")].bytes);
    let mut changed = files.clone();
    for (name, value) in folder_of(whole, &bootstrap) {
        let bytes = serde_yaml::to_string(&value).unwrap().into_bytes();
        changed.insert(format!("envoy/{gateway}/{name}"), Artifact { bytes, from: Vec::new() });
    }
    changed
}

/// Every place at which the value is that text, as a pointer.
fn places(value: &Value, wanted: &str, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| {
            places(inner, wanted, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, inner)| places(inner, wanted, &format!("{at}/{index}"), found));
        }
        Value::String(text) if text == wanted => found.push(at.to_owned()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn every_action_that_becomes_another_is_caught_in_both_policies() {
    let (checked, policy, existing, files) = compiled_beside();
    let verdict =
        |files: &BTreeMap<String, Artifact>| verify_beside(files, &existing, checked.model(), &policy).is_err();
    let mut seen = [0, 0];
    for gateway in ["central", "retail"] {
        let whole = parsed(&files[&format!("envoy/{gateway}/envoy.static.yaml")].bytes);
        assert!(!verdict(&with(&files, gateway, &whole)));
        for (word, other) in [("ALLOW", "DENY"), ("DENY", "ALLOW")] {
            let mut found = Vec::new();
            places(&whole, word, "", &mut found);
            let missed: Vec<&String> = found
                .par_iter()
                .filter(|place| {
                    let mut changed = whole.clone();
                    *changed.pointer_mut(place).unwrap() = json!(other);
                    !verdict(&with(&files, gateway, &changed))
                })
                .collect();
            assert!(missed.is_empty(), "{gateway}: {word} -> {other}: {missed:#?}");
            for place in found {
                seen[usize::from(place.contains("shadow_matcher"))] += 1;
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
}

#[test]
fn whatever_else_would_change_a_decision_is_caught() {
    let (checked, policy, existing, files) = compiled_beside();
    let path = "envoy/central/envoy.static.yaml";
    let whole = parsed(&files[path].bytes);
    let list = |at: &str| whole.pointer(&format!("{MANAGER}{at}")).unwrap().as_array().unwrap().clone();
    let names = "/route_config/virtual_hosts/0/routes";
    let index = |name: &str| list(names).iter().position(|route| route["name"] == name).unwrap();
    let error = |change: &dyn Fn(&mut Value)| {
        let mut changed = whole.clone();
        change(changed.pointer_mut(MANAGER).unwrap());
        assert_ne!(changed, whole);
        let error = verify_beside(&with(&files, "central", &changed), &existing, checked.model(), &policy).unwrap_err();
        match error {
            BuildError::Verify { cause, .. } => cause.to_string(),
            error @ (BuildError::Differs { .. } | BuildError::Compile { .. } | BuildError::UnknownTarget(_)) => {
                error.to_string()
            }
        }
    };
    let drop = |name: &'static str| {
        move |manager: &mut Value| {
            manager.pointer_mut(names).unwrap().as_array_mut().unwrap().retain(|route| route["name"] != name);
        }
    };
    assert!(error(&drop("gone/messages")).contains("is gone"));
    assert!(error(&drop("gone/metadata")).contains("is gone"));
    assert!(error(&drop("here/messages")).contains("no route for the messages of `here`"));
    for name in ["crm/messages", "here/stream", "gone/stream"] {
        let rules = format!("{names}/{}{RULES}", index(name));
        let said = error(&|manager| drop_key(manager.pointer_mut(&rules).unwrap(), "shadow_matcher"));
        assert!(said.contains("nothing is counted"), "{name}: {said}");
        let swapped = error(&|manager| {
            let rules = manager.pointer_mut(&rules).unwrap();
            let (a, b) = (rules["matcher"].clone(), rules["shadow_matcher"].clone());
            (rules["matcher"], rules["shadow_matcher"]) = (b, a);
        });
        assert!(!swapped.is_empty(), "{name}");
    }
    let filters = "/http_filters";
    let said = error(&|manager| {
        drop_key(manager.pointer_mut(&format!("{filters}/4/typed_config")).unwrap(), "shadow_matcher")
    });
    assert!(said.contains("nothing is counted"), "{said}");
    let extracted = format!("{filters}/1/typed_config/parser_config/methods/0/extraction_rules");
    for argument in ["amount", "sum"] {
        let said = error(&|manager| {
            let rules = manager.pointer_mut(&extracted).unwrap().as_array_mut().unwrap();
            rules.retain(|rule| rule["path"] != format!("params.arguments.{argument}"));
        });
        assert!(
            said.contains(if argument == "amount" { "no longer read from messages" } else { "parser_config" }),
            "{said}"
        );
    }
    let tokens = error(&|manager| {
        manager.pointer_mut(&format!("{filters}/0/typed_config/providers/issuer_0")).unwrap()["issuer"] =
            json!("https://x")
    });
    assert!(tokens.contains("reach the rules differently"), "{tokens}");
    let doubled = error(&|manager| {
        let routes = manager.pointer_mut(names).unwrap().as_array_mut().unwrap();
        let mut copy = routes[index("crm/messages")].clone();
        copy["name"] = json!("another");
        routes.insert(1, copy);
    });
    assert!(doubled.contains("two routes for the same requests"), "{doubled}");
    // A watched file that says something else than the whole one.
    let rds = "envoy/central/xds/rds.yaml";
    let mut changed = files.clone();
    let text = String::from_utf8(files[rds].bytes.clone()).unwrap().replacen("DENY", "ALLOW", 1);
    changed.get_mut(rds).unwrap().bytes = text.into_bytes();
    assert!(verify_beside(&changed, &existing, checked.model(), &policy).is_err());
    // Another bundle than the one that was combined.
    let mut other = existing.clone();
    other.files.clone_from(
        &built(&TARGET, &world("gone", &[("[crm/*]", "[crm/get]")]))
            .unwrap()
            .bundle
            .artifacts
            .into_iter()
            .map(|(path, artifact)| (path, artifact.bytes))
            .collect(),
    );
    assert!(verify_beside(&files, &other, checked.model(), &policy).is_err());
}

fn drop_key(value: &mut Value, key: &str) {
    assert!(value.as_object_mut().unwrap().shift_remove(key).is_some());
}

#[test]
fn what_cannot_be_combined_says_why() {
    let existing = old();
    for (from, to, why) in [
        ("'https://idp.example'", "'https://other.example'", "tokens are verified otherwise"),
        ("mutual_tls: strict", "mutual_tls: permissive", "peers must show other certificates"),
        (
            ", gateway: 'https://gw.retail.example/base'",
            "",
            "the bundle in force has `central`, `retail` for Envoy, and this workspace has `central`",
        ),
    ] {
        let (checked, sources) = checked(&world("here", &[(from, to)]));
        let errors = shadow(&checked, &sources, &existing, "sha256:2").unwrap_err();
        let said: Vec<String> =
            errors.iter().filter_map(|error| std::error::Error::source(error).map(ToString::to_string)).collect();
        assert!(said.iter().any(|said| said.contains(why)), "{why}: {said:?}");
    }
    let (checked, sources) = checked(&new());
    let none = Existing { files: BTreeMap::new(), ..existing };
    let errors = shadow(&checked, &sources, &none, "sha256:2").unwrap_err();
    assert!(std::error::Error::source(&errors[0]).unwrap().to_string().contains("has no gateway for Envoy"));
}
