//! `mcpctl diff` on the changes of `fixtures/review`, as people read them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Ran, mcpctl};

const CHANGES: [&str; 7] = [
    "level-lowered",
    "permit-added",
    "pool-shrunk",
    "server-reclassified",
    "server-renamed",
    "step-added",
    "unit-loosened",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/review")
}

/// From one side to another, judged on a day on which one of the base's waivers is expired.
fn diff(base: &str, head: &str, format: &str) -> Ran {
    let folder = fixtures().display().to_string();
    mcpctl(&[
        "diff",
        base,
        head,
        "-C",
        &folder,
        "--format",
        format,
        "--today",
        "2026-11-22",
        "--deny",
        "widening",
        "--solver",
        "none",
    ])
    .run()
}

fn all(change: &str, format: &str) -> String {
    let ran = diff("base", change, format);
    assert!(ran.code < 2, "{ran:?}");
    format!("{}{}exit {}\n", ran.out, ran.err, ran.code)
}

fn json(base: &str, head: &str) -> Value {
    serde_json::from_str(&diff(base, head, "json").out).unwrap()
}

#[test]
fn every_change_of_the_fixtures_is_here() {
    let folders = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut changes: Vec<String> = folders.filter(|name| name != "base").collect();
    changes.sort();
    assert_eq!(changes, CHANGES);
}

#[test]
fn changes_as_people_and_programs_read_them() {
    for change in CHANGES {
        for format in ["human", "short", "markdown", "json"] {
            insta::assert_snapshot!(format!("{change}-{format}"), all(change, format));
        }
    }
}

/// A page holds what the text does: every change, before and now, its lines and its example.
#[test]
fn pages_hold_the_same() {
    for change in CHANGES {
        let (page, json) = (diff("base", change, "html").out, json("base", change));
        let plain = plain_text(&page);
        let mut said: Vec<String> = Vec::new();
        for group in json["access"]["groups"].as_array().unwrap().iter().filter(|group| group["renamed"].is_null()) {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            said.extend(
                group["principals"].as_array().unwrap().iter().chain(group["tools"].as_array().unwrap()).map(text),
            );
            said.extend(
                group["causes"].as_array().unwrap().iter().map(|at| format!("{}:{}", text(&at["file"]), at["line"])),
            );
            said.extend(group["waiver"]["reason"].as_str().map(str::to_owned));
            said.push(text(&group["change"]));
        }
        for part in ["trust", "operation"] {
            let what =
                json[part].as_array().unwrap().iter().map(|change| change["what"].as_str().unwrap().replace('`', ""));
            said.extend(what);
        }
        for rename in json["access"]["renames"].as_array().unwrap() {
            said.extend(["Renamed (a guess)".to_owned(), rename["after"].as_str().unwrap().to_owned()]);
        }
        for text in said {
            assert!(plain.contains(&text), "{change}: `{text}` is not in\n{plain}");
        }
        for name in ["article", "details", "summary", "dl", "dt", "dd", "b", "p", "pre", "ul", "li", "code"] {
            let open = page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
            assert_eq!(open, page.matches(&format!("</{name}>")).count(), "{change}: <{name}>");
        }
    }
}

/// The text of a page, entities read.
fn plain_text(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let mut text = String::new();
    let mut inside = true;
    for c in body.chars() {
        match c {
            '<' => inside = false,
            '>' => inside = true,
            c if inside => text.push(c),
            _ => {}
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[test]
fn the_other_way_round_is_the_mirror() {
    let turned = |change: &str| match change {
        "added" => "removed".to_owned(),
        "removed" => "added".to_owned(),
        "widened" => "narrowed".to_owned(),
        "narrowed" => "widened".to_owned(),
        other => other.to_owned(),
    };
    // Waivers and new names hold in one direction alone, so cells are compared one by one.
    let cells = |json: &Value, mirrored: bool| {
        let mut cells = Vec::new();
        for group in json["access"]["groups"].as_array().unwrap() {
            let change = group["change"].as_str().unwrap();
            let (change, first, second) =
                if mirrored { (turned(change), "after", "before") } else { (change.to_owned(), "before", "after") };
            for principal in group["principals"].as_array().unwrap() {
                for tool in group["tools"].as_array().unwrap() {
                    cells.push(format!("{principal} {tool} {change} {} {}", group[first], group[second]));
                }
            }
        }
        cells.sort();
        cells
    };
    for change in CHANGES {
        let (forth, back) = (json("base", change), json(change, "base"));
        assert_eq!(forth["access"]["cells_compared"], back["access"]["cells_compared"], "{change}");
        assert_eq!(cells(&forth, false), cells(&back, true), "{change}");
        for part in ["trust", "operation"] {
            let values = |json: &Value, keys: [&str; 2]| {
                let mut all: Vec<String> = json[part]
                    .as_array()
                    .unwrap()
                    .iter()
                    // The base's tests are judged on the head, not the other way round.
                    .filter(|it| !it["what"].as_str().unwrap().ends_with("of the base"))
                    .map(|it| format!("{} {} {}", it["what"], it[keys[0]], it[keys[1]]))
                    .collect();
                all.sort();
                all
            };
            assert_eq!(values(&forth, ["before", "after"]), values(&back, ["after", "before"]), "{change}: {part}");
        }
    }
}

#[test]
fn no_fixture_differs_from_itself() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = |below: &str| {
        let entries = std::fs::read_dir(root.join(below)).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let workspaces: Vec<PathBuf> =
        folders("projects").into_iter().chain(folders("review")).chain([root.join("seed")]).collect();
    assert!(workspaces.len() > 8, "{workspaces:?}");
    for folder in workspaces {
        let ran = mcpctl(&["diff", "--deny", "any", "--no-artifacts"]).arg(&folder).arg(&folder).run();
        assert_eq!(ran.code, 0, "{}: {ran:?}", folder.display());
        assert!(ran.out.contains("allows exactly what"), "{}", ran.out);
    }
}

/// Every removed and added pair of a new name counts, whatever is said of it.
#[test]
fn a_guessed_new_name_excuses_nothing() {
    let json = json("base", "server-renamed");
    let renames = &json["access"]["renames"];
    assert_eq!(renames.as_array().unwrap().len(), 1, "{renames}");
    assert_eq!((&renames[0]["before"], &renames[0]["after"]), (&"crm_server".into(), &"customer_server".into()));
    let cells = |change: &str| {
        let groups = json["access"]["groups"].as_array().unwrap().iter().filter(|group| group["change"] == change);
        groups
            .map(|it| it["principals"].as_array().unwrap().len() * it["tools"].as_array().unwrap().len())
            .sum::<usize>()
    };
    assert!(cells("added") > 5);
    assert_eq!((cells("added"), cells("removed")), (cells("removed"), cells("added")));
    assert_eq!(json["gate"]["opened"], cells("added"));
    assert_eq!(diff("base", "server-renamed", "short").code, 1);
}
