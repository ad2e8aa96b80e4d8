//! `mcpctl compile`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use mcpctl::bundle::disk::{Disk, FileSystem, Marked, PathKind};
use mcpctl::diagnostic::Severity;

use super::{BAD, folder, good, mcpctl, put};

/// Every file below a folder, by path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_bundle_is_written_and_told() {
    let good = good();
    let ran = mcpctl(&["compile"]).arg(good.path()).run().code(0);
    let written = files(&good.path().join("bundle"));
    assert!(written.contains_key("bundle.json"));
    assert!(ran.err.contains(&format!("wrote {} files to ", written.len())), "{}", ran.err);
    let manifest: serde_json::Value = serde_json::from_slice(&written["bundle.json"]).unwrap();
    // The table has a line for each target: its files, and how many of the families in use it enforces.
    for target in manifest["targets"].as_array().unwrap() {
        let name = target["name"].as_str().unwrap();
        let files = written.keys().filter(|path| path.starts_with(&format!("{name}/"))).count();
        let coverage = target["coverage"].as_array().unwrap();
        let enforced = coverage.iter().filter(|family| family["coverage"] != "none").count();
        let left_out = target["not_expressed"].as_array().unwrap().len();
        let numbers = format!("{files} {enforced} of {} {left_out}", coverage.len());
        let line = ran.err.lines().find(|line| line.split_whitespace().next() == Some(name));
        let cells: Vec<&str> =
            line.unwrap_or_else(|| panic!("{name} is not in\n{}", ran.err)).split_whitespace().collect();
        assert_eq!(cells[1..6].join(" "), numbers, "{}", ran.err);
        assert_eq!(cells[6..], [target["proof"]["rests_on"].as_str().unwrap()]);
    }
    assert!(ran.err.contains(&format!("sources {}", manifest["sources"].as_str().unwrap())), "{}", ran.err);
}

#[test]
fn the_output_folder_can_be_chosen_and_the_bundle_is_the_same() {
    let good = good();
    let out = folder(&[]);
    mcpctl(&["compile"]).arg(good.path()).run().code(0);
    mcpctl(&["compile", "--jobs", "1", "--out"]).arg(out.path().join("a/b")).arg(good.path()).run().code(0);
    assert_eq!(files(&good.path().join("bundle")), files(&out.path().join("a/b")));
    put(good.path(), "mcpctl.yaml", "output: policies/now\n");
    mcpctl(&["compile"]).arg(good.path()).run().code(0);
    assert!(good.path().join("policies/now/bundle.json").is_file());
    assert_eq!(mcpctl(&["validate"]).arg(good.path()).run().code(0).out, "", "an output folder is not an input");
}

#[test]
fn paths_begin_in_the_folder_of_the_directory_option() {
    let good = good();
    mcpctl(&["compile", "--out", "elsewhere", "-C"]).arg(good.path()).run().code(0);
    assert!(good.path().join("elsewhere/bundle.json").is_file());
}

#[test]
fn standard_input_and_single_files_are_compiled_too() {
    let good = good();
    let registry = std::fs::read_to_string(good.path().join("registry.yaml")).unwrap();
    let access = std::fs::read_to_string(good.path().join("access.yaml")).unwrap();
    let both = format!("{registry}---\n{access}");
    let out = folder(&[("one/fleet.yaml", &both)]);
    mcpctl(&["compile", "-", "-C"]).arg(out.path()).stdin(&both).run().code(0);
    mcpctl(&["compile"]).arg(out.path().join("one/fleet.yaml")).run().code(0);
    let (from_stdin, from_file) = (files(&out.path().join("bundle")), files(&out.path().join("one/bundle")));
    assert!(from_stdin.contains_key("cedar/policies.cedar"));
    assert_eq!(from_stdin.keys().collect::<Vec<_>>(), from_file.keys().collect::<Vec<_>>());
}

