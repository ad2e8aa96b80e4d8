//! Small changes of a tree of values, the same for the files of every target.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A step from a value to one in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    At(usize),
}

/// Which changes are made, beside those that always are: each key and element left out, neighbours swapped, and texts, numbers
/// and truths made others.
#[derive(Clone, Copy)]
pub(crate) struct Kinds<'d> {
    /// Each element twice.
    pub(crate) twice: bool,
    /// An unknown key in each map.
    pub(crate) more: bool,
    /// Each text made empty.
    pub(crate) empty: bool,
    /// Each text made `*`.
    pub(crate) open: bool,
    /// By how many other texts of the same place each is replaced.
    pub(crate) others: usize,
    /// Texts, each with the one that replaces it.
    pub(crate) words: &'d [(&'d str, &'d str)],
    /// Parts of elements of lists, each with the one that replaces it in an element that is added.
    pub(crate) elements: &'d [(&'d str, &'d str)],
}

impl Kinds<'_> {
    /// Every change that needs no words of the workspace.
    pub(crate) const EVERY: Self =
        Self { twice: true, more: true, empty: true, open: true, others: 2, words: &[], elements: &[] };
}

/// A small change of a value.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Where it is.
    pub(crate) path: Vec<Step>,
    /// What: `key`, `more`, `drop`, `twice`, `swap`, `added`, `text`, `empty`, `open`, `other`, `word`, `number` or `flip`; or one of
    /// those inside of a text.
    pub(crate) how: &'static str,
    /// What is left out there.
    pub(crate) without: Option<Step>,
    /// What is there then.
    pub(crate) other: Value,
}

impl Change {
    /// The whole value with this change.
    pub(crate) fn of(&self, whole: &Value) -> Value {
        let mut changed = whole.clone();
        *changed.pointer_mut(&pointer(&self.path)).unwrap() = self.other.clone();
        changed
    }

    /// What is done and where, without the numbers of elements: `text routes[].name`.
    pub(crate) fn label(&self) -> String {
        let of_list = matches!(self.how, "drop" | "twice" | "swap" | "added").then_some(Step::At(0));
        let of_map = self.without.clone().filter(|_| of_list.is_none());
        let place = place(self.path.iter().chain(&of_list).chain(&of_map));
        format!("{} {place}", self.how)
    }
}

/// A path without the numbers of elements.
fn place<'s>(path: impl Iterator<Item = &'s Step>) -> String {
    path.fold(String::new(), |place, step| match step {
        Step::At(_) => format!("{place}[]"),
        Step::Key(key) if place.is_empty() => key.clone(),
        Step::Key(key) => format!("{place}.{key}"),
    })
}

/// A JSON pointer.
pub(crate) fn pointer(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Step::At(at) => format!("/{at}"),
    };
    path.iter().map(step).collect()
}

/// Every small change of a value.
pub(crate) fn changes(value: &Value, kinds: &Kinds<'_>) -> Vec<Change> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    each_text(value, &mut Vec::new(), &mut |path, text| {
        let known = texts.entry(place(path.iter())).or_default();
        if !known.iter().any(|other| other == text) {
            known.push(text.to_owned());
        }
    });
    let mut found = Vec::new();
    walk(value, &mut Vec::new(), &Walk { kinds, texts: &texts }, &mut found);
    found
}

/// Every text in a value, with its path.
pub(super) fn each_text(value: &Value, path: &mut Vec<Step>, found: &mut dyn FnMut(&[Step], &str)) {
    if let Value::String(text) = value {
        found(path, text);
    }
    each_inside(value, path, &mut |inner, path| each_text(inner, path, found));
}

fn each_inside(value: &Value, path: &mut Vec<Step>, visit: &mut dyn FnMut(&Value, &mut Vec<Step>)) {
    let mut inside = |step: Step, inner: &Value| {
        path.push(step);
        visit(inner, path);
        path.pop();
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| inside(Step::Key(key.clone()), inner)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, inner)| inside(Step::At(at), inner)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

struct Walk<'w> {
    kinds: &'w Kinds<'w>,
    /// The texts of each place.
    texts: &'w BTreeMap<String, Vec<String>>,
}

fn walk(value: &Value, path: &mut Vec<Step>, walked: &Walk<'_>, found: &mut Vec<Change>) {
    let Walk { kinds, texts } = walked;
    let here = path.clone();
    let mut change = |how, without, other| found.push(Change { path: here.clone(), how, without, other });
    match value {
        Value::Object(map) => {
            for key in map.keys() {
                let mut less = map.clone();
                less.shift_remove(key);
                change("key", Some(Step::Key(key.clone())), Value::Object(less));
            }
            if kinds.more {
                let mut more = map.clone();
                more.insert("unheardOf".to_owned(), json!(true));
                change("more", None, Value::Object(more));
            }
        }
        Value::Array(list) => {
            for at in 0..list.len() {
                let mut with = |how, edit: &dyn Fn(&mut Vec<Value>)| {
                    let mut list = list.clone();
                    edit(&mut list);
                    change(how, (how == "drop").then_some(Step::At(at)), Value::Array(list));
                };
                with("drop", &|list| drop(list.remove(at)));
                if kinds.twice {
                    with("twice", &|list| list.insert(at, list[at].clone()));
                }
                if at > 0 && list[at] != list[at - 1] {
                    with("swap", &|list| list.swap(at - 1, at));
                }
                let text = list[at].to_string();
                for (old, new) in kinds.elements.iter().filter(|(old, _)| text.contains(*old)) {
                    let other: Value = serde_json::from_str(&text.replace(old, new)).unwrap();
                    with("added", &|list| list.insert(at, other.clone()));
                }
            }
        }
        Value::String(text) => {
            change("text", None, json!(format!("{text}x")));
            if kinds.empty && !text.is_empty() {
                change("empty", None, json!(""));
            }
            if kinds.open && text != "*" {
                change("open", None, json!("*"));
            }
            let others = texts.get(&place(here.iter())).into_iter().flatten().filter(|other| *other != text);
            for other in others.take(kinds.others) {
                change("other", None, json!(other));
            }
            for (_, other) in kinds.words.iter().filter(|(word, _)| word == text) {
                change("word", None, json!(other));
            }
        }
        Value::Number(number) => {
            let more = number.as_i64().and_then(|whole| whole.checked_add(1)).map(Value::from);
            change("number", None, more.unwrap_or_else(|| json!(number.as_f64().unwrap() + 1.0)));
        }
        Value::Bool(held) => change("flip", None, json!(!held)),
        Value::Null => {}
    }
    each_inside(value, path, &mut |inner, path| walk(inner, path, walked, found));
}
