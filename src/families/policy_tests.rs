//! `policy_tests`, our own family: what should be allowed and denied, and what must never be possible.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::decode::OneOrMany;
use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::assurance::{Callers, Invariant, Never, PolicyTest};
use crate::model::name::{ClassName, FactName, UnitName};
use crate::model::server::Location;
use crate::source::{Loc, Spanned};

/// Statements about access: this caller, with these facts, may or may not call this tool; and what must never be
/// possible. May stand many times; the names must be unique.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PolicyTests(Vec<EntrySection>);

/// A test, with `principal`, `call` and `expect`; or an invariant, with one of `never`, `never_both` and `never_flow`.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend(
    "if" = { "anyOf": [{ "required": ["never"] }, { "required": ["never_both"] }, { "required": ["never_flow"] }] },
    "then" = { "maxProperties": 2 },
    "else" = { "required": ["principal", "call", "expect"] },
)))]
#[serde(deny_unknown_fields)]
struct EntrySection {
    /// What it states, unique.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// Who calls, one or a list: an agent, `workflow:name`, `saga:name`, `processor:name`, or `any_agent@unit`; with `*` at
    /// the end all that begin so. Each must be decided as stated.
    principal: Option<OneOrMany<Spanned<Who>>>,
    /// The tool, one or a list: `server/tool`, or `server/*`. Each must be decided as stated.
    call: Option<OneOrMany<Spanned<Call>>>,
    /// All facts of the request, or a list of such lists. Nothing is implied but `tls` by `mtls`.
    with: Option<FactSets>,
    /// What should be decided.
    expect: Option<Spanned<ExpectWord>>,
    /// For a denial: every minimal set of facts that would turn it into a permission.
    missing: Option<Vec<Vec<Spanned<FactName>>>>,
    /// An invariant: nobody of `principals` can make any of `calls`, whatever the facts.
    never: Option<NeverSection>,
    /// An invariant: no principal can make both of these calls.
    #[cfg_attr(test, schemars(length(min = 2, max = 2)))]
    never_both: Option<Vec<Spanned<Call>>>,
    /// An invariant: no principal that reads data of a class can send something to certain other servers.
    never_flow: Option<FlowSection>,
}

/// Who must never make which calls.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct NeverSection {
    /// Whom it is about: `*` for everybody, one or a list as in a test's `principal`, or `{outside_unit: NAME}`.
    principals: CallersEntry,
    /// The tools, one or a list: `server/tool`, or `server/*`.
    calls: OneOrMany<Spanned<Call>>,
}

/// Everybody outside of something.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct OutsideSection {
    /// Everybody who is not of this unit; central principals are not.
    outside_unit: Spanned<UnitName>,
}

/// Which data must never reach which servers. What is sent goes to another server than the data came from, by a tool that
/// is not annotated as read-only.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("minProperties" = 2)))]
#[serde(deny_unknown_fields)]
struct FlowSection {
    /// Data of this class or of a more sensitive one.
    from_class: Spanned<ClassName>,
    /// Servers of this class or of a less sensitive one.
    to_class: Option<Spanned<ClassName>>,
    /// Servers that stand there.
    to_location: Option<Spanned<LocationWord>>,
    /// These tools, one or a list: `server/tool`, or `server/*`.
    to_calls: Option<OneOrMany<Spanned<Call>>>,
}

words! {
    /// `expect`.
    enum ExpectWord { Allow = "allow", Deny = "deny", }
}
words! {
    /// `to_location`.
    enum LocationWord { Cloud = "cloud", OnPremises = "on_premises", SecureEnclave = "secure_enclave", }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $schema:tt;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(transparent)]
        struct $name(String);

        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )*};
}

texts! {
    /// A principal, or the beginning of several.
    Who { "type": "string", "minLength": 1 };
    /// `server/tool` or `server/*`.
    Call { "type": "string", "format": "mcpctl-target" };
}

/// A list of facts, or a list of lists of facts.
#[derive(Debug, Clone)]
struct FactSets(Vec<Vec<Spanned<FactName>>>);

/// An element of such a list.
enum FactOrSet {
    Fact(FactName),
    Set(Vec<Spanned<FactName>>),
}

impl<'de> Deserialize<'de> for FactOrSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = FactOrSet;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a fact, or a list of facts")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<FactOrSet, E> {
                Ok(FactOrSet::Fact(text.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<FactOrSet, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(FactOrSet::Set)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for FactSets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut facts, mut sets) = (Vec::new(), Vec::new());
        for Spanned { value, loc } in Vec::<Spanned<FactOrSet>>::deserialize(deserializer)? {
            match value {
                FactOrSet::Fact(fact) => facts.push(Spanned::new(fact, loc)),
                FactOrSet::Set(set) => sets.push(set),
            }
        }
        match (facts.is_empty(), sets.is_empty()) {
            (_, true) => Ok(Self(vec![facts])),
            (true, false) => Ok(Self(sets)),
            (false, false) => Err(de::Error::custom("facts and lists of facts stand beside each other")),
        }
    }
}

