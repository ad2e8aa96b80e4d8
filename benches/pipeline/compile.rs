//! The normal form, and each target: emitted, read back and compared.

use mcpctl::analysis::Judged;
use mcpctl::diagnostic::Severity;
use mcpctl::policy::derive;
use mcpctl::{build, targets};

use super::generate::{Deployed, Size};
use super::{SERVERS, analyse, deployed, median, write};

pub(crate) fn policy_and_compile() {
    let folder = std::env::temp_dir().join(format!("mcpctl-bench-{}-policy", std::process::id()));
    let size = Size { deployed: Deployed::Nowhere, ..deployed(SERVERS) };
    write(&folder, size);
    let analysis = analyse(&folder);
    let form = median(|| drop(derive::derive(analysis.model())));
    let cells = analysis.policy().all_cells().count();
    let tools = size.servers * size.tools;
    println!("\n| what | size | time |\n|---|---|---|");
    println!(
        "| normal form | {tools} tools, {} agents, {cells} cells | {:.0} ms |",
        size.agents,
        form.as_secs_f64() * 1e3
    );
    assert!(!analysis.report().reaches(Severity::Error), "{:?}", analysis.report().diagnostics.first());
    let Judged { sources, checked, .. } = analysis.judged();
    let checked = checked.unwrap();
    let compile =
        median(|| drop(build::build(&checked, &sources, &[&targets::access::cedar::TARGET], "sha256:0").unwrap()));
    println!("| Cedar: emit, verify, lift, compare | the same | {:.2} s |", compile.as_secs_f64());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Each target that such a workspace has, and all of them in one build: emitted, read back and compared. Nothing is written.
/// Each target alone and all together, or only this one.
pub(crate) fn targets_alone_and_together(servers: usize, only: Option<&str>) {
    let folder = std::env::temp_dir().join(format!("mcpctl-bench-{}-targets", std::process::id()));
    let size = deployed(servers);
    write(&folder, size);
    let analysis = analyse(&folder);
    assert!(!analysis.report().reaches(Severity::Error), "{:?}", analysis.report().diagnostics.first());
    let Judged { sources, checked, .. } = analysis.judged();
    let checked = checked.unwrap();
    let all = [
        &targets::access::cedar::TARGET,
        &targets::operations::kubernetes::TARGET,
        &targets::access::istio::TARGET,
        &targets::access::envoy::TARGET,
        &targets::access::agentgateway::TARGET,
    ];
    println!("\n| targets, {} tools, {} agents | MB | time |\n|---|---|---|", servers * size.tools, size.agents);
    let each = all.iter().map(std::slice::from_ref).chain([&all[..]]);
    let is_asked_for = |some: &&[&targets::Target]| only.is_none_or(|only| matches!(some, [one] if one.name() == only));
    for some in each.filter(is_asked_for) {
        let mut bytes = 0;
        let time = median(|| {
            let built = build::build(&checked, &sources, some, "sha256:0").unwrap();
            bytes = built.bundle.artifacts.values().map(|artifact| artifact.bytes.len()).sum();
        });
        let names: Vec<&str> = some.iter().map(|target| target.name()).collect();
        println!("| {} | {:.1} | {:.2} s |", names.join(", "), bytes as f64 / 1e6, time.as_secs_f64());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
