//! Findings while somebody types, and the life of a server.

use std::path::Path;

use serde_json::json;

use super::client::Client;
use super::{Editor, text_at, validated};

const REGISTRY: &str = "mcp_registry:\n  servers:\n    - name: crm\n      tools: [{name: get}]\n";

#[test]
fn an_editor_is_told_what_validate_finds() {
    let mut editor = Editor::copy_of("projects/enterprise", &json!({}));
    editor.open("central/access.yaml");
    editor.settle();
    let mut found: Vec<(String, String)> = Vec::new();
    for finding in editor.client.published.values().flatten() {
        let message = finding["message"].as_str().unwrap().lines().next().unwrap();
        found.push((finding["code"].as_str().unwrap().to_owned(), message.to_owned()));
    }
    let mut expected = validated(editor.folder.path());
    found.sort();
    expected.sort();
    assert!(expected.len() > 5);
    assert_eq!(found, expected);
}

#[test]
fn findings_follow_what_is_typed_and_go_with_it() {
    let mut editor = Editor::with(&[
        ("mcpctl.yaml", "docs_url: https://docs.example\n"),
        ("registry.yaml", REGISTRY),
        ("flow.yaml", "workflow_definition:\n  name: w\n  steps:\n    - {name: s, mcp_server: crn, tools: [get]}\n"),
    ]);
    // Before a file is open.
    editor.client.until(|client| client.published.keys().any(|uri| uri.ends_with("/flow.yaml")));
    editor.open("flow.yaml");
    let found = editor.findings("flow.yaml");
    let unknown = found.iter().find(|finding| finding["code"] == "unknown-server").unwrap();
    assert_eq!(text_at(&editor.text("flow.yaml"), &unknown["range"]), "crn");
    assert_eq!(unknown["severity"], 1);
    assert_eq!(unknown["source"], "mcpctl");
    assert_eq!(unknown["codeDescription"]["href"], "https://docs.example/checks/unknown-server.html");
    assert!(unknown["message"].as_str().unwrap().contains("did you mean `crm`?"));
    let fixed = editor.text("flow.yaml").replace("crn", "crm");
    editor.change("flow.yaml", &fixed);
    assert!(!editor.codes("flow.yaml").contains(&"unknown-server".to_owned()));
    // A change of one file is a finding in another.
    editor.open("registry.yaml");
    editor.change("registry.yaml", &REGISTRY.replace("get", "put"));
    assert!(editor.codes("flow.yaml").contains(&"unknown-tool".to_owned()));
    // Closed without being saved, the file is what it is on the disk.
    editor.close("registry.yaml");
    assert!(!editor.codes("flow.yaml").contains(&"unknown-tool".to_owned()));
}

#[test]
fn second_places_are_related_information() {
    let mut editor = Editor::with(&[("a.yaml", REGISTRY), ("b.yaml", REGISTRY)]);
    editor.open("b.yaml");
    let found = editor.findings("b.yaml");
    let twice = found.iter().find(|finding| finding["code"] == "duplicate-name").unwrap();
    let related = &twice["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], editor.uri("a.yaml"));
    assert_eq!(text_at(REGISTRY, &related["location"]["range"]), "crm");
    assert_eq!(related["message"], "first here");
}

#[test]
fn columns_are_counted_as_the_client_asks() {
    let text = "mcp_registry: {servers: [{name: crm, suspended: \"é😀\", lable: x}]}\n";
    let at = text.find("lable").unwrap();
    for (capabilities, encoding, column) in [
        (json!({}), "utf-16", text[..at].encode_utf16().count()),
        (json!({"general": {"positionEncodings": ["utf-16", "utf-8"]}}), "utf-8", at),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), text).unwrap();
        let mut client = Client::start(&[], folder.path());
        let welcome = client.initialize(folder.path(), &capabilities);
        assert_eq!(welcome["capabilities"]["positionEncoding"], encoding);
        let mut editor = Editor { folder, client, open: Default::default() };
        editor.open("a.yaml");
        let found = editor.findings("a.yaml");
        let unknown = found.iter().find(|finding| finding["code"] == "unknown-key").unwrap();
        assert_eq!(unknown["range"]["start"]["character"], column);
        assert_eq!(unknown["range"]["end"]["character"], column + "lable".len());
    }
}

#[test]
fn no_half_typed_text_ends_the_server() {
    let mut editor = Editor::copy_of("projects/enterprise", &json!({}));
    let name = "registry/agents.yaml";
    let text = editor.text(name);
    editor.open(name);
    let whole = editor.codes(name);
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        editor.change(name, &text[..end]);
    }
    editor.change(name, &text);
    assert_eq!(editor.codes(name), whole);
    // One by one, with an answer to each: they are not analysed together.
    for end in (0..text.len()).step_by(97) {
        editor.change(name, &text[..end]);
        editor.settle();
    }
    editor.change(name, &text);
    assert_eq!(editor.codes(name), whole);
}

#[test]
fn what_cannot_be_read_is_said() {
    let mut editor = Editor::with(&[("a.yaml", REGISTRY)]);
    std::fs::write(editor.path("b.yaml"), b"a: \xff\n").unwrap();
    editor.open("a.yaml");
    editor.settle();
    assert_eq!(editor.codes("b.yaml"), ["not-utf8"]);
    // Nothing is known of the workspace any more, so nothing counts as right.
    editor.open_as("mcpctl.yaml", "exclude: ['a[']\n");
    let found = editor.findings("a.yaml");
    assert!(found[0]["message"].as_str().unwrap().contains("not a pattern of paths"), "{found:?}");
    editor.change("mcpctl.yaml", "exclude: ['b.yaml']\n");
    assert!(editor.findings("b.yaml").is_empty());
    assert!(!editor.codes("a.yaml").contains(&"unreadable-file".to_owned()));
}

