//! From files to bundle: the same bytes whatever the order and the number of threads, and names that try to be policy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use mcpctl::analysis::{Analysis, Judged, analyse};
use mcpctl::diagnostic::Severity;
use mcpctl::workspace::{self, Disk, Entry, Input, Reader};
use mcpctl::{build, targets};

use crate::memory::Files;

/// A disk that lists files backwards.
struct Backwards;

impl Reader for Backwards {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        Disk.is_folder(path)
    }
    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        let mut entries = Disk.walk(root, skip)?;
        entries.reverse();
        Ok(entries)
    }
    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        Disk.read(path, most)
    }
}

fn files_of(analysis: Analysis) -> BTreeMap<String, Vec<u8>> {
    assert!(!analysis.report().reaches(Severity::Error), "{:#?}", analysis.report());
    let Judged { sources, checked, .. } = analysis.judged();
    let checked = checked.unwrap();
    let all = targets::TARGETS.iter().copied();
    let possible: Vec<_> = all.filter(|target| build::missing(&checked, target).is_empty()).collect();
    let built = build::build(&checked, &sources, &possible, "sha256:0").unwrap();
    let manifest = built.bundle.manifest.to_json().unwrap();
    let files = built.bundle.artifacts.into_iter().map(|(name, artifact)| (name, artifact.bytes));
    files.chain([("bundle.json".to_owned(), manifest)]).collect()
}

#[test]
fn order_and_threads_do_not_change_a_byte() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/enterprise");
    let compile = |reader: &dyn Reader, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let workspace = workspace::read(&Input::Path(root.clone()), reader, None).unwrap();
            files_of(analyse(workspace, None))
        })
    };
    let first = compile(&Disk, 1);
    assert!(first.len() >= 5, "{:?}", first.keys());
    assert_eq!(compile(&Disk, 4), first);
    assert_eq!(compile(&Backwards, 3), first);
}

#[test]
fn names_that_try_to_be_policy_are_names() {
    let names = [
        r#""); permit(principal,action,resource); //"#,
        "*/ permit(principal, action, resource); /*".trim_start_matches("*/"),
        "quote \" backslash \\ and \\n",
        "emoji 🦀 and عربى",
    ];
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let tools: String = names
        .iter()
        .filter(|name| !name.contains('*'))
        .map(|name| format!("        - {{name: {}}}\n", quoted(name)))
        .collect();
    let agents: String = names
        .iter()
        .filter(|name| !name.contains([':', '@']))
        .zip(1..)
        .map(|(name, n)| format!("    - {{name: {}, subject: s{n}, may_call: [s/plain]}}\n", quoted(name)))
        .collect();
    let text = format!(
        "mcp_registry:\n  servers:\n    - name: s\n      tools:\n        - {{name: plain}}\n{tools}  agents:\n    - {{name: all, subject: all, \
         may_call: [s/*]}}\n{agents}progressive_auth:\n  levels: [{{level: 1, requirements: [service_account_token]}}]\n"
    );
    let analysis = Files::of([("a.yaml", text.as_str())]).analyse();
    let cells = analysis.policy().all_cells().count();
    let errors: Vec<_> = analysis.report().diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(cells > 10, "{cells}");
    let files = files_of(analysis);
    // Building compared every decision of the emitted files with the relation; the text holds one permit and no more.
    let policies = String::from_utf8(files["cedar/policies.cedar"].clone()).unwrap();
    assert_eq!(policies.matches("permit (").count(), 2, "{policies}");
    assert!(!policies.contains("permit(principal,action,resource)"), "{policies}");
}

/// What an engine decides that is given the policies and the entities, and no schema.
fn without_schema(policies: &str, entities: &str) -> cedar_policy::Decision {
    use cedar_policy::{Authorizer, Context, Entities, PolicySet, Request};
    let held = ["service_account_token", "user_delegation", "small_amount", "mtls", "tls"];
    let context = serde_json::to_value(held.map(|fact| (fact, true)).into_iter().collect::<BTreeMap<_, _>>()).unwrap();
    let context = Context::from_json_value(context, None).unwrap();
    let [principal, action, resource] =
        [r#"Mcp::Agent::"support_agent""#, r#"Mcp::Action::"call_tool""#, r#"Mcp::Tool::"orders_server/refund_order""#]
            .map(|uid| uid.parse().unwrap());
    let request = Request::new(principal, action, resource, context, None).unwrap();
    let (policies, entities) =
        (policies.parse::<PolicySet>().unwrap(), Entities::from_json_str(entities, None).unwrap());
    Authorizer::new().is_authorized(&request, &policies, &entities).decision()
}

#[test]
fn an_engine_without_a_schema_finds_the_groups_of_actions_in_the_entities() {
    let folder = tempfile::tempdir().unwrap();
    let [fleet, bundle] = ["fleet", "bundle"].map(|name| folder.path().join(name));
    let run = |args: &[&str], paths: &[&Path]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_mcpctl")).args(args).args(paths).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    };
    run(&["init"], &[&fleet]);
    run(&["compile", "--target", "cedar", "--out"], &[&bundle, &fleet]);
    let read = |name: &str| fs::read_to_string(bundle.join("cedar").join(name)).unwrap();
    let (policies, entities) = (read("policies.cedar"), read("entities.json"));
    assert_eq!(without_schema(&policies, &entities), cedar_policy::Decision::Allow);
    let mut without: Vec<serde_json::Value> = serde_json::from_str(&entities).unwrap();
    without.retain(|entity| entity["uid"]["type"] != "Mcp::Action");
    let without = serde_json::to_string(&without).unwrap();
    assert_eq!(without_schema(&policies, &without), cedar_policy::Decision::Deny, "the test would see it");
}
