//! Compiled bundles as a side of `mcpctl diff`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::diff::{Edit, copy, edit};
use super::{Ran, mcpctl, put};

const LOWERED: Edit<'_> = (
    "central/access.yaml",
    "requirements: [service_account_token, user_delegation, mfa]\n",
    "requirements: [service_account_token, user_delegation]\n",
);

/// The federation fixture, and a bundle compiled from it for Cedar alone.
struct Deployed {
    folder: tempfile::TempDir,
}

impl Deployed {
    fn new(args: &[&str]) -> Self {
        let deployed = Self { folder: tempfile::tempdir().unwrap() };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/federation"), &deployed.at("fleet"));
        deployed.compile("fleet", "out", args);
        deployed
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn compile(&self, from: &str, out: &str, args: &[&str]) {
        let args = [&["--target", "cedar", "--today", "2026-11-22"], args].concat();
        mcpctl(&["compile"]).arg(self.at(from)).arg("--out").arg(self.at(out)).args(&args).run().code(0);
    }

    fn diff(&self, base: &str, head: &str, args: &[&str]) -> Ran {
        let here = self.folder.path().display().to_string();
        mcpctl(&["diff", base, head, "-C", &here, "--today", "2026-11-22"]).args(args).run()
    }

    fn manifest(&self, out: &str) -> Value {
        serde_json::from_slice(&fs::read(self.at(out).join("bundle.json")).unwrap()).unwrap()
    }
}

#[test]
fn a_bundle_does_not_differ_from_what_it_was_compiled_from() {
    let deployed = Deployed::new(&[]);
    for (base, head) in [("out", "fleet"), ("fleet", "out"), ("out", "out")] {
        let ran = deployed.diff(base, head, &["--deny", "any"]);
        assert_eq!(ran.code, 0, "{base} {head}: {ran:?}");
        assert!(ran.out.contains("allows exactly what"), "{}", ran.out);
        assert!(!ran.err.contains("to roll out"), "{}", ran.err);
    }
}

#[test]
fn a_bundle_is_compared_as_completely_as_a_folder() {
    let deployed = Deployed::new(&[]);
    copy(&deployed.at("fleet"), &deployed.at("changed"));
    let trust = ("central/identity.yaml", "claim: amr, contains: mfa", "claim: groups, contains: staff");
    let keys = ("central/keys/agents.json", "\"kid\": \"", "\"kid\": \"other-");
    let pool = ("operations/resilience.yaml", "resources: {connections: 60}", "resources: {connections: 30}");
    edit(&deployed.at("changed"), &[LOWERED, trust, pool]);
    let path = deployed.at("changed").join(keys.0);
    fs::write(&path, fs::read_to_string(&path).unwrap().replace(keys.1, keys.2)).unwrap();
    deployed.compile("changed", "new", &[]);
    let json = |base: &str, head: &str| -> Value {
        let ran = deployed.diff(base, head, &["--format", "json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str(&ran.out).unwrap()
    };
    let parts = |json: &Value| {
        let trust: Vec<Value> =
            json["trust"].as_array().unwrap().iter().filter(|it| !it["file"].is_null()).cloned().collect();
        (json["access"].clone(), trust, json["operation"].clone())
    };
    let folders = parts(&json("fleet", "changed"));
    assert!(folders.1.iter().any(|change| change["what"].as_str().unwrap().starts_with("keys of")), "{:?}", folders.1);
    for (base, head) in [("out", "changed"), ("fleet", "new"), ("out", "new")] {
        assert_eq!(parts(&json(base, head)), folders, "{base} {head}");
        let files: Vec<String> = json(base, head)["artifacts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| format!("{} {}", file["change"].as_str().unwrap(), file["file"].as_str().unwrap()))
            .collect();
        // The targets of the bundle, and no others.
        assert_eq!(files, ["changed cedar/evidence.json", "changed cedar/policies.cedar"], "{base} {head}");
    }
    let gate = deployed.diff("out", "new", &["--deny", "widening"]);
    assert_eq!(gate.code, 1);
    assert!(gate.out.contains("central/access.yaml:15: requirements:"), "{}", gate.out);
}

#[test]
fn a_bundle_that_was_changed_is_refused() {
    let deployed = Deployed::new(&[]);
    let refused = |said: &str| deployed.diff("out", "fleet", &[]).refused(said);
    let out = deployed.at("out");
    let policies = out.join("cedar/policies.cedar");
    let (own, manifest) =
        (fs::read_to_string(&policies).unwrap(), fs::read_to_string(out.join("bundle.json")).unwrap());
    // A file that is not the manifest's.
    fs::write(&policies, format!("{own}\npermit (principal, action, resource);\n")).unwrap();
    refused("was changed after it was written: `cedar/policies.cedar`");
    // A file and the manifest with it: it does not decide what the sources mean.
    let file = |path: &str| -> Value {
        let manifest = deployed.manifest("out");
        manifest["files"].as_array().unwrap().iter().find(|file| file["path"] == path).unwrap().clone()
    };
    let rewrite = |path: &str| {
        let (bytes, known) = (fs::read(out.join(path)).unwrap(), file(path));
        let digest = mcpctl::bundle::manifest::sha256(&bytes);
        let text = fs::read_to_string(out.join("bundle.json")).unwrap();
        let text = text.replace(known["sha256"].as_str().unwrap(), &digest);
        let text = text.replace(&format!("\"size\": {}", known["size"]), &format!("\"size\": {}", bytes.len()));
        fs::write(out.join("bundle.json"), text).unwrap();
    };
    rewrite("cedar/policies.cedar");
    let ran = deployed.diff("out", "fleet", &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("differently from the model") || ran.err.contains("do not verify"), "{}", ran.err);
    // Without compiling, that cannot be seen, and is said.
    let quick = deployed.diff("out", "fleet", &["--no-artifacts"]);
    assert_eq!(quick.code, 0);
    assert!(
        quick.out.contains("caution: the files of `out`") && quick.out.contains("was not proved again"),
        "{}",
        quick.out
    );
    // Sources that are not the ones that the manifest speaks of.
    fs::write(&policies, &own).unwrap();
    fs::write(out.join("bundle.json"), &manifest).unwrap();
    assert_eq!(deployed.diff("out", "fleet", &[]).code, 0);
    let sources = fs::read_to_string(out.join("sources.json")).unwrap();
    fs::write(out.join("sources.json"), sources.replace("user_delegation, mfa]", "user_delegation]")).unwrap();
    refused("was changed after it was written: `sources.json`");
    rewrite("sources.json");
    refused("are not those that its manifest says it was compiled from");
}

/// Files that the manifest does not speak of are proved where it lists them, and are said where it does not.
#[test]
fn files_that_the_manifest_hides_are_not_overlooked() {
    let deployed = Deployed::new(&[]);
    let out = deployed.at("out");
    let manifest = fs::read_to_string(out.join("bundle.json")).unwrap();
    put(&out, "cedar/more.cedar", "permit (principal, action, resource);\n");
    let ran = deployed.diff("out", "fleet", &["--deny", "any"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let said = "`out` holds 1 file that its manifest does not list, and nothing is known of: `cedar/more.cedar`";
    assert!(ran.out.contains(said), "{}", ran.out);
    fs::remove_file(out.join("cedar/more.cedar")).unwrap();
    // The target is no longer named, and its file decides otherwise.
    let policies = fs::read(out.join("cedar/policies.cedar")).unwrap();
    let spoiled = [&policies[..], b"\npermit (principal, action, resource);\n"].concat();
    let digest = mcpctl::bundle::manifest::sha256;
    let changed = manifest
        .replacen("\"targets\": [\n      \"cedar\"\n    ]", "\"targets\": []", 1)
        .replace(&digest(&policies), &digest(&spoiled))
        .replace(&format!("\"size\": {}", policies.len()), &format!("\"size\": {}", spoiled.len()));
    assert!(changed.contains("\"targets\": []"), "{changed}");
    fs::write(out.join("bundle.json"), changed).unwrap();
    fs::write(out.join("cedar/policies.cedar"), spoiled).unwrap();
    assert_eq!(deployed.diff("out", "fleet", &[]).code, 2);
}

#[test]
fn sources_can_be_left_out_and_then_nothing_is_compared() {
    let deployed = Deployed::new(&["--no-sources"]);
    assert!(!deployed.at("out/sources.json").exists());
    let ran = deployed.diff("out", "fleet", &[]).refused("does not hold what it was compiled from");
    assert!(ran.err.contains("--no-sources"), "{}", ran.err);
    fs::remove_file(deployed.at("out/cedar/policies.cedar")).unwrap();
    deployed.diff("out", "fleet", &[]).refused("is gone");
}

#[test]
fn the_manifest_lists_the_sources_and_no_workspace_reads_them() {
    let deployed = Deployed::new(&[]);
    let manifest = deployed.manifest("out");
    let listed = manifest["files"].as_array().unwrap().iter().find(|file| file["path"] == "sources.json").unwrap();
    assert_eq!((&listed["target"], &listed["from_count"]), (&"sources".into(), &0.into()));
    let embedded: Value = serde_json::from_slice(&fs::read(deployed.at("out/sources.json")).unwrap()).unwrap();
    let text = fs::read_to_string(deployed.at("fleet/central/access.yaml")).unwrap();
    assert_eq!(embedded["files"]["central/access.yaml"], text);
    assert!(
        embedded["files"]["mcpctl.yaml"].is_string() && embedded["key_sets"]["central/keys/agents.json"].is_string()
    );
    // Those of environments are not part of what was compiled.
    assert!(embedded["files"].as_object().unwrap().keys().all(|name| !name.starts_with("env/")));
    // Whatever folder the bundle is in, the same workspace is read, and the same bytes are written.
    deployed.compile("fleet", "fleet/elsewhere", &[]);
    let again = fs::read(deployed.at("fleet/elsewhere/sources.json")).unwrap();
    assert_eq!(again, fs::read(deployed.at("out/sources.json")).unwrap());
    deployed.compile("fleet", "fleet/elsewhere", &[]);
    let ran = mcpctl(&["validate"]).arg(deployed.at("fleet")).run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(deployed.diff("out", "fleet", &["--deny", "any"]).code, 0);
}

#[test]
fn a_bundle_of_an_environment_is_compared_in_it() {
    let deployed = Deployed::new(&["--env", "staging"]);
    let same = deployed.diff("out", "fleet", &["--deny", "any"]);
    assert_eq!(same.code, 0, "{same:?}");
    let file = "env/staging/addresses.yaml";
    copy(&deployed.at("fleet"), &deployed.at("changed"));
    edit(
        &deployed.at("changed"),
        &[(file, "- issuer: https://login.staging.meridian.example\n", "- issuer: https://login.elsewhere.example\n")],
    );
    let ran = deployed.diff("out", "changed", &["--deny", "widening"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("https://login.elsewhere.example") && ran.out.contains(file), "{}", ran.out);
    // A plain bundle says nothing about environments, which is said; and the two are not compared.
    deployed.compile("fleet", "plain", &[]);
    let plain = deployed.diff("plain", "changed", &["--deny", "widening"]);
    assert_eq!(plain.code, 0, "{plain:?}");
    assert!(plain.out.contains("what `staging` would trust is not compared"), "{}", plain.out);
    deployed
        .diff("out", "plain", &[])
        .refused("`plain` was compiled for no environment, and the other bundle is for `staging`");
    deployed.diff("plain", "fleet", &["--env", "staging"]).refused("`--env` is for `staging`");
}

#[test]
fn one_file_and_standard_input_are_sources_like_others() {
    let text = "mcp_registry:\n  servers:\n    - {name: s, tools: [{name: t}]}\n  agents:\n    - {name: a, subject: a, may_call: [s/t]}\n";
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "fleet.yaml", text);
    let out = folder.path().join("out");
    let compile = |args: &[&str]| {
        mcpctl(&["compile", "--target", "cedar", "--force", "--quiet", "--out"])
            .arg(&out)
            .args(args)
            .stdin(text)
            .run()
            .code(0)
    };
    let against = |side: &Path| mcpctl(&["diff", "--deny", "any"]).arg(&out).arg(side).run();
    let file = folder.path().join("fleet.yaml").display().to_string();
    for args in [&[file.as_str()][..], &["-"], &["-", "--stdin-filename", "../a/fleet.yaml"]] {
        compile(args);
        let same = against(&out);
        assert_eq!(same.code, 0, "{args:?}: {same:?}");
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "fleet.yaml", text);
        // The files name their sources, which are called otherwise here.
        let other = mcpctl(&["diff", "--deny", "any", "--no-artifacts"]).arg(&out).arg(folder.path()).run();
        assert_eq!(other.code, 0, "{args:?}: {other:?}");
    }
}

#[test]
fn two_policies_in_one_bundle_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/review/base");
    copy(&fixture, &folder.path().join("fleet"));
    let out = folder.path().join("out");
    mcpctl(&["compile", "--target", "cedar", "--out"]).arg(&out).arg(folder.path().join("fleet")).run().code(0);
    // As `compile --shadow` says it.
    let manifest = fs::read_to_string(out.join("bundle.json")).unwrap();
    fs::write(out.join("bundle.json"), manifest.replacen("\"other\": {}", "\"other\": {\"shadow\": \"envoy\"}", 1))
        .unwrap();
    mcpctl(&["diff"]).arg(&out).arg(folder.path().join("fleet")).run().refused("holds two policies");
}

/// Nobody else's fault is called one of mcpctl: the version that wrote the bundle is named, and what to do.
#[test]
fn a_bundle_of_another_version_is_refused_by_name() {
    let deployed = Deployed::new(&[]);
    let out = deployed.at("out");
    let text = fs::read_to_string(out.join("bundle.json")).unwrap();
    let policies = fs::read_to_string(out.join("cedar/policies.cedar")).unwrap();
    // As another version would have written them.
    let other = policies.replacen("permit", "@old(\"x\")\npermit", 1) + "\npermit (principal, action, resource);\n";
    let file = deployed.manifest("out")["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"] == "cedar/policies.cedar")
        .cloned();
    let file = file.unwrap();
    let manifest = text
        .replace(file["sha256"].as_str().unwrap(), &mcpctl::bundle::manifest::sha256(other.as_bytes()))
        .replace(&format!("\"size\": {}", file["size"]), &format!("\"size\": {}", other.len()));
    let version = env!("CARGO_PKG_VERSION");
    fs::write(out.join("cedar/policies.cedar"), other).unwrap();
    fs::write(
        out.join("bundle.json"),
        manifest.replace(&format!("\"version\": \"{version}\""), "\"version\": \"0.0.7\""),
    )
    .unwrap();
    for (base, head) in [("out", "fleet"), ("fleet", "out"), ("out", "out")] {
        let ran = deployed.diff(base, head, &[]).refused("mcpctl 0.0.7 wrote the bundle `out`");
        assert!(!ran.err.contains("fault of mcpctl"), "{}", ran.err);
        let words = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("compile the bundle again") && words.contains("--no-artifacts"), "{}", ran.err);
    }
    assert_eq!(deployed.diff("out", "fleet", &["--no-artifacts"]).code, 0);
    // One that claims to be of this version was changed, or is of another build.
    fs::write(out.join("bundle.json"), manifest).unwrap();
    let ran = deployed.diff("out", "fleet", &[]).refused("do not decide what its sources mean");
    assert!(!ran.err.contains("fault of mcpctl"), "{}", ran.err);
    // In another format, all that can be read is who wrote it.
    let format = text.replacen("\"version\": 1", "\"version\": 2", 1);
    fs::write(
        out.join("bundle.json"),
        format.replace(&format!("\"version\": \"{version}\""), "\"version\": \"9.0.0\""),
    )
    .unwrap();
    deployed.diff("out", "fleet", &[]).refused("mcpctl 9.0.0 wrote the bundle");
}

#[test]
fn what_disappears_is_listed_for_one_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/enterprise"), &old);
    let new = folder.path().join("new");
    copy(&old, &new);
    let payments = new.join("registry/payments.yaml");
    let text = fs::read_to_string(&payments).unwrap();
    let moved = text.replace("https://payment.payments.harbourline.example:8443", "https://payment.cards.svc:8443");
    assert_ne!(moved, text);
    fs::write(&payments, moved).unwrap();
    let here = folder.path().display().to_string();
    let prune = |args: &[&str]| {
        let all = [&["diff", "old", "new", "-C", &here, "--today", "2026-11-22", "--format", "prune"], args].concat();
        mcpctl(&all).run()
    };
    let several = prune(&[]);
    assert_eq!(several.code, 2);
    assert!(several.err.contains("the objects are in several clusters: `central`"), "{}", several.err);
    let unknown = prune(&["--cluster", "nowhere"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("there is no cluster `nowhere`"), "{}", unknown.err);
    let (central, payments) = (prune(&["--cluster", "central"]), prune(&["--cluster", "payments"]));
    assert!(central.out.contains("items: []"), "{}", central.out);
    assert!(payments.out.contains("kind: NetworkPolicy"), "{}", payments.out);
    assert_eq!(prune(&["--cluster", "central,payments"]).out, payments.out);
}
