//! Bad input: each kind gets a clear finding at its place, and hides nothing else.

use std::io;
use std::path::Path;

use mcpctl::analysis;
use mcpctl::diagnostic::Severity;
use mcpctl::source::yaml::MOST_BYTES;
use mcpctl::workspace::{self, Disk, Input, ReadError};

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
fn large_files_are_refused_and_twenty_megabytes_are_read() {
    let files = Files::of([("b.yaml", BREAKER)]).with("a.yaml", Ok(vec![b'#'; MOST_BYTES + 1]));
    assert_eq!(files.findings(), ["a.yaml:1:1 yaml-too-large"]);
    let folder = tempfile::tempdir().unwrap();
    let sparse = std::fs::File::create(folder.path().join("huge.yaml")).unwrap();
    sparse.set_len(100_000_000).unwrap();
    let workspace = workspace::read(&Input::Path(folder.path().to_path_buf()), &Disk, None).unwrap();
    assert_eq!(shown(&analysis::analyse(workspace, None)), ["huge.yaml:1:1 yaml-too-large"]);
    let line = "    - {name: m_total, type: counter, labels: [a, b]}\n";
    let mut large = "metrics_config:\n  custom_metrics:\n".to_owned();
    for number in 0..20_000_000 / line.len() {
        large.push_str(&line.replace("m_total", &format!("m{number}_total")));
    }
    assert!(large.len() > 20_000_000);
    assert_eq!(one(&large), Vec::<String>::new());
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
fn files_that_cannot_be_read_are_findings_and_counted() {
    let files = Files::of([("b.yaml", "batch_processing: {batch_sise: 1}\n")])
        .with("a.yaml", Err(io::ErrorKind::PermissionDenied));
    let analysis = files.analyse();
    assert_eq!(shown(&analysis), ["a.yaml:1:1 unreadable-file", "b.yaml:1:20 unknown-key"]);
    assert_eq!(analysis.counts.unreadable, 1);
}

#[test]
fn nothing_to_read_and_nothing_there_are_errors() {
    assert!(matches!(Files::of([("a.txt", "")]).read(), Err(ReadError::Empty { .. })));
    let missing = workspace::read(&Input::Path("/nowhere/at/all".into()), &Disk, None);
    assert!(matches!(missing, Err(ReadError::Path { .. })));
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("mcpctl.yaml")).unwrap();
    std::fs::write(folder.path().join("a.yaml"), BREAKER).unwrap();
    let settings_is_a_folder = workspace::read(&Input::Path(folder.path().to_path_buf()), &Disk, None);
    assert!(matches!(settings_is_a_folder, Err(ReadError::Path { .. })));
}

#[cfg(unix)]
#[test]
fn links_never_lead_outside_and_loops_end() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("o.yaml"), BREAKER).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("sub/..data")).unwrap();
    std::fs::write(root.join("a.yaml"), BREAKER).unwrap();
    std::fs::write(root.join("sub/..data/mounted.yaml"), "batch_processing: {batch_sise: 1}\n").unwrap();
    symlink(outside.path().join("o.yaml"), root.join("out.yaml")).unwrap();
    symlink(outside.path(), root.join("outdir")).unwrap();
    symlink(root.join("a.yaml"), root.join("again.yaml")).unwrap();
    symlink("..data/mounted.yaml", root.join("sub/mounted.yaml")).unwrap();
    symlink(root, root.join("sub/loop")).unwrap();
    symlink("nowhere.yaml", root.join("broken.yaml")).unwrap();
    let workspace = workspace::read(&Input::Path(root.to_path_buf()), &Disk, None).unwrap();
    let analysis = analysis::analyse(workspace, None);
    let expected = [
        "broken.yaml:1:1 unreadable-file",
        "out.yaml:1:1 link-outside-workspace",
        "outdir:1:1 link-outside-workspace",
        "sub/mounted.yaml:1:20 unknown-key",
    ];
    assert_eq!(shown(&analysis), expected);
    assert_eq!(analysis.counts.left_out.links, 2, "{:?}", analysis.counts);
    symlink(root.join("sub/..data"), root.join("hidden-folder")).unwrap();
    symlink(root.join("notes.txt"), root.join("renamed.yaml")).unwrap();
    std::fs::write(root.join("notes.txt"), "batch_processing: {batch_sise: 1}\n").unwrap();
    let workspace = workspace::read(&Input::Path(root.to_path_buf()), &Disk, None).unwrap();
    let findings = shown(&analysis::analyse(workspace, None));
    for expected in ["hidden-folder:1:1 unreadable-file", "renamed.yaml:1:20 unknown-key"] {
        assert!(findings.iter().any(|finding| finding == expected), "{findings:?}");
    }
    let through_a_file = workspace::read(&Input::Path(Path::new(root).join("a.yaml")), &Disk, None).unwrap();
    assert_eq!(through_a_file.files.len(), 1);
}

