//! Headers that repeat arguments: what the routes say of them, and that every change of it is noticed.

use super::*;
use crate::build::{shadow, verify_beside};
use crate::bundle::Artifact;
use crate::bundle::existing::Existing;

const TABLE: &str = "/metadata/filter_metadata/mcpctl.message";
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const ROUTES: &str = "/route_config/virtual_hosts/0/routes";

fn parsed(bytes: &[u8]) -> Value {
    serde_yaml::from_slice(bytes).unwrap()
}

/// The tables of all routes of a gateway that have one, by the route.
fn tables(files: &BTreeMap<String, Vec<u8>>, gateway: &str) -> BTreeMap<String, Value> {
    let whole = parsed(&files[&format!("envoy/{gateway}/envoy.static.yaml")]);
    let routes = whole.pointer(&format!("{MANAGER}{ROUTES}")).unwrap().as_array().unwrap();
    let of = |route: &Value| Some((route["name"].as_str()?.to_owned(), route.pointer(TABLE)?.clone()));
    routes.iter().filter_map(of).collect()
}

fn bytes(files: BTreeMap<String, Artifact>) -> BTreeMap<String, Vec<u8>> {
    files.into_iter().map(|(path, artifact)| (path, artifact.bytes)).collect()
}

fn marked() -> Value {
    json!({"get": {}, "pay": {"mcp-param-account": ["to", "account"], "mcp-param-amount": ["amount"]}})
}

#[test]
fn the_messages_of_a_server_are_told_what_the_schemas_of_its_tools_mark() {
    let files = bytes(built(&TARGET, WORLD).unwrap().bundle.artifacts);
    for gateway in ["central", "retail"] {
        // `put` has no schema, and `faq` has none at all.
        assert_eq!(tables(&files, gateway), [("crm/messages".to_owned(), marked())].into(), "{gateway}");
    }
}

/// Everything that the routes say of headers, changed in every way: an entry left out, another name, another path.
#[test]
fn every_change_of_what_is_compared_is_caught() {
    let (checked, policy, folders) = compiled();
    let mut count = 0;
    for name in ["central", "retail"] {
        let whole = &folders[name]["envoy.static.yaml"];
        let bootstrap = &folders[name]["bootstrap.yaml"];
        let judged = |whole: &Value| {
            let changed = Folders::from([(name.to_owned(), folder_of(whole, bootstrap))]);
            judge_one(&changed, name, checked.model(), &policy).err().map(|error| error.to_string())
        };
        assert_eq!(judged(whole), None);
        let routes = whole.pointer(&format!("{MANAGER}{ROUTES}")).unwrap().as_array().unwrap();
        let at = routes.iter().position(|route| route["name"] == "crm/messages").unwrap();
        let place = format!("{MANAGER}{ROUTES}/{at}/metadata/filter_metadata");
        let known = whole.pointer(&place).unwrap();
        let mut others: Vec<Value> = changes(&known["mcpctl.message"])
            .into_iter()
            .map(|change| {
                let mut known = known.clone();
                known["mcpctl.message"] = change.of(&known["mcpctl.message"]);
                known
            })
            .collect();
        let mut more = known.clone();
        more["mcpctl.message"]["put"] = json!({});
        others.push(more);
        let mut none = known.clone();
        none.as_object_mut().unwrap().shift_remove("mcpctl.message");
        others.push(none);
        for other in others {
            let mut changed = whole.clone();
            *changed.pointer_mut(&place).unwrap() = other.clone();
            let error = judged(&changed).unwrap_or_else(|| panic!("{name}: {other}"));
            assert!(error.contains("the headers that repeat arguments are"), "{error}");
            count += 1;
        }
        // Without the rule, a request whose headers differ would be let through.
        let filters = format!("{MANAGER}/http_filters/3/typed_config/matcher/matcher_list/matchers");
        let mut changed = whole.clone();
        let rules = changed.pointer_mut(&filters).unwrap().as_array_mut().unwrap();
        let before = rules.len();
        rules.retain(|rule| !rule.to_string().contains("\"mismatch\""));
        assert_eq!(rules.len() + 1, before);
        let error = judged(&changed).unwrap();
        assert!(error.contains("Mismatched") && error.contains("let through"), "{error}");
        let mut changed = whole.clone();
        let program = format!("{MANAGER}/http_filters/2/typed_config/default_source_code/inline_string");
        let text = changed.pointer(&program).unwrap().as_str().unwrap().replace("count == 1 and", "");
        *changed.pointer_mut(&program).unwrap() = json!(text);
        assert!(judged(&changed).unwrap().contains("is not the one that was tested"));
    }
    assert_eq!(count, 26);
}

/// What decides compares what it compared before, whatever the new schemas mark.
#[test]
fn a_bundle_in_force_goes_on_comparing_what_it_compared() {
    let new = WORLD
        .replace("x-mcp-header: Amount", "x-mcp-header: Sum")
        .replace("input_schema: {type: object}", "annotations: {}");
    let old = built(&TARGET, WORLD).unwrap();
    let existing =
        Existing { manifest: old.bundle.manifest, digest: "sha256:1".to_owned(), files: bytes(old.bundle.artifacts) };
    let (checked, sources) = checked(&new);
    let files = shadow(&checked, &sources, &existing, "sha256:2").unwrap().bundle.artifacts;
    let policy = crate::targets::seen(&TARGET, checked.model(), checked.policy()).1;
    for gateway in ["central", "retail"] {
        assert_eq!(tables(&bytes(files.clone()), gateway), [("crm/messages".to_owned(), marked())].into());
        assert_ne!(
            tables(&bytes(built(&TARGET, &new).unwrap().bundle.artifacts), gateway),
            [("crm/messages".to_owned(), marked())].into()
        );
    }
    verify_beside(&files, &existing, checked.model(), &policy).unwrap();
    // The new table in force, in all files alike.
    let new_table = "\"mcp-param-sum\"";
    let swapped: BTreeMap<String, Artifact> = files
        .iter()
        .map(|(path, artifact)| {
            let text = String::from_utf8(artifact.bytes.clone()).unwrap().replace("\"mcp-param-amount\"", new_table);
            (path.clone(), Artifact { bytes: text.into_bytes(), from: Vec::new() })
        })
        .collect();
    let error = verify_beside(&swapped, &existing, checked.model(), &policy).unwrap_err();
    let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(said.contains("`crm/messages` decides differently"), "{error}: {said}");
}

/// Envoy itself refuses such a header, so no client of the current revision could call the tool.
#[test]
fn a_name_that_no_header_may_have_is_refused_with_its_place() {
    let text = WORLD.replace("x-mcp-header: Amount", "x-mcp-header: Paid_Amount");
    let (findings, other) = crate::build::findings(built(&TARGET, &text).unwrap_err());
    assert!(other.is_empty());
    let [found] = findings.as_slice() else { panic!("{findings:?}") };
    assert!(found.message.contains("`Mcp-Param-paid_amount`"), "{found:?}");
    let old = text.replacen("targets:\n", "protocol: [2025-11-25]\ntargets:\n", 1);
    assert!(built(&TARGET, &old).is_ok());
}
