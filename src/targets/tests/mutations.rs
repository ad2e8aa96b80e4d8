//! What becomes of a target's files when something in them is changed: every change must be refused, or show as a
//! difference, or be one of those that change no decision.

use rayon::prelude::*;
use serde_json::Value;

use super::*;
use crate::build::verify;

/// One change of a file.
struct Mutation {
    /// Where, as a pattern: `routes[].policies`.
    at: String,
    /// What: `text`, `drop`, `twice`, `swap`, `key`, `and`, `part`, `literal`.
    how: &'static str,
    document: usize,
    changed: Value,
}

/// How many changes were found out, and where those stand that were not.
pub(crate) struct Outcome {
    pub(crate) all: usize,
    pub(crate) survivors: BTreeMap<String, usize>,
}

impl Outcome {
    /// Asserts that every change that was not found out is at one of these places, each with the reason why nothing changes.
    pub(crate) fn assert_only(&self, harmless: &[(&str, &str)]) {
        let survived: usize = self.survivors.values().sum();
        let strange: Vec<_> =
            self.survivors.iter().filter(|(at, _)| !harmless.iter().any(|(known, _)| *known == at.as_str())).collect();
        let killed = self.all - survived;
        let rate = killed as f64 * 100.0 / self.all as f64;
        let message = format!("{killed} of {} changes are found out ({rate:.1} %)", self.all);
        assert!(strange.is_empty(), "{message}; these are not, and are not known to be harmless: {strange:#?}");
        for (at, _) in harmless {
            assert!(self.survivors.contains_key(*at), "`{at}` is found out by now");
        }
    }
}

/// Changes one file of a target's bundle in every way, and has it verified; also inside of expressions, where asked for.
pub(crate) fn mutate(target: &'static Target, text: &str, file: &str, inside: bool) -> Outcome {
    let (checked, sources) = checked(text);
    let built = build(&checked, &sources, &[target], "sha256:0").map_err(|errors| format!("{errors:#?}")).unwrap();
    let files = built.bundle.artifacts;
    let policy = crate::targets::seen(target, checked.model(), checked.policy()).1;
    verify(target.id, &files, checked.model(), &policy).unwrap();
    let bytes = &files[file].bytes;
    let documents: Vec<Value> = serde_yaml::Deserializer::from_slice(bytes)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect();
    let mut mutations = Vec::new();
    let texts = literals(&documents);
    for (index, document) in documents.iter().enumerate() {
        walk(document, "", &mut |at, how, changed| {
            mutations.push(Mutation { at, how, document: index, changed });
        });
        if inside {
            each_expression(document, &texts, &mut |at, how, changed| {
                mutations.push(Mutation { at, how, document: index, changed });
            });
        }
    }
    for index in 0..documents.len() {
        if documents.len() > 1 {
            mutations.push(Mutation { at: "document".to_owned(), how: "drop", document: index, changed: Value::Null });
        }
    }
    let survivors: Vec<String> = mutations
        .par_iter()
        .filter_map(|mutation| {
            let changed: Vec<Value> = documents
                .iter()
                .enumerate()
                .map(|(index, document)| if index == mutation.document { &mutation.changed } else { document })
                .filter(|document| !document.is_null())
                .cloned()
                .collect();
            let (_, artifact) = yaml(file, &changed, Vec::new()).unwrap();
            if artifact.bytes == *bytes {
                return None;
            }
            let mut files = files.clone();
            files.insert(file.to_owned(), artifact);
            let survived = verify(target.id, &files, checked.model(), &policy).is_ok();
            survived.then(|| format!("{} {}", mutation.how, mutation.at))
        })
        .collect();
    let mut counted = BTreeMap::new();
    for survivor in survivors {
        *counted.entry(survivor).or_default() += 1;
    }
    Outcome { all: mutations.len(), survivors: counted }
}

