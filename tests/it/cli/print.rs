//! `schema`, `completions` and `man`.

use mcpctl::families::FamilyId;

use super::{folder, mcpctl};

#[test]
fn every_schema_is_json_schema_by_name_and_by_key() {
    for family in FamilyId::ALL {
        let by_name = mcpctl(&["schema", family.name()]).run().code(0);
        let by_key = mcpctl(&["schema", family.key()]).run().code(0);
        assert_eq!(by_name.out, by_key.out);
        assert_eq!(by_name.err, "");
        assert_eq!(by_name.json(), serde_json::from_str::<serde_json::Value>(family.schema()).unwrap());
    }
    let combined = mcpctl(&["schema"]).run().code(0).json();
    for family in FamilyId::ALL {
        assert!(combined["properties"].get(family.key()).is_some(), "{} is not in the combined schema", family.key());
    }
    assert!(mcpctl(&["schema", "settings"]).run().code(0).json()["properties"].get("output").is_some());
}

#[test]
fn an_unknown_family_has_a_suggestion() {
    mcpctl(&["schema", "data_ruoting"]).run().refused("did you mean `data_routing`?");
    mcpctl(&["schema", "zzzzzzzzzz"]).run().refused("mcpctl list families");
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = mcpctl(&["completions", shell]).run().code(0);
        assert_eq!(script.err, "");
        for word in ["validate", "compile", "explain", "completions", "stdin-filename"] {
            assert!(script.out.contains(word), "{word} is not in the {shell} script");
        }
    }
    mcpctl(&["completions", "tcsh"]).run().refused("bash");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let whole = mcpctl(&["man"]).run().code(0);
    assert_eq!(whole.err, "");
    let folder = folder(&[]);
    let out = folder.path().join("share/man/man1");
    assert_eq!(mcpctl(&["man", "--out"]).arg(&out).run().code(0).out, "");
    let mut names: Vec<String> =
        std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let expected = [
        "can",
        "compile",
        "completions",
        "diff",
        "explain",
        "fmt",
        "graph",
        "init",
        "list",
        "lsp",
        "man",
        "prove",
        "report",
        "schema",
        "test",
        "validate",
        "what-can",
        "who-can",
    ];
    let expected: Vec<String> =
        expected.iter().map(|name| format!("mcpctl-{name}.1")).chain(["mcpctl.1".into()]).collect();
    assert_eq!(names, expected);
    for name in names {
        let page = std::fs::read_to_string(out.join(&name)).unwrap();
        assert!(page.contains(".TH ") && page.contains(".SH OPTIONS"), "{name}");
        assert!(whole.out.contains(&page), "{name} is not in the whole manual");
    }
    // A second time replaces the pages.
    mcpctl(&["man", "--out"]).arg(&out).run().code(0);
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let folder = folder(&[("file", "")]);
    mcpctl(&["man", "--out"]).arg(folder.path().join("file/below")).run().refused("could not write");
}