#[test]
fn files_that_change_on_the_disk_are_read_again() {
    for watches in [false, true] {
        let watched = json!({"didChangeWatchedFiles": {"dynamicRegistration": watches}});
        let files = [("a.yaml", REGISTRY), ("b.yaml", "waivers: []\n")];
        let mut editor = Editor::that_offers(&json!({"workspace": watched}), &files);
        editor.open("a.yaml");
        assert!(!editor.codes("b.yaml").contains(&"unknown-key".to_owned()));
        std::fs::write(editor.path("b.yaml"), "mcp_registry: {x: 1}\n").unwrap();
        std::fs::write(editor.path("c.yaml"), "mcp_registry: {y: 1}\n").unwrap();
        // Nobody said that they changed, so typing reads them from memory.
        editor.change("a.yaml", &REGISTRY.replace("get", "put"));
        assert!(!editor.codes("b.yaml").contains(&"unknown-key".to_owned()));
        if watches {
            let registered = editor.client.said.iter().any(|said| said["method"] == "client/registerCapability");
            assert!(registered);
            let changes = json!([{"uri": editor.uri("b.yaml"), "type": 2}, {"uri": editor.uri("c.yaml"), "type": 1}]);
            editor.client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
        } else {
            let document = json!({"textDocument": {"uri": editor.uri("a.yaml")}});
            editor.client.notify("textDocument/didSave", document);
        }
        assert_eq!(editor.codes("b.yaml"), ["unknown-key"]);
        assert_eq!(editor.codes("c.yaml"), ["unknown-key"]);
    }
}

#[test]
fn a_new_file_counts_before_it_is_saved() {
    let mut editor = Editor::with(&[("a.yaml", REGISTRY)]);
    editor.open_as("new/b.yaml", "saga_definition:\n  name: s\n  steps: [{name: x, mcp_server: crx, action: get}]\n");
    assert!(editor.codes("new/b.yaml").contains(&"unknown-server".to_owned()));
    editor.close("new/b.yaml");
    editor.open("a.yaml");
    assert!(editor.findings("new/b.yaml").is_empty());
}

#[test]
fn a_file_is_of_the_nearest_workspace() {
    let mut editor = Editor::with(&[
        ("one/mcpctl.yaml", ""),
        ("one/a.yaml", REGISTRY),
        ("one/b.yaml", REGISTRY),
        ("two/mcpctl.yaml", ""),
        ("two/c.yaml", REGISTRY),
    ]);
    editor.open("one/a.yaml");
    editor.open("two/c.yaml");
    assert!(editor.codes("one/b.yaml").contains(&"duplicate-name".to_owned()));
    assert!(!editor.codes("two/c.yaml").contains(&"duplicate-name".to_owned()));
}

#[test]
fn the_life_of_a_server_is_that_of_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let start = |args: &[&str]| Client::start(args, folder.path());
    let mut client = start(&["--stdio"]);
    assert_eq!(client.request("textDocument/hover", json!({})).unwrap_err()["code"], -32002);
    client.initialize(folder.path(), &json!({}));
    assert_eq!(client.request("initialize", json!({"capabilities": {}})).unwrap_err()["code"], -32600);
    assert_eq!(client.request("mcpctl/nothing", json!({})).unwrap_err()["code"], -32601);
    assert_eq!(client.request("textDocument/definition", json!({"x": 1})).unwrap_err()["code"], -32602);
    client.notify("mcpctl/nothing", json!({}));
    client.notify("textDocument/didOpen", json!({"x": 1}));
    client.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": "file:///none", "version": 1}, "contentChanges": []}),
    );
    assert!(client.request("shutdown", json!(null)).unwrap().is_null());
    assert_eq!(client.request("textDocument/hover", json!({})).unwrap_err()["code"], -32600);
    client.notify("exit", json!(null));
    assert_eq!(client.end(), (Some(0), String::new()));

    let mut client = start(&[]);
    client.initialize(folder.path(), &json!({}));
    client.notify("exit", json!(null));
    assert_eq!(client.end(), (Some(1), String::new()));

    let mut client = start(&[]);
    client.initialize(folder.path(), &json!({}));
    let (code, said) = client.end();
    assert_eq!(code, Some(2));
    assert!(said.contains("the client is gone"), "{said}");

    let mut client = start(&[]);
    client.raw("Content-Length: 5\r\n\r\n{...}");
    let (code, said) = client.end();
    assert_eq!(code, Some(2));
    assert!(said.contains("could not read what the client says"), "{said}");
}

#[test]
fn a_given_folder_is_the_workspace() {
    let mut editor = Editor::with(&[("fleet/a.yaml", REGISTRY), ("other/b.yaml", "x: 1\n")]);
    editor.client = Client::start(&["fleet"], editor.folder.path());
    let folder = editor.folder.path().to_owned();
    editor.client.initialize(&folder, &json!({}));
    editor.open("fleet/a.yaml");
    assert!(!editor.codes("fleet/a.yaml").is_empty());
    assert!(editor.client.published.keys().all(|uri| Path::new(uri).ends_with("fleet/a.yaml")));
}
