//! A condition (`when`) of a rule of an `AuthorizationPolicy`, as Istio makes a rule of Envoy of it.
//!
//! Of the values one must match. A value `*` means that there is some text, one that begins or ends with `*` is a pattern, and
//! any other is the text itself. A claim matches by its text or by an element of its list, and an object never does.
//! `notValues` hold too where there is nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::lift::LiftError;
use crate::lift::access::probe::{Probe, Source, Texts};
use crate::lift::cluster::{distinct, unexpected};
use crate::model::access::evidence::SPIFFE;

/// A condition as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct When {
    key: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    not_values: Vec<String>,
}

/// A condition.
#[derive(PartialEq)]
pub(super) struct Condition {
    pub(super) of: Attribute,
    pub(super) values: Values,
    pub(super) not_values: Values,
}

/// The values of a list.
#[derive(PartialEq)]
pub(super) struct Values {
    /// All of them.
    pub(super) all: Vec<String>,
    /// Those that are no patterns.
    exact: Texts,
    patterns: Vec<String>,
}

/// What a condition looks at.
#[derive(PartialEq)]
pub(super) enum Attribute {
    /// A header.
    Header(String),
    /// Who issued the token.
    Issuer,
    /// `sub`, by its path.
    Subject([String; 1]),
    /// `act.sub`, by its path.
    Actor([String; 2]),
    /// Any other claim, by its path.
    Claim(Vec<String>),
    /// A claim that Istio splits at spaces, by its path.
    Split(Vec<String>),
}

/// One look at a request. Conditions that several rules share are looked at once.
pub(super) struct Look<'a> {
    copied: &'a BTreeMap<String, String>,
    verified: bool,
    /// What conditions came to.
    told: RefCell<Vec<(Arc<Condition>, bool)>>,
}

impl<'a> Look<'a> {
    /// A look that starts with nothing. `copied` are the headers that claims are copied into; `verified` says whether those of
    /// MCP are what the message says.
    pub(super) fn new(copied: &'a BTreeMap<String, String>, verified: bool) -> Self {
        Self { copied, verified, told: RefCell::default() }
    }

    /// Whether a condition holds.
    ///
    /// # Errors
    /// Where it asks for something that cannot be told exactly.
    pub(super) fn holds(&self, condition: &Arc<Condition>, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        let told = self.told.borrow();
        let before = told.iter().find(|(known, _)| Arc::ptr_eq(known, condition)).map(|(_, holds)| *holds);
        drop(told);
        if let Some(before) = before {
            return Ok(before);
        }
        let holds = condition.holds(probe, self.copied, self.verified)?;
        self.told.borrow_mut().push((Arc::clone(condition), holds));
        Ok(holds)
    }
}

impl Values {
    fn of(all: Vec<String>) -> Self {
        let (patterns, exact): (Vec<String>, Vec<String>) =
            all.iter().cloned().partition(|value| value.starts_with('*') || value.ends_with('*'));
        Self { all, exact: exact.into_iter().collect(), patterns }
    }

