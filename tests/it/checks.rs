//! Every check finds what its fixtures say, at the line they say, and nothing else.
//!
//! A fixture is a workspace under `fixtures/checks/<check>/{pass,fail}`; a line with a finding ends in
//! `# expect: check-name`, or several names separated by commas. `MCPCTL_PRINT=1` prints the findings as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mcpctl::analysis::rules::all_rules;
use mcpctl::analysis::{Analysis, analyse};
use mcpctl::checks::CHECKS;
use mcpctl::diagnostic::{Diagnostic, Severity};
use mcpctl::families::FamilyId;
use mcpctl::workspace::{self, Disk, Input};

/// File, line and check of findings, each with how often it occurs there.
type Findings = BTreeMap<(String, u32, String), usize>;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn folders(parent: &Path) -> Vec<PathBuf> {
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

fn found(analysis: &Analysis) -> Findings {
    count(analysis.report.diagnostics.iter().map(|finding| {
        let name = analysis.sources.file(finding.loc.file).name().to_owned();
        (name, analysis.sources.position(finding.loc).line, finding.rule.name.to_owned())
    }))
}

fn expected(analysis: &Analysis) -> Findings {
    let known: BTreeSet<&str> = all_rules().iter().map(|rule| rule.name).collect();
    count(analysis.sources.iter().flat_map(|(_, file)| {
        let marked =
            file.text().lines().zip(1..).filter_map(|(text, line)| Some((text.split_once("# expect: ")?.1, line)));
        let names = marked.flat_map(|(names, line)| names.split(',').map(move |name| (name.trim().to_owned(), line)));
        names
            .inspect(|(name, _)| assert!(known.contains(name.as_str()), "{} expects no check: `{name}`", file.name()))
            .map(|(name, line)| (file.name().to_owned(), line, name))
            .collect::<Vec<_>>()
    }))
}

fn print(folder: &Path, analysis: &Analysis) {
    if std::env::var_os("MCPCTL_PRINT").is_none() {
        return;
    }
    println!("{}", folder.strip_prefix(fixtures()).unwrap().display());
    for finding in &analysis.report.diagnostics {
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
            let own = found(&analysed(&folder)).keys().any(|(_, _, found)| found == name);
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
        for finding in analysed(&folder).report.diagnostics {
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
fn hiding_a_file_adds_no_finding() {
    let folders = folders(&fixtures().join("checks")).iter().flat_map(|check| folders(check)).collect::<Vec<_>>();
    let whole = [fixtures().join("seed")].into_iter().chain(self::folders(&fixtures().join("projects")));
    for folder in whole.chain(folders) {
        let read = || {
            let mut workspace = workspace::read(&Input::Path(folder.clone()), &Disk, None).unwrap();
            let accepts =
                |text: &[u8]| text.starts_with(b"waivers:") || text.windows(9).any(|part| part == b"\nwaivers:");
            workspace.files.retain(|file| !file.bytes.as_ref().is_ok_and(|text| accepts(text)));
            workspace
        };
        // The first mention of a name may move to another file, so findings are compared by what they point at or say.
        let before = pointed_at(&analyse(read(), Some("2026-11-22")));
        for at in 0..read().files.len() {
            let families = |text: &str| -> Vec<String> {
                let keys = FamilyId::ALL.iter().map(|family| family.key());
                keys.filter(|key| text.lines().any(|line| line.starts_with(&format!("{key}:"))))
                    .map(str::to_owned)
                    .collect()
            };
            let mut workspace = read();
            let hidden = workspace.files[at].name.clone();
            let text = String::from_utf8(workspace.files[at].bytes.as_ref().unwrap().clone()).unwrap();
            let wrong = families(&text).iter().map(|key| format!("{key}: 12\n")).collect::<String>();
            workspace.files[at].bytes = Ok(b"a: [".to_vec());
            let mut sections = read();
            sections.files[at].bytes = Ok(wrong.into_bytes());
            for workspace in [workspace, sections] {
                let after = analyse(workspace, Some("2026-11-22"));
                let in_hidden = |finding: &&Diagnostic| after.sources.file(finding.loc.file).name() == hidden;
                for finding in after.report.diagnostics.iter().filter(|finding| !in_hidden(finding)) {
                    let text = after.sources.text_at(finding.loc).to_owned();
                    assert!(
                        before.contains(&(finding.rule.name, text))
                            || before.contains(&(finding.rule.name, finding.message.clone())),
                        "{} without {hidden}: {} is {}: {}",
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

/// What each finding points at, and what it says.
fn pointed_at(analysis: &Analysis) -> BTreeSet<(&'static str, String)> {
    let both = |finding: &Diagnostic| {
        [analysis.sources.text_at(finding.loc).to_owned(), finding.message.clone()]
            .map(|text| (finding.rule.name, text))
    };
    analysis.report.diagnostics.iter().flat_map(both).collect()
}

/// The faults of the document's own configuration, all of them warnings but for the note.
const OF_THE_DOCUMENT: [(&str, usize); 15] = [
    ("ambiguous-tool", 1),
    ("batch-never-triggers", 1),
    ("dead-retention", 1),
    ("fallback-caches-sensitive-data", 1),
    ("legacy-exporter-endpoint", 1),
    ("no-agents-declared", 1),
    ("plaintext-in-transit", 2),
    ("restricted-data-flow", 1),
    ("server-without-pool", 1),
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
    for finding in &analysis.report.diagnostics {
        assert!(finding.severity < Severity::Error, "{}", finding.message);
        *counts.entry(finding.rule.name).or_default() += 1;
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), OF_THE_DOCUMENT);
    let text_of = |check: &str| -> Vec<&str> {
        let findings = analysis.report.diagnostics.iter().filter(|finding| finding.rule.name == check);
        findings.map(|finding| analysis.sources.text_at(finding.loc).trim_matches('"')).collect()
    };
    assert_eq!(text_of("legacy-exporter-endpoint"), ["http://jaeger:14268/api/traces"]);
    assert_eq!(text_of("batch-never-triggers"), ["every_minute"]);
    assert_eq!(text_of("dead-retention"), ["7_days"]);
    assert_eq!(text_of("fallback-caches-sensitive-data"), ["cached_responses"]);
    assert_eq!(text_of("workflow-without-compensation"), ["customer_onboarding"]);
    assert_eq!(text_of("unused-auth-level"), ["1", "3"]);
}
