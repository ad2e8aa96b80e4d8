//! Bad input: each kind gets a clear finding at its place, and hides nothing else.

mod files;
mod registry;

use crate::memory::{Files, shown};

const BREAKER: &str = "circuit_breaker_config:\n  per_mcp_server:\n    failure_threshold: 5\n";

fn one(text: &str) -> Vec<String> {
    Files::of([("a.yaml", text)]).findings()
}

#[test]
fn a_syntax_error_in_one_file_does_not_hide_the_findings_of_the_others() {
    let files = Files::of([
        ("bad.yaml", "a: [1, 2\nb: 3\n"),
        ("other.yaml", "circuit_breaker_config:\n  per_mcp_sever: {}\n"),
        ("good.yaml", "batch_processing:\n  batch_size: 10\n"),
    ]);
    let findings = files.findings();
    assert!(findings.iter().any(|f| f.starts_with("bad.yaml:") && f.ends_with(" yaml-syntax")), "{findings:?}");
    assert!(findings.contains(&"other.yaml:2:3 unknown-key".to_owned()), "{findings:?}");
    assert_eq!(findings.len(), 2, "{findings:?}");
}

#[test]
fn syntax_errors_say_what_to_do_where_that_can_be_told() {
    for (text, word) in [("caching_strategy:\n\tlayers: []\n", "spaces"), ("a:\n  b: 1\n c: 2\n", "indentation")] {
        let analysis = Files::of([("a.yaml", text)]).analyse();
        let help = analysis.report().diagnostics[0].help.clone().unwrap_or_default();
        assert!(help.contains(word), "{text:?}: {:?}", analysis.report().diagnostics);
    }
}

#[test]
fn nothing_is_concluded_from_absence_while_a_file_cannot_be_read() {
    let flow =
        "workflow_definition:\n  name: w\n  steps:\n    - {name: s, mcp_server: pay, tools: [t], compensation: [u]}\n";
    let registry = "mcp_registry:\n  servers:\n    - {name: crm, tools: [{name: t}]}\n";
    let whole = Files::of([("flow.yaml", flow), ("registry.yaml", registry)]).findings();
    assert!(whole.iter().any(|f| f == "flow.yaml:4:29 unknown-server"), "{whole:?}");
    let broken = Files::of([("flow.yaml", flow), ("registry.yaml", registry), ("z.yaml", "a: [")]).findings();
    assert!(!broken.iter().any(|f| f.ends_with("unknown-server")), "{broken:?}");
}

#[test]
fn unknown_families_keys_and_words_are_shown_at_their_place_with_a_suggestion() {
    let analysis = Files::of([(
        "a.yaml",
        "circut_breaker_config: {}\ncaching_strategy:\n  layers:\n    - name: edge\n      tll: 5m\n      eviction: lrv\n",
    )])
    .analyse();
    assert_eq!(
        shown(&analysis),
        ["a.yaml:1:1 unknown-family", "a.yaml:5:7 unknown-key", "a.yaml:6:17 unknown-word"],
        "{:#?}",
        analysis.report()
    );
    let help: Vec<_> = analysis.report().diagnostics.iter().map(|d| d.help.clone().unwrap_or_default()).collect();
    assert_eq!(help, ["did you mean `circuit_breaker_config`?", "did you mean `ttl`?", "did you mean `lru`?"]);
}

#[test]
fn wrong_types_are_shown_at_the_value() {
    assert_eq!(
        one("circuit_breaker_config:\n  per_mcp_server:\n    failure_threshold: five\n    timeout: 30\n"),
        ["a.yaml:3:24 wrong-type", "a.yaml:4:14 wrong-type"]
    );
    assert_eq!(one("saga_definition: []\n"), ["a.yaml:1:18 wrong-type"]);
    assert_eq!(one("saga_definition:\n"), ["a.yaml:1:1 wrong-type"]);
    assert_eq!(one("tracing_config:\n  sampling: {rate: 1.5}\n"), ["a.yaml:2:20 invalid-value"]);
    assert_eq!(one("caching_strategy:\n  layers:\n    - {name: a, ttl: 5 minutess}\n"), ["a.yaml:3:22 invalid-value"]);
    assert_eq!(one("saga_definition:\n  name: s\n  steps: []\n"), ["a.yaml:3:10 invalid-value"]);
    assert_eq!(one("saga_definition:\n  steps: [{name: a, mcp_server: b, action: c}]\n"), ["a.yaml:1:1 missing-key"]);
    assert_eq!(one("metrics_config:\n  custom_metrics:\n    - type: gauge\n"), ["a.yaml:3:7 missing-key"]);
}

