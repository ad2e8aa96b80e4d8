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

mod compile;
mod generate;
mod largest;
mod review;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use compile::{policy_and_compile, targets_alone_and_together};
use generate::{Deployed, Size};
use mcpctl::analysis::{self, Analysis};
use mcpctl::checks;
use mcpctl::diagnostic::Report;
use mcpctl::families::FamilyId;
use mcpctl::model::access::classification::Classification;
use mcpctl::policy::whole::Whole;
use mcpctl::schema;
use mcpctl::source::{FileId, SourceFile, yaml};
use mcpctl::workspace::{self, Disk, Input};
use rayon::prelude::*;
use review::{policy_tests, review};

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
