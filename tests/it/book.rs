//! The pages of the book that are made from the code: one for each family, check and target, and their place in the
//! table of contents. `MCPCTL_BLESS=1 cargo test book` writes them; without it, a page that differs fails.

mod pages;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mcpctl::analysis::rules::all_rules;
use mcpctl::diagnostic::upgrade::UPGRADES;
use mcpctl::families::FamilyId;
use mcpctl::targets::TARGETS;
use pages::{changes, pages};

const BEGIN: &str = "<!-- pages made from the code: begin -->";
const END: &str = "<!-- pages made from the code: end -->";

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src")
}

/// The table of contents' part about the generated pages.
fn contents() -> String {
    let mut text = format!("{BEGIN}\n");
    let families: Vec<_> = FamilyId::ALL.iter().map(|family| family.name()).collect();
    let checks: Vec<_> = all_rules().iter().map(|rule| rule.name).collect();
    let targets: Vec<_> = TARGETS.iter().map(|target| target.name()).collect();
    for (title, folder, names) in
        [("Families", "families", families), ("Checks", "checks", checks), ("Targets", "targets", targets)]
    {
        write!(text, "\n# {title}\n\n").expect("a String takes everything");
        for name in names {
            writeln!(text, "- [{name}]({folder}/{name}.md)").expect("a String takes everything");
        }
    }
    text.push('\n');
    text
}

/// A page with the part between its markers made anew. What stands around it is written by hand.
fn with_part(page: &str, part: &str) -> String {
    let (before, rest) = page.split_once(BEGIN).expect("the page has the first marker");
    let (_, after) = rest.split_once(END).expect("the page has the last marker");
    format!("{before}{part}{END}{after}")
}

/// A page that is written by hand but for one part.
fn page(name: &str) -> String {
    fs::read_to_string(book().join(name)).expect("a page of the book")
}

fn bless() -> bool {
    std::env::var_os("MCPCTL_BLESS").is_some_and(|value| value == "1")
}

#[test]
fn generated_pages_are_fresh() {
    let book = book();
    let mut wanted = pages();
    wanted.insert("SUMMARY.md".to_owned(), with_part(&page("SUMMARY.md"), &contents()));
    let upgrading = format!("{BEGIN}\n{}\n", changes(UPGRADES, true));
    wanted.insert("guide/upgrading.md".to_owned(), with_part(&page("guide/upgrading.md"), &upgrading));
    let mut stale = Vec::new();
    for folder in ["families", "checks", "targets"] {
        for entry in fs::read_dir(book.join(folder)).into_iter().flatten() {
            let name = entry.expect("a folder entry").file_name().into_string().expect("a plain name");
            let path = format!("{folder}/{name}");
            if !wanted.contains_key(&path) {
                stale.push(format!("{path} is about nothing"));
                if bless() {
                    fs::remove_file(book.join(&path)).expect("an old page goes");
                }
            }
        }
    }
    for (path, text) in &wanted {
        let place = book.join(path);
        if fs::read_to_string(&place).is_ok_and(|found| found == *text) {
            continue;
        }
        stale.push(format!("{path} is not what the code says"));
        if bless() {
            fs::create_dir_all(place.parent().expect("a page has a folder")).expect("a folder for pages");
            fs::write(&place, text).expect("a page is written");
        }
    }
    assert!(bless() || stale.is_empty(), "run `MCPCTL_BLESS=1 cargo test book`:\n{}", stale.join("\n"));
}

/// The paths that Markdown links lead to, without those of other sites and of places in the same page.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://") && !link.starts_with('#') && !link.contains(' '))
        .filter_map(|link| link.split('#').next())
}

fn markdown_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            found.extend(markdown_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = markdown_below(&book());
    files.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(|name| root.join(name)));
    let mut broken = Vec::new();
    let mut followed = 0;
    for file in &files {
        let text = fs::read_to_string(file).expect("a page");
        for link in links(&text) {
            followed += 1;
            if !file.parent().expect("a page has a folder").join(link).exists() {
                broken.push(format!("{} links to {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(followed > 50, "only {followed} links were found");
}

#[test]
fn each_change_for_people_who_upgrade_names_a_rule() {
    let rules = all_rules();
    for change in UPGRADES {
        assert!(rules.iter().any(|rule| rule.name == change.rule), "no rule is called `{}`", change.rule);
    }
}

#[test]
fn every_page_is_in_the_contents() {
    let summary = fs::read_to_string(book().join("SUMMARY.md")).expect("SUMMARY.md");
    let listed: Vec<&str> = links(&summary).collect();
    for page in markdown_below(&book()) {
        let path =
            page.strip_prefix(book()).expect("below the book").to_str().expect("a plain name").replace('\\', "/");
        assert!(path == "SUMMARY.md" || listed.contains(&path.as_str()), "{path} is not in SUMMARY.md");
    }
}
