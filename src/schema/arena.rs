//! The arena as a JSON representation for the schema validator, so that nothing is copied to validate it.

use std::borrow::Cow;

use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use jsonschema::types::JsonType;
use serde_json::{Number, Value as JsonValue};

use crate::source::yaml::scalar::Value;
use crate::source::yaml::{NodeId, NodeKind, Tree};

/// The representation.
pub struct Arena;

/// A node of a tree, or a key on its own.
#[derive(Clone, Copy)]
pub enum ArenaNode<'a> {
    /// A node.
    Node(&'a Tree<'a>, NodeId),
    /// A key, as a string.
    Key(&'a str),
}

impl<'a> ArenaNode<'a> {
    /// A node of a tree, aliases followed.
    #[must_use]
    pub fn new(tree: &'a Tree<'a>, node: NodeId) -> Self {
        Self::Node(tree, tree.target(node))
    }

    fn scalar(&self) -> Option<Value<'a>> {
        match self {
            Self::Node(tree, node) => tree.scalar(*node).map(|scalar| scalar.value()),
            Self::Key(text) => Some(Value::Text(text)),
        }
    }
}

/// A number as the arena holds it.
pub enum ArenaNumber {
    /// A whole number.
    Int(i64),
    /// Any other finite number.
    Float(f64),
}

impl JsonNumber for ArenaNumber {
    fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|number| number.try_into().ok())
    }
    fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Float(_) => None,
        }
    }
    fn as_f64(&self) -> Option<f64> {
        Some(match self {
            Self::Int(number) => *number as f64,
            Self::Float(number) => *number,
        })
    }
    fn as_str(&self) -> Cow<'_, str> {
        match self {
            Self::Int(number) => number.to_string().into(),
            Self::Float(number) => number.to_string().into(),
        }
    }
    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(match self {
            Self::Int(number) => (*number).into(),
            // The reader refuses numbers that are not finite.
            Self::Float(number) => Number::from_f64(*number).unwrap_or_else(|| 0.into()),
        })
    }
}

impl Json for Arena {
    type Node<'a> = ArenaNode<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = String;
    const KEYS_PER_LOOKUP: usize = 2;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut String, string: &str, f: impl FnOnce(ArenaNode<'_>) -> T) -> T {
        buffer.clear();
        buffer.push_str(string);
        f(ArenaNode::Key(buffer))
    }
}

impl<'a> Node<'a, Arena> for ArenaNode<'a> {
    type Object = ArenaObject<'a>;
    type Array = ArenaArray<'a>;
    type Number = ArenaNumber;

    fn as_object(&self) -> Option<ArenaObject<'a>> {
        match *self {
            Self::Node(tree, node) => tree.entries(node).map(|entries| ArenaObject { tree, entries }),
            Self::Key(_) => None,
        }
    }
    fn as_array(&self) -> Option<ArenaArray<'a>> {
        match *self {
            Self::Node(tree, node) => tree.elements(node).map(|elements| ArenaArray { tree, elements }),
            Self::Key(_) => None,
        }
    }
    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self.scalar()? {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => None,
        }
    }
    fn as_number(&self) -> Option<ArenaNumber> {
        match self.scalar()? {
            Value::Int(number) => Some(ArenaNumber::Int(number)),
            Value::Float(number) => Some(ArenaNumber::Float(number)),
            Value::Null | Value::Bool(_) | Value::Text(_) => None,
        }
    }
    fn as_boolean(&self) -> Option<bool> {
        match self.scalar()? {
            Value::Bool(value) => Some(value),
            Value::Null | Value::Int(_) | Value::Float(_) | Value::Text(_) => None,
        }
    }
    fn is_null(&self) -> bool {
        self.scalar() == Some(Value::Null)
    }
    fn json_type(&self) -> JsonType {
        match self.scalar() {
            Some(Value::Null) => JsonType::Null,
            Some(Value::Bool(_)) => JsonType::Boolean,
            Some(Value::Int(_) | Value::Float(_)) => JsonType::Number,
            Some(Value::Text(_)) => JsonType::String,
            None if self.as_array().is_some() => JsonType::Array,
            None => JsonType::Object,
        }
    }
    fn to_value(&self) -> Cow<'a, JsonValue> {
        Cow::Owned(match *self {
            Self::Node(tree, node) => to_json(tree, node),
            Self::Key(text) => text.into(),
        })
    }
    fn equals_value(&self, expected: &JsonValue) -> bool {
        match (self.as_string(), expected) {
            (Some(text), JsonValue::String(expected)) => text == expected.as_str(),
            _ => *self.to_value() == *expected,
        }
    }
    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Self::Node(tree, node) => Some(NodeIdentity::tagged(std::ptr::from_ref(*tree).addr(), node.index())),
            Self::Key(_) => None,
        }
    }
}

/// A node as a JSON value. Keys become their text.
#[must_use]
pub fn to_json(tree: &Tree<'_>, node: NodeId) -> JsonValue {
    match tree.kind(node) {
        NodeKind::Scalar(scalar) => match scalar.value() {
            Value::Null => JsonValue::Null,
            Value::Bool(value) => value.into(),
            Value::Int(number) => number.into(),
            Value::Float(number) => Number::from_f64(number).map_or(JsonValue::Null, JsonValue::Number),
            Value::Text(text) => text.into(),
        },
        NodeKind::Sequence(elements) => elements.iter().map(|element| to_json(tree, *element)).collect(),
        NodeKind::Mapping(entries) => JsonValue::Object(
            entries.iter().map(|(key, value)| (tree.text(*key).to_owned(), to_json(tree, *value))).collect(),
        ),
        NodeKind::Alias(target) => to_json(tree, *target),
    }
}

/// A map.
#[derive(Clone, Copy)]
pub struct ArenaObject<'a> {
    tree: &'a Tree<'a>,
    entries: &'a [(NodeId, NodeId)],
}

/// The members of a map.
pub struct Members<'a> {
    tree: &'a Tree<'a>,
    rest: std::slice::Iter<'a, (NodeId, NodeId)>,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, ArenaNode<'a>);
    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.rest.next()?;
        Some((self.tree.text(*key), ArenaNode::new(self.tree, *value)))
    }
}

impl<'a> Object<'a, Arena> for ArenaObject<'a> {
    type Node = ArenaNode<'a>;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.entries.len()
    }
    fn get(&self, key: &Box<str>) -> Option<ArenaNode<'a>> {
        let (_, value) = self.entries.iter().find(|(k, _)| self.tree.text(*k) == &**key)?;
        Some(ArenaNode::new(self.tree, *value))
    }
    fn members(&self) -> Members<'a> {
        Members { tree: self.tree, rest: self.entries.iter() }
    }
}

/// A list.
#[derive(Clone, Copy)]
pub struct ArenaArray<'a> {
    tree: &'a Tree<'a>,
    elements: &'a [NodeId],
}

/// The elements of a list.
pub struct Elements<'a> {
    tree: &'a Tree<'a>,
    rest: std::slice::Iter<'a, NodeId>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = ArenaNode<'a>;
    fn next(&mut self) -> Option<Self::Item> {
        self.rest.next().map(|node| ArenaNode::new(self.tree, *node))
    }
}

impl<'a> Array<'a, Arena> for ArenaArray<'a> {
    type Node = ArenaNode<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.elements.len()
    }
    fn elements(&self) -> Elements<'a> {
        Elements { tree: self.tree, rest: self.elements.iter() }
    }
}