    /// Whether a text fits one of them: `*`, the beginning, the end, or the whole.
    fn fit(&self, source: &Source<'_>, probe: &mut Probe<'_>) -> bool {
        let fits = |probe: &mut Probe<'_>, pattern: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(""), _) => probe.has(source) && !probe.is(source, ""),
            (Some(end), _) if end.contains('*') => probe.unknown(format!("a text that ends with `{end}`")),
            (Some(_), _) => probe.fits(source, pattern),
            (None, Some(beginning)) => probe.begins(source, beginning),
            (None, None) => probe.is(source, pattern),
        };
        probe.one_of(source, &self.exact) || self.patterns.iter().any(|pattern| fits(probe, pattern))
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// Where it asks for nothing, or for what nobody can be sure of.
    pub(super) fn read(written: When) -> Result<Self, LiftError> {
        let When { key, values, not_values } = written;
        if values.is_empty() && not_values.is_empty() || !distinct(&values) || !distinct(&not_values) {
            return unexpected(format!("the condition on `{key}` asks for nothing, or for a text twice"));
        }
        if values.iter().chain(&not_values).any(String::is_empty) {
            return unexpected(format!("the condition on `{key}` holds an empty text"));
        }
        let bracketed = |rest: &str| -> Option<Vec<String>> {
            let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
            let parts: Vec<String> = inner.split("][").map(str::to_owned).collect();
            (!parts.iter().any(|part| part.is_empty() || part.contains(['[', ']']))).then_some(parts)
        };
        let claim = key.strip_prefix("request.auth.claims").and_then(bracketed);
        let header = key.strip_prefix("request.headers").and_then(bracketed);
        let of = match (claim, header.as_deref()) {
            (Some(path), _) => match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["iss"] => Attribute::Issuer,
                ["sub"] => Attribute::Subject(["sub".to_owned()]),
                ["act", "sub"] => Attribute::Actor(["act".to_owned(), "sub".to_owned()]),
                ["scope" | "permission"] => Attribute::Split(path),
                // An object matches nothing, whatever is in it.
                ["act"] => return unexpected("a rule asks for the text of a claim that is an object"),
                _ => Attribute::Claim(path),
            },
            (None, Some([name])) => Attribute::Header(name.clone()),
            (None, _) => return unexpected(format!("a rule asks for `{key}`")),
        };
        Ok(Self { of, values: Values::of(values), not_values: Values::of(not_values) })
    }

    fn holds(
        &self,
        probe: &mut Probe<'_>,
        copied: &BTreeMap<String, String>,
        verified: bool,
    ) -> Result<bool, LiftError> {
        let of = |probe: &mut Probe<'_>, values: &Values| match &self.of {
            Attribute::Header(name) => header_matches(probe, name, values, copied, verified),
            Attribute::Issuer => Ok(values.fit(&Source::Issuer, probe)),
            Attribute::Subject(path) => caller_matches(probe, path, values),
            Attribute::Actor(path) => caller_matches(probe, path, values),
            Attribute::Claim(path) => claim_matches(probe, path, values, None),
            Attribute::Split(path) => claim_matches(probe, path, values, Some(' ')),
        };
        Ok((self.values.all.is_empty() || of(probe, &self.values)?)
            && (self.not_values.all.is_empty() || !of(probe, &self.not_values)?))
    }
}

fn header_matches(
    probe: &mut Probe<'_>,
    name: &str,
    values: &Values,
    copied: &BTreeMap<String, String>,
    verified: bool,
) -> Result<bool, LiftError> {
    if let Some(claim) = copied.get(name) {
        // The proxy sets it from a claim of any kind, and takes away what the caller sent under its name.
        if values.all != ["*"] {
            return unexpected(format!("a rule asks for the text of the header `{name}`"));
        }
        let path: Vec<String> = claim.split('.').map(str::to_owned).collect();
        // A claim that is null is not copied.
        return Ok(probe.is_present(&path) && !probe.is_null(&path));
    }
    match name {
        // Without a method there is no header.
        "mcp-method" if verified => Ok(!probe.is(&Source::Method, "") && values.fit(&Source::Method, probe)),
        "mcp-name" if verified => {
            let source = if probe.has(&Source::Name) { Source::Name } else { Source::Uri };
            Ok(values.fit(&source, probe))
        }
        _ => unexpected(format!("a rule asks for the header `{name}`, of which nobody is sure")),
    }
}

fn caller_matches(probe: &mut Probe<'_>, path: &[String], values: &Values) -> Result<bool, LiftError> {
    for pattern in &values.patterns {
        if pattern.strip_suffix('*') == Some(SPIFFE) {
            if probe.begins(&Source::claim(path), SPIFFE) {
                return Ok(true);
            }
            continue;
        }
        if pattern != "*" {
            return unexpected(format!("a rule takes `{pattern}` for a pattern of subjects"));
        }
        if probe.text_other_than(path, "") {
            return Ok(true);
        }
    }
    Ok(probe.one_of(&Source::claim(path), &values.exact))
}

fn claim_matches(
    probe: &mut Probe<'_>,
    path: &[String],
    values: &Values,
    separator: Option<char>,
) -> Result<bool, LiftError> {
    for pattern in &values.patterns {
        if pattern != "*" {
            return unexpected(format!("a rule takes `{pattern}` for a pattern of a claim"));
        }
        if probe.is_present(path) {
            return Ok(true);
        }
    }
    Ok(values.exact.all().any(|value| {
        let told = match separator {
            Some(separator) => probe.part_is(path, value, separator),
            None => probe.text_is(path, value),
        };
        told || probe.list_has(path, value)
    }))
}
