//! What shows a fact in a request.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::called::CalledEvidence;
use super::placeholder::Placeholder;
use super::scalar::{Decimal, Scalar};

/// How a gateway finds a fact in a request. A missing or wrongly typed claim or argument makes the fact false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// `caller: known`: the token names a declared principal, or `any_agent` applies.
    KnownCaller,
    /// A token claim.
    Claim(ClaimEvidence),
    /// A tool argument.
    Argument(ArgumentEvidence),
    /// An earlier call.
    Called(CalledEvidence),
    /// The token is of this issuer.
    Issuer(String),
    /// The token's `sub` is not the subject of a declared principal: a user is not a workload. A SPIFFE ID is not
    /// a user either, declared or not.
    NotWorkload,
    /// The connection's own TLS state (`tls`, `mtls`): not a claim, decided by the hop.
    Transport,
    /// All of these together; two or more, none of them of this kind.
    All(Vec<Evidence>),
}

impl Evidence {
    /// Whether whatever shows one shows the other: they are equal but for the scope that a challenge names.
    #[must_use]
    pub fn is_shown_by_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Claim(one), Self::Claim(other)) => {
                (&one.path, &one.test, one.separator) == (&other.path, &other.test, other.separator)
            }
            (Self::All(one), Self::All(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_shown_by_the_same(other))
            }
            _ => self == other,
        }
    }

    /// The pieces that must hold together: itself, where it is a single one.
    #[must_use]
    pub fn pieces(&self) -> &[Evidence] {
        match self {
            Self::All(pieces) => pieces,
            Self::KnownCaller
            | Self::Claim(_)
            | Self::Argument(_)
            | Self::Called(_)
            | Self::Issuer(_)
            | Self::NotWorkload
            | Self::Transport => std::slice::from_ref(self),
        }
    }

    /// All of these: pieces of pieces are pieces, and each is there once.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Evidence>) -> Self {
        let mut pieces: Vec<Evidence> = Vec::new();
        for part in parts {
            for piece in part.pieces() {
                if !pieces.contains(piece) {
                    pieces.push(piece.clone());
                }
            }
        }
        match <[Evidence; 1]>::try_from(pieces) {
            Ok([one]) => one,
            Err(pieces) => Self::All(pieces),
        }
    }

    /// The claims that it reads.
    pub fn claims(&self) -> impl Iterator<Item = &ClaimEvidence> {
        self.pieces().iter().filter_map(|piece| match piece {
            Self::Claim(claim) => Some(claim),
            Self::KnownCaller
            | Self::Argument(_)
            | Self::Called(_)
            | Self::Issuer(_)
            | Self::NotWorkload
            | Self::Transport
            | Self::All(_) => None,
        })
    }

    /// The arguments that it reads.
    pub fn arguments(&self) -> impl Iterator<Item = &ArgumentEvidence> {
        self.pieces().iter().filter_map(|piece| match piece {
            Self::Argument(argument) => Some(argument),
            Self::KnownCaller
            | Self::Claim(_)
            | Self::Called(_)
            | Self::Issuer(_)
            | Self::NotWorkload
            | Self::Transport
            | Self::All(_) => None,
        })
    }

    /// The OAuth scope that a step-up challenge asks for, where there is one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.claims().find_map(|claim| claim.scope.as_deref())
    }

    /// The same without any scope: no challenge asks for it.
    #[must_use]
    pub fn without_scopes(self) -> Self {
        match self {
            Self::Claim(claim) => Self::Claim(ClaimEvidence { scope: None, ..claim }),
            Self::All(pieces) => Self::All(pieces.into_iter().map(Self::without_scopes).collect()),
            Self::KnownCaller
            | Self::Argument(_)
            | Self::Called(_)
            | Self::Issuer(_)
            | Self::NotWorkload
            | Self::Transport => self,
        }
    }

    /// Whether some text of it holds this placeholder.
    #[must_use]
    pub fn mentions(&self, placeholder: Placeholder) -> bool {
        self.claims().any(|claim| claim.test.mentions(placeholder))
    }
}

