//! The tables that end a compile: what each target enforces, and what no target does.

use crate::bundle::{Bundle, manifest};
use crate::cli::{refusal, table};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Sources;
use crate::targets::{Left, NOT_EXPRESSIBLE};

/// For each target its files, how many of the families in use it enforces in full or in part, how many keys in use it leaves
/// out, and what its proof rests on. The manifest names every file, family and key.
///
/// # Errors
/// Where memory cannot be written.
pub fn of_targets(bundle: &Bundle) -> Result<Vec<String>, Vec<miette::Report>> {
    let row = |target: &manifest::Target| {
        let files = bundle.manifest.files.iter().filter(|file| file.target == target.name).count();
        let enforced = target.coverage.iter().filter(|family| family.coverage != "none").count();
        vec![
            format!("  {}", target.name),
            files.to_string(),
            format!("{enforced} of {}", target.coverage.len()),
            target.not_expressed.len().to_string(),
            target.proof.rests_on.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = bundle.manifest.targets.iter().map(row).collect();
    lines(&["  target", "files", "families", "keys left out", "proof"], &rows)
}

/// The notes among these findings that stand in the table instead: those about families that no target expresses, where the
/// settings leave them notes.
#[must_use]
pub fn tabled<'l>(left: &'l [Left], findings: &[Diagnostic]) -> Vec<&'l Left> {
    let noted = |left: &&Left| findings.iter().any(|finding| is_tabled(finding) && finding.loc == left.loc);
    left.iter().filter(noted).collect()
}

/// Whether a finding is told by the table.
#[must_use]
pub fn is_tabled(finding: &Diagnostic) -> bool {
    finding.rule.name == NOT_EXPRESSIBLE.name && finding.severity == Severity::Note
}

/// One line for each family that no target expresses: how much of it, the nearest target, and who does it otherwise.
///
/// # Errors
/// Where memory cannot be written.
pub fn of_left(left: &[&Left], sources: &Sources) -> Result<Vec<String>, Vec<miette::Report>> {
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let row = |left: &&Left| {
        let nearest = left.nearest.map_or("none".to_owned(), |(target, keys)| format!("{target} ({keys})"));
        vec![
            format!("  {}", left.family.key()),
            left.counted(),
            sources.file_line(left.loc),
            nearest,
            left.family.usually().to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = left.iter().map(row).collect();
    let table = lines(&["  not expressed", "how much", "first used at", "nearest target", "otherwise"], &rows)?;
    let head = "no compiled target expresses the following; `bundle.json` names each key".to_owned();
    Ok(std::iter::once(head).chain(table).collect())
}

fn lines(head: &[&str], rows: &[Vec<String>]) -> Result<Vec<String>, Vec<miette::Report>> {
    let mut text = Vec::new();
    table::write(head, rows, &mut text).map_err(refusal::stdout)?;
    Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
}