#[test]
fn errors_mean_no_bundle_and_the_old_one_stays() {
    let bad = folder(&[("bad.yaml", BAD)]);
    let ran = mcpctl(&["compile"]).arg(bad.path()).run().code(1);
    assert!(ran.out.contains("error[unknown-family]"), "{}", ran.out);
    assert!(ran.err.contains("no bundle was written"), "{}", ran.err);
    assert!(!bad.path().join("bundle").exists());

    let good = good();
    mcpctl(&["compile"]).arg(good.path()).run().code(0);
    let before = files(&good.path().join("bundle"));
    put(good.path(), "bad.yaml", BAD);
    mcpctl(&["compile"]).arg(good.path()).run().code(1);
    assert_eq!(files(&good.path().join("bundle")), before);
}

#[test]
fn what_a_target_cannot_express_is_noted_in_every_format() {
    let noted = good();
    put(noted.path(), "caching.yaml", "batch_processing:\n  batch_size: 100\n  flush_interval: 10s\n");
    let json = mcpctl(&["compile", "--format", "json"]).arg(noted.path()).run().code(0).json();
    let notes: Vec<_> =
        json["diagnostics"].as_array().unwrap().iter().filter(|d| d["check"] == "not-expressible").collect();
    let of_batches: Vec<_> = notes.iter().filter(|note| note["file"] == "caching.yaml").collect();
    assert_eq!(of_batches.len(), 1, "one for a family: {json}");
    assert_eq!(of_batches[0]["severity"], "note");
    let message = "no compiled target expresses 2 keys of `batch_processing`: `batch_size` and `flush_interval`";
    assert_eq!(of_batches[0]["message"], message);
    let human = mcpctl(&["compile"]).arg(noted.path()).run().code(0);
    // For people they are one table, with a line for each family.
    assert_eq!(human.out.matches("not-expressible").count(), 0, "{}", human.out);
    let table = human.err.split_once("no compiled target expresses the following").unwrap().1;
    let rows: Vec<&str> =
        table.lines().filter(|line| line.starts_with("  ") && !line.contains("NOT EXPRESSED")).collect();
    assert_eq!(rows.len(), notes.len(), "{table}");
    let row = rows.iter().find(|row| row.starts_with("  batch_processing ")).unwrap();
    let usually = "the processors collect their items in these batches";
    assert!(row.contains(" 2 keys ") && row.contains("caching.yaml:2 ") && row.ends_with(usually), "{row}");
    // Key by key it is in the manifest, of each target.
    let manifest: serde_json::Value =
        serde_json::from_slice(&files(&noted.path().join("bundle"))["bundle.json"]).unwrap();
    for target in manifest["targets"].as_array().unwrap() {
        let keys = target["not_expressed"].as_array().unwrap().iter();
        let keys: Vec<_> = keys.filter(|key| key["family"] == "batch_processing").map(|key| &key["key"]).collect();
        assert_eq!(keys, ["batch_size", "flush_interval"], "{target}");
    }
    // The same threshold as anywhere: notes are findings, and a run that fails writes nothing.
    std::fs::remove_dir_all(noted.path().join("bundle")).unwrap();
    let ran = mcpctl(&["compile", "--fail-on", "note"]).arg(noted.path()).run().code(1);
    assert!(ran.err.contains("no bundle was written"), "{}", ran.err);
    assert!(!noted.path().join("bundle").exists());
    // Validation knows no target.
    assert_eq!(mcpctl(&["validate"]).arg(noted.path()).run().out.matches("not-expressible").count(), 0);
    assert_eq!(mcpctl::targets::NOT_EXPRESSIBLE.severity, Severity::Note);
}

#[test]
fn where_targets_are_listed_one_note_names_all_others_that_are_left_out() {
    let fleet = good();
    let of = |fleet: &tempfile::TempDir| -> Vec<serde_json::Value> {
        let json = mcpctl(&["compile", "--format", "json"]).arg(fleet.path()).run().code(0).json();
        let all = json["diagnostics"].as_array().unwrap().iter();
        all.filter(|found| found["check"] == "target-left-out").cloned().collect()
    };
    let each = of(&fleet);
    assert!(each.len() > 1, "{each:#?}");
    put(fleet.path(), "mcpctl.yaml", "targets: {cedar: {}}\n");
    let one = of(&fleet);
    assert_eq!(one.len(), 1, "{one:#?}");
    let labels: Vec<&str> =
        one[0]["labels"].as_array().unwrap().iter().map(|label| label["message"].as_str().unwrap()).collect();
    assert!(labels.iter().any(|label| label.starts_with("`agentcore` needs the ARN of the gateway")), "{labels:#?}");
    // What each needs is said as before.
    for note in &each {
        let (_, needs) = note["message"].as_str().unwrap().split_once(" needs ").unwrap();
        assert!(labels.iter().any(|label| label.ends_with(needs)), "{needs}: {labels:#?}");
    }
}

