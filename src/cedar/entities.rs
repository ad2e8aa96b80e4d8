//! Cedar entities as typed values, printed as JSON: an array with one entity a line.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{Error, Uid};

/// One entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Which one.
    pub uid: Uid,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Value>,
    /// The entities that it is in, sorted.
    pub parents: Vec<Uid>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An entity.
    Entity(Uid),
    /// A set of entities.
    Set(Vec<Uid>),
    /// A record.
    Record(BTreeMap<String, Value>),
}

/// Prints the entities, sorted.
///
/// # Errors
/// Where two have the same type and id, so that one name would stand for two things.
pub fn print(mut entities: Vec<Entity>) -> Result<String, Error> {
    entities.sort_by(|a, b| a.uid.cmp(&b.uid));
    for (first, second) in entities.iter().zip(entities.iter().skip(1)) {
        if first.uid == second.uid {
            return Err(Error::new(format!("two things would share the Cedar entity `{}`", first.uid)));
        }
    }
    let lines: Result<Vec<String>, _> = entities.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|cause| Error::new(format!("an entity has no JSON form: {cause}")))?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

#[derive(Serialize)]
struct TypeAndId<'a> {
    r#type: &'a str,
    id: &'a str,
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TypeAndId { r#type: &self.kind, id: &self.id }.serialize(serializer)
    }
}

impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("uid", &self.uid)?;
        map.serialize_entry("attrs", &self.attributes)?;
        map.serialize_entry("parents", &self.parents)?;
        map.end()
    }
}

#[derive(Serialize)]
struct Escaped<'a> {
    #[serde(rename = "__entity")]
    entity: &'a Uid,
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Entity(uid) => Escaped { entity: uid }.serialize(serializer),
            Self::Set(uids) => serializer.collect_seq(uids.iter().map(|entity| Escaped { entity })),
            Self::Record(attributes) => attributes.serialize(serializer),
        }
    }
}
