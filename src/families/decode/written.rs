//! The types that ask the deserializer for more than serde knows: places, and two ways of writing one thing.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IntoDeserializer, SeqAccess, Visitor};

use super::{MERGED, SPANNED};
use crate::source::{FileId, Loc, Spanned};

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Spanned<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut number = || seq.next_element::<u32>().map(Option::unwrap_or_default);
                let loc = Loc { file: FileId(number()?), start: number()?, end: number()? };
                match seq.next_element()? {
                    Some(value) => Ok(Spanned { value, loc }),
                    None => Err(de::Error::custom("a place without a value")),
                }
            }
        }
        deserializer.deserialize_newtype_struct(SPANNED, Parts(std::marker::PhantomData))
    }
}

/// A map, which may also be written as a list of one-key maps. Source: `global_policies` and `network_segmentation` in
/// the document.
#[derive(Debug, Clone, Default)]
pub struct Merged<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Merged<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inner<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Inner<T> {
            type Value = Merged<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map, or a list of one-key maps")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                T::deserialize(deserializer).map(Merged)
            }
        }
        deserializer.deserialize_newtype_struct(MERGED, Inner(std::marker::PhantomData))
    }
}

/// One value, or a list of them, and whether it is written as a list. Source: `triggers_mcp` in the document.
#[derive(Debug, Clone, Default)]
pub struct OneOrMany<T>(pub Vec<T>, pub bool);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<Spanned<T>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A scalar's place is known one level up.
        let Spanned { value: Inner(mut many), loc } = Spanned::<Inner<T>>::deserialize(deserializer)?;
        let mut is_list = true;
        for one in &mut many {
            if one.loc == Loc::default() {
                one.loc = loc;
                is_list = false;
            }
        }
        Ok(Self(many, is_list))
    }
}

struct Inner<T>(Vec<Spanned<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Inner<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Inner<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, or a list of words")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let one = T::deserialize(text.into_deserializer())?;
                Ok(Inner(vec![Spanned::new(one, Loc::default())]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element()? {
                    many.push(one);
                }
                Ok(Inner(many))
            }
        }
        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}
