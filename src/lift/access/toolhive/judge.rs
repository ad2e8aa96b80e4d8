//! Evaluates a condition as ToolHive's Cedar does, for a request that answers as it is asked.
#![expect(clippy::wildcard_enum_match_arm, reason = "whatever is not known here is refused")]

use std::collections::BTreeSet;

use crate::cedar::dialect::{Expr, Piece};
use crate::lift::access::probe::{ClaimKind, Probe, Source};
use crate::model::access::evidence::SPIFFE;

/// What becomes of a condition.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It holds, or does not.
    Of(bool),
    /// It fails to evaluate, which denies the request.
    Fails,
    /// It cannot be told exactly.
    Unreadable(String),
}

/// An attribute that the request may or may not have.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Attribute {
    Claim(Vec<String>),
    Argument(String),
    Uri,
}

pub(super) struct Judge<'a, 'w> {
    pub(super) probe: &'a mut Probe<'w>,
    /// The type of the resource.
    pub(super) kind: &'a str,
    /// Its id, or its URI.
    pub(super) name: Option<&'a str>,
    /// The ids that there are of that type.
    pub(super) ids: &'a BTreeSet<String>,
    /// The issuers that there are.
    pub(super) issuers: &'a BTreeSet<String>,
}

type Judged = Result<bool, Verdict>;

fn unreadable(what: impl std::fmt::Debug) -> Verdict {
    Verdict::Unreadable(format!("`{what:?}`"))
}

impl Judge<'_, '_> {
    pub(super) fn judge(&mut self, condition: &Expr) -> Verdict {
        match self.holds(condition, true, &mut Vec::new()) {
            Ok(holds) => Verdict::Of(holds),
            Err(verdict) => verdict,
        }
    }

