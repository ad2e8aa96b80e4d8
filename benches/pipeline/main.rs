//! Ratios of the pipeline in one run, on generated workspaces. See the book's performance page.
//!
//! `cargo bench --bench pipeline` prints every table; `cargo bench --bench pipeline -- write DIR FILES` writes a workspace
//! for measuring a whole process from outside.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a program that prints its measurements"
)]

mod generate;
mod largest;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use generate::{Deployed, Size};
use mcpctl::analysis::{self, Analysis, Judged};
use mcpctl::diagnostic::Report;
use mcpctl::families::FamilyId;
use mcpctl::model::access::classification::Classification;
use mcpctl::policy::derive;
use mcpctl::policy::whole::Whole;
use mcpctl::review::access::{Side, compare};
use mcpctl::review::diff::{Reviewed, diff};
use mcpctl::review::group::groups;
use mcpctl::review::suite;
use mcpctl::schema;
use mcpctl::source::{FileId, SourceFile, yaml};
use mcpctl::workspace::{self, Disk, Input};
use mcpctl::{build, checks, targets};
use rayon::prelude::*;

/// That of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", folder, files] => {
            write(Path::new(folder), generate::mixed(files.parse().expect("a number of files")))
        }
        ["write-deployed", folder] => write(Path::new(folder), deployed(SERVERS)),
        ["write-deployed", folder, servers] => write(Path::new(folder), deployed(number(servers))),
        ["targets"] => targets_alone_and_together(SERVERS, None),
        ["targets", servers] => targets_alone_and_together(number(servers), None),
        ["targets", servers, only] => targets_alone_and_together(number(servers), Some(only)),
        ["largest"] => largest::table(),
        ["write-services", folder, servers, tools, agents] => {
            write(Path::new(folder), largest::size(number(servers), number(tools), number(agents)));
        }
        ["parse-and-schema", file] => parse_and_schema(Path::new(file)),
        ["validate", file] => {
            println!("{} findings", analyse(Path::new(file)).report().diagnostics.len());
        }
        [] => {
            validate_against_parse();
            policy_and_compile();
            targets_alone_and_together(SERVERS, None);
            largest::table();
            review();
            policy_tests();
        }
        ["review"] => review(),
        ["tests"] => policy_tests(),
        ["write-tests", folder, servers, tests] => {
            let size = Size { deployed: Deployed::Nowhere, ..deployed(number(servers)) };
            write_stated(Path::new(folder), size, number(tests));
        }
        ["checks"] => each_check(),
        _ => println!(
            "usage: [write DIR FILES | write-deployed DIR [SERVERS] | write-services DIR SERVERS TOOLS AGENTS | targets [SERVERS [TARGET]] | \
             largest | review | tests | write-tests DIR SERVERS TESTS | checks | parse-and-schema FILE | validate FILE]"
        ),
    }
}

fn write_stated(folder: &Path, size: Size, tests: usize) {
    write(folder, size);
    std::fs::write(folder.join("tests.yaml"), generate::stated(tests, size)).unwrap();
}

fn number(text: &str) -> usize {
    text.parse().expect("a number of servers")
}

/// Servers of the workspace that gateways and meshes are measured with.
const SERVERS: usize = 1_008;

/// What gateways and meshes are measured with.
fn deployed(servers: usize) -> Size {
    Size {
        servers,
        tools: 10,
        agents: 200,
        grants: 20,
        input_schemas: false,
        others: 0,
        deployed: Deployed::OnGateways,
    }
}

/// What a single-file run must do at least: parse it, and build one schema.
fn parse_and_schema(file: &Path) {
    let source = SourceFile::new("a.yaml", std::fs::read_to_string(file).unwrap());
    let tree = yaml::parse(FileId(0), &source, &mut Vec::new());
    let first = tree.entries(tree.documents()[0]).unwrap()[0].0;
    let family = FamilyId::of_key(tree.text(first)).expect("a family");
    println!("{} nodes, schema built: {}", tree.len(), schema::validator(family).is_some());
}

