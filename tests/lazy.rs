//! What a run costs only when it needs it. A binary of its own, because it counts over the whole process.

use mcpctl::analysis::Judged;
use mcpctl::policy::whole::Whole;
use mcpctl::review::{coverage, decide, mutate, suite};
use mcpctl::workspace::{self, Input};
use mcpctl::{analysis, build, cedar, schema, targets};

#[test]
fn schemas_are_built_when_met_and_cedar_is_touched_by_compile_alone() {
    let text = "caching_strategy:\n  layers:\n    - {name: edge, ttl: 5m}\n";
    let input = Input::Text { name: "a.yaml".to_owned(), bytes: text.into() };
    let workspace = workspace::read(&input, &workspace::Disk, None).unwrap();
    let analysis = analysis::analyse(workspace, None);
    assert!(analysis.report().diagnostics.is_empty(), "{:?}", analysis.report());
    assert_eq!((schema::built(), cedar::uses()), (1, 0));
    // Questions and tests are answered from the normal form alone.
    let (model, policy) = (analysis.model(), analysis.policy());
    let tests = suite::run(model, Whole::of(policy, None), "");
    let _answers = (decide::who_can(Whole::of(policy, None), &[], 0), coverage::coverage(policy, &tests));
    let _mutants = mutate::mutate(model, Whole::of(policy, None), &tests);
    assert_eq!((schema::built(), cedar::uses()), (1, 0));
    let Judged { sources, checked, .. } = analysis.judged();
    let checked = checked.unwrap();
    build::build(&checked, &sources, &[&targets::access::cedar::TARGET], "sha256:0").unwrap();
    assert_eq!(schema::built(), 1);
    assert!(cedar::uses() > 0);
}
