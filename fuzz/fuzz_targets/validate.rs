//! Any bytes as the one file of a workspace: reading, checking and deriving neither panic nor run without end, and what
//! is found can be shown in every format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpctl::workspace::{self, Disk, Input};
use mcpctl::{analysis, render};

fuzz_target!(|bytes: &[u8]| {
    let input = Input::Text { name: "fuzz.yaml".to_owned(), bytes: bytes.to_vec() };
    let Ok(workspace) = workspace::read(&input, &Disk, None) else { return };
    let analysis = analysis::analyse(workspace, Some("2026-01-01"));
    let findings = render::Findings {
        sources: &analysis.sources,
        diagnostics: &analysis.report.diagnostics,
        files: analysis.counts.files,
        docs_url: None,
    };
    for format in [render::Format::Human, render::Format::Short, render::Format::Json, render::Format::Github] {
        render::write(format, &findings, false, &mut std::io::sink()).expect("a sink takes everything");
    }
});
