//! Every value that a user writes has an effect: changed to another that is valid, it changes a compiled file or a finding.
//!
//! The document's own configuration stands with a registry around it (`fixtures/document`). Each of its values is changed
//! alone, to every other word that its schema knows, to other numbers and other names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mcpctl::analysis::Analysis;
use mcpctl::build;
use mcpctl::diagnostic::Diagnostic;
use mcpctl::families::FamilyId;
use mcpctl::source::yaml::{self, NodeId, Tree};
use mcpctl::source::{FileId, SourceFile};
use mcpctl::targets::{TARGETS, Target};
use serde_json::Value;

use crate::checks::{fixtures, of_files};

/// Values that change nothing yet, each as `PATH: VALUE -> OTHER`.
const SILENT: &str = include_str!("effect/silent.txt");

type Files = Vec<(String, String)>;

fn files() -> Files {
    let mut files = Vec::new();
    for folder in ["seed", "document"].map(|name| fixtures().join(name)) {
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter().map(Result::unwrap) {
            if entry.file_type().is_file() {
                let name = entry.path().strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    files
}

/// A value of the document: its path, the text that is written, and the texts that may take its place.
struct Word {
    path: String,
    range: std::ops::Range<usize>,
    others: Vec<String>,
}

/// What a schema says at a step of a path: an element of a list, or the value of a key.
fn below<'s>(schema: &'s Value, step: &str, found: &mut Vec<&'s Value>) {
    let list = step.parse::<usize>().is_ok();
    let direct = if list { schema.get("items") } else { schema.get("properties").and_then(|keys| keys.get(step)) };
    found.extend(direct);
    for key in ["then", "else"] {
        if let Some(inner) = schema.get(key) {
            below(inner, step, found);
        }
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        for inner in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            below(inner, step, found);
        }
    }
}

fn words(schemas: &[&Value], found: &mut BTreeSet<String>) {
    for schema in schemas {
        let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        found.extend(listed.filter_map(Value::as_str).map(str::to_owned));
        for key in ["then", "else"] {
            words(&schema.get(key).into_iter().collect::<Vec<_>>(), found);
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            words(&schema.get(key).and_then(Value::as_array).into_iter().flatten().collect::<Vec<_>>(), found);
        }
    }
}

/// The first number of a text, twice as large.
fn another_number(text: &str) -> Vec<String> {
    let Some(start) = text.find(|c: char| c.is_ascii_digit()) else { return Vec::new() };
    let rest = &text[start..];
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let Ok(number) = rest[..digits].parse::<f64>() else { return Vec::new() };
    vec![format!("{}{}{}", &text[..start], number * 2.0, &rest[digits..])]
}

/// Another name: of a server where it is one, else one that nothing has.
fn other_names(text: &str, servers: &[String]) -> Vec<String> {
    let other = servers.iter().find(|name| servers.contains(&text.to_owned()) && *name != text);
    vec![other.cloned().unwrap_or_else(|| format!("{text}_x"))]
}

fn words_of(family: FamilyId, tree: &Tree<'_>, body: NodeId, servers: &[String]) -> Vec<Word> {
    fn walk(
        tree: &Tree<'_>,
        node: NodeId,
        (path, schemas): (&str, &[&Value]),
        servers: &[String],
        found: &mut Vec<Word>,
    ) {
        let steps = match (tree.entries(node), tree.elements(node)) {
            (Some(entries), _) => entries.iter().map(|(key, value)| (tree.text(*key).to_owned(), *value)).collect(),
            (_, Some(elements)) => elements.iter().enumerate().map(|(at, one)| (at.to_string(), *one)).collect(),
            (None, None) => Vec::new(),
        };
        for (step, inner) in &steps {
            let mut under = Vec::new();
            schemas.iter().for_each(|schema| below(schema, step, &mut under));
            walk(tree, *inner, (&format!("{path}/{step}"), &under), servers, found);
        }
        if tree.scalar(node).is_some() {
            let text = tree.text(node);
            let mut listed = BTreeSet::new();
            words(schemas, &mut listed);
            let mut others: Vec<String> = listed.into_iter().filter(|word| word != text).collect();
            match text {
                "true" => others.push("false".to_owned()),
                "false" => others.push("true".to_owned()),
                _ if others.is_empty() => others.extend(another_number(text)),
                _ => {}
            }
            if others.is_empty() {
                others = other_names(text, servers);
            }
            let loc = tree.loc(node);
            found.push(Word { path: path.to_owned(), range: loc.start as usize..loc.end as usize, others });
        }
    }
    let schema: Value = serde_json::from_str(family.schema()).unwrap();
    let whole = schema.get("properties").and_then(|keys| keys.get(family.key())).unwrap();
    let mut found = Vec::new();
    walk(tree, body, (family.key(), &[whole]), servers, &mut found);
    found
}

/// Every finding, without its place.
fn said(analysis: &Analysis) -> BTreeSet<String> {
    let one = |finding: &Diagnostic| {
        let labels: Vec<&str> = finding.labels.iter().map(|label| label.message.as_str()).collect();
        format!("{} {:?} {} {labels:?} {:?}", finding.rule.name, finding.severity, finding.message, finding.help)
    };
    analysis.report().diagnostics.iter().map(one).collect()
}

/// The same, with servers that keep no promise, and a unit that says what is not for it to say.
fn poor(files: &Files) -> Files {
    let mut poor = files.clone();
    for (_, text) in poor.iter_mut().filter(|(name, _)| name == "registry.yaml") {
        let kept = text.lines().filter(|line| !line.contains("encryption_at_rest:") && !line.contains("controls:"));
        *text = kept.collect::<Vec<_>>().join("\n").replace("location: secure_enclave", "location: on_premises");
    }
    let own = "circuit_breaker_config: {per_mcp_server: {failure_threshold: 4}}\n";
    poor.push(("units/sales/breaker.yaml".to_owned(), own.to_owned()));
    poor
}

/// The files of these targets, and what else is said of them; `None` where there is an error.
fn compiled(analysis: &Analysis, targets: &[&'static Target]) -> Option<BTreeMap<String, Vec<u8>>> {
    let checked = analysis.checked()?;
    let able: Vec<&'static Target> =
        targets.iter().copied().filter(|target| build::missing(&checked, target).is_empty()).collect();
    let (built, _) = build::build_what_fits(&checked, &analysis.sources, &able, &[], "").ok()?;
    let notes = built.notes.iter().map(|note| (format!("note {}", note.message), Vec::new()));
    let files = built.bundle.artifacts.into_iter().map(|(path, artifact)| (path, artifact.bytes));
    Some(files.chain(notes).collect())
}

#[test]
fn each_value_of_the_document_has_an_effect() {
    let files = files();
    let base = of_files(&files);
    let servers: Vec<String> = base.model().servers.keys().map(ToString::to_string).collect();
    let before = [said(&base), said(&of_files(&poor(&files)))];
    let (operations, access): (Vec<&'static Target>, Vec<&'static Target>) =
        TARGETS.iter().copied().partition(|target| target.decides().is_none());
    let whole = [compiled(&base, &operations), compiled(&base, &access)];
    assert!(whole.iter().all(|files| files.as_ref().is_some_and(|files| files.len() > 20)), "it compiles");
    let of_document = |name: &String| fixtures().join("seed").join(name).is_file();
    let (mut silent, mut tried) = (BTreeSet::new(), 0);
    for (at, (name, text)) in files.iter().enumerate().filter(|(_, (name, _))| of_document(name)) {
        let source = SourceFile::new(name, text);
        let tree = yaml::parse(FileId(0), &source, &mut Vec::new());
        for document in tree.documents() {
            for (key, body) in tree.entries(*document).unwrap() {
                let family = FamilyId::of_key(tree.text(*key)).unwrap();
                for word in words_of(family, &tree, *body, &servers) {
                    for other in &word.others {
                        tried += 1;
                        let mut changed = files.clone();
                        changed[at].1.replace_range(word.range.clone(), other);
                        let analysis = of_files(&changed);
                        // What costs the least comes first.
                        let same = said(&analysis) == before[0]
                            && compiled(&analysis, &operations) == whole[0]
                            && said(&of_files(&poor(&changed))) == before[1]
                            && compiled(&analysis, &access) == whole[1];
                        if same {
                            silent.insert(format!("{}: {} -> {other}", word.path, &text[word.range.clone()]));
                        }
                    }
                }
            }
        }
    }
    println!("{tried} changes, {} silent", silent.len());
    if std::env::var_os("MCPCTL_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/effect/silent.txt");
        std::fs::write(path, silent.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }
    let known: BTreeSet<String> = SILENT.lines().map(str::to_owned).collect();
    let new: Vec<_> = silent.difference(&known).collect();
    let gone: Vec<_> = known.difference(&silent).collect();
    assert!(new.is_empty() && gone.is_empty(), "silent now: {new:#?}; no longer: {gone:#?}");
}