/// The evidence of facts that no `identity` section describes: the five of the document's vocabulary, and the two that the
/// connection decides.
pub static DEFAULT_EVIDENCE: LazyLock<BTreeMap<&'static str, Evidence>> =
    LazyLock::new(|| default_evidence().into_iter().collect());

fn default_evidence() -> Vec<(&'static str, Evidence)> {
    let claim = |path: &[&str], test, scope: Option<&str>| {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        Evidence::Claim(ClaimEvidence { path, test, separator: None, scope: scope.map(str::to_owned) })
    };
    let contains = |text: &str| ClaimTest::Contains(vec![text.into()]);
    vec![
        ("approval_workflow", claim(&["approvals"], contains("{server}/{tool}"), None)),
        ("cross_unit_approval", claim(&["unit_approvals"], contains("{unit}"), None)),
        ("mfa", claim(&["amr"], contains("mfa"), Some("mcp.mfa"))),
        ("mtls", Evidence::Transport),
        ("service_account_token", Evidence::KnownCaller),
        ("tls", Evidence::Transport),
        (
            USER_DELEGATION,
            Evidence::all([
                claim(&["act", "sub"], ClaimTest::DiffersFrom(vec!["sub".to_owned()]), None),
                Evidence::NotWorkload,
            ]),
        ),
    ]
}

/// How a SPIFFE ID begins. One always names a workload, whether it is declared or not.
pub const SPIFFE: &str = "spiffe://";

/// The facts by which somebody other than the caller approves a call.
pub const APPROVALS: [&str; 2] = ["approval_workflow", "cross_unit_approval"];

/// The fact that a user stands behind a call. It never holds where the token's `sub` is a declared principal's subject.
pub const USER_DELEGATION: &str = "user_delegation";

/// A test on a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimEvidence {
    /// Path of the claim: `[act, sub]`.
    pub path: Vec<String>,
    /// What the claim must satisfy.
    pub test: ClaimTest,
    /// What separates the elements of the claim where it is a text: a space for `scope` (RFC 8693) and `scp`.
    pub separator: Option<char>,
    /// The OAuth scope a step-up challenge asks for.
    pub scope: Option<String>,
}

/// What a claim must satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimTest {
    /// Equals one of these, or is a list with one of them, of the same type. Texts may hold `{server}`, `{tool}`, `{unit}`.
    /// Never a substring, and an empty text never matches. Never without any value.
    Contains(Vec<Scalar>),
    /// Is one of these texts itself: a list never is, whatever it holds. Never without any value, and none of them is empty.
    Is(Vec<String>),
    /// Present, not empty, and different from this other claim.
    DiffersFrom(Vec<String>),
    /// Present and not empty.
    Present,
}

impl ClaimTest {
    /// Whether some text of it holds this placeholder.
    #[must_use]
    pub fn mentions(&self, placeholder: Placeholder) -> bool {
        self.texts().any(|text| placeholder.is_in(text))
    }

    /// Whether every value of it holds this placeholder.
    #[must_use]
    pub fn all_mention(&self, placeholder: Placeholder) -> bool {
        match self {
            Self::Contains(values) => {
                values.iter().all(|value| value.as_text().is_some_and(|text| placeholder.is_in(text)))
            }
            Self::Is(_) | Self::DiffersFrom(_) | Self::Present => false,
        }
    }

    /// The texts that it compares with.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (values, texts): (&[Scalar], &[String]) = match self {
            Self::Contains(values) => (values, &[]),
            Self::Is(texts) => (&[], texts),
            Self::DiffersFrom(_) | Self::Present => (&[], &[]),
        };
        values.iter().filter_map(Scalar::as_text).chain(texts.iter().map(String::as_str))
    }
}

/// A test on an argument of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentEvidence {
    /// Path of the argument: `[filter, region]`.
    pub path: Vec<String>,
    /// What it must satisfy.
    pub test: ArgumentTest,
}

