//! Single policies of products that speak Cedar with types, actions and rules of their own: as typed values, printed by
//! Cedar, and read back from text.
//!
//! What is read is compared with what a lifter knows; an expression that has no form here is an error.

mod read;
mod write;

use cedar_policy::{Authorizer, Context, Decision, Entities, PolicySet, Request, Schema, ValidationMode, Validator};

use super::engine::cedar_uid;
use super::{Error, Uid};

/// One policy. It has no annotations, one `when` at most, and no `unless`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whether it permits; it forbids otherwise.
    pub permits: bool,
    /// The type that the principal must have: `AgentCore::OAuthUser`.
    pub principal: Option<String>,
    /// The actions, by `==` where there is one; any action where there is none.
    pub actions: Vec<Uid>,
    /// The resource.
    pub resource: Scope,
    /// When.
    pub condition: Option<Expr>,
}

/// What the head of a policy says of the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Nothing.
    Any,
    /// It has this type.
    Is(String),
    /// It is this one.
    Same(Uid),
    /// It is in this one.
    In(Uid),
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expr {
    /// All of them, evaluated in order up to the first that is false. Never nested directly when read.
    All(Vec<Expr>),
    /// At least one of them, evaluated in order up to the first that is true. Never nested directly when read.
    Any(Vec<Expr>),
    /// The opposite. When read, never of `==` and `<`, which are [`Expr::Differs`] and [`Expr::AtLeast`] then.
    Not(Box<Expr>),
    /// `principal`.
    Principal,
    /// `resource`.
    Resource,
    /// `context`.
    Context,
    /// A text.
    Text(String),
    /// A whole number.
    Long(i64),
    /// An entity.
    Entity(Uid),
    /// A set.
    Set(Vec<Expr>),
    /// The record without attributes: `{}`.
    EmptyRecord,
    /// `a.name`.
    Attribute(Box<Expr>, String),
    /// `a has name`.
    Has(Box<Expr>, String),
    /// `a.getTag("name")`.
    Tag(Box<Expr>, String),
    /// `a.hasTag("name")`.
    HasTag(Box<Expr>, String),
    /// `a == b`.
    Same(Box<Expr>, Box<Expr>),
    /// `a != b`.
    Differs(Box<Expr>, Box<Expr>),
    /// `a <= b`.
    AtMost(Box<Expr>, Box<Expr>),
    /// `a >= b`.
    AtLeast(Box<Expr>, Box<Expr>),
    /// `a.contains(b)`.
    Contains(Box<Expr>, Box<Expr>),
    /// `a like "..."`.
    Like(Box<Expr>, Vec<Piece>),
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// This text. Never empty, nor beside another one, when read.
    Text(String),
    /// Any text: `*`.
    Any,
}

impl Expr {
    /// `self.name`.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        Self::Attribute(Box::new(self), name.into())
    }

    /// `self has name`.
    #[must_use]
    pub fn has(self, name: impl Into<String>) -> Self {
        Self::Has(Box::new(self), name.into())
    }

    /// `self.getTag("name")`.
    #[must_use]
    pub fn tag(self, name: impl Into<String>) -> Self {
        Self::Tag(Box::new(self), name.into())
    }

    /// `self.hasTag("name")`.
    #[must_use]
    pub fn has_tag(self, name: impl Into<String>) -> Self {
        Self::HasTag(Box::new(self), name.into())
    }

    /// `self == other`.
    #[must_use]
    pub fn same(self, other: Self) -> Self {
        Self::Same(Box::new(self), Box::new(other))
    }

    /// `self != other`.
    #[must_use]
    pub fn differs(self, other: Self) -> Self {
        Self::Differs(Box::new(self), Box::new(other))
    }

    /// `self.contains(other)`.
    #[must_use]
    pub fn contains(self, other: Self) -> Self {
        Self::Contains(Box::new(self), Box::new(other))
    }

    /// `self like pattern`.
    #[must_use]
    pub fn like(self, pattern: impl IntoIterator<Item = Piece>) -> Self {
        Self::Like(Box::new(self), pattern.into_iter().collect())
    }

    /// `!self`.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it makes an expression of Cedar; `!` would hide that")]
    pub fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A set of texts.
    #[must_use]
    pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Set(texts.into_iter().map(Self::text).collect())
    }
}