    /// Whether it holds. `positive`: whether more facts can only make the whole hold; `known`: attributes that are there.
    fn holds(&mut self, expr: &Expr, positive: bool, known: &mut Vec<Attribute>) -> Judged {
        match expr {
            Expr::All(parts) => {
                self.both_emptinesses(parts)?;
                let before = known.len();
                let mut all = true;
                for part in parts {
                    if !self.holds(part, positive, known)? {
                        all = false;
                        break;
                    }
                    if let Expr::Has(of, name) = part {
                        known.extend(attribute(of, name));
                    }
                }
                known.truncate(before);
                Ok(all)
            }
            Expr::Any(parts) => {
                for part in parts {
                    if self.holds(part, positive, known)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expr::Not(inner) => Ok(!self.holds(inner, !positive, known)?),
            Expr::Has(of, name) => self.has(of, name, positive, known),
            Expr::Same(left, right) => match (self.read(left, known)?, &**right) {
                (Attribute::Claim(path), Expr::Text(text)) => Ok(self.probe.text_is(&path, text)),
                other => Err(unreadable(other)),
            },
            Expr::Differs(left, right) => self.differs(left, right, known),
            Expr::Contains(set, one) => self.contains(set, one, known),
            Expr::Like(left, pattern) => match self.read(left, known)? {
                Attribute::Uri => Ok(matches(pattern, self.name.unwrap_or_default())),
                Attribute::Claim(path) if *pattern == [Piece::Any] && is_actor(&path) => {
                    // Asking anything but a text for a pattern fails.
                    match self.probe.kind(&path) {
                        ClaimKind::Text | ClaimKind::Empty => Ok(true),
                        ClaimKind::Open | ClaimKind::Missing | ClaimKind::Object | ClaimKind::Null => {
                            Err(Verdict::Fails)
                        }
                    }
                }
                // A token without `sub`, or with one that is not text, is nobody's.
                Attribute::Claim(path) if path == ["sub"] && is_spiffe(pattern) => {
                    Ok(self.probe.begins(&Source::claim(&path), SPIFFE))
                }
                other => Err(unreadable(other)),
            },
            other => Err(unreadable(other)),
        }
    }

    /// A claim is not empty if it is neither the empty text, nor the empty list, nor the empty record; an actor, if it is a text and
    /// not empty.
    fn both_emptinesses(&self, parts: &[Expr]) -> Result<(), Verdict> {
        for part in parts {
            if let Expr::Like(actor, pattern) = part
                && *pattern == [Piece::Any]
                && !parts.contains(&Expr::Differs(actor.clone(), Box::new(Expr::Text(String::new()))))
            {
                return Err(unreadable(part));
            }
            let Expr::Differs(left, right) = part else { continue };
            let is_empty = match &**right {
                Expr::Text(text) => text.is_empty(),
                Expr::Set(parts) => parts.is_empty(),
                Expr::EmptyRecord => true,
                _ => false,
            };
            if !is_empty {
                continue;
            }
            if matches!(&**left, Expr::Attribute(of, name) if name == "sub" && **of != Expr::Context) {
                if !parts.contains(&Expr::Like(left.clone(), vec![Piece::Any])) {
                    return Err(unreadable(part));
                }
                continue;
            }
            let every = [Expr::Text(String::new()), Expr::Set(Vec::new()), Expr::EmptyRecord];
            if !every.into_iter().all(|empty| parts.contains(&Expr::Differs(left.clone(), Box::new(empty)))) {
                return Err(unreadable(part));
            }
        }
        Ok(())
    }

    fn has(&mut self, of: &Expr, name: &str, positive: bool, known: &[Attribute]) -> Judged {
        let of_known = match of {
            Expr::Context | Expr::Resource => true,
            inner => known.contains(&self.read(inner, known)?),
        };
        match attribute(of, name) {
            Some(Attribute::Uri) => Ok(self.kind == "Resource" && self.name.is_some()),
            Some(Attribute::Claim(path)) if path == ["iss"] => Ok(self.probe.has(&Source::Issuer)),
            // A claim that is null is dropped before the policies see it.
            Some(Attribute::Claim(path)) if is_of_caller(&path) && of_known => {
                Ok(self.probe.is_present(&path) && !self.probe.is_null(&path))
            }
            // Of these, only what they hold can be asked. Where they are not there they hold nothing, so what follows a
            // guard is false either way.
            Some(Attribute::Claim(_) | Attribute::Argument(_)) if positive && of_known => Ok(true),
            other => Err(unreadable(other)),
        }
    }

    fn differs(&mut self, left: &Expr, right: &Expr, known: &[Attribute]) -> Judged {
        let left = self.read(left, known)?;
        match (left, right) {
            (Attribute::Claim(path), Expr::Text(text)) if text.is_empty() && is_actor(&path) => {
                Ok(self.probe.kind(&path) != ClaimKind::Empty)
            }
            (Attribute::Claim(path), Expr::Text(text)) if text.is_empty() => Ok(self.probe.is_present(&path)),
            (Attribute::Claim(path), Expr::Set(none)) if none.is_empty() => Ok(self.probe.is_present(&path)),
            (Attribute::Claim(path), Expr::EmptyRecord) => Ok(self.probe.is_present(&path)),
            (Attribute::Claim(path), other) if is_actor(&path) => match self.read(other, known)? {
                Attribute::Claim(sub) if sub == ["sub"] => Ok(self.probe.claims_differ(&path, &sub)),
                other => Err(unreadable(other)),
            },
            other => Err(unreadable(other)),
        }
    }

    fn contains(&mut self, set: &Expr, one: &Expr, known: &[Attribute]) -> Judged {
        let Expr::Set(parts) = set else {
            // A claim that is a list.
            let (Attribute::Claim(path), Expr::Text(text)) = (self.read(set, known)?, one) else {
                return Err(unreadable(set));
            };
            if self.probe.text_is(&path, text) {
                return Err(Verdict::Fails);
            }
            return Ok(self.probe.list_has(&path, text));
        };
        match one {
            Expr::Principal => {
                let subject = ["sub".to_owned()];
                Ok(entities(parts, "Client")?.iter().any(|client| self.probe.is(&Source::claim(&subject), client)))
            }
            Expr::Resource => {
                let ids = entities(parts, self.kind)?;
                if let Some(stranger) = ids.iter().find(|id| !self.ids.contains(**id)) {
                    return Err(unreadable(stranger));
                }
                Ok(self.name.is_some_and(|name| ids.contains(&name)))
            }
            attribute => {
                let texts = texts(parts)?;
                match self.read(attribute, known)? {
                    Attribute::Claim(path) if path == ["iss"] => {
                        if let Some(stranger) = texts.iter().find(|text| !self.issuers.contains(**text)) {
                            return Err(unreadable(stranger));
                        }
                        Ok(texts.iter().any(|text| self.probe.is(&Source::Issuer, text)))
                    }
                    Attribute::Claim(path) if is_of_caller(&path) => {
                        Ok(texts.iter().any(|text| self.probe.text_is(&path, text)))
                    }
                    Attribute::Argument(name) => {
                        let name = [name];
                        Ok(texts.iter().any(|text| self.probe.argument_is(&name, &(*text).into())))
                    }
                    other => Err(unreadable(other)),
                }
            }
        }
    }

    /// The attribute that an expression reads, every step of which must have been asked for.
    fn read(&self, expr: &Expr, known: &[Attribute]) -> Result<Attribute, Verdict> {
        let Expr::Attribute(of, name) = expr else { return Err(unreadable(expr)) };
        if !matches!(**of, Expr::Context | Expr::Resource) {
            self.read(of, known)?;
        }
        match attribute(of, name) {
            Some(attribute) if known.contains(&attribute) => Ok(attribute),
            Some(_) => Err(Verdict::Unreadable(format!("`{name}` is read without asking whether it is there"))),
            None => Err(unreadable(expr)),
        }
    }
}

fn is_of_caller(path: &[String]) -> bool {
    path == ["sub"] || path == ["act"] || is_actor(path)
}

/// Whether a pattern is that of all SPIFFE IDs.
fn is_spiffe(pattern: &[Piece]) -> bool {
    *pattern == [Piece::Text(SPIFFE.to_owned()), Piece::Any]
}

fn is_actor(path: &[String]) -> bool {
    path == ["act", "sub"]
}

/// The attribute of that name.
fn attribute(of: &Expr, name: &str) -> Option<Attribute> {
    match of {
        Expr::Context => {
            let claim = name.strip_prefix("claim_").map(|claim| Attribute::Claim(vec![claim.to_owned()]));
            claim.or_else(|| name.strip_prefix("arg_").map(|argument| Attribute::Argument(argument.to_owned())))
        }
        Expr::Resource => (name == "uri").then_some(Attribute::Uri),
        Expr::Attribute(of, outer) => match attribute(of, outer)? {
            Attribute::Claim(mut path) => {
                path.push(name.to_owned());
                Some(Attribute::Claim(path))
            }
            Attribute::Argument(_) | Attribute::Uri => None,
        },
        _ => None,
    }
}

fn entities<'e>(parts: &'e [Expr], kind: &str) -> Result<Vec<&'e str>, Verdict> {
    let each = parts.iter().map(|part| match part {
        Expr::Entity(uid) if uid.kind == kind => Ok(uid.id.as_str()),
        other => Err(unreadable(other)),
    });
    each.collect()
}

fn texts(parts: &[Expr]) -> Result<Vec<&str>, Verdict> {
    let each =
        parts.iter().map(|part| if let Expr::Text(text) = part { Ok(text.as_str()) } else { Err(unreadable(part)) });
    each.collect()
}

/// Whether a pattern matches a text, as Cedar's `like` does.
pub(super) fn matches(pattern: &[Piece], text: &str) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((Piece::Text(start), rest)) => text.strip_prefix(start.as_str()).is_some_and(|text| matches(rest, text)),
        Some((Piece::Any, [])) => true,
        Some((Piece::Any, rest)) => {
            text.char_indices().any(|(at, _)| matches(rest, text.get(at..).unwrap_or_default()))
        }
    }
}