#[test]
fn booleans_of_yaml_1_1_are_strings_and_the_help_says_so() {
    let analysis = Files::of([("a.yaml", "logging_config:\n  structured_logging: yes\n")]).analyse();
    assert_eq!(shown(&analysis), ["a.yaml:2:23 wrong-type"]);
    assert!(analysis.report().diagnostics[0].help.as_ref().unwrap().contains("`true`"));
    assert_eq!(
        one("logging_config:\n  fields: [no, \"no\", 012, 1_000, mfa]\n"),
        ["a.yaml:2:12 ambiguous-scalar", "a.yaml:2:22 wrong-type", "a.yaml:2:27 ambiguous-scalar"]
    );
}

#[test]
fn duplicate_keys_show_both_places() {
    let analysis = Files::of([("a.yaml", "batch_processing:\n  batch_size: 1\n  batch_size: 2\n")]).analyse();
    assert_eq!(shown(&analysis), ["a.yaml:3:3 duplicate-key"]);
    let first = analysis.report().diagnostics[0].labels[0].loc;
    assert_eq!(analysis.sources.position(first).line, 2);
    let many: String = (0..40).map(|n| format!("    k{n}: v\n")).collect();
    let text =
        format!("mcp_registry:\n  servers:\n  - name: s\n    labels:\n{many}    k3: w\n").replace("    k", "      k");
    assert!(one(&text).contains(&"a.yaml:45:7 duplicate-key".to_owned()), "{:?}", one(&text));
}

#[test]
fn bombs_are_refused_quickly() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ('b'..='i').zip('a'..) {
        let aliases = vec![format!("*{before}"); 10].join(", ");
        bomb.push_str(&format!("{name}: &{name} [{aliases}]\n"));
    }
    let findings = one(&bomb);
    assert!(findings.iter().any(|f| f.ends_with(" yaml-too-large")), "{findings:?}");
    let brackets = format!("a: {}", "[".repeat(100_000));
    let findings = one(&brackets);
    assert!(
        findings.iter().any(|f| f.ends_with(" yaml-too-large") || f.ends_with(" yaml-syntax")) && findings.len() == 1,
        "{findings:?}"
    );
    let block: String = (0..5_000).map(|depth| format!("{}- \n", " ".repeat(depth))).collect();
    assert_eq!(one(&block).len(), 1);
    assert_eq!(one("a: &a [*a]\n"), ["a.yaml:1:8 yaml-unsupported"]);
}

#[test]
fn text_that_is_not_utf_8_is_a_finding() {
    let files = Files::of([("b.yaml", BREAKER)]).with("a.yaml", Ok(b"x: \xff\n".to_vec()));
    assert_eq!(files.findings(), ["a.yaml:1:4 not-utf8"]);
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16).chain(BREAKER.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let analysis = Files::default().with("a.yaml", Ok(utf16)).analyse();
    assert!(analysis.report().diagnostics[0].message.contains("UTF-16"));
}

#[test]
fn marks_line_ends_comments_and_empty_files_are_no_fault() {
    assert_eq!(one(&format!("\u{feff}{BREAKER}")), Vec::<String>::new());
    assert_eq!(one(&BREAKER.replace('\n', "\r\n")), Vec::<String>::new());
    let bad = "circuit_breaker_config:\r\n  per_mcp_sever: {}\r\n";
    assert_eq!(one(bad), ["a.yaml:2:3 unknown-key"]);
    for empty in ["", "# nothing\n", "---\n", "---\n# a\n---\n", "null\n", "~"] {
        assert_eq!(Files::of([("a.yaml", empty), ("b.yaml", BREAKER)]).findings(), Vec::<String>::new(), "{empty:?}");
    }
    let two = format!("{BREAKER}---\nbatch_processing:\n  batch_sise: 1\n...\n");
    assert_eq!(one(&two), ["a.yaml:6:3 unknown-key"]);
}

#[test]
fn what_is_no_map_of_sections_is_refused() {
    assert_eq!(one("- a\n- b\n"), ["a.yaml:1:1 not-a-section-map"]);
    assert_eq!(one("hello\n"), ["a.yaml:1:1 not-a-section-map"]);
    assert_eq!(one("? [a]\n: b\n"), ["a.yaml:1:3 yaml-unsupported", "a.yaml:1:3 unknown-family"]);
    assert_eq!(one("bulkhead_config: !pool {}\n").first().unwrap(), "a.yaml:1:24 yaml-unsupported");
}

