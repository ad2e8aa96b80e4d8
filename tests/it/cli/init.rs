//! `mcpctl init`.

use super::{folder, good, mcpctl, put};

#[test]
fn a_new_workspace_has_no_findings_and_compiles() {
    let outer = folder(&[]);
    let fleet = outer.path().join("deep/fleet");
    let ran = mcpctl(&["init"]).arg(&fleet).run().code(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("registry.yaml") && ran.err.contains("mcpctl validate"), "{}", ran.err);
    let ran = mcpctl(&["validate", "--fail-on", "note"]).arg(&fleet).run().code(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.starts_with("no findings in "), "{}", ran.err);
    mcpctl(&["compile"]).arg(&fleet).run().code(0);
    assert!(fleet.join("bundle/bundle.json").is_file());
    // The bundle is not an input.
    assert_eq!(mcpctl(&["validate", "--fail-on", "note"]).arg(&fleet).run().code(0).out, "");
}

#[test]
fn its_policy_tests_and_comments_are_there() {
    let good = good();
    let read = |name: &str| std::fs::read_to_string(good.path().join(name)).unwrap();
    for entry in std::fs::read_dir(good.path()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.starts_with("# ") && text.lines().all(|line| line.chars().count() <= 120), "{text}");
    }
    assert!(read("tests.yaml").contains("expect: deny"));
}

#[test]
fn nothing_is_overwritten() {
    let taken = folder(&[("access.yaml", "mine"), ("other.txt", "x")]);
    mcpctl(&["init"]).arg(taken.path()).run().refused("access.yaml` already exists");
    assert_eq!(std::fs::read_to_string(taken.path().join("access.yaml")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(taken.path()).unwrap().count(), 2, "nothing else was written");

    let twice = good();
    mcpctl(&["init"]).arg(twice.path()).run().refused("already exist,");
}

#[test]
fn a_file_in_the_way_of_the_folder_is_an_error() {
    let taken = folder(&[("fleet", "a file")]);
    mcpctl(&["init"]).arg(taken.path().join("fleet")).run().refused("could not write");
}

/// The lines that begin with `#` and no space are settings that are switched off.
fn switched_on(text: &str) -> String {
    let on = |line: &str| {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        let bare = rest.strip_prefix('#').filter(|rest| !rest.starts_with(' ') || rest.starts_with("  "));
        bare.map_or(line.to_owned(), |bare| format!("{indent}{bare}"))
    };
    text.lines().map(on).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn what_it_has_switched_off_compiles_a_gateway_of_envoy() {
    let good = good();
    let read = |name: &str| std::fs::read_to_string(good.path().join(name)).unwrap();
    let settings = switched_on(&read("mcpctl.yaml"));
    for part in ["targets:\n", "  envoy:\n", "    listen: ", "    admin: ", "    tls: {cert: "] {
        assert!(settings.contains(&format!("\n{part}")) || settings.contains(part), "{settings}");
        assert!(!read("mcpctl.yaml").contains(&format!("\n{part}")), "{part} is switched on");
    }
    put(good.path(), "mcpctl.yaml", &settings);
    mcpctl(&["validate", "--fail-on", "note"]).arg(good.path()).run().code(0);
    mcpctl(&["compile"]).arg(good.path()).run().code(0);
    assert!(good.path().join("bundle/envoy/central/bootstrap.yaml").is_file());

    // The keys as a file, in place of their URL.
    let access = switched_on(&read("access.yaml"));
    let without_url: Vec<&str> = access.lines().filter(|line| !line.trim_start().starts_with("jwks: ")).collect();
    assert_eq!(without_url.len() + 1, access.lines().count());
    put(good.path(), "access.yaml", &(without_url.join("\n") + "\n"));
    mcpctl(&["compile"]).arg(good.path()).run().code(1);
    put(good.path(), "jwks.json", r#"{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}"#);
    mcpctl(&["compile"]).arg(good.path()).run().code(0);
    let text = std::fs::read_to_string(good.path().join("bundle/envoy/central/xds/lds.yaml")).unwrap();
    assert!(text.contains("local_jwks"), "the keys are in the file");
}
