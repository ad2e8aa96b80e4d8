//! A Cedar schema as typed values, printed by Cedar itself.

use std::collections::BTreeMap;

use cedar_policy::SchemaFragment;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{Error, NAMESPACE};

/// The schema of one namespace.
#[derive(Debug, Clone, Default)]
pub struct Namespace {
    /// Named types, by name.
    pub types: BTreeMap<String, Type>,
    /// Entity types, by name without the namespace.
    pub entities: BTreeMap<String, Entity>,
    /// Actions, by id.
    pub actions: BTreeMap<String, Action>,
}

/// An entity type.
#[derive(Debug, Clone)]
pub enum Entity {
    /// Any id; may have parents and attributes.
    Open {
        /// Entity types that its entities may be in.
        parents: Vec<String>,
        /// Required attributes.
        attributes: BTreeMap<String, Type>,
    },
    /// Exactly these ids, so that the validator refuses a misspelt one. At least one.
    Enum(Vec<String>),
}

/// A type of values.
#[derive(Debug, Clone)]
pub enum Type {
    /// `Bool`.
    Bool,
    /// A set of entities of one type.
    SetOf(String),
    /// An entity.
    Entity(String),
    /// A record whose attributes are all required.
    Record(BTreeMap<String, Type>),
    /// One of [`Namespace::types`].
    Named(String),
}

/// An action, or a group of actions where it applies to nothing.
#[derive(Debug, Clone)]
pub struct Action {
    /// Action groups that it is in.
    pub groups: Vec<String>,
    /// Types of principals; empty for a group.
    pub principals: Vec<String>,
    /// Types of resources; empty for a group.
    pub resources: Vec<String>,
    /// The context, one of [`Namespace::types`].
    pub context: Option<String>,
}

/// Prints the schema in Cedar's own syntax.
///
/// # Errors
/// Where Cedar refuses the schema: a name that is none, an empty enumeration.
pub fn print(namespace: &Namespace) -> Result<String, Error> {
    super::count_use();
    let json =
        serde_json::to_value(File(namespace)).map_err(|e| Error::new(format!("the schema has no JSON form: {e}")))?;
    let fragment = SchemaFragment::from_json_value(json)
        .map_err(|cause| Error::new("Cedar refuses the generated schema").because(cause))?;
    let mut text = fragment
        .to_cedarschema()
        .map_err(|cause| Error::new("Cedar cannot print the generated schema").because(cause))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

struct File<'a>(&'a Namespace);

impl Serialize for File<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(NAMESPACE, &Body(self.0))?;
        map.end()
    }
}

struct Body<'a>(&'a Namespace);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("commonTypes", &self.0.types)?;
        map.serialize_entry("entityTypes", &self.0.entities)?;
        map.serialize_entry("actions", &self.0.actions)?;
        map.end()
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Bool => map.serialize_entry("type", "Boolean")?,
            Self::SetOf(name) => {
                map.serialize_entry("type", "Set")?;
                map.serialize_entry("element", &Self::Entity(name.clone()))?;
            }
            Self::Entity(name) => {
                map.serialize_entry("type", "Entity")?;
                map.serialize_entry("name", name)?;
            }
            Self::Record(attributes) => {
                map.serialize_entry("type", "Record")?;
                map.serialize_entry("attributes", attributes)?;
            }
            Self::Named(name) => map.serialize_entry("type", name)?,
        }
        map.end()
    }
}

impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Open { parents, attributes } => {
                map.serialize_entry("memberOfTypes", parents)?;
                map.serialize_entry("shape", &Type::Record(attributes.clone()))?;
            }
            Self::Enum(ids) => map.serialize_entry("enum", ids)?,
        }
        map.end()
    }
}

#[derive(Serialize)]
struct GroupRef<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AppliesTo<'a> {
    principal_types: &'a [String],
    resource_types: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Type>,
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let groups: Vec<_> = self.groups.iter().map(|id| GroupRef { id }).collect();
        map.serialize_entry("memberOf", &groups)?;
        if !self.principals.is_empty() && !self.resources.is_empty() {
            map.serialize_entry(
                "appliesTo",
                &AppliesTo {
                    principal_types: &self.principals,
                    resource_types: &self.resources,
                    context: self.context.clone().map(Type::Named),
                },
            )?;
        }
        map.end()
    }
}
