//! `x-mcp-header` in a tool's own JSON Schema: the arguments that clients repeat in headers `Mcp-Param-NAME`.
//! Source: MCP 2026-07-28, "Custom Headers from Tool Parameters". The rest of the schema is not for us.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::diagnostic::Diagnostic;
use crate::lower::rules;
use crate::source::{Loc, Spanned};

/// The key that marks an argument.
const MARK: &str = "x-mcp-header";
/// Types of arguments that may be marked.
const PRIMITIVE: [&str; 3] = ["integer", "string", "boolean"];
/// Characters of a name beside letters and digits. Source: RFC 9110, section 5.6.2.
const TOKEN: &str = "!#$%&'*+-.^_`|~";
/// Keywords whose value holds schemas, be it one, a list or a map by name. What stands below others is data.
const ONE: [&str; 14] = [
    "items",
    "contains",
    "additionalItems",
    "unevaluatedItems",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contentSchema",
    "not",
    "if",
    "then",
    "else",
    "extends",
    "disallow",
];
const MANY: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: [&str; 5] = ["patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];

/// Every mark of a schema, in the order of the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks(Vec<Mark>);

/// A mark.
#[derive(Debug, Clone)]
struct Mark {
    /// What it says; `None` for what is not text.
    name: Spanned<Option<String>>,
    /// The path of the argument; `None` where the schema does not say by `properties` alone where it is.
    path: Option<Vec<String>>,
    /// The type of the argument, where that is one.
    kind: Option<String>,
}

impl Marks {
    /// The path of each argument by the lower case of its name. What MCP does not allow is reported.
    pub(super) fn read(self, report: &mut Vec<Diagnostic>) -> BTreeMap<String, Vec<String>> {
        let mut found = BTreeMap::new();
        let mut places: BTreeMap<String, Loc> = BTreeMap::new();
        for Mark { name: Spanned { value, loc }, path, kind } in self.0 {
            let refuse = |message: String| Diagnostic::new(&rules::INVALID_ARGUMENT_HEADER, loc, message);
            let name = value.filter(|name| is_token(name));
            let (Some(name), Some(path)) = (name.as_ref(), path.filter(|path| !path.is_empty())) else {
                let (message, help) = match name {
                    None => (
                        format!("this `{MARK}` is not a name of letters, digits and `{TOKEN}`"),
                        format!("write the part of the header's name after `Mcp-Param-`, such as `{MARK}: Region`"),
                    ),
                    Some(name) => (
                        format!("`{MARK}: {name}` is not on an argument that is reached by `properties` alone"),
                        format!(
                            "remove it, or move it to a property at the top, or to one inside such a property; `{MARK}` may not be below `items`, `oneOf`, `$defs` and the like"
                        ),
                    ),
                };
                report.push(refuse(message).help(help));
                continue;
            };
            let argument = path.join(".");
            if !kind.as_deref().is_some_and(|kind| PRIMITIVE.contains(&kind)) {
                let found = kind.map_or_else(|| "no single type".to_owned(), |kind| format!("the type `{kind}`"));
                let message = format!("the argument `{argument}` has {found} and cannot be repeated in a header");
                report.push(
                    refuse(message).help(format!("remove `{MARK}`, or write `type: string`, `integer` or `boolean`")),
                );
                continue;
            }
            let key = name.to_ascii_lowercase();
            if let Some(first) = places.get(&key) {
                let message = format!("two arguments of this tool are repeated in the header `Mcp-Param-{name}`");
                report.push(
                    refuse(message)
                        .label(*first, "first here")
                        .help("give one of them another name; case does not matter"),
                );
                continue;
            }
            places.insert(key.clone(), loc);
            found.insert(key, path);
        }
        found
    }
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || TOKEN.contains(letter))
}

impl<'de> Deserialize<'de> for Marks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = Vec::new();
        Part { is: Is::Schema, path: Some(&[]), found: &mut found }.deserialize(deserializer)?;
        Ok(Self(found))
    }
}

/// What a part of a schema is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Schema,
    /// A list of schemas, or one.
    List,
    /// A map of schemas by name.
    Named,
    /// The same, of the arguments that are the properties of an object.
    Properties,
}

/// A part of a schema that is searched for marks.
struct Part<'p> {
    is: Is,
    path: Option<&'p [String]>,
    found: &'p mut Vec<Mark>,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Part<'_> {
    fn inside(&mut self, is: Is) -> Part<'_> {
        let path = if is == Is::Properties { self.path } else { None };
        Part { is, path, found: &mut *self.found }
    }

    fn schema<'de, A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let (mut name, mut kind) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                MARK => name = Some(map.next_value::<Spanned<Text>>()?.map(|text| text.0)),
                "type" => kind = map.next_value::<Text>()?.0,
                "properties" => map.next_value_seed(self.inside(Is::Properties))?,
                key if NAMED.contains(&key) => map.next_value_seed(self.inside(Is::Named))?,
                key if ONE.contains(&key) || MANY.contains(&key) => map.next_value_seed(self.inside(Is::List))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if let Some(name) = name {
            self.found.push(Mark { name, path: self.path.map(<[String]>::to_vec), kind });
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON Schema")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if matches!(self.is, Is::Schema | Is::List) {
            return self.schema(map);
        }
        while let Some(key) = map.next_key::<String>()? {
            let path = self.path.map(|path| [path, &[key]].concat());
            map.next_value_seed(Part { is: Is::Schema, path: path.as_deref(), found: &mut *self.found })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let is = if self.is == Is::List { Is::Schema } else { Is::List };
        while list.next_element_seed(self.inside(is))?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// A text, or `None` for anything else.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(text.to_owned())))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Text, E> {
                Ok(Text(None))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Text, E> {
                Ok(Text(None))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Text, E> {
                Ok(Text(None))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Text, E> {
                Ok(Text(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
