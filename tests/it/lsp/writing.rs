//! Help while writing: completion, hover, fixes, layout, outline and hints.

use serde_json::{Value, json};

use super::{Editor, edited, offset, text_at};

const REGISTRY: &str = "\
mcp_registry:
  servers:
    - name: crm
      location: cloud
      tools:
        - name: get
        - name: put
          auth_level: 2
    - name: shop
      tools: [{name: buy}]
  agents:
    - {name: desk, subject: desk, may_call: [crm/get]}
";

const ACCESS: &str = "\
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - {level: 2, requirements: [service_account_token, mfa]}
data_routing:
  classifications:
    - {level: open, mcp_servers: [crm]}
    - {level: closed, mcp_servers: [shop]}
";

fn editor() -> Editor {
    let mut editor =
        Editor::with(&[("registry.yaml", REGISTRY), ("access.yaml", ACCESS), ("mcpctl.yaml", ""), ("new.yaml", "\n")]);
    editor.open("new.yaml");
    editor
}

/// What is offered at `|` in a text of a new file, and the text with the offer of a label taken.
fn offered(editor: &mut Editor, name: &str, text: &str) -> (Vec<String>, impl Fn(&str) -> String + use<>) {
    let at = text.find('|').unwrap();
    let text = text.replacen('|', "", 1);
    if editor.open.contains_key(name) {
        editor.change(name, &text);
    } else {
        editor.open_as(name, &text);
    }
    let place = super::position(&text, at);
    let list = editor.ask_at("textDocument/completion", name, &place).unwrap();
    let items: Vec<Value> = list["items"].as_array().cloned().unwrap_or_default();
    let labels = items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect();
    let take = move |label: &str| {
        let item = items.iter().find(|item| item["label"] == label).unwrap_or_else(|| panic!("{label} in {items:?}"));
        edited(&text, &[item["textEdit"].clone()])
    };
    (labels, take)
}

#[test]
fn keys_are_offered_by_the_schema() {
    let mut editor = editor();
    editor.settle();
    let (labels, take) = offered(&mut editor, "new.yaml", "workf|");
    assert!(labels.contains(&"saga_definition".to_owned()) && labels[0] == "workflow_definition");
    assert_eq!(take("workflow_definition"), "workflow_definition:");
    let (labels, take) = offered(&mut editor, "new.yaml", "workflow_definition:\n  name: w\n  st|");
    assert_eq!(take("steps"), "workflow_definition:\n  name: w\n  steps:");
    assert!(!labels.contains(&"name".to_owned()) && labels.contains(&"business_unit".to_owned()));
    let step = "workflow_definition:\n  steps:\n    - name: a\n      |\n    - name: b\n";
    let (labels, take) = offered(&mut editor, "new.yaml", step);
    assert!(labels.contains(&"mcp_server".to_owned()) && !labels.contains(&"name".to_owned()));
    assert!(take("mcp_server").contains("      mcp_server: \n"));
    let (labels, _) = offered(&mut editor, "new.yaml", "workflow_definition:\n  steps: [{name: a, |}]\n");
    assert!(labels.contains(&"tools".to_owned()));
    let (labels, _) = offered(&mut editor, "mcpctl.yaml", "targets:\n  envoy:\n    |\n");
    assert!(labels.contains(&"listen".to_owned()));
    let (labels, _) = offered(&mut editor, "new.yaml", "# wor|");
    assert!(labels.is_empty());
}

#[test]
fn words_of_closed_lists_are_offered() {
    let mut editor = editor();
    let (labels, take) = offered(&mut editor, "new.yaml", "batch_processing:\n  compression: g|\n");
    assert_eq!(labels[0], "gzip");
    assert_eq!(take("zstd"), "batch_processing:\n  compression: zstd\n");
    let (labels, _) = offered(&mut editor, "new.yaml", "saga_definition:\n  compensations_enabled: |\n");
    assert_eq!(labels, ["false", "true"]);
}

#[test]
fn names_are_offered_where_they_are_expected() {
    let mut editor = editor();
    editor.settle();
    let flow = "workflow_definition:\n  name: w\n  steps:\n    - name: look\n      mcp_server: crm\n      tools: [|]\n";
    let (labels, _) = offered(&mut editor, "new.yaml", flow);
    assert_eq!(labels, ["get", "put"]);
    let (labels, _) = offered(&mut editor, "new.yaml", &flow.replace("crm", "|").replace("[|]", "[]"));
    assert_eq!(labels, ["crm", "shop"]);
    let (labels, _) = offered(&mut editor, "new.yaml", &flow.replace("[|]", "[get]\n      depends_on: [|]"));
    assert!(labels.is_empty() || labels == ["look"], "{labels:?}");
    editor.settle();
    let (labels, _) = offered(&mut editor, "new.yaml", &flow.replace("[|]", "[get]\n      depends_on: [|]"));
    assert_eq!(labels, ["look"]);
    let tests = "policy_tests:\n  - name: t\n    principal: |\n";
    let (labels, _) = offered(&mut editor, "new.yaml", tests);
    assert!(labels.contains(&"desk".to_owned()), "{labels:?}");
    let call = "policy_tests:\n  - name: t\n    call: |\n";
    let (_, take) = offered(&mut editor, "new.yaml", call);
    assert_eq!(take("crm"), call.replace('|', "crm/"));
    let (labels, take) = offered(&mut editor, "new.yaml", &call.replace('|', "crm/g|"));
    assert!(labels.contains(&"crm/*".to_owned()) && !labels.contains(&"shop/buy".to_owned()));
    assert_eq!(take("crm/get"), call.replace('|', "crm/get"));
    let (labels, _) = offered(&mut editor, "new.yaml", "policy_tests:\n  - name: t\n    with: [m|]\n");
    assert!(labels.contains(&"mfa".to_owned()), "{labels:?}");
    let level = "mcp_registry:\n  servers:\n    - name: x\n      auth_level: |\n";
    let (labels, _) = offered(&mut editor, "new.yaml", level);
    assert_eq!(labels, ["1", "2"]);
}

