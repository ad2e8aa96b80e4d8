//! What a JSON Schema of this crate allows at a place: for the outline of `mcpctl explain`, and for editors.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::families::FamilyId;

/// Deepest nesting that is followed.
const MOST_DEPTH: usize = 6;

/// A schema with the file that its references are in.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    root: &'static Value,
    node: &'static Value,
}

/// A key that a map may have.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// What its value is.
    pub value: Shape,
}

impl Shape {
    /// The body of a family's section.
    #[must_use]
    pub fn of_family(family: FamilyId) -> Option<Self> {
        static FILES: [OnceLock<Value>; FamilyId::ALL.len()] = [const { OnceLock::new() }; FamilyId::ALL.len()];
        let root = FILES.get(family as usize)?.get_or_init(|| parsed(family.schema()));
        let node = root.get("properties")?.get(family.key())?;
        Some(Self { root, node })
    }

    fn with(self, node: &'static Value) -> Self {
        Self { node, ..self }
    }

    /// The schemas that this one consists of, or is one of: references followed, alternatives each for itself.
    fn parts(self) -> Vec<Shape> {
        let (mut found, mut left) = (Vec::new(), vec![(self, 0)]);
        while let Some((shape, depth)) = left.pop() {
            let node = resolve(self.root, shape.node);
            found.push(shape.with(node));
            if depth < MOST_DEPTH {
                let all = node.get("allOf").and_then(Value::as_array).into_iter().flatten();
                left.extend(shapes(node).into_iter().chain(all).map(|inner| (shape.with(inner), depth + 1)));
            }
        }
        found
    }

    /// The keys that a map here may have, the required ones included.
    #[must_use]
    pub fn keys(self) -> Vec<Key> {
        let parts = self.parts();
        let mut keys: Vec<Key> = Vec::new();
        let required: Vec<&str> = parts
            .iter()
            .filter_map(|part| part.node.get("required").and_then(Value::as_array))
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for part in &parts {
            for (name, value) in part.node.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if keys.iter().all(|key| key.name != name) {
                    let required = required.contains(&name.as_str());
                    keys.push(Key { name, required, value: part.with(value) });
                }
            }
        }
        keys
    }

    /// What the value of a key may be: of a map with such a key, or with free names.
    #[must_use]
    pub fn value_of(self, key: &str) -> Vec<Shape> {
        let of = |part: &Shape| {
            let named = part.node.get("properties").and_then(|properties| properties.get(key));
            named.or_else(|| values(part.node).next()).map(|value| part.with(value))
        };
        self.parts().iter().filter_map(of).collect()
    }

    /// What an element of a list may be.
    #[must_use]
    pub fn element(self) -> Vec<Shape> {
        self.parts().iter().filter_map(|part| Some(part.with(part.node.get("items")?))).collect()
    }

    /// Whether a list may stand here.
    #[must_use]
    pub fn is_list(self) -> bool {
        self.parts().iter().any(|part| part.node.get("items").is_some())
    }

    /// Whether a map may stand here.
    #[must_use]
    pub fn is_map(self) -> bool {
        self.parts().iter().any(|part| part.node.get("properties").is_some() || values(part.node).next().is_some())
    }

    /// Whether a value may stand here that is neither a list nor a map.
    #[must_use]
    pub fn is_scalar(self) -> bool {
        self.parts().iter().flat_map(|part| types(part.node)).any(|kind| !matches!(kind, "array" | "object" | "null"))
    }

    /// The words that may be written here: those of an enumeration, or `true` and `false`.
    #[must_use]
    pub fn words(self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for part in self.parts() {
            let listed = part.node.get("enum").and_then(Value::as_array).into_iter().flatten();
            words.extend(listed.chain(part.node.get("const")).map(constant));
            if part.node.get("type").and_then(Value::as_str) == Some("boolean") {
                words.extend(["true", "false"].map(str::to_owned));
            }
        }
        words.dedup();
        words
    }

    /// Examples of what may be written here.
    #[must_use]
    pub fn examples(self) -> Vec<String> {
        let parts = self.parts();
        let listed = parts.iter().filter_map(|part| part.node.get("examples").and_then(Value::as_array));
        listed.flatten().map(constant).collect()
    }

    /// What it means.
    #[must_use]
    pub fn description(self) -> &'static str {
        let own = description(self.node);
        if own.is_empty() { description(resolve(self.root, self.node)) } else { own }
    }

    /// What is held here, in words.
    #[must_use]
    pub fn in_words(self) -> String {
        holds(self.root, self.node, 0)
    }

    /// The least and the most that a number here may be.
    #[must_use]
    pub fn bounds(self) -> (Option<&'static Value>, Option<&'static Value>) {
        let parts = self.parts();
        let find = |word: &str| parts.iter().find_map(|part| part.node.get(word));
        (find("minimum"), find("maximum"))
    }
}

