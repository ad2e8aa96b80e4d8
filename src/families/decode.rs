//! From the arena to the as-written types: a serde deserializer that carries places.
//!
//! A [`Spanned`] field asks for its value under a reserved name, and gets the place with it. A [`Merged`] field accepts a
//! list of one-key maps where a map would do. Schemas run first, so an error here is rare; it is reported at its place.

mod error;
mod written;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use crate::source::Loc;
use crate::source::yaml::scalar::Value;
use crate::source::yaml::{NodeId, NodeKind, Tree};
pub use error::Error;
pub use written::{Merged, OneOrMany};

const SPANNED: &str = "$mcpctl::Spanned";
const MERGED: &str = "$mcpctl::Merged";

/// Decodes a node.
///
/// # Errors
/// The first value that does not fit, with its place.
pub fn decode<'de, T: Deserialize<'de>>(tree: &'de Tree<'de>, node: NodeId) -> Result<T, Error> {
    At { tree, node }.run(|at| T::deserialize(at))
}

#[derive(Clone, Copy)]
struct At<'de> {
    tree: &'de Tree<'de>,
    node: NodeId,
}

impl<'de> At<'de> {
    fn run<T>(self, read: impl FnOnce(Self) -> Result<T, Error>) -> Result<T, Error> {
        read(self).map_err(|error| Error { loc: error.loc.or(Some(self.loc())), ..error })
    }

    /// Where the value is written: for an alias the place of what it names, where a person would change it.
    fn loc(self) -> Loc {
        self.tree.loc(self.tree.target(self.node))
    }

    fn child(self, node: NodeId) -> Self {
        Self { tree: self.tree, node }
    }
}

/// A schema takes `1.0` for a whole number, as JSON Schema does; beyond this, decimals are no longer exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

macro_rules! whole_numbers {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.tree.scalar(self.node).map(|scalar| scalar.value()) {
                Some(Value::Float(value)) if value.fract() == 0.0 && value.abs() < EXACT => {
                    self.run(|_| visitor.visit_i64(value as i64))
                }
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for At<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.run(|at| match at.tree.kind(at.node) {
            NodeKind::Scalar(scalar) => match scalar.value() {
                Value::Null => visitor.visit_unit(),
                Value::Bool(value) => visitor.visit_bool(value),
                Value::Int(value) => visitor.visit_i64(value),
                Value::Float(value) => visitor.visit_f64(value),
                Value::Text(value) => visitor.visit_borrowed_str(value),
            },
            NodeKind::Sequence(elements) => visitor.visit_seq(Elements { at, rest: elements.iter() }),
            NodeKind::Mapping(entries) => visitor.visit_map(Entries { at, rest: entries.iter(), value: None }),
            NodeKind::Alias(_) => Err(de::Error::custom("an alias of an alias")),
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.tree.scalar(self.node).is_some_and(|scalar| scalar.is_null()) {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        match name {
            SPANNED => visitor.visit_seq(Located { at: self, next: 0 }),
            MERGED => self.run(|at| {
                let Some(elements) = at.tree.elements(at.node) else { return visitor.visit_newtype_struct(at) };
                let mut entries = Vec::new();
                for element in elements {
                    match at.tree.entries(*element) {
                        Some(of_element) => entries.extend_from_slice(of_element),
                        None => {
                            return Err(Error {
                                message: "each element must be a map of one key".to_owned(),
                                loc: Some(at.child(*element).loc()),
                            });
                        }
                    }
                }
                visitor.visit_newtype_struct(MergedEntries { at, entries })
            }),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.run(|at| match at.tree.scalar(at.node) {
            Some(scalar) => visitor.visit_enum(scalar.text().into_deserializer()),
            None => Err(de::Error::custom("expected one word")),
        })
    }

    whole_numbers! { deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    /// A free-form value is not walked: nothing in it is for us.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier
    }
}

struct Elements<'de> {
    at: At<'de>,
    rest: std::slice::Iter<'de, NodeId>,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.rest.next().map(|node| self.at.child(*node).run(|at| seed.deserialize(at))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'de, 'e> {
    at: At<'de>,
    rest: std::slice::Iter<'e, (NodeId, NodeId)>,
    value: Option<NodeId>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(*value);
        self.at.child(*key).run(|at| seed.deserialize(Key(at))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.value.take() {
            Some(value) => self.at.child(value).run(|at| seed.deserialize(at)),
            None => Err(de::Error::custom("a value without a key")),
        }
    }
}

/// A key is always its text, even where a value so written would be a number.
struct Key<'de>(At<'de>);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0.tree.text(self.0.node))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == SPANNED {
            visitor.visit_seq(LocatedKey { key: self.0, next: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The entries of a list of one-key maps, as one map.
struct MergedEntries<'de> {
    at: At<'de>,
    entries: Vec<(NodeId, NodeId)>,
}

impl<'de> Deserializer<'de> for MergedEntries<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Entries { at: self.at, rest: self.entries.iter(), value: None })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Hands out file, start, end and then the value.
struct Located<'de> {
    at: At<'de>,
    next: u8,
}

fn part_of(loc: Loc, part: u8) -> Option<u32> {
    match part {
        0 => Some(loc.file.0),
        1 => Some(loc.start),
        2 => Some(loc.end),
        _ => None,
    }
}

impl<'de> SeqAccess<'de> for Located<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let part = self.next;
        self.next += 1;
        match part_of(self.at.loc(), part) {
            Some(number) => seed.deserialize(number.into_deserializer()).map(Some),
            None => self.at.run(|at| seed.deserialize(at)).map(Some),
        }
    }
}

struct LocatedKey<'de> {
    key: At<'de>,
    next: u8,
}

impl<'de> SeqAccess<'de> for LocatedKey<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let part = self.next;
        self.next += 1;
        match part_of(self.key.loc(), part) {
            Some(number) => seed.deserialize(number.into_deserializer()).map(Some),
            None => seed.deserialize(Key(self.key)).map(Some),
        }
    }
}