/// `principals` of an invariant.
#[derive(Debug, Clone)]
struct CallersEntry(Callers);

impl<'de> Deserialize<'de> for CallersEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        struct Inner(Callers);
        impl<'de> Visitor<'de> for Either {
            type Value = Inner;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a principal, a list of principals, or a map with `outside_unit`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Inner, E> {
                Ok(Inner(Callers::Listed(vec![Spanned::new(text.to_owned(), Loc::default())])))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Inner, A::Error> {
                let names = Vec::deserialize(de::value::SeqAccessDeserializer::new(seq))?;
                Ok(Inner(Callers::Listed(names)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Inner, A::Error> {
                let section = OutsideSection::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Inner(Callers::OutsideUnit(section.outside_unit)))
            }
        }
        impl<'de> Deserialize<'de> for Inner {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Either)
            }
        }
        // A scalar's place is known one level up.
        let Spanned { value: Inner(mut callers), loc } = Spanned::<Inner>::deserialize(deserializer)?;
        if let Callers::Listed(names) = &mut callers {
            names.iter_mut().filter(|name| name.loc == Loc::default()).for_each(|name| name.loc = loc);
        }
        Ok(Self(callers))
    }
}

fn texts(calls: Vec<Spanned<Call>>) -> Vec<Spanned<String>> {
    calls.into_iter().map(|call| call.map(|Call(text)| text)).collect()
}

impl EntrySection {
    /// What must never be, where it is an invariant.
    fn never(&mut self) -> Option<Never> {
        if let Some(NeverSection { principals: CallersEntry(who), calls: OneOrMany(calls, _) }) = self.never.take() {
            return Some(Never::Call { who, calls: texts(calls) });
        }
        if let Some(calls) = self.never_both.take() {
            let [one, other] = <[_; 2]>::try_from(texts(calls)).ok()?;
            return Some(Never::Both(one, other));
        }
        let flow = self.never_flow.take()?;
        let to_location = flow.to_location.map(|word| {
            word.map(|word| match word {
                LocationWord::Cloud => Location::Cloud,
                LocationWord::OnPremises => Location::OnPremises,
                LocationWord::SecureEnclave => Location::SecureEnclave,
            })
        });
        let to_calls = flow.to_calls.map(|OneOrMany(calls, _)| texts(calls)).unwrap_or_default();
        Some(Never::Flow { from_class: flow.from_class, to_class: flow.to_class, to_location, to_calls })
    }

    fn lower(mut self, out: &mut Lowering) {
        if !out.declare("policy test", &self.name.value, self.name.loc) {
            return;
        }
        if let Some(never) = self.never() {
            out.model.invariants.push(Invariant { name: self.name, never });
            return;
        }
        // The schema asks for these of whatever is not an invariant.
        let (Some(OneOrMany(principals, _)), Some(OneOrMany(calls, _)), Some(expect)) =
            (self.principal, self.call, self.expect)
        else {
            return;
        };
        out.model.policy_tests.push(PolicyTest {
            name: self.name,
            principals: principals.into_iter().map(|who| who.map(|Who(text)| text)).collect(),
            calls: texts(calls),
            with: self.with.map_or_else(|| vec![Vec::new()], |FactSets(sets)| sets),
            allow: expect.map(|expect| expect == ExpectWord::Allow),
            missing: self.missing,
        });
    }
}

impl PolicyTests {
    pub(super) fn lower(self, _: &At, out: &mut Lowering) {
        self.0.into_iter().for_each(|entry| entry.lower(out));
    }
}

#[cfg(test)]
mod schemas {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{CallersEntry, FactName, FactSets, OutsideSection, Who};

    impl JsonSchema for FactSets {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            "FactSets".into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let fact = FactName::json_schema(generator);
            json_schema!({
                "type": "array",
                "if": { "contains": { "type": "array" } },
                "then": { "items": { "type": "array", "items": fact } },
                "else": { "items": fact }
            })
        }
    }

    impl JsonSchema for CallersEntry {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            "CallersEntry".into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let outside = OutsideSection::json_schema(generator);
            let one = Who::json_schema(generator);
            json_schema!({
                "if": { "type": "object" },
                "then": outside,
                "else": { "if": { "type": "array" }, "then": { "items": one, "minItems": 1 }, "else": one }
            })
        }
    }
}