/// The settings in `mcpctl.yaml`.
#[must_use]
pub fn of_settings(schema: &'static str) -> Shape {
    static FILE: OnceLock<Value> = OnceLock::new();
    let root = FILE.get_or_init(|| parsed(schema));
    Shape { root, node: root }
}

#[cfg(test)]
pub(crate) fn settings() -> Vec<Shape> {
    vec![of_settings(include_str!("../../schemas/settings.schema.json"))]
}

fn parsed(schema: &str) -> Value {
    serde_json::from_str(schema).unwrap_or_default()
}

/// The text of a schema's `description`.
#[must_use]
pub fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or("")
}

/// What a map of free names holds.
pub fn values(node: &Value) -> impl Iterator<Item = &Value> {
    let by_pattern = node.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values);
    by_pattern.chain(node.get("additionalProperties").filter(|value| value.is_object()))
}

/// The types that a schema itself names.
pub fn types(node: &Value) -> impl Iterator<Item = &str> {
    let named = node.get("type");
    let several = named.map(|named| named.as_array().map_or(std::slice::from_ref(named), Vec::as_slice));
    several.unwrap_or_default().iter().filter_map(Value::as_str)
}

/// The shapes that a value may have, where there are several.
#[must_use]
pub fn shapes(node: &Value) -> Vec<&Value> {
    let several = ["anyOf", "oneOf"].iter().filter_map(|word| node.get(word)).filter_map(Value::as_array).flatten();
    let chosen = ["then", "else"].iter().filter_map(|word| node.get(word));
    several.chain(chosen).collect()
}

/// What a key holds, in words. `depth` is 0 for the key itself.
#[must_use]
pub fn holds(root: &Value, node: &Value, depth: usize) -> String {
    if depth > MOST_DEPTH {
        return "anything".to_owned();
    }
    let node = resolve(root, node);
    let mut words: Vec<String> = Vec::new();
    if let Some(values) = node.get("enum").and_then(Value::as_array) {
        words.extend(values.iter().map(constant));
    } else if let Some(value) = node.get("const") {
        words.push(constant(value));
    } else {
        let types: Vec<&str> = types(node).collect();
        let items = node.get("items").map(|items| format!("list of {}", holds(root, items, depth + 1)));
        if types.is_empty() {
            words.extend(items.clone());
        }
        words.extend(types.into_iter().map(|name| match name {
            "array" => items.clone().unwrap_or_else(|| "list".to_owned()),
            "object" => "map".to_owned(),
            "string" => "text".to_owned(),
            "boolean" => "true | false".to_owned(),
            other => other.to_owned(),
        }));
        if words.is_empty() {
            words.extend(shapes(node).into_iter().map(|shape| holds(root, shape, depth + 1)));
        }
    }
    words.retain(|word| word != "null");
    words.dedup();
    if words.is_empty() { "anything".to_owned() } else { words.join(" | ") }
}

fn constant(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Follows `$ref` within the schema, and `allOf` of one.
#[must_use]
pub fn resolve<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let mut node = node;
    for _ in 0..MOST_DEPTH {
        let target = node.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        let only = node.get("allOf").and_then(Value::as_array).filter(|all| all.len() == 1).and_then(|all| all.first());
        match target.and_then(|pointer| root.pointer(pointer)).or(only) {
            Some(next) => node = next,
            None => return node,
        }
    }
    node
}
