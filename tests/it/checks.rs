//! Every check finds what its fixtures say, at the line they say, and nothing else.
//!
//! A fixture is a workspace under `fixtures/checks/<check>/{pass,fail}`; a line with a finding ends in
//! `# expect: check-name`, or several names separated by commas; `check-name=warning` where the level is not the check's
//! own. A line that a finding shows beside its own place ends in `# also: check-name`. `MCPCTL_PRINT=1` prints the
//! findings as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mcpctl::analysis::rules::all_rules;
use mcpctl::analysis::{Analysis, analyse};
use mcpctl::checks::CHECKS;
use mcpctl::diagnostic::{Diagnostic, Severity};
use mcpctl::families::FamilyId;
use mcpctl::source::Loc;
use mcpctl::workspace::{self, Disk, Input, InputFile, Skipped, Workspace};

use crate::memory::Files;

/// File, line and check of findings, each with how often it occurs there.
type Findings = BTreeMap<(String, u32, String), usize>;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(crate) fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(parent)
        .unwrap_or_else(|error| panic!("{}: {error}", parent.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn analysed(folder: &Path) -> Analysis {
    let workspace = workspace::read(&Input::Path(folder.to_owned()), &Disk, None)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    analyse(workspace, Some("2026-11-22"))
}

fn count(findings: impl IntoIterator<Item = (String, u32, String)>) -> Findings {
    findings.into_iter().fold(Findings::new(), |mut all, finding| {
        *all.entry(finding).or_default() += 1;
        all
    })
}

/// Every finding under its marker, and every line that one shows beside its own.
fn found(analysis: &Analysis) -> Findings {
    let place = |loc: Loc| (analysis.sources.file(loc.file).name().to_owned(), analysis.sources.position(loc).line);
    let marker = |name: &str, (file, line): (String, u32)| (file, line, name.to_owned());
    let findings = analysis.report().diagnostics.iter();
    let primary = findings.clone().map(|finding| {
        let (name, own) = (finding.rule.name, finding.rule.severity);
        match finding.severity {
            level if level == own => marker(name, place(finding.loc)),
            level => marker(&format!("{name}={}", level.word()), place(finding.loc)),
        }
    });
    let also: BTreeSet<_> = findings
        .flat_map(|finding| finding.labels.iter().map(move |label| (finding, label)))
        .filter(|(finding, label)| place(finding.loc) != place(label.loc))
        .map(|(finding, label)| marker(&format!("also {}", finding.rule.name), place(label.loc)))
        .collect();
    count(primary.chain(also))
}

fn expected(analysis: &Analysis) -> Findings {
    let known: BTreeSet<&str> = all_rules().iter().map(|rule| rule.name).collect();
    let mut markers = Vec::new();
    for (_, file) in analysis.sources.iter() {
        for (text, line) in file.text().lines().zip(1..) {
            for (kind, prefix) in [("# expect: ", ""), ("# also: ", "also ")] {
                let Some((_, names)) = text.split_once(kind) else { continue };
                for name in names.split(" #").next().unwrap().split(',').map(str::trim) {
                    let check = name.split('=').next().unwrap();
                    assert!(known.contains(check), "{}:{line} expects no check: `{check}`", file.name());
                    markers.push((file.name().to_owned(), line, format!("{prefix}{name}")));
                }
            }
        }
    }
    count(markers)
}

fn print(folder: &Path, analysis: &Analysis) {
    if std::env::var_os("MCPCTL_PRINT").is_none() {
        return;
    }
    println!("{}", folder.strip_prefix(fixtures()).unwrap().display());
    for finding in &analysis.report().diagnostics {
        let at = analysis.sources.file_line(finding.loc);
        println!("  {at}: {}[{}]: {}", finding.severity.word(), finding.rule.name, finding.message);
        for label in &finding.labels {
            println!("      {}: {}", analysis.sources.file_line(label.loc), label.message);
        }
        finding.help.iter().for_each(|help| println!("      help: {help}"));
    }
}

#[test]
fn fixtures_have_the_findings_they_mark_and_no_others() {
    let mut wrong = Vec::new();
    for parent in folders(&fixtures().join("checks")).into_iter().chain([fixtures().join("projects")]) {
        for folder in folders(&parent) {
            let analysis = analysed(&folder);
            print(&folder, &analysis);
            let (expected, found) = (expected(&analysis), found(&analysis));
            let shown = folder.strip_prefix(fixtures()).unwrap().display();
            let mut differ = |a: &Findings, b: &Findings, what: &str| {
                for ((file, line, name), times) in a {
                    let other = b.get(&(file.clone(), *line, name.clone())).copied().unwrap_or(0);
                    if *times > other {
                        wrong.push(format!("{shown}/{file}:{line}: {what} {name}"));
                    }
                }
            };
            differ(&expected, &found, "missing");
            differ(&found, &expected, "unexpected");
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_check_has_a_fixture_that_fails_and_one_that_passes() {
    let root = fixtures().join("checks");
    for check in CHECKS {
        let name = check.rule.name;
        for (kind, wanted) in [("pass", false), ("fail", true)] {
            let folder = root.join(name).join(kind);
            assert!(folder.is_dir(), "`{name}` has no fixture {}", folder.display());
            let own = analysed(&folder).report().diagnostics.iter().any(|finding| finding.rule.name == name);
            assert_eq!(own, wanted, "`{name}` in its fixture `{kind}`");
        }
    }
    let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.rule.name).collect();
    for folder in folders(&root) {
        let stem = folder.file_name().unwrap().to_str().unwrap();
        assert!(names.contains(stem), "fixtures of no check: {stem}");
    }
}

#[test]
fn every_check_has_a_file_of_its_name_and_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let mut files: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().replace('_', "-"))
        .filter(|file| !["check", "checked"].contains(&file.as_str()))
        .collect();
    files.sort();
    let names: Vec<&str> = CHECKS.iter().map(|check| check.rule.name).collect();
    assert_eq!(names, files, "the list of checks is sorted, and each stands in the file of its name");
    for check in CHECKS {
        let rule = &check.rule;
        for (part, text) in [("what", rule.what), ("why", rule.why), ("fix", rule.fix)] {
            assert!(text.len() > 20, "`{}` lacks documentation: {part}", rule.name);
            assert!(part == "fix" || !text.contains("  "), "`{}` has stray spaces in {part}", rule.name);
        }
        assert!(rule.what.starts_with("Finds") || rule.what.starts_with("Shows"), "`{}`: {}", rule.name, rule.what);
    }
}

#[test]
fn messages_are_one_line_in_lower_case_without_a_final_stop() {
    for folder in folders(&fixtures().join("checks")).iter().flat_map(|check| folders(check)) {
        for finding in &analysed(&folder).report().diagnostics {
            let texts = std::iter::once(&finding.message).chain(finding.labels.iter().map(|label| &label.message));
            for text in texts.chain(&finding.help) {
                let first = text.chars().next().unwrap();
                assert!(!first.is_uppercase() && !text.ends_with('.') && !text.contains('\n'), "{text}");
                assert!(!text.contains("Some(") && !text.contains("``"), "{text}");
            }
        }
    }
}

/// Whatever cannot be read may hold anything, so nothing may be concluded from its absence.
#[test]
fn hiding_a_file_or_a_section_adds_no_finding() {
    let checks = folders(&fixtures().join("checks"));
    let mut workspaces: Vec<PathBuf> = checks.iter().flat_map(|check| folders(check)).collect();
    workspaces.push(fixtures().join("seed"));
    workspaces.extend(folders(&fixtures().join("projects")));
    for folder in workspaces {
        let files = without_waivers(&folder);
        // The first mention of a name may move elsewhere, so findings are compared by what they point at or say.
        let before = pointed_at(&of_files(&files));
        for (at, (hidden, text)) in files.iter().enumerate() {
            let whole = std::iter::once("\"".to_owned());
            for broken in whole.chain(with_one_section_broken(text)) {
                let mut changed = files.clone();
                changed[at].1 = broken;
                let after = of_files(&changed);
                for finding in &after.report().diagnostics {
                    let place = after.sources.text_at(finding.loc).to_owned();
                    let known =
                        [place, finding.message.clone()].map(|text| before.contains(&(finding.rule.name, text)));
                    let about_it = after.sources.file(finding.loc.file).name() == hidden
                        && ["yaml-syntax", "cedar-syntax", "wrong-type"].contains(&finding.rule.name);
                    assert!(
                        about_it || known.contains(&true),
                        "{} with a part of {hidden} hidden: {} is {}: {}",
                        folder.display(),
                        after.sources.file_line(finding.loc),
                        finding.rule.name,
                        finding.message
                    );
                }
            }
        }
    }
}

/// The files of a workspace by name, without those that hold waivers: hiding a waiver rightly shows what it accepts.
pub(crate) fn without_waivers(folder: &Path) -> Vec<(String, String)> {
    let workspace = workspace::read(&Input::Path(folder.to_owned()), &Disk, None).unwrap();
    let files = workspace.files.into_iter().chain(workspace.settings);
    let texts = files.map(|file| (file.name, String::from_utf8(file.bytes.unwrap()).unwrap()));
    texts.filter(|(_, text)| !text.lines().any(|line| line.starts_with("waivers:"))).collect()
}

pub(crate) fn of_files(files: &[(String, String)]) -> Analysis {
    let file = |(name, text): &(String, String)| InputFile { name: name.clone(), bytes: Ok(text.clone().into_bytes()) };
    let (settings, files): (Vec<_>, Vec<_>) = files.iter().map(file).partition(|file| file.name == "mcpctl.yaml");
    let settings = settings.into_iter().next();
    analyse(Workspace { root: PathBuf::new(), files, settings, skipped: Skipped::default() }, Some("2026-11-22"))
}

/// The text, once for each section, with a number where the body of that section was.
fn with_one_section_broken(text: &str) -> Vec<String> {
    let starts = |line: &str| FamilyId::ALL.iter().find(|family| line.starts_with(&format!("{}:", family.key())));
    let ends = |line: &str| !line.is_empty() && !line.starts_with([' ', '#', '-']) || line.starts_with("---");
    let lines: Vec<&str> = text.lines().collect();
    let sections = lines.iter().enumerate().filter_map(|(at, line)| Some((at, starts(line)?)));
    sections
        .map(|(at, family)| {
            let length = lines[at + 1..].iter().take_while(|line| !ends(line)).count();
            let before = lines[..at].join("\n");
            let after = lines[at + 1 + length..].join("\n");
            format!("{before}\n{}: 12\n{after}\n", family.key())
        })
        .collect()
}

/// What each finding points at, and what it says.
pub(crate) fn pointed_at(analysis: &Analysis) -> BTreeSet<(&'static str, String)> {
    let both = |finding: &Diagnostic| {
        [analysis.sources.text_at(finding.loc).to_owned(), finding.message.clone()]
            .map(|text| (finding.rule.name, text))
    };
    analysis.report().diagnostics.iter().flat_map(both).collect()
}

/// The faults of the document's own configuration, all of them warnings but for the notes.
const OF_THE_DOCUMENT: [(&str, usize); 22] = [
    ("ambiguous-tool", 1),
    ("batch-never-triggers", 1),
    ("batch-truncates", 1),
    ("breaker-blind-to-tool-errors", 1),
    ("breaker-opens-by-luck", 1),
    ("chaos-target-unmatched", 1),
    ("dead-retention", 1),
    ("error-boost-needs-tail-sampling", 1),
    ("fallback-caches-sensitive-data", 1),
    ("legacy-exporter-endpoint", 1),
    ("no-agents-declared", 1),
    ("plaintext-in-transit", 2),
    ("production-data-in-tests", 1),
    ("restricted-data-flow", 1),
    ("server-without-pool", 1),
    ("shared-pool-not-enforceable", 3),
    ("unattended-flow-needs-human", 4),
    ("unclassified-server", 10),
    ("unknown-scenario-step", 1),
    ("unused-auth-level", 2),
    ("unverified-obligation", 3),
    ("workflow-without-compensation", 1),
];

#[test]
fn the_documents_own_configuration_shows_its_faults_and_no_error() {
    let analysis = analysed(&fixtures().join("seed"));
    print(&fixtures().join("seed"), &analysis);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &analysis.report().diagnostics {
        assert!(finding.severity < Severity::Error, "{}", finding.message);
        *counts.entry(finding.rule.name).or_default() += 1;
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), OF_THE_DOCUMENT);
    let text_of = |check: &str| -> Vec<&str> {
        let findings = analysis.report().diagnostics.iter().filter(|finding| finding.rule.name == check);
        findings.map(|finding| analysis.sources.text_at(finding.loc).trim_matches('"')).collect()
    };
    assert_eq!(text_of("legacy-exporter-endpoint"), ["http://jaeger:14268/api/traces"]);
    assert_eq!(text_of("batch-never-triggers"), ["every_minute"]);
    assert_eq!(text_of("dead-retention"), ["7_days"]);
    assert_eq!(text_of("fallback-caches-sensitive-data"), ["cached_responses"]);
    assert_eq!(text_of("workflow-without-compensation"), ["customer_onboarding"]);
    assert_eq!(text_of("unused-auth-level"), ["1", "3"]);
    assert_eq!(text_of("batch-truncates"), ["50"]);
    assert_eq!(text_of("chaos-target-unmatched"), ["memory_intensive_server"]);
    assert_eq!(text_of("error-boost-needs-tail-sampling"), ["error_spans"]);
    assert_eq!(text_of("production-data-in-tests"), ["sanitized_production"]);
}

#[test]
fn statements_that_differ_by_a_fact_that_nothing_asks_for_do_not_speak_against_each_other() {
    let text = |requires: &str, with: &str| {
        format!(
            "identity: {{issuer: 'https://idp.example.com', requirements: {{small: {{argument: amount, at_most: 100}}}}}}\n\
             progressive_auth: {{levels: [{{level: 1, requirements: [service_account_token]}}]}}\n\
             mcp_registry:\n  servers: [{{name: shop, tools: [{{name: refund{requires}}}]}}]\n  \
             agents: [{{name: clerk, subject: clerk, may_call: [shop/refund]}}]\n\
             policy_tests:\n  - {{name: a small refund is made, principal: clerk, call: shop/refund, \
             with: [service_account_token, small], expect: allow}}\n  - {{name: a large one is not, principal: clerk, \
             call: shop/refund, with: [{with}], expect: deny}}\n"
        )
    };
    let failing = |text: &str| -> Vec<bool> {
        let analysis = Files::of([("all.yaml", text)]).analyse();
        let found = analysis.report().diagnostics.iter().filter(|found| found.rule.name == "failing-policy-test");
        found.map(|found| found.help.iter().any(|help| help.contains("no configuration can meet both"))).collect()
    };
    assert_eq!(failing(&text(", requires: [small]", "service_account_token")), [false; 0]);
    assert_eq!(failing(&text("", "service_account_token")), [false]);
    assert_eq!(failing(&text("", "service_account_token, small")), [true]);
}

#[test]
fn a_collector_that_chooses_keeps_every_error() {
    let boost = "error-boost-needs-tail-sampling";
    let telemetry = "tracing_config:\n  sampling: {strategy: probabilistic, rate: 0.1, priority_boost: error_spans}\n";
    let found = |settings: &str| {
        let files = Files::of([("mcpctl.yaml", settings), ("all.yaml", telemetry)]);
        files.findings().iter().any(|finding| finding.ends_with(boost))
    };
    assert!(found("targets: {otel-collector: {memory: 1Gi}}\n"));
    assert!(!found("targets: {otel-collector: {endpoint: 'http://collector:4317'}}\n"));
}