#[test]
fn targets_are_chosen_by_name() {
    let good = good();
    mcpctl(&["compile", "--target", "cedar", "--target", "cedar"]).arg(good.path()).run().code(0);
    mcpctl(&["compile", "--target", "cedra"]).arg(good.path()).run().refused("did you mean `cedar`?");
}

#[test]
fn a_folder_with_other_files_is_left_alone_without_force() {
    let good = good();
    let out = folder(&[("mine.txt", "mine")]);
    mcpctl(&["compile", "--out"]).arg(out.path()).arg(good.path()).run().refused("mine.txt");
    assert_eq!(files(out.path()).len(), 1);
    mcpctl(&["compile", "--force", "--out"]).arg(out.path()).arg(good.path()).run().code(0);
    assert!(out.path().join("bundle.json").is_file() && !out.path().join("mine.txt").exists());
}

#[test]
fn no_force_removes_the_sources() {
    let outer = folder(&[]);
    let fleet = outer.path().join("fleet");
    mcpctl(&["init"]).arg(&fleet).run().code(0);
    let before = files(outer.path());
    for out in [&fleet, outer.path(), &fleet.join("../fleet")] {
        mcpctl(&["compile", "--force", "--out"]).arg(out).arg(&fleet).run().refused("holds the workspace itself");
        assert_eq!(files(outer.path()), before);
    }
    put(&fleet, "mcpctl.yaml", "output: .\n");
    mcpctl(&["compile", "--force"]).arg(&fleet).run().refused("holds the workspace itself");
}

#[test]
fn an_output_in_the_way_is_2_with_nothing_on_standard_output() {
    let good = good();
    let out = folder(&[("file", "mine")]);
    for format in ["human", "json"] {
        let call = mcpctl(&["compile", "--format", format, "--out"]).arg(out.path().join("file")).arg(good.path());
        call.run().refused("file");
    }
}

/// A disk that refuses to write files.
struct Refusing(io::ErrorKind);

impl Disk for Refusing {
    fn kind(&self, path: &Path) -> io::Result<PathKind> {
        FileSystem.kind(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        FileSystem.list(folder)
    }
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        FileSystem.read(file)
    }
    fn create_all(&self, folder: &Path) -> io::Result<()> {
        FileSystem.create_all(folder)
    }
    fn create(&self, folder: &Path) -> io::Result<()> {
        FileSystem.create(folder)
    }
    fn write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(self.0.into())
    }
    fn flush(&self, file: &Path) -> io::Result<()> {
        FileSystem.flush(file)
    }
    fn sync(&self, folder: &Path) -> io::Result<()> {
        FileSystem.sync(folder)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        FileSystem.rename(from, to)
    }
    fn remove(&self, folder: &Path) -> io::Result<()> {
        FileSystem.remove(folder)
    }
    fn mark(&self, folder: &Path) -> io::Result<Marked> {
        FileSystem.mark(folder)
    }
}

#[test]
fn a_disk_that_refuses_is_2_and_the_old_bundle_stays() {
    let good = good();
    mcpctl(&["compile"]).arg(good.path()).run().code(0);
    let before = files(good.path());
    for (kind, saying) in
        [(io::ErrorKind::StorageFull, "no storage space"), (io::ErrorKind::PermissionDenied, "denied")]
    {
        for format in ["human", "json"] {
            let call = mcpctl(&["compile", "--format", format]).arg(good.path());
            call.disk(&Refusing(kind)).run().refused(saying);
            assert_eq!(files(good.path()), before);
        }
    }
}