/// What an argument must satisfy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArgumentTest {
    /// A number within these bounds, both included; at least one is there.
    Within {
        /// The smallest number accepted.
        at_least: Option<Decimal>,
        /// The largest number accepted.
        at_most: Option<Decimal>,
    },
    /// One of these values, of the same type; never without any.
    OneOf(Vec<Scalar>),
    /// A text of this pattern, in which `*` is any text and nothing else is special.
    Matches(String),
    /// A text or number that equals this claim, which is not empty.
    EqualsClaim(Vec<String>),
}

impl ArgumentTest {
    /// Whether a value satisfies it. What a claim says is not known here, so nothing is accepted by it.
    #[must_use]
    pub fn accepts(&self, value: &Scalar) -> bool {
        match (self, value) {
            (Self::Within { at_least, at_most }, Scalar::Number(number)) => {
                at_least.is_none_or(|least| *number >= least) && at_most.is_none_or(|most| *number <= most)
            }
            (Self::OneOf(values), value) => values.contains(value),
            (Self::Matches(pattern), Scalar::Text(text)) => matches(pattern, text),
            (Self::Within { .. } | Self::Matches(_) | Self::EqualsClaim(_), _) => false,
        }
    }
}

/// Whether a pattern, in which `*` is any text, matches a whole text.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

impl Evidence {
    /// In words, for one call: `fill` puts in what `{server}`, `{tool}` and `{unit}` stand for.
    #[must_use]
    pub fn in_words(&self, fill: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::KnownCaller => "the token names a known caller".to_owned(),
            Self::Claim(claim) => claim.in_words(fill),
            Self::Argument(argument) => argument.in_words(),
            Self::Called(called) => called.in_words(),
            Self::Issuer(issuer) => format!("the token is of `{issuer}`"),
            Self::NotWorkload => "claim `sub` is not the subject of a declared principal".to_owned(),
            Self::Transport => "the connection is encrypted".to_owned(),
            Self::All(pieces) => {
                let words: Vec<String> = pieces.iter().map(|piece| piece.in_words(fill)).collect();
                words.join(", and ")
            }
        }
    }
}

/// Values in words: `` `a` or `b` ``.
fn either(values: &[Scalar], fill: &dyn Fn(&str) -> String) -> String {
    let words = values.iter().map(|value| match value {
        Scalar::Text(text) => format!("`{}`", fill(text)),
        Scalar::Truth(_) | Scalar::Number(_) => format!("`{value}`"),
    });
    words.collect::<Vec<_>>().join(" or ")
}

impl ClaimEvidence {
    fn in_words(&self, fill: &dyn Fn(&str) -> String) -> String {
        let path = self.path.join(".");
        match (&self.test, self.separator) {
            (ClaimTest::Contains(values), None) => format!("claim `{path}` contains {}", either(values, fill)),
            (ClaimTest::Contains(values), Some(letter)) => {
                format!("claim `{path}`, separated by `{letter}`, contains {}", either(values, fill))
            }
            (ClaimTest::Is(texts), _) => {
                let texts: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
                format!("claim `{path}` is the text {}", texts.join(" or "))
            }
            (ClaimTest::DiffersFrom(other), _) => {
                format!("claim `{path}` is there and differs from `{}`", other.join("."))
            }
            (ClaimTest::Present, _) => format!("claim `{path}` is there and not empty"),
        }
    }
}

impl ArgumentEvidence {
    fn in_words(&self) -> String {
        let path = self.path.join(".");
        let test = match &self.test {
            ArgumentTest::Within { at_least, at_most } => {
                let least = at_least.map(|least| format!("at least {least}"));
                let most = at_most.map(|most| format!("at most {most}"));
                least.into_iter().chain(most).collect::<Vec<_>>().join(" and ")
            }
            ArgumentTest::OneOf(values) => either(values, &str::to_owned),
            ArgumentTest::Matches(pattern) => format!("a text like `{pattern}`"),
            ArgumentTest::EqualsClaim(claim) => format!("the same as claim `{}`", claim.join(".")),
        };
        format!("argument `{path}` is {test}")
    }
}