#[test]
fn exclusions_are_counted_and_gitignore_is_not_honoured() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in
        ["a.yaml", "vendor/deep/x.yaml", "bundle/cedar/y.yaml", ".hidden/z.yaml", "env/prod/e.yaml", "ignored.yaml"]
    {
        std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        std::fs::write(root.join(path), if path == "a.yaml" { BREAKER } else { "batch_processing: {batch_sise: 1}\n" })
            .unwrap();
    }
    std::fs::write(root.join("bundle/bundle.json"), "{}").unwrap();
    std::fs::write(root.join(".gitignore"), "ignored.yaml\n").unwrap();
    std::fs::write(root.join("mcpctl.yaml"), "exclude: [vendor/**]\nenvironments: {prod: env/prod}\n").unwrap();
    let workspace = workspace::read(&Input::Path(root.to_path_buf()), &Disk, None).unwrap();
    let analysis = analysis::analyse(workspace, None);
    assert_eq!(shown(&analysis), ["ignored.yaml:1:20 unknown-key"]);
    assert_eq!((analysis.counts.left_out.hidden, analysis.counts.left_out.excluded), (2, 3));
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
fn what_stands_twice_or_is_empty_grants_nothing_by_accident() {
    let server = |rest: &str| one(&format!("mcp_registry:\n  servers:\n    - name: s\n{rest}"));
    assert_eq!(server("      tools: []\n"), ["a.yaml:4:14 invalid-value"]);
    let twice = "      tools: [{name: t}, {name: t}]\n      resources: [{uri: r}, {uri: r}]\n      prompts: [{name: p}, {name: p}]\n";
    let found: Vec<_> = server(twice).into_iter().filter(|finding| finding.ends_with(" duplicate-name")).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    let steps = "saga_definition:\n  name: s\n  steps:\n    - {name: a, mcp_server: x, action: t, compensation: u}\n";
    let again = format!("{steps}    - {{name: a, mcp_server: x, action: v, compensation: w}}\n");
    assert!(one(&again).contains(&"a.yaml:5:14 duplicate-name".to_owned()), "{:?}", one(&again));
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

#[test]
fn a_method_that_an_entry_cannot_deny_is_an_error_that_says_what_to_do() {
    let finding = |methods: &str| {
        let text = format!(
            "mcp_registry:\n  servers:\n    - name: crm\n      methods: {methods}\n      tools: [{{name: t}}]\n"
        );
        let analysis = Files::of([("a.yaml", text.as_str())]).analyse();
        let found = analysis.report().diagnostics.iter().find(|found| found.severity == Severity::Error)?;
        let at = analysis.sources.position(found.loc);
        let help = found.help.clone().unwrap_or_default();
        Some((format!("{}:{} {}", at.line, at.column, found.rule.name), found.message.clone(), help))
    };
    assert_eq!(finding("{deny: [ping, resources/subscribe]}"), None);
    for (methods, place, help) in [
        ("{deny: [ping, pong]}", "4:30 unknown-word", "did you mean `ping`?"),
        ("{deny: [initialize]}", "4:24 unknown-word", "to close the server, write `suspended: \"REASON\"`"),
        ("{deny: [tools/call]}", "4:24 unknown-word", "remove the grants instead"),
        ("{deny: [resources/read]}", "4:24 unknown-word", "remove the grants instead"),
        ("{deny: [GET]}", "4:24 unknown-word", "but one of HTTP"),
        ("{deny: [ping, tools/list, ping]}", "4:42 duplicate-name", ""),
        ("{deny: []}", "4:23 invalid-value", "an empty list is neither everything nor nothing here"),
        ("{}", "4:7 missing-key", ""),
        ("{deny: ping}", "4:23 wrong-type", ""),
        ("[ping]", "4:16 wrong-type", ""),
        ("{deny: [ping], allow: [ping]}", "4:31 unknown-key", ""),
    ] {
        let (at, message, said) = finding(methods).unwrap_or_default();
        assert_eq!(at, place, "{methods}: {message}");
        assert!(said.contains(help), "{methods}: {said}");
        if help.contains("ping") || help.contains("grants") {
            assert!(message.contains("legal are `ping`, `logging/setLevel`, `tools/list`"), "{message}");
        }
    }
}

#[test]
fn a_mark_that_mcp_does_not_allow_in_the_schema_of_a_tool_is_an_error_at_its_place() {
    let found = |schema: &str| {
        let text = format!(
            "mcp_registry:\n  servers:\n    - name: crm\n      tools:\n        - name: t\n          input_schema: {schema}\n"
        );
        let analysis = Files::of([("a.yaml", text.as_str())]).analyse();
        let errors = analysis.report().diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let shown = errors.map(|found| {
            let at = analysis.sources.position(found.loc);
            (format!("{}:{} {}", at.line, at.column, found.rule.name), found.message.clone())
        });
        shown.collect::<Vec<_>>()
    };
    for schema in [
        "{type: object, properties: {a: {type: string, x-mcp-header: A}, b: {properties: {c: {x-mcp-header: \"a!#$%&'*+-.^_`|~9\", type: integer}}}}}",
        // A property of that name is not a mark, and neither is data.
        "{properties: {x-mcp-header: {type: object}, a: {default: {x-mcp-header: [1]}, enum: [{x-mcp-header: ''}], type: string}}}",
        "{oneOf: [true, {required: [a]}], items: [false], x-vendor: {x-mcp-header: 1}}",
    ] {
        assert_eq!(found(schema), [], "{schema}");
    }
    let property = |mark: &str| format!("{{properties: {{a: {mark}}}}}");
    for (schema, place, says) in [
        (property("{type: string, x-mcp-header: ''}"), "6:71", "is not a name of letters"),
        (property("{type: string, x-mcp-header: 'a b'}"), "6:71", "is not a name of letters"),
        (property("{type: string, x-mcp-header: é}"), "6:71", "is not a name of letters"),
        (property("{type: string, x-mcp-header: 7}"), "6:71", "is not a name of letters"),
        (property("{type: string, x-mcp-header: [A]}"), "6:71", "is not a name of letters"),
        (property("{type: number, x-mcp-header: A}"), "6:71", "has the type `number`"),
        (property("{type: object, x-mcp-header: A}"), "6:71", "has the type `object`"),
        (property("{type: [string], x-mcp-header: A}"), "6:73", "has no single type"),
        (property("{x-mcp-header: A}"), "6:57", "has no single type"),
        ("{type: string, x-mcp-header: A}".to_owned(), "6:54", "reached by `properties` alone"),
        (property("{items: {type: string, x-mcp-header: A}}"), "6:79", "reached by `properties` alone"),
        (
            property("{items: {properties: {b: {type: string, x-mcp-header: A}}}}"),
            "6:96",
            "reached by `properties` alone",
        ),
        (
            "{anyOf: [{properties: {a: {type: string, x-mcp-header: A}}}]}".to_owned(),
            "6:80",
            "reached by `properties` alone",
        ),
        (
            "{if: {properties: {a: {type: string, x-mcp-header: A}}}}".to_owned(),
            "6:76",
            "reached by `properties` alone",
        ),
        ("{$defs: {b: {type: string, x-mcp-header: A}}}".to_owned(), "6:66", "reached by `properties` alone"),
        (
            "{properties: {a: {type: string, x-mcp-header: Aa}, b: {type: string, x-mcp-header: aA}}}".to_owned(),
            "6:108",
            "two arguments of this tool are repeated in the header `Mcp-Param-aA`",
        ),
    ] {
        let findings = found(&schema);
        let [(at, message)] = findings.as_slice() else { panic!("{schema}: {findings:?}") };
        assert_eq!(at, &format!("{place} invalid-argument-header"), "{schema}");
        assert!(message.contains(says), "{schema}: {message}");
    }
}
