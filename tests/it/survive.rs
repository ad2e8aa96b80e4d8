//! What every input must be: read, checked and derived without a panic, told about only at places that exist, shown in every
//! format, and the same twice. The fuzz target and the property tests share it.

use mcpctl::analysis::{self, Analysis};
use mcpctl::render::{self, Findings, Format};
use mcpctl::workspace::{self, Disk, Input};

fn analyse(bytes: &[u8]) -> Option<Analysis> {
    let input = Input::Text { name: "fuzz.yaml".to_owned(), bytes: bytes.to_vec() };
    workspace::read(&input, &Disk, None).ok().map(|workspace| analysis::analyse(workspace, Some("2026-01-01")))
}

/// Everything that can be said about the input, in every format.
fn shown(analysis: &Analysis) -> Vec<u8> {
    let findings = Findings {
        sources: &analysis.sources,
        diagnostics: &analysis.report().diagnostics,
        suppressed: &[],
        files: analysis.counts.files,
        most: usize::MAX,
        docs_url: None,
    };
    let mut text = Vec::new();
    for format in [Format::Human, Format::Short, Format::Json, Format::Github] {
        render::write(format, &findings, false, &mut text).expect("memory takes everything");
    }
    text
}

/// Panics where the input is not survived.
pub fn survive(bytes: &[u8]) {
    let Some(analysis) = analyse(bytes) else { return };
    for diagnostic in &analysis.report().diagnostics {
        for loc in diagnostic.labels.iter().map(|label| label.loc).chain([diagnostic.loc]) {
            let text = analysis.sources.file(loc.file).text();
            let inside = text.get(loc.start as usize..loc.end as usize).is_some();
            assert!(inside, "`{}` points at {loc:?} of {} bytes", diagnostic.message, text.len());
        }
    }
    let again = analyse(bytes).expect("what was read once is read twice");
    assert_eq!(shown(&analysis), shown(&again));
}