fn write(folder: &Path, size: Size) {
    let (files, bytes) = written(folder, size);
    println!("{files} files, {bytes} bytes");
}

/// Writes a workspace; answers how many files it has, and how many bytes.
fn written(folder: &Path, size: Size) -> (usize, usize) {
    let mut bytes = 0;
    let files = generate::workspace(size);
    for (name, text) in &files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        bytes += text.len();
    }
    (files.len(), bytes)
}

/// The middle of an odd number of runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn analyse(folder: &Path) -> Analysis {
    let workspace = workspace::read(&Input::Path(folder.to_path_buf()), &Disk, None).unwrap();
    analysis::analyse(workspace, None)
}

/// A bare parallel read and parse into the arena of the same files.
fn parse_only(paths: &[PathBuf]) -> usize {
    let parse = |path: &PathBuf| {
        let text = String::from_utf8(std::fs::read(path).unwrap()).unwrap();
        let source = SourceFile::new("a.yaml", text);
        yaml::parse(FileId(0), &source, &mut Vec::new()).len()
    };
    paths.par_iter().map(parse).sum()
}

fn validate_against_parse() {
    println!("| files | MB | read + parse | validate | ratio | µs a file | findings |\n|---|---|---|---|---|---|---|");
    for files in [100, 1_000, 10_000] {
        let folder = std::env::temp_dir().join(format!("mcpctl-bench-{}-{files}", std::process::id()));
        let generated = generate::workspace(generate::mixed(files));
        let bytes: usize = generated.iter().map(|(_, text)| text.len()).sum();
        let mut paths = Vec::new();
        for (name, text) in &generated {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            paths.push(path);
        }
        assert!(parse_only(&paths) > 0);
        let analysis = analyse(&folder);
        let findings = analysis.report().diagnostics.len();
        drop(analysis);
        let parse = median(|| assert!(parse_only(&paths) > 0));
        // As the command does: the process ends without giving the model back piece by piece.
        let validate = median(|| {
            let analysis = analyse(&folder);
            assert_eq!(analysis.report().diagnostics.len(), findings);
            std::mem::forget(analysis);
        });
        println!(
            "| {} | {:.1} | {:.0} ms | {:.0} ms | {:.2} | {:.0} | {findings} |",
            generated.len(),
            bytes as f64 / 1e6,
            parse.as_secs_f64() * 1e3,
            validate.as_secs_f64() * 1e3,
            validate.as_secs_f64() / parse.as_secs_f64(),
            validate.as_secs_f64() * 1e6 / generated.len() as f64,
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

fn policy_and_compile() {
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
    assert!(
        !analysis.report().reaches(mcpctl::diagnostic::Severity::Error),
        "{:?}",
        analysis.report().diagnostics.first()
    );
    let Judged { sources, checked, .. } = analysis.judged();
    let checked = checked.unwrap();
    let compile =
        median(|| drop(build::build(&checked, &sources, &[&targets::access::cedar::TARGET], "sha256:0").unwrap()));
    println!("| Cedar: emit, verify, lift, compare | the same | {:.2} s |", compile.as_secs_f64());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Each target that such a workspace has, and all of them in one build: emitted, read back and compared. Nothing is written.
/// Each target alone and all together, or only this one.
fn targets_alone_and_together(servers: usize, only: Option<&str>) {
    let folder = std::env::temp_dir().join(format!("mcpctl-bench-{}-targets", std::process::id()));
    let size = deployed(servers);
    write(&folder, size);
    let analysis = analyse(&folder);
    assert!(
        !analysis.report().reaches(mcpctl::diagnostic::Severity::Error),
        "{:?}",
        analysis.report().diagnostics.first()
    );
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

/// A change to a level that opens most of what it guards, compared on both sides.
fn review() {
    let folders = ["base", "head"].map(|side| {
        let folder = std::env::temp_dir().join(format!("mcpctl-bench-{}-review-{side}", std::process::id()));
        write(&folder, deployed(SERVERS));
        folder
    });
    let [base, head] = &folders;
    let file = head.join("base.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let lowered = text.replacen(
        "requirements: [service_account_token, user_delegation, mfa]\n",
        "requirements: [service_account_token, user_delegation]\n",
        1,
    );
    assert_ne!(text, lowered);
    std::fs::write(&file, lowered).unwrap();
    let (base, head) = (analyse(base), analyse(head));
    fn side(analysis: &Analysis) -> Side<'_> {
        Side { model: analysis.model(), policy: analysis.policy() }
    }
    let compared = compare(side(&base), side(&head)).unwrap();
    let gate = mcpctl::model::gate::Gate::default();
    let rules = mcpctl::review::excuse::Rules { gate: &gate, today: None };
    let renamed = mcpctl::review::rename::Renamed::default();
    let found = groups(&compared, side(&base), side(&head), rules, &renamed);
    let comparing = median(|| drop(compare(side(&base), side(&head)).unwrap()));
    let grouping = median(|| drop(groups(&compared, side(&base), side(&head), rules, &renamed)));
    fn reviewed(analysis: &Analysis) -> Reviewed<'_> {
        Reviewed {
            written: analysis.written.as_ref(),
            side: side(analysis),
            sources: &analysis.sources,
            settings: &analysis.settings,
            gate: &analysis.model().gate,
        }
    }
    let whole = median(|| drop(diff(reviewed(&base), reviewed(&head), None, &mut || None).unwrap()));
    println!("\n| what | size | time |\n|---|---|---|");
    println!(
        "| every cell compared | {} cells, {} changed | {:.0} ms |",
        compared.cells,
        compared.flips.len(),
        comparing.as_secs_f64() * 1e3
    );
    println!("| grouped, with causes | {} groups | {:.0} ms |", found.len(), grouping.as_secs_f64() * 1e3);
    println!(
        "| the whole, with trust, operation and Cedar's replay | the same | {:.0} ms |",
        whole.as_secs_f64() * 1e3
    );
    for folder in &folders {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// Policy tests, judged as `mcpctl test` does once the workspace is loaded.
fn policy_tests() {
    let folder = std::env::temp_dir().join(format!("mcpctl-bench-{}-tests", std::process::id()));
    let size = Size { deployed: Deployed::Nowhere, ..deployed(SERVERS) };
    write_stated(&folder, size, 1_000);
    let analysis = analyse(&folder);
    let ran = suite::run(analysis.model(), analysis.whole(), "");
    let (all, failing) = ran.counts();
    assert_eq!((all, failing), (1_000, 0));
    let time = median(|| drop(suite::run(analysis.model(), analysis.whole(), "")));
    println!("\n| policy tests | requests | time |\n|---|---|---|");
    println!("| {all} | {} | {:.1} ms |", ran.requests(), time.as_secs_f64() * 1e3);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The checks that take longest at ten thousand files, each alone on one thread, and all of them.
fn each_check() {
    let folder = std::env::temp_dir().join(format!("mcpctl-bench-{}-checks", std::process::id()));
    write(&folder, generate::mixed(10_000));
    let analysis = analyse(&folder);
    let (model, policy) = (analysis.model(), analysis.policy());
    let classes = Classification::of(&model.access);
    let mut times: Vec<(Duration, &str)> = checks::CHECKS
        .iter()
        .map(|check| {
            let time = median(|| {
                let mut report = Report::default();
                (check.run)(&checks::Input::new(model, Whole::of(policy, None), &classes), &mut report);
            });
            (time, check.rule.name)
        })
        .collect();
    times.sort();
    let whole = median(|| drop(checks::run(model, Whole::of(policy, None))));
    println!("| check | ms |\n|---|---|");
    for (time, name) in times.iter().rev().take(16) {
        println!("| {name} | {:.2} |", time.as_secs_f64() * 1e3);
    }
    let sum: Duration = times.iter().map(|(time, _)| *time).sum();
    println!("| all, one after the other | {:.1} |", sum.as_secs_f64() * 1e3);
    println!("| all, in parallel | {:.1} |", whole.as_secs_f64() * 1e3);
    std::fs::remove_dir_all(&folder).unwrap();
}