#[test]
fn a_product_that_is_too_small_is_left_out_with_a_warning_and_is_2_by_name() {
    let tools: Vec<String> = (0..33).map(|n| format!("{{name: t{n}}}")).collect();
    let agent = |n: usize| format!("    - {{name: a{n}, subject: s{n}, may_call: [big/t{n}]}}\n");
    let workspace = |most: usize| {
        let agents: String = (0..most).map(agent).collect();
        let text = format!(
            "identity: {{issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/jwks'}}\n\
             mcp_registry:\n  central_gateway: https://mcp.example\n  servers: [{{name: big, url: 'https://big.example/mcp', \
             tools: [{}]}}]\n  agents:\n{agents}",
            tools.join(", ")
        );
        // The settings of a target ask for nothing.
        folder(&[("all.yaml", text.as_str()), ("mcpctl.yaml", "targets: {ai-gateway: {namespace: tools}}\n")])
    };
    let (fits, large) = (workspace(32), workspace(33));
    let out = folder(&[]);
    let compile = |workspace: &Path, more: &[&str]| {
        let to = out.path().join("bundle");
        mcpctl(&["compile", "--force"]).arg("--out").arg(&to).args(more).arg(workspace).run()
    };
    let there = || out.path().join("bundle/ai-gateway").exists();
    compile(fits.path(), &["--target", "ai-gateway"]).code(0);
    assert!(there());
    let ran = compile(large.path(), &[]).code(0);
    assert!(ran.out.contains("warning[target-over-limit]"), "{}", ran.out);
    assert!(!there() && out.path().join("bundle/cedar").exists());
    compile(large.path(), &["--fail-on", "warning"]).code(1);
    compile(large.path(), &["--target", "ai-gateway"]).refused("target `ai-gateway` cannot be compiled");
}

const FEDERATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/projects/federation");

#[test]
fn a_shadow_decides_as_the_old_bundle_and_says_so() {
    let work = folder(&[]);
    let at = |name: &str| work.path().join(name);
    mcpctl(&["compile", FEDERATION, "--out"]).arg(at("old")).run().code(0);
    let ran = mcpctl(&["compile", FEDERATION, "--shadow"]).arg(at("old")).arg("--out").arg(at("both")).run().code(0);
    assert!(ran.err.contains("those of this workspace are only counted"), "{}", ran.err);
    let both = files(&at("both"));
    assert!(
        both.keys().all(|name| ["bundle.json", "sources.json"].contains(&name.as_str()) || name.starts_with("envoy/")),
        "{:?}",
        both.keys()
    );
    let manifest = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(at(name).join("bundle.json")).unwrap()).unwrap()
    };
    let other = &manifest("both")["settings"]["other"];
    assert_eq!((&other["shadow"], &other["enforced_sources"]), (&"envoy".into(), &manifest("old")["sources"]));
    let text = String::from_utf8(both["envoy/central/xds/rds.yaml"].clone()).unwrap();
    assert!(text.contains("shadow_matcher"));

    let shadow = |old: &Path, more: &[&str]| {
        let call = mcpctl(&["compile", FEDERATION, "--shadow"]).arg(old).arg("--out").arg(at("none"));
        more.iter().fold(call, |call, arg| call.arg(arg)).run()
    };
    shadow(&at("old"), &["--target", "cedar"]).refused("target `cedar` holds one policy");
    shadow(&at("old"), &["--env", "staging"]).refused("tokens are verified otherwise");
    shadow(work.path(), &[]).refused("is not a bundle");
    let rules = at("old/envoy/retail/xds/rds.yaml");
    let before = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, before.replacen("DENY", "ALLOW", 1)).unwrap();
    shadow(&at("old"), &[]).refused("was changed after it was written: `envoy/retail/xds/rds.yaml`");
    std::fs::remove_file(&rules).unwrap();
    shadow(&at("old"), &[]).refused("`envoy/retail/xds/rds.yaml` is gone");
    let told = std::fs::read_to_string(at("old/bundle.json")).unwrap();
    for (from, to) in [("\"version\": 1,", "\"version\": 2,"), ("envoy/retail/xds/rds.yaml", "../../rds.yaml")] {
        assert!(told.contains(from));
        put(&at("old"), "bundle.json", &told.replacen(from, to, 1));
        shadow(&at("old"), &[]).refused("is not a bundle");
    }
    mcpctl(&["compile", FEDERATION, "--target", "cedar", "--out"]).arg(at("cedar")).run().code(0);
    shadow(&at("cedar"), &[]).refused("has no gateway for Envoy");
    assert!(!at("none").exists());
}