impl Statement {
    /// Its text, on one line, laid out as Cedar prints it.
    ///
    /// # Errors
    /// Where Cedar cannot express it: an empty set, a type name that is none.
    pub fn print(&self) -> Result<String, Error> {
        super::count_use();
        write::print(self)
    }

    /// Reads the text of one policy.
    ///
    /// # Errors
    /// Where Cedar refuses it, or it says something that has no form here.
    pub fn parse(text: &str) -> Result<Self, Error> {
        super::count_use();
        read::parse(text)
    }
}

/// Validates policies strictly against a schema in Cedar's own syntax, given as JSON. A warning counts as an error.
///
/// # Errors
/// What Cedar says against the schema or the policies.
pub fn validate(schema: serde_json::Value, policies: &[&str]) -> Result<(), Error> {
    super::count_use();
    let schema = Schema::from_json_value(schema)
        .map_err(|cause| Error::new("Cedar cannot read the product's schema").because(cause))?;
    let found = Validator::new(schema).validate(&numbered(policies)?, ValidationMode::Strict);
    let mut refused = Error::new("Cedar's validator refuses the policies");
    refused = found.validation_errors().cloned().fold(refused, Error::because);
    refused = found.validation_warnings().cloned().fold(refused, Error::because);
    if refused.said().is_empty() { Ok(()) } else { Err(refused) }
}

/// An entity as Cedar writes it: `Type::"id"`.
///
/// # Errors
/// Where the type has no such name.
pub fn literal(uid: &Uid) -> Result<String, Error> {
    Ok(cedar_uid(uid)?.to_string())
}

/// Reads an entity as Cedar writes it.
///
/// # Errors
/// Where it is none.
pub fn parse_literal(text: &str) -> Result<Uid, Error> {
    let uid: cedar_policy::EntityUid =
        text.parse().map_err(|cause| Error::new(format!("`{text}` is not a Cedar entity")).because(cause))?;
    Ok(Uid { kind: uid.type_name().to_string(), id: uid.id().unescaped().to_owned() })
}

fn numbered(policies: &[&str]) -> Result<PolicySet, Error> {
    let unreadable = |cause| Error::new("Cedar cannot read a policy").because(cause);
    let mut set = PolicySet::new();
    for (index, text) in policies.iter().enumerate() {
        let id = cedar_policy::PolicyId::new(format!("policy{index}"));
        let policy = cedar_policy::Policy::parse(Some(id), text).map_err(unreadable)?;
        set.add(policy).map_err(|cause| Error::new("two policies have one number").because(cause))?;
    }
    Ok(set)
}

/// A request as a product puts it to its Cedar engine.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who.
    pub principal: Uid,
    /// Does what.
    pub action: Uid,
    /// To what.
    pub resource: Uid,
    /// The context, in Cedar's JSON form.
    pub context: serde_json::Value,
    /// The entities, in Cedar's JSON form.
    pub entities: serde_json::Value,
}

/// Policies to be asked, with no schema.
#[derive(Debug)]
pub struct Policies(PolicySet);

impl Policies {
    /// Reads them.
    ///
    /// # Errors
    /// Where Cedar refuses one.
    pub fn read(texts: &[&str]) -> Result<Self, Error> {
        super::count_use();
        numbered(texts).map(Self)
    }

    /// What Cedar's own authorizer says: whether it allows, and how many policies failed to evaluate.
    ///
    /// # Errors
    /// Where the question is none.
    pub fn ask(&self, question: &Question) -> Result<(bool, usize), Error> {
        let context = Context::from_json_value(question.context.clone(), None)
            .map_err(|cause| Error::new("Cedar refuses the context").because(cause))?;
        let entities = Entities::from_json_value(question.entities.clone(), None)
            .map_err(|cause| Error::new("Cedar refuses the entities").because(cause))?;
        let uids = (cedar_uid(&question.principal)?, cedar_uid(&question.action)?, cedar_uid(&question.resource)?);
        let request = Request::new(uids.0, uids.1, uids.2, context, None)
            .map_err(|cause| Error::new("Cedar refuses the request").because(cause))?;
        let response = Authorizer::new().is_authorized(&request, &self.0, &entities);
        Ok((response.decision() == Decision::Allow, response.diagnostics().errors().count()))
    }
}

#[cfg(test)]
mod tests;
