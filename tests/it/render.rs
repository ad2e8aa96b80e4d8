//! Every output format on hand-made findings.

mod escapes;

use mcpctl::diagnostic::suppressed::{Suppressed, Suppression};
use mcpctl::diagnostic::upgrade::{Of, Upgrade};
use mcpctl::diagnostic::{Diagnostic, Rule, Severity, is_unprintable};
use mcpctl::render::{self, Findings, Format};
use mcpctl::source::{FileId, Loc, SourceFile, Sources};

static DANGLING: Rule = Rule {
    name: "unknown-server",
    guards_access: false,
    severity: Severity::Error,
    what: "Finds servers that nothing declares.",
    why: "Nobody answers there.",
    fix: "Mend the name.",
};
static UNCLASSIFIED: Rule = Rule {
    name: "unclassified-server",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds servers without a class.",
    why: "They are treated as the most sensitive.",
    fix: "List them.",
};
static AMBIGUOUS: Rule = Rule {
    name: "ambiguous-scalar",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds `yes`.",
    why: "Readers differ.",
    fix: "Quote it.",
};

const REGISTRY: &str =
    "mcp_registry:\n  servers:\n    - name: payment_server\n    - name: crm_server\n      enabled: yes\n";
const FLOW: &str =
    "workflow_definition:\n  name: onboarding\n  steps:\n    - name: charge\n      mcp_server: payment_srever\n";

/// The place of `text`, which stands in the file once.
fn at(sources: &Sources, file: u32, text: &str) -> Loc {
    let whole = sources.file(FileId(file)).text();
    let start = whole.find(text).expect("the text is in the file");
    assert_eq!(whole.matches(text).count(), 1, "{text:?}");
    Loc { file: FileId(file), start: start as u32, end: (start + text.len()) as u32 }
}

fn sources(files: &[(&str, &str)]) -> Sources {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(SourceFile::new(*name, *text));
    }
    sources
}

fn sample() -> (Sources, Vec<Diagnostic>) {
    let sources = sources(&[("flows/onboarding.yaml", FLOW), ("registry.yaml", REGISTRY)]);
    let message = "step `charge` calls server `payment_srever`, which the registry does not list";
    let findings = vec![
        Diagnostic::new(&DANGLING, at(&sources, 0, "payment_srever"), message)
            .label(at(&sources, 1, "payment_server"), "a similar name is declared here")
            .label(at(&sources, 0, "charge"), "in this step")
            .help("did you mean `payment_server`?"),
        Diagnostic::new(&UNCLASSIFIED, at(&sources, 1, "crm_server"), "server `crm_server` has no data class")
            .help("list `crm_server` under `mcp_servers` of its class"),
        Diagnostic::new(&AMBIGUOUS, at(&sources, 1, "yes"), "`yes` is text in YAML 1.2"),
    ];
    (sources, findings)
}

/// The formats of other tools.
const LISTED: [Format; 6] =
    [Format::Jsonl, Format::Sarif, Format::Gitlab, Format::Junit, Format::Rdjson, Format::Azure];

fn rendered_with(format: Format, sources: &Sources, diagnostics: &[Diagnostic], docs_url: Option<&str>) -> String {
    rendered_beside(format, sources, (diagnostics, &[]), docs_url)
}

