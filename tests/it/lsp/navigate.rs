//! Where names are declared and used, and other names for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Editor, edited, text_at, validated};

const REGISTRY: &str = "\
mcp_registry:
  servers:
    - name: crm
      tools: [{name: get}, {name: put}]
    - name: shop
      tools: [{name: get}]
  agents:
    - name: desk
      subject: desk
      may_call: [crm/get, 'shop/*']
";

const FLOW: &str = "\
# é😀
workflow_definition:
  name: returns
  steps:
    - name: look
      mcp_server: crm
      tools: [get]
    - name: store
      mcp_server: crm
      tools: [put]
      depends_on: [look]
";

fn editor() -> Editor {
    let mut editor = Editor::with(&[("registry.yaml", REGISTRY), ("flow.yaml", FLOW), ("mcpctl.yaml", "")]);
    editor.open("flow.yaml");
    editor
}

/// Places as `file:line:text`.
fn shown(editor: &Editor, places: &Value) -> Vec<String> {
    let names = ["registry.yaml", "flow.yaml", "mcpctl.yaml"];
    let show = |place: &Value| {
        let name = names.iter().find(|name| place["uri"] == editor.uri(name)).unwrap();
        let text = editor.text(name);
        format!("{name}:{}:{}", place["range"]["start"]["line"], text_at(&text, &place["range"]))
    };
    places.as_array().unwrap().iter().map(show).collect()
}

#[test]
fn a_name_leads_to_where_it_is_declared() {
    let mut editor = editor();
    for (needle, further, expected) in [
        ("[get]", 1, "registry.yaml:3:get"),
        ("[get]", 4, "registry.yaml:3:get"),
        ("crm", 1, "registry.yaml:2:crm"),
        ("[look]", 2, "flow.yaml:4:look"),
    ] {
        let place = editor.place("flow.yaml", needle, further);
        let found = editor.ask_at("textDocument/definition", "flow.yaml", &place).unwrap();
        assert_eq!(shown(&editor, &found), [expected], "{needle}");
    }
    let place = editor.place("flow.yaml", "steps", 1);
    assert_eq!(editor.ask_at("textDocument/definition", "flow.yaml", &place).unwrap(), json!([]));
}

#[test]
fn every_use_of_a_name_is_found_and_no_other() {
    let mut editor = editor();
    editor.open("registry.yaml");
    let mut references = |name: &str, needle: &str, further: usize, all: bool| {
        let position = editor.place(name, needle, further);
        let document = json!({"uri": editor.uri(name)});
        let params = json!({"textDocument": document, "position": position, "context": {"includeDeclaration": all}});
        let found = editor.client.request("textDocument/references", params).unwrap();
        shown(&editor, &found)
    };
    // The tool `get` of `shop` is another one.
    assert_eq!(
        references("flow.yaml", "[get]", 1, true),
        ["flow.yaml:6:get", "registry.yaml:3:get", "registry.yaml:9:get"]
    );
    assert_eq!(references("flow.yaml", "[get]", 1, false), ["flow.yaml:6:get", "registry.yaml:9:get"]);
    let of_shop = "name: shop\n      tools: [{name: get";
    assert_eq!(references("registry.yaml", of_shop, of_shop.len(), true), ["registry.yaml:5:get"]);
    assert_eq!(references("registry.yaml", "shop/*", 1, true), ["registry.yaml:4:shop", "registry.yaml:9:shop"]);
}

fn rename(editor: &mut Editor, name: &str, needle: &str, further: usize, new: &str) -> Result<Value, Value> {
    let position = editor.place(name, needle, further);
    let params = json!({"textDocument": {"uri": editor.uri(name)}, "position": position, "newName": new});
    editor.client.request("textDocument/rename", params)
}

/// The files of a folder after an edit.
fn renamed(editor: &Editor, edit: &Value) -> BTreeMap<String, String> {
    let root = editor.folder.path();
    let changes = edit["changes"].as_object().unwrap();
    let change = |(uri, edits): (&String, &Value)| {
        let path = uri.strip_prefix("file://").unwrap();
        let name = path.strip_prefix(root.to_str().unwrap()).unwrap().trim_start_matches('/').to_owned();
        let text = edited(&std::fs::read_to_string(path).unwrap(), edits.as_array().unwrap());
        (name, text)
    };
    changes.iter().map(change).collect()
}