#[test]
fn manifests_of_other_tools_are_skipped_and_counted_but_hide_nothing() {
    let manifest = "apiVersion: v1\nkind: ConfigMap\ndata: {}\n";
    let analysis = Files::of([("a.yaml", manifest), ("b.yaml", BREAKER)]).analyse();
    assert_eq!((shown(&analysis), analysis.counts.skipped_manifests), (Vec::new(), 1));
    let disguised = format!("{manifest}identity: {{}}\n");
    assert_eq!(one(&disguised), ["a.yaml:4:1 disguised-manifest"]);
}

#[test]
fn sections_that_stand_twice_show_both_places() {
    let analysis = Files::of([("a.yaml", BREAKER), ("b.yaml", BREAKER)]).analyse();
    assert_eq!(shown(&analysis), ["b.yaml:1:1 duplicate-section"]);
    let first = analysis.report().diagnostics[0].labels[0].loc;
    assert_eq!(analysis.sources.file_line(first), "a.yaml:1");
    let saga = "saga_definition:\n  name: s\n  steps: [{name: a, mcp_server: x, action: b, compensation: c}]\n";
    let findings = Files::of([("a.yaml", saga), ("b.yaml", saga)]).findings();
    assert!(findings.contains(&"b.yaml:2:9 duplicate-name".to_owned()), "{findings:?}");
    let registry = |url| format!("mcp_registry:\n  central_gateway: {url}\n");
    let (a, b) = (registry("https://a.example.com"), registry("https://b.example.com"));
    let findings = Files::of([("a.yaml", a.as_str()), ("b.yaml", b.as_str())]).findings();
    assert!(findings.contains(&"b.yaml:2:20 conflicting-values".to_owned()), "{findings:?}");
}

#[test]
fn merge_keys_and_aliases_cannot_be_made_to_grow() {
    let keys: Vec<String> = (0..30_000).map(|n| format!("k{n}: 1")).collect();
    let bomb = format!("a: &b {{{}}}\nc:\n{}", keys.join(", "), "  - {<<: *b}\n".repeat(1_500));
    // While it grows, not when the list around it ends: by then all of it would be in memory.
    let analysis = Files::of([("a.yaml", bomb.as_str())]).analyse();
    let said: Vec<_> = analysis.report().diagnostics.iter().map(|finding| finding.message.as_str()).collect();
    assert!(said.iter().any(|message| message.starts_with("merge keys add more than")), "{said:?}");
    assert_eq!(one("a: &x {k: 1}\nidentity: {<<: *x, <<: *x}\n").first().unwrap(), "a.yaml:1:1 unknown-family");
    assert!(one("a: &x {k: 1}\nidentity: {<<: *x, <<: *x}\n").contains(&"a.yaml:2:20 duplicate-key".to_owned()));
}

#[test]
fn a_workspace_without_sections_and_settings_below_the_root_are_errors() {
    assert_eq!(one("# nothing\n"), ["a.yaml:1:1 empty-workspace"]);
    assert_eq!(one("apiVersion: v1\nkind: ConfigMap\n"), ["a.yaml:1:1 empty-workspace"]);
    let nested = Files::of([("a.yaml", BREAKER), ("fleet/mcpctl.yaml", "output: x\n")]).findings();
    assert_eq!(nested, ["fleet/mcpctl.yaml:1:1 misplaced-settings"]);
}

#[test]
fn evidence_that_could_never_hold_is_refused() {
    let evidence = |line: &str| one(&format!("identity:\n  requirements:\n    f: {line}\n"));
    for line in [
        "{claim: c, contains: \"{servr}\"}",
        "{argument: n, at_least: 5, at_most: 1}",
        "{argument: n, at_most: 1, scope: s}",
    ] {
        let found = evidence(line);
        assert!(found.iter().any(|finding| finding.ends_with(" conflicting-values")), "{line}: {found:?}");
    }
    for line in ["{argument: n}", "{claim: c}", "{claim: c, contains: x, present: true}"] {
        assert!(evidence(line).iter().any(|finding| finding.ends_with(" evidence-without-test")), "{line}");
    }
    for line in [
        "{claim: scope, contains: a b}",
        "{claim: c, contains: x, at_most: 3}",
        "{argument: n, one_of: [1, 20], at_most: 10}",
        "{argument: n, matches: 'a*', at_most: 10}",
        "{claim: c, contains: x, issuer: 'https://other.example'}",
        "{claim: c, present: true, separator: ','}",
    ] {
        assert!(evidence(line).iter().any(|finding| finding.ends_with(" conflicting-values")), "{line}");
    }
    let speaks = one("identity:\n  issuers: [{issuer: \"https://i.example.com\", speaks_for: [agnets]}]\n");
    assert!(speaks.contains(&"a.yaml:2:60 conflicting-values".to_owned()), "{speaks:?}");
}
