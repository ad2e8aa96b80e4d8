//! Every change that a finding of a fixture offers is made alone, and the workspace is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mcpctl::analysis::rules::all_rules;
use mcpctl::analysis::{Analysis, analyse};
use mcpctl::checks::CHECKS;
use mcpctl::diagnostic::Diagnostic;
use mcpctl::render::patches::Patches;
use mcpctl::review::access::{Side, compare};
use mcpctl::source::yaml::changes::{Change, applied};
use mcpctl::workspace::over::Over;
use mcpctl::workspace::{self, Disk, Input};

use crate::checks::{fixtures, folders};

const TODAY: Option<&str> = Some("2026-11-22");

fn analysed(folder: &Path, texts: BTreeMap<PathBuf, Vec<u8>>) -> Analysis {
    let over = Over { reader: &Disk, texts };
    let workspace = workspace::read(&Input::Path(folder.to_owned()), &over, None).unwrap();
    analyse(workspace, TODAY)
}

/// How many findings are the same as one.
fn alike(analysis: &Analysis, finding: &Diagnostic) -> usize {
    let report = analysis.report();
    let all = report.diagnostics.iter().chain(report.suppressed.iter().map(|one| &one.diagnostic));
    all.filter(|other| other.rule == finding.rule && other.message == finding.message).count()
}

fn side(analysis: &Analysis) -> Side<'_> {
    Side { model: analysis.model(), policy: analysis.policy() }
}

/// Workspaces with findings.
fn workspaces() -> Vec<PathBuf> {
    let checks = folders(&fixtures().join("checks"));
    let failing = checks.iter().map(|check| check.join("fail")).filter(|folder| folder.is_dir());
    let others = ["mistakes", "projects"].iter().flat_map(|kind| {
        let parent = fixtures().join(kind);
        if parent.is_dir() { folders(&parent) } else { Vec::new() }
    });
    failing.chain(others).collect()
}

#[test]
fn each_fix_holds_and_a_safe_one_allows_nothing_more() {
    let (mut made, mut faults, mut offered) = (0, Vec::new(), BTreeSet::new());
    for folder in workspaces() {
        let Ok(_) = workspace::read(&Input::Path(folder.clone()), &Disk, None) else { continue };
        let before = analysed(&folder, BTreeMap::new());
        let patches = Patches::new(&before.sources);
        for finding in &before.report().diagnostics {
            let Some(fix) = &finding.fix else { continue };
            let place = || format!("{}: {}: {}", folder.display(), finding.rule.name, finding.message);
            let Some(changes) = patches.of(fix) else {
                println!("cannot be made: {}", place());
                continue;
            };
            let mut by_file: BTreeMap<_, Vec<Change>> = BTreeMap::new();
            for (loc, text) in changes {
                by_file.entry(loc.file).or_default().push((loc.start as usize..loc.end as usize, text));
            }
            let texts = by_file.iter().map(|(file, changes)| {
                let file = before.sources.file(*file);
                (folder.join(file.name()), applied(file.text(), changes).into_bytes())
            });
            let after = analysed(&folder, texts.collect());
            made += 1;
            offered.insert(finding.rule.name);
            if alike(&after, finding) >= alike(&before, finding) {
                faults.push(format!("still found: {}", place()));
            }
            if after.model().unread_files && !before.model().unread_files {
                faults.push(format!("not read any more: {}", place()));
            }
            let flips = compare(side(&before), side(&after)).unwrap().flips;
            if fix.safe && flips.iter().any(|flip| flip.change.widens()) {
                faults.push(format!("allows more: {}", place()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let checks = CHECKS.iter().filter(|check| offered.contains(check.rule.name)).count();
    println!("{made} changes; {checks} of {} checks, {} of {} rules", CHECKS.len(), offered.len(), all_rules().len());
    assert!(checks * 3 >= CHECKS.len(), "{checks} of {} checks offer a fix: {offered:?}", CHECKS.len());
}
