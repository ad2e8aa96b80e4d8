//! Two sides compared, and policy tests.

use mcpctl::analysis::Analysis;
use mcpctl::review::access::{Side, compare};
use mcpctl::review::diff::{Reviewed, diff};
use mcpctl::review::group::groups;
use mcpctl::review::suite;

use super::generate::{Deployed, Size};
use super::{SERVERS, analyse, deployed, median, write, write_stated};

/// A change to a level that opens most of what it guards, compared on both sides.
pub(crate) fn review() {
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
pub(crate) fn policy_tests() {
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