#[test]
fn a_rename_changes_every_file_and_no_finding() {
    let mut editor = Editor::copy_of("projects/enterprise", &json!({}));
    let name = "registry/retail.yaml";
    editor.open(name);
    let before = validated(editor.folder.path());
    for (file, needle, further, new) in [
        (name, "name: crm_server", 6, "customer_server"),
        (name, "- name: get_customer", 8, "read_customer"),
        ("flows/orders.yaml", "name: order_fulfilment", 6, "order_flow"),
        ("flows/orders.yaml", "- name: receive_parcel", 8, "take_parcel"),
        ("flows/events.yaml", "name: order_events", 6, "orders"),
        ("central/access.yaml", "level: restricted", 7, "secret"),
        ("central/identity.yaml", "workflow_ticket:", 1, "flow_ticket"),
    ] {
        editor.open(file);
        let old = editor.text(file)[editor.text(file).find(needle).unwrap() + further..]
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap()
            .to_owned();
        let edit = rename(&mut editor, file, needle, further, new).unwrap();
        let files = renamed(&editor, &edit);
        assert!(!files.is_empty(), "{new}");
        for (changed, text) in &files {
            assert!(text.contains(new), "{changed}");
            std::fs::write(editor.path(changed), text).unwrap();
        }
        // Only the name itself is another in the findings, too.
        let after: Vec<(String, String)> =
            validated(editor.folder.path()).into_iter().map(|(check, text)| (check, text.replace(new, &old))).collect();
        let sorted = |mut all: Vec<(String, String)>| {
            all.sort();
            all
        };
        let checks = |all: &[(String, String)]| all.iter().map(|(check, _)| check.clone()).collect::<Vec<_>>();
        assert_eq!(checks(&sorted(after.clone())), checks(&sorted(before.clone())), "{new}");
        // Back to what the fixture has, so that each rename is tried alone.
        for changed in files.keys() {
            let original = crate::checks::fixtures().join("projects/enterprise").join(changed);
            std::fs::copy(original, editor.path(changed)).unwrap();
        }
    }
}

#[test]
fn edits_have_the_versions_of_open_files_where_the_client_takes_them() {
    let offers = json!({"workspace": {"workspaceEdit": {"documentChanges": true}}});
    let mut editor = Editor::that_offers(&offers, &[("registry.yaml", REGISTRY), ("flow.yaml", FLOW)]);
    editor.open("flow.yaml");
    let edit = rename(&mut editor, "flow.yaml", "[get]", 1, "fetch").unwrap();
    let changes = edit["documentChanges"].as_array().unwrap();
    let versions: BTreeMap<&str, &Value> = changes
        .iter()
        .map(|change| (change["textDocument"]["uri"].as_str().unwrap(), &change["textDocument"]["version"]))
        .collect();
    assert_eq!(versions[editor.uri("flow.yaml").as_str()], 1);
    assert!(versions[editor.uri("registry.yaml").as_str()].is_null());
}

#[test]
fn a_rename_that_would_break_something_is_refused() {
    let mut editor = editor();
    editor.open("registry.yaml");
    for (file, needle, further, new, why) in [
        ("flow.yaml", "crm", 1, "shop", "there is a server called `shop` already"),
        ("flow.yaml", "[get]", 1, "put", "there is a tool called `put` already"),
        ("flow.yaml", "crm", 1, "a b", "is not a name for a server"),
        ("flow.yaml", "crm", 1, "no", "is not a name for a server"),
        ("flow.yaml", "crm", 1, "", "is not a name for a server"),
        ("flow.yaml", "steps", 1, "x", "no name here"),
    ] {
        let error = rename(&mut editor, file, needle, further, new).unwrap_err();
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
        assert_eq!(error["code"], -32803);
    }
    // With the old name in a hand-written policy, which is not YAML, the workspace would have another finding.
    let policy = "@id(\"x\")\nforbid(principal, action, resource == Mcp::Tool::\"crm/get\");\n";
    editor.open_as("own.cedar", policy);
    let error = rename(&mut editor, "flow.yaml", "[get]", 1, "fetch");
    assert!(error.is_err(), "{error:?}");
    editor.close("own.cedar");
    assert!(rename(&mut editor, "flow.yaml", "[get]", 1, "fetch").is_ok());
    // What cannot be read may hold the name.
    editor.open_as("broken.yaml", "a: [");
    let error = rename(&mut editor, "flow.yaml", "[get]", 1, "fetch").unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("cannot be read"), "{error}");
}

#[test]
fn what_can_be_renamed_is_told_before() {
    let mut editor = editor();
    let place = editor.place("flow.yaml", "[get]", 2);
    let prepared = editor.ask_at("textDocument/prepareRename", "flow.yaml", &place).unwrap();
    assert_eq!(prepared["placeholder"], "get");
    assert_eq!(text_at(FLOW, &prepared["range"]), "get");
    let place = editor.place("flow.yaml", "depends_on", 2);
    assert!(editor.ask_at("textDocument/prepareRename", "flow.yaml", &place).is_err());
}
