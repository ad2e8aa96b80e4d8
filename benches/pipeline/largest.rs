//! The largest workspaces that products with a limit hold: found by doubling and then by halving what is left.

use std::time::{Duration, Instant};

use mcpctl::analysis::Judged;
use mcpctl::build::{self, BuildError};
use mcpctl::checks::CheckedModel;
use mcpctl::source::Sources;
use mcpctl::targets::{self, CompileError, Target};

use super::generate::{Deployed, Size};
use super::{analyse, written};

/// A workspace for AgentCore, the Envoy AI Gateway and ToolHive.
pub fn size(servers: usize, tools: usize, agents: usize) -> Size {
    Size { servers, tools, agents, grants: 20, input_schemas: false, others: 0, deployed: Deployed::OnServices }
}

/// What grows until a product holds no more.
struct Growth {
    target: &'static Target,
    what: &'static str,
    /// Where the search begins, and what it goes up by.
    from: usize,
    step: usize,
    size: fn(usize) -> Size,
}

const GROWTHS: [Growth; 4] = [
    Growth {
        target: &targets::access::agentcore::TARGET,
        what: "agents; 16 servers of 10 tools",
        from: 16,
        step: 1,
        size: |agents| size(16, 10, agents),
    },
    Growth {
        target: &targets::access::ai_gateway::TARGET,
        what: "agents; 16 servers of 10 tools",
        from: 16,
        step: 16,
        size: |agents| size(16, 10, agents),
    },
    Growth {
        target: &targets::access::ai_gateway::TARGET,
        what: "tools of each server; 1,008 servers, 200 agents",
        from: 10,
        step: 1,
        size: |tools| size(1_008, tools, 200),
    },
    Growth {
        target: &targets::access::toolhive::TARGET,
        what: "tools of each server; 16 servers, 200 agents",
        from: 10,
        step: 10,
        size: |tools| size(16, tools, 200),
    },
];

/// The largest size that is tried: a product that holds even that is not bounded by what grows.
const MOST: usize = 10_000;

/// What came of one size.
enum Tried {
    Fits(Duration),
    Beyond(String),
}

fn checked(size: Size) -> (CheckedModel, Sources) {
    let folder = std::env::temp_dir().join(format!("mcpctl-bench-{}-largest", std::process::id()));
    written(&folder, size);
    let analysis = analyse(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let Judged { sources, checked, .. } = analysis.judged();
    let checked = checked.expect("a workspace without errors");
    (checked, sources)
}

fn tried(target: &'static Target, size: Size) -> Tried {
    let (checked, sources) = checked(size);
    let missing = build::missing(&checked, target);
    assert!(missing.is_empty(), "{missing:?}");
    let start = Instant::now();
    match build::build(&checked, &sources, &[target], "sha256:0") {
        Ok(_) => Tried::Fits(start.elapsed()),
        Err(errors) => match errors.into_iter().next() {
            Some(BuildError::Compile { cause: CompileError::Beyond { what, .. }, .. }) => Tried::Beyond(what),
            other => panic!("{other:?}"),
        },
    }
}

/// For each product, the largest size that it holds, the smallest that it does not, and which limit that is.
pub fn table() {
    println!("\n| target | what grows | holds | time | does not hold | for it needs |\n|---|---|---|---|---|---|");
    for growth in &GROWTHS {
        let at = |place: usize| growth.from + place * growth.step;
        let most = (MOST - growth.from) / growth.step;
        let (mut fits, mut beyond) = (None, None);
        let mut place = 0;
        loop {
            match tried(growth.target, (growth.size)(at(place))) {
                Tried::Fits(time) => fits = Some((place, time)),
                Tried::Beyond(what) => beyond = Some((place, what)),
            }
            let low = fits.map(|(place, _)| place);
            place = match (low, &beyond) {
                (None, _) => break,
                (Some(low), None) if low == most => break,
                (Some(low), None) => (low * 2 + 1).min(most),
                (Some(low), Some((high, _))) if low + 1 == *high => break,
                (Some(low), Some((high, _))) => low.midpoint(*high),
            };
        }
        let holds = fits.map_or("none".to_owned(), |(place, _)| at(place).to_string());
        let time = fits.map_or_else(String::new, |(_, time)| format!("{:.2} s", time.as_secs_f64()));
        let (refused, what) = beyond.map_or_else(Default::default, |(place, what)| (at(place).to_string(), what));
        println!("| {} | {} | {holds} | {time} | {refused} | {what} |", growth.target.name(), growth.what);
    }
    println!("\n| target, 1,008 servers, 10,080 tools, 200 agents | time |\n|---|---|");
    for target in
        [&targets::access::agentcore::TARGET, &targets::access::ai_gateway::TARGET, &targets::access::toolhive::TARGET]
    {
        let time = match tried(target, size(1_008, 10, 200)) {
            Tried::Fits(time) => format!("{:.2} s", time.as_secs_f64()),
            Tried::Beyond(what) => format!("it needs {what}"),
        };
        println!("| {} | {time} |", target.name());
    }
}
