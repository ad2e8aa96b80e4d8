//! The formats of other tools on the findings of every fixture, judged by the schemas that their owners publish.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mcpctl::analysis::{Analysis, analyse};
use mcpctl::render::fingerprint::fingerprints;
use mcpctl::render::{self, Findings, Format};
use mcpctl::workspace::{self, Disk, Input, Workspace};
use serde_json::Value;

use crate::checks::{fixtures, folders};
use crate::published::from_module;

fn all_folders() -> Vec<PathBuf> {
    let checks = folders(&fixtures().join("checks")).into_iter().flat_map(|check| folders(&check));
    let all = checks.chain(folders(&fixtures().join("projects"))).chain([fixtures().join("seed")]);
    all.collect()
}

fn read(folder: &Path) -> Workspace {
    workspace::read(&Input::Path(folder.to_owned()), &Disk, None).unwrap()
}

fn analyses() -> impl Iterator<Item = Analysis> {
    all_folders().into_iter().map(|folder| analyse(read(&folder), None))
}

fn written(analysis: &Analysis, format: Format) -> Value {
    let findings = Findings {
        sources: &analysis.sources,
        diagnostics: &analysis.report().diagnostics,
        suppressed: &analysis.report().suppressed,
        files: analysis.counts.files,
        most: usize::MAX,
        docs_url: Some("https://docs.example.com"),
    };
    let mut text = Vec::new();
    render::write(format, &findings, false, &mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn validator(name: &str) -> Option<jsonschema::Validator> {
    let text = std::fs::read_to_string(from_module(&format!("formats/{name}"))?).unwrap();
    Some(jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap())
}

/// Check, file, line and column of each finding.
type Places = Vec<(String, String, u64, u64)>;

fn places(found: &Value, of: impl Fn(&Value) -> (&Value, &Value, &Value, &Value)) -> Places {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |found: &Value| {
        let (check, file, line, column) = of(found);
        (text(check), text(file), line.as_u64().unwrap(), column.as_u64().unwrap())
    };
    found.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn sarif_and_rdjson_are_valid_and_say_what_json_says() {
    let (sarif, rdjson) = (validator("sarif-2.1.0.json"), validator("rdjson.json"));
    let mut count = 0;
    for analysis in analyses() {
        let json = written(&analysis, Format::Json);
        let of_json = |found: &Value| places(found, |it| (&it["check"], &it["file"], &it["line"], &it["column"]));
        let mut expected = of_json(&json["diagnostics"]);
        let log = written(&analysis, Format::Sarif);
        let rd = written(&analysis, Format::Rdjson);
        for (validator, value) in [(&sarif, &log), (&rdjson, &rd)] {
            let faults = validator.iter().flat_map(|validator| validator.iter_errors(value));
            let faults: Vec<String> = faults.map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
            assert!(faults.is_empty(), "{faults:?}");
        }
        let of_rd = places(&rd["diagnostics"], |it| {
            let start = &it["location"]["range"]["start"];
            (&it["code"]["value"], &it["location"]["path"], &start["line"], &start["column"])
        });
        // Columns are bytes there, so they may be larger.
        let without = |places: &Places| -> Vec<_> {
            places.iter().map(|(a, b, line, _)| (a.clone(), b.clone(), *line)).collect()
        };
        assert_eq!(without(&of_rd), without(&expected));
        expected.extend(of_json(&json["suppressed"]));
        let results = &log["runs"][0]["results"];
        let of_sarif = places(results, |it| {
            let place = &it["locations"][0]["physicalLocation"];
            let region = &place["region"];
            (&it["ruleId"], &place["artifactLocation"]["uri"], &region["startLine"], &region["startColumn"])
        });
        assert_eq!(of_sarif, expected);
        let rules = &log["runs"][0]["tool"]["driver"]["rules"];
        for result in results.as_array().unwrap() {
            assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
        }
        count += expected.len();
    }
    assert!(count > 300, "{count}");
}

/// The schemas notice what is wrong, so that agreeing with them says something.
#[test]
fn a_spoiled_file_is_not_valid() {
    let (Some(sarif), Some(rdjson)) = (validator("sarif-2.1.0.json"), validator("rdjson.json")) else { return };
    let analysis = analyses().next().unwrap();
    for (validator, format, part) in [
        (&sarif, Format::Sarif, "/runs/0/tool/driver/name"),
        (&sarif, Format::Sarif, "/version"),
        (&rdjson, Format::Rdjson, "/diagnostics"),
    ] {
        let mut value = written(&analysis, format);
        assert!(validator.is_valid(&value));
        *value.pointer_mut(part).unwrap() = Value::from(7);
        assert!(!validator.is_valid(&value), "{part}");
    }
}

#[test]
fn gitlab_is_given_every_finding_with_a_fingerprint_of_its_own() {
    for analysis in analyses() {
        let list = written(&analysis, Format::Gitlab);
        let prints: BTreeSet<&str> =
            list.as_array().unwrap().iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
        assert_eq!(prints.len(), analysis.report().diagnostics.len());
    }
}

/// Other names of files and other lines: the fingerprints stay, so a baseline does, too.
#[test]
fn moving_sections_changes_no_fingerprint() {
    let counted = |analysis: &Analysis| {
        let mut counts: BTreeMap<(&str, String), u32> = BTreeMap::new();
        let found = &analysis.report().diagnostics;
        for (finding, print) in found.iter().zip(fingerprints(&analysis.sources, found.iter())) {
            *counts.entry((finding.rule.name, print)).or_default() += 1;
        }
        counts
    };
    let mut count = 0;
    for folder in all_folders() {
        let before = analyse(read(&folder), None);
        let mut moved = read(&folder);
        // What waivers and settings say of a file by its name would have to move along.
        let named = !before.model().waivers.is_empty() || moved.settings.is_some();
        for file in &mut moved.files {
            let Ok(bytes) = &mut file.bytes else { continue };
            if !file.name.ends_with(".yaml") || bytes.starts_with(b"%") || bytes.starts_with(b"\xef\xbb\xbf") {
                continue;
            }
            bytes.splice(0..0, *b"# moved\n\n");
            if !named {
                file.name = file.name.replace(".yaml", "-moved.yaml");
            }
        }
        let after = analyse(moved, None);
        assert_eq!(counted(&before), counted(&after), "{}", folder.display());
        count += before.report().diagnostics.len();
    }
    assert!(count > 300, "{count}");
}