/// What is said of a word.
fn said(editor: &mut Editor, name: &str, needle: &str, further: usize) -> (String, String) {
    let place = editor.place(name, needle, further);
    let hover = editor.ask_at("textDocument/hover", name, &place).unwrap();
    let text = hover["contents"]["value"].as_str().unwrap_or_else(|| panic!("{needle}: {hover}")).to_owned();
    let of = text_at(&editor.text(name), &hover["range"]).to_owned();
    (text, of)
}

#[test]
fn keys_and_names_are_explained() {
    let markdown = json!({"textDocument": {"hover": {"contentFormat": ["markdown"]}}});
    let files =
        [("registry.yaml", REGISTRY), ("access.yaml", ACCESS), ("mcpctl.yaml", "docs_url: https://docs.example\n")];
    let mut editor = Editor::that_offers(&markdown, &files);
    editor.open("registry.yaml");
    editor.open("access.yaml");
    let (text, of) = said(&mut editor, "registry.yaml", "location", 2);
    assert_eq!(of, "location");
    for part in ["**`location`** in `mcp_registry`", "Where it stands.", "`on_premises`", "families/registry.html"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let (text, of) = said(&mut editor, "registry.yaml", "mcp_registry", 2);
    assert!(of == "mcp_registry" && text.contains("The inventory"), "{text}");
    let (text, of) = said(&mut editor, "registry.yaml", "crm/get", 5);
    assert_eq!(of, "get");
    for part in ["tool `crm/get`", "level 1, from class `open`", "A call needs ", "service_account_token", "`desk`"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let (text, _) = said(&mut editor, "registry.yaml", "name: put", 7);
    assert!(text.contains("level 2, set by the tool") && text.contains("Nothing grants it"), "{text}");
    let (text, of) = said(&mut editor, "registry.yaml", "crm/get", 1);
    assert!(of == "crm" && text.contains("server `crm`") && text.contains("class `open`"), "{text}");
    let (text, _) = said(&mut editor, "registry.yaml", "name: desk", 7);
    assert!(text.contains("agent `desk`") && text.contains("`crm/get`"), "{text}");
    let (text, _) = said(&mut editor, "access.yaml", "mfa", 1);
    assert!(text.contains("fact `mfa`") && text.contains("level 2"), "{text}");
    let (text, _) = said(&mut editor, "access.yaml", "level: closed", 8);
    assert!(text.contains("class `closed`, number 2 of 2"), "{text}");
    // Half of a text is enough for its keys.
    editor.change("access.yaml", "progressive_auth:\n  levels: [{level: 1, requirements: [");
    let (text, of) = said(&mut editor, "access.yaml", "requirements", 1);
    assert!(of == "requirements" && text.contains("Facts that a call must show"), "{text}");
}

/// The actions for the findings of a check.
fn actions(editor: &mut Editor, name: &str, check: &str) -> Vec<Value> {
    let found = editor.findings(name);
    let finding =
        found.iter().find(|finding| finding["code"] == check).unwrap_or_else(|| panic!("{check} in {found:?}"));
    let context = json!({"diagnostics": [finding]});
    let params = json!({"textDocument": {"uri": editor.uri(name)}, "range": finding["range"], "context": context});
    let all = editor.client.request("textDocument/codeAction", params).unwrap();
    let of_check = |action: &Value| action["diagnostics"][0]["code"] == check;
    all.as_array().unwrap().iter().filter(|action| of_check(action)).cloned().collect()
}

fn acted(editor: &Editor, name: &str, action: &Value) -> String {
    let edits = action["edit"]["changes"][editor.uri(name)].as_array().unwrap();
    edited(&editor.text(name), edits)
}

#[test]
fn a_finding_is_fixed_with_an_action() {
    let mut editor = editor();
    let text = "saga_definition:\n  name: é😀\n  steps: [{name: \"é😀\", mcp_server: crn, action: get}]\n";
    editor.change("new.yaml", text);
    let found = actions(&mut editor, "new.yaml", "unknown-server");
    // The check guards access, so no comment is offered.
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["title"], "write `crm` for `crn` (a guess)");
    assert_eq!(found[0]["isPreferred"], false);
    let fixed = acted(&editor, "new.yaml", &found[0]);
    assert_eq!(fixed, text.replace("crn", "crm"));
    editor.change("new.yaml", &fixed);
    assert!(!editor.codes("new.yaml").contains(&"unknown-server".to_owned()));
    // What is safe is preferred.
    let waiver = "waivers:\n  - {name: w, check: zero-attempts, file: new.yaml, reason: r, owner: o, expires: 2099-01-01}\n  - {name: v, check: zero-attempts, file: new.yaml, reason: r, owner: o, expires: 2099-01-01}\n";
    editor.change("new.yaml", waiver);
    let found = actions(&mut editor, "new.yaml", "unused-waiver");
    assert_eq!((found.len(), &found[0]["isPreferred"]), (1, &json!(true)), "{found:?}");
}

#[test]
fn a_finding_that_guards_nothing_is_accepted_in_a_comment() {
    let mut editor = editor();
    let text =
        "batch_processing:\n  batch_size: 10\n  strategies:\n    - {name: s, trigger: batch_full, max_items: 5}\n";
    editor.change("new.yaml", text);
    let check = "batch-truncates";
    let found = actions(&mut editor, "new.yaml", check);
    let ignore = found.iter().find(|action| action["title"].as_str().unwrap().contains("in a comment")).unwrap();
    let with = acted(&editor, "new.yaml", ignore);
    let comment = format!("# mcpctl: ignore[{check}] ");
    assert!(with.contains(&format!("{comment}\n")), "{with}");
    // Without a reason it accepts nothing; with one it does.
    editor.change("new.yaml", &with);
    let codes = editor.codes("new.yaml");
    assert!(codes.contains(&check.to_owned()) && codes.contains(&"ignore-without-reason".to_owned()), "{codes:?}");
    editor.change("new.yaml", &with.replace(&comment, &format!("{comment}it is a test")));
    let codes = editor.codes("new.yaml");
    assert!(!codes.contains(&check.to_owned()) && !codes.contains(&"ignore-without-reason".to_owned()), "{codes:?}");
}

#[test]
fn a_file_is_laid_out_or_left_alone() {
    let mut editor = editor();
    editor.change("new.yaml", "# é😀\na:   1\nb:\n      c: 2\n");
    let params =
        json!({"textDocument": {"uri": editor.uri("new.yaml")}, "options": {"tabSize": 2, "insertSpaces": true}});
    let edits = editor.client.request("textDocument/formatting", params.clone()).unwrap();
    let laid = edited(&editor.text("new.yaml"), edits.as_array().unwrap());
    assert_eq!(laid, "# é😀\na: 1\nb:\n  c: 2\n");
    editor.change("new.yaml", "a: [\n");
    assert!(editor.client.request("textDocument/formatting", params).unwrap().is_null());
    let told = editor.client.said.iter().find(|said| said["method"] == "window/showMessage").unwrap();
    assert!(told["params"]["message"].as_str().unwrap().contains("does not lay this file out"));
}

#[test]
fn an_outline_has_what_a_file_declares() {
    let nested = json!({"textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": true}}});
    for (offers, nested) in [(nested, true), (json!({}), false)] {
        let mut editor = Editor::that_offers(&offers, &[("registry.yaml", REGISTRY), ("access.yaml", ACCESS)]);
        editor.open("registry.yaml");
        let params = json!({"textDocument": {"uri": editor.uri("registry.yaml")}});
        let found = editor.client.request("textDocument/documentSymbol", params).unwrap();
        let names = |of: &Value| -> Vec<String> {
            of.as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap().to_owned()).collect()
        };
        if nested {
            assert_eq!(names(&found), ["mcp_registry"]);
            let inside = &found[0]["children"];
            assert_eq!(names(inside), ["crm", "shop", "desk"]);
            assert_eq!(names(&inside[0]["children"]), ["get", "put"]);
            assert_eq!(text_at(REGISTRY, &inside[0]["selectionRange"]), "crm");
        } else {
            assert_eq!(names(&found), ["mcp_registry", "crm", "get", "put", "shop", "buy", "desk"]);
            assert_eq!(found[2]["containerName"], "crm");
        }
    }
}

#[test]
fn derived_levels_are_shown_beside_tools() {
    let mut editor = editor();
    editor.open("registry.yaml");
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
    let params = json!({"textDocument": {"uri": editor.uri("registry.yaml")}, "range": range});
    let found = editor.client.request("textDocument/inlayHint", params).unwrap();
    let shown: Vec<(&str, &str)> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|hint| {
            let at = offset(REGISTRY, &hint["position"]);
            (&REGISTRY[at - 3..at], hint["label"].as_str().unwrap())
        })
        .collect();
    // `put` says its own.
    assert_eq!(shown, [("get", "level 1"), ("buy", "level 2")]);
    assert!(found[1]["tooltip"].as_str().unwrap().contains("mfa"));
}
