//! What no format may show: secrets in URLs, and characters that a reader cannot see.

use mcpctl::analysis::Analysis;

use super::analysed;
use crate::memory::shown;

#[test]
fn secrets_in_urls_are_errors_and_are_shown_nowhere() {
    const SECRET: &str = "hunter2";
    for text in [
        "mcp_registry:\n  central_gateway: https://user:hunter2@gw.example/\n",
        "mcp_registry:\n  servers: [{name: a, url: \"https://a.example/mcp?access_token=hunter2\", tools: [{name: t}]}]\n",
        "tracing_config:\n  exporters: [{name: a, endpoint: \"http://hunter2@collector:4318\"}]\n",
        "# was https://user:hunter2@gw.example/\nbatch_processing: {batch_size: 1}\n",
        "workflow_definition:\n  name: w\n  description: see https://u:hunter2@wiki/\n  steps: [{name: s, mcp_server: a, tools: [t]}]\n",
        "health_monitoring:\n  discovery_service: https://u:hunter2@consul/\n",
        "batch_processing: {batch_sice: \"https://u:hunter2@h\"}\n",
        "mcp_registry:\n  central_gateway: \"https://user:hunter2\\x40gw.example/\"\n",
    ] {
        let analysis = analysed(text);
        let found = shown(&analysis);
        let secrets = found.iter().filter(|finding| finding.ends_with(" credentials-in-url")).count();
        assert_eq!(secrets, 1, "{text}\n{found:?}");
        for format in ["human", "short", "json", "github"] {
            let said = rendered(&analysis, format);
            assert!(!said.contains(SECRET), "{format} of {text}:\n{said}");
        }
    }
}

/// What a format says of an analysis.
fn rendered(analysis: &Analysis, format: &str) -> String {
    use mcpctl::render::{Findings, Format, write};
    let findings = Findings {
        sources: &analysis.sources,
        diagnostics: &analysis.report().diagnostics,
        suppressed: &[],
        files: analysis.counts.files,
        most: usize::MAX,
        docs_url: None,
    };
    let format = match format {
        "human" => Format::Human,
        "short" => Format::Short,
        "json" => Format::Json,
        _ => Format::Github,
    };
    let mut out = Vec::new();
    write(format, &findings, false, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn invisible_characters_are_written_out_in_every_format() {
    let text = "tracing_config:\n  correlation: {user_id_header: \"x\u{a0}user\u{200b}\"} # \u{a0}\n";
    let analysis = analysed(text);
    for format in ["human", "short", "json", "github"] {
        let said = rendered(&analysis, format);
        for c in ['\u{a0}', '\u{200b}'] {
            assert!(!said.contains(c), "{format}: {said:?}");
        }
    }
}