fn rendered_beside(
    format: Format,
    sources: &Sources,
    (diagnostics, suppressed): (&[Diagnostic], &[Suppressed]),
    docs_url: Option<&str>,
) -> String {
    let findings = Findings { sources, diagnostics, suppressed, files: sources.len(), most: usize::MAX, docs_url };
    let mut out = Vec::new();
    render::write(format, &findings, false, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("text")
}

fn rendered(format: Format, sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    rendered_with(format, sources, diagnostics, None)
}

#[test]
fn human() {
    let (sources, findings) = sample();
    insta::assert_snapshot!(rendered(Format::Human, &sources, &findings));
}

#[test]
fn short() {
    let (sources, findings) = sample();
    insta::assert_snapshot!(rendered(Format::Short, &sources, &findings));
}

#[test]
fn json() {
    let (sources, findings) = sample();
    insta::assert_snapshot!(rendered(Format::Json, &sources, &findings));
}

#[test]
fn github() {
    let (sources, findings) = sample();
    insta::assert_snapshot!(rendered(Format::Github, &sources, &findings));
}

/// The sample with its warning accepted by each kind of suppression.
#[test]
fn formats_of_other_tools() {
    let (sources, mut findings) = sample();
    let accepted = findings.remove(1);
    let waiver = Suppression::Waiver {
        name: "crm".to_owned(),
        owner: "platform".to_owned(),
        expires: "2027-03-31".to_owned(),
        reason: "classed with the audit".to_owned(),
    };
    let by = [waiver, Suppression::Comment { reason: "a test server".to_owned() }, Suppression::Baseline];
    let suppressed = by.map(|by| Suppressed { diagnostic: accepted.clone(), by });
    let docs = Some("https://docs.example.com");
    for format in LISTED.into_iter().chain([Format::Json]) {
        let text = rendered_beside(format, &sources, (&findings, &suppressed), docs);
        insta::assert_snapshot!(format!("listed_{format:?}").to_lowercase(), text);
    }
}

/// Fingerprints: one more finding alike has the same one in SARIF, and another one in GitLab, which shows one of each.
#[test]
fn findings_alike_have_one_fingerprint_and_are_both_shown() {
    let (sources, findings) = sample();
    let twice = [findings[1].clone(), findings[1].clone()];
    let sarif: serde_json::Value = serde_json::from_str(&rendered(Format::Sarif, &sources, &twice)).unwrap();
    let results = &sarif["runs"][0]["results"];
    assert_eq!(results[0]["partialFingerprints"], results[1]["partialFingerprints"]);
    let gitlab: serde_json::Value = serde_json::from_str(&rendered(Format::Gitlab, &sources, &twice)).unwrap();
    let first = gitlab[0]["fingerprint"].as_str().unwrap();
    assert_eq!(gitlab[1]["fingerprint"], format!("{first}-2"));
}

#[test]
fn color_changes_nothing_but_color() {
    let (sources, diagnostics) = sample();
    let findings = Findings {
        sources: &sources,
        diagnostics: &diagnostics,
        suppressed: &[],
        files: 2,
        most: usize::MAX,
        docs_url: None,
    };
    let mut colored = Vec::new();
    render::write(Format::Human, &findings, true, &mut colored).unwrap();
    let colored = String::from_utf8(colored).unwrap();
    assert!(colored.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some(start) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..start]);
        let end = start + rest[start..].find('m').unwrap();
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    assert_eq!(plain, rendered(Format::Human, &sources, &diagnostics));
}

#[test]
fn a_documentation_base_gives_every_finding_its_page() {
    let (sources, findings) = sample();
    let page = "https://docs.example.com/book/checks/ambiguous-scalar.html";
    for format in [Format::Human, Format::Json, Format::Github] {
        let text = rendered_with(format, &sources, &findings, Some("https://docs.example.com/book/"));
        assert!(text.contains(page), "{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json, &sources, &findings)).unwrap();
    assert_eq!(json["diagnostics"][2]["url"], serde_json::Value::Null);
    assert_eq!(json["diagnostics"][2]["help"], serde_json::Value::Null);
}

#[test]
fn what_was_valid_before_says_what_it_meant_and_what_to_write_now() {
    static LIST: Upgrade = Upgrade {
        rule: "unknown-server",
        of: Of::Told,
        what: "an empty list",
        before: "an empty list meant every server",
        write: "`servers: [payment_server]`",
    };
    let (sources, mut findings) = sample();
    findings[0].upgrade = Some(&LIST);
    for format in [Format::Human, Format::Json, Format::Github] {
        let text = rendered(format, &sources, &findings);
        for part in [LIST.before, LIST.write] {
            assert_eq!(text.matches(part).count(), 1, "{part:?} in {text}");
        }
    }
}

#[test]
fn no_findings() {
    let (sources, _) = sample();
    assert_eq!(rendered(Format::Human, &sources, &[]), "");
    assert_eq!(rendered(Format::Short, &sources, &[]), "");
    assert_eq!(rendered(Format::Github, &sources, &[]), "");
    assert_eq!(rendered(Format::Azure, &sources, &[]), "");
    assert_eq!(rendered(Format::Jsonl, &sources, &[]), "");
    assert_eq!(rendered(Format::Gitlab, &sources, &[]), "[]\n");
    assert!(rendered(Format::Junit, &sources, &[]).contains("<testcase name=\"no findings\""));
    let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json, &sources, &[])).unwrap();
    let empty = serde_json::json!({
        "version": 1, "summary": {"files": 2, "errors": 0, "warnings": 0, "notes": 0, "suppressed": 0},
        "diagnostics": [], "suppressed": [],
    });
    assert_eq!(json, empty);
}