/// Every change of the structure below a value, with the whole document each time.
fn walk(value: &Value, at: &str, found: &mut dyn FnMut(String, &'static str, Value)) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                let mut without = map.clone();
                without.shift_remove(key);
                found(place.clone(), "key", Value::Object(without));
                walk(inner, &place, &mut |at, how, changed| {
                    let mut map = map.clone();
                    map.insert(key.clone(), changed);
                    found(at, how, Value::Object(map));
                });
            }
        }
        Value::Array(list) => {
            let place = format!("{at}[]");
            for (index, inner) in list.iter().enumerate() {
                let mut without = list.clone();
                without.remove(index);
                found(place.clone(), "drop", Value::Array(without));
                let mut twice = list.clone();
                twice.insert(index, inner.clone());
                found(place.clone(), "twice", Value::Array(twice));
                if index > 0 {
                    let mut swapped = list.clone();
                    swapped.swap(index - 1, index);
                    found(place.clone(), "swap", Value::Array(swapped));
                }
                walk(inner, &place, &mut |at, how, changed| {
                    let mut list = list.clone();
                    list[index] = changed;
                    found(at, how, Value::Array(list));
                });
            }
        }
        Value::String(text) => {
            found(at.to_owned(), "text", Value::String(format!("{text}x")));
            found(at.to_owned(), "empty", Value::String(String::new()));
        }
        Value::Number(number) => {
            found(at.to_owned(), "number", Value::from(number.as_u64().map_or(0, |number| number + 1)))
        }
        Value::Bool(value) => found(at.to_owned(), "number", Value::Bool(!value)),
        Value::Null => {}
    }
}

fn is_expression(text: &str) -> bool {
    text.contains("jwt") || text.contains("mcp.") || text.contains("source.") || text.contains("request")
}

/// The texts in expressions.
fn literals(documents: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for document in documents {
        texts_of(document, &mut |text| {
            if is_expression(text) {
                found.extend(text.split('"').skip(1).step_by(2).map(str::to_owned));
            }
        });
    }
    found.sort();
    found.dedup();
    found
}

fn texts_of(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => found(text),
        Value::Array(list) => list.iter().for_each(|inner| texts_of(inner, found)),
        Value::Object(map) => map.values().for_each(|inner| texts_of(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every change inside an expression: a part left out, an operator or a text replaced.
fn each_expression(document: &Value, texts: &[String], found: &mut dyn FnMut(String, &'static str, Value)) {
    walk_texts(document, "", &mut |at, text, put| {
        if !is_expression(text) {
            return;
        }
        let parts = conjuncts(text);
        for index in 0..parts.len() {
            if parts.len() > 1 {
                let mut without = parts.clone();
                without.remove(index);
                found(at.to_owned(), "part", put(without.join(" && ")));
            }
        }
        for (old, new) in [(" && ", " || "), (" || ", " && "), (" == ", " != "), (" != ", " == "), ("!", "")] {
            for (index, _) in text.match_indices(old) {
                found(at.to_owned(), "operator", put(format!("{}{new}{}", &text[..index], &text[index + old.len()..])));
            }
        }
        let pieces: Vec<&str> = text.split('"').collect();
        for index in (1..pieces.len()).step_by(2) {
            for other in texts.iter().filter(|other| *other != pieces[index]).take(2) {
                let mut changed: Vec<&str> = pieces.clone();
                changed[index] = other;
                found(at.to_owned(), "literal", put(changed.join("\"")));
            }
        }
    });
}

/// Takes a place, the text there, and what puts another text there.
type Found<'a> = dyn FnMut(&str, &str, &dyn Fn(String) -> Value) + 'a;

fn walk_texts(value: &Value, at: &str, found: &mut Found<'_>) {
    match value {
        Value::String(text) => found(at, text, &Value::String),
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                walk_texts(inner, &format!("{at}[]"), &mut |at, text, put| {
                    found(at, text, &|changed| {
                        let mut list = list.clone();
                        list[index] = put(changed);
                        Value::Array(list)
                    });
                });
            }
        }
        Value::Object(map) => {
            for (key, inner) in map {
                let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                walk_texts(inner, &place, &mut |at, text, put| {
                    found(at, text, &|changed| {
                        let mut map = map.clone();
                        map.insert(key.clone(), put(changed));
                        Value::Object(map)
                    });
                });
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The parts of `a && b && c` that no brackets hold together.
fn conjuncts(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (index, letter) in text.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '&' if depth == 0 && text[index..].starts_with("&& ") => {
                parts.push(text[start..index].trim().to_owned());
                start = index + 3;
            }
            _ => {}
        }
    }
    parts.push(text[start..].to_owned());
    parts
}
