//! A workspace of many files: what a file has by itself is shown before the whole is analysed.

use serde_json::Value;

use super::{Editor, text_at};

const FLOW: &str = "workflow_definition:\n  name: w\n  steps:\n    - {name: é😀, mcp_server: crm, tools: [get], compensation: [get]}\n    \
                    - {name: t, mcp_server: crn, tools: [get], compensation: [get]}\n";

/// A workspace of so many files and a flow that calls an unknown server, with the flow open.
fn editor(files: usize) -> Editor {
    let server = |name: &str| format!("mcp_registry:\n  servers:\n    - name: {name}\n      tools: [{{name: get}}]\n");
    let mut all: Vec<(String, String)> =
        (0..files).map(|number| (format!("s/{number}.yaml"), server(&format!("s{number}")))).collect();
    all.push(("registry.yaml".to_owned(), server("crm")));
    all.push(("flow.yaml".to_owned(), FLOW.to_owned()));
    all.push(("mcpctl.yaml".to_owned(), "checks: {invalid-metric-name: off}\n".to_owned()));
    let all: Vec<(&str, &str)> = all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut editor = Editor::with(&all);
    editor.open("flow.yaml");
    editor.settle();
    editor
}

/// What is published of the flow first after a change, and what when the whole is analysed.
fn after(editor: &mut Editor, text: &str) -> (Vec<Value>, Vec<Value>) {
    let uri = editor.uri("flow.yaml");
    editor.client.history.clear();
    editor.change("flow.yaml", text);
    editor.client.until(|client| client.history.iter().any(|(of, _)| *of == uri));
    let first = editor.client.history.iter().find(|(of, _)| *of == uri).map(|(_, found)| found.clone());
    (first.unwrap(), editor.findings("flow.yaml"))
}

fn of_check<'v>(found: &'v [Value], check: &str) -> Vec<&'v Value> {
    found.iter().filter(|finding| finding["code"] == check).collect()
}

#[test]
fn errors_of_the_file_come_first_and_others_move_with_the_text() {
    let mut editor = editor(220);
    let text = FLOW.replace("  steps:", "  # é😀\n  steps:").replace("name: é😀,", "name: é😀, tolls: [x],");
    let (own, whole) = after(&mut editor, &text);
    for found in [&own, &whole] {
        let [wrong] = of_check(found, "unknown-key").try_into().unwrap();
        assert_eq!(text_at(&text, &wrong["range"]), "tolls");
    }
    let [moved] = of_check(&own, "unknown-server").try_into().unwrap();
    assert_eq!(text_at(&text, &moved["range"]), "crn");
    // What was fixed is gone at once, and what was about the changed text is not guessed.
    let fixed = FLOW.replace("crn", "crm2");
    let (own, whole) = after(&mut editor, &fixed);
    assert!(of_check(&own, "unknown-key").is_empty() && of_check(&own, "unknown-server").is_empty(), "{own:?}");
    let [wrong] = of_check(&whole, "unknown-server").try_into().unwrap();
    assert_eq!(text_at(&fixed, &wrong["range"]), "crm2");
}

#[test]
fn what_settings_switch_off_is_not_shown_for_a_moment() {
    let mut editor = editor(220);
    let text = format!("{FLOW}metrics_config:\n  custom_metrics:\n    - {{name: 1_calls_total, type: counter}}\n");
    let (own, whole) = after(&mut editor, &text);
    assert!(of_check(&own, "invalid-metric-name").is_empty() && of_check(&whole, "invalid-metric-name").is_empty());
    assert_eq!(of_check(&own, "unknown-server").len(), 1);
}

#[test]
fn few_files_are_analysed_at_once() {
    let mut editor = editor(20);
    let text = FLOW.replace("name: é😀,", "name: é😀, tolls: [x],");
    let (first, whole) = after(&mut editor, &text);
    assert_eq!((of_check(&whole, "unknown-key").len(), first), (1, whole));
}