#[test]
fn the_summary_counts_in_words() {
    let (sources, all) = sample();
    let summary = |diagnostics: &[Diagnostic], files| {
        Findings { sources: &sources, diagnostics, suppressed: &[], files, most: usize::MAX, docs_url: None }.summary()
    };
    assert_eq!(summary(&all, 2), "1 error, 1 warning, 1 note in 2 files");
    assert_eq!(summary(&[all[1].clone(), all[1].clone()], 1), "2 warnings in 1 file");
    assert_eq!(summary(&[], 19), "no findings in 19 files");
}

/// Control characters, escape sequences and direction marks are written out; the mark under them stays where it belongs.
#[test]
fn hostile_characters_are_written_out() {
    let text = "\u{feff}a: \u{1b}[2J\u{202e}evil\u{7}\u{9b}31m\tname # \u{200b}x\r\nb: naïve 漢字 wrong\r\n";
    let sources = sources(&[("a\u{1b}]0;x\u{7}\n.yaml", text)]);
    let findings = [
        Diagnostic::new(&DANGLING, at(&sources, 0, "evil"), "here \u{1b}[31m"),
        Diagnostic::new(&DANGLING, at(&sources, 0, "name"), "after a tab"),
        Diagnostic::new(&DANGLING, at(&sources, 0, "wrong"), "after wide characters"),
        Diagnostic::new(&DANGLING, Loc::start_of(FileId(0)), "the file"),
    ];
    let shown = rendered(Format::Human, &sources, &findings);
    insta::assert_snapshot!("hostile_human", shown);
    insta::assert_snapshot!("hostile_github", rendered(Format::Github, &sources, &findings));
    insta::assert_snapshot!("hostile_json", rendered(Format::Json, &sources, &findings[..1]));
    let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json, &sources, &findings[..1])).unwrap();
    assert_eq!(json["diagnostics"][0]["file"], sources.file(FileId(0)).name(), "escaping keeps the name");
    for format in LISTED {
        let shown = rendered(format, &sources, &findings);
        assert!(!shown.chars().any(|c| c != '\n' && is_unprintable(c)), "{format:?}: {shown:?}");
        insta::assert_snapshot!(format!("hostile_{format:?}").to_lowercase(), shown);
    }
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let line = format!("a: [{}wrong{}]\n", "x, ".repeat(1_000_000), ", y".repeat(1_000_000));
    let sources = sources(&[("long.yaml", &line)]);
    let wrong = at(&sources, 0, "wrong");
    let far = Loc { file: FileId(0), start: 0, end: 1 };
    let findings = [Diagnostic::new(&DANGLING, wrong, "in the middle").label(far, "at the start")];
    let shown = rendered(Format::Human, &sources, &findings);
    insta::assert_snapshot!(shown);
    assert!(shown.contains("long.yaml:1:3000005"), "the true column is kept");
}

#[test]
fn several_lines_are_shown_by_the_first_and_many_places_are_counted() {
    let sources = sources(&[("many.yaml", &"- item\n".repeat(100))]);
    let line = |line: u32| Loc { file: FileId(0), start: line * 7 + 2, end: line * 7 + 6 };
    let all = Loc { end: line(99).end, ..line(0) };
    let mut finding = Diagnostic::new(&DANGLING, all, "a hundred lines");
    for number in (2..60).step_by(2) {
        finding = finding.label(line(number), format!("number {number}"));
    }
    let shown = rendered(Format::Human, &sources, &[finding]);
    assert!(shown.contains("= and 9 more places"), "{shown}");
    assert!(shown.contains("number 40") && !shown.contains("number 42"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn places_at_the_very_end_are_shown() {
    let sources = sources(&[("empty.yaml", ""), ("end.yaml", "a: 1\n"), ("no-break.yaml", "a: 1")]);
    let end = |file, at| Loc { file: FileId(file), start: at, end: at };
    let findings = [
        Diagnostic::new(&DANGLING, end(0, 0), "empty"),
        Diagnostic::new(&DANGLING, end(1, 4), "at the line break"),
        Diagnostic::new(&DANGLING, end(1, 5), "after the last line break"),
        Diagnostic::new(&DANGLING, end(2, 4), "at the end"),
    ];
    insta::assert_snapshot!(rendered(Format::Human, &sources, &findings));
}
