//! Evaluates a condition as AgentCore's Cedar does, for a request that answers as it is asked.
#![expect(clippy::wildcard_enum_match_arm, reason = "whatever is not known here is refused")]

use std::collections::BTreeSet;

use super::{USER, shapes};
use crate::cedar::dialect::{Expr, Piece};
use crate::lift::access::probe::{Probe, Source};
use crate::model::access::evidence::SPIFFE;

pub(super) struct Judge<'a, 'w> {
    pub(super) probe: &'a mut Probe<'w>,
    /// The issuers that there are.
    pub(super) issuers: &'a BTreeSet<String>,
}

type Judged = Result<bool, String>;

fn unreadable(what: impl std::fmt::Debug) -> String {
    format!("`{what:?}`")
}

impl Judge<'_, '_> {
    /// Whether it holds. `known`: tags and arguments that are there.
    pub(super) fn holds(&mut self, expr: &Expr, known: &mut Vec<String>) -> Judged {
        if let Some(subjects) = shapes::actors(expr) {
            self.is_known("act", known)?;
            let path = ["act".to_owned(), "sub".to_owned()];
            return Ok(subjects.iter().any(|subject| self.probe.text_is(&path, subject)));
        }
        if let Some((name, values)) = shapes::values_of(expr) {
            self.is_known(&name, known)?;
            let path = [name];
            return Ok(values
                .iter()
                .any(|value| self.probe.text_is(&path, value) || self.probe.list_has(&path, value)));
        }
        match expr {
            Expr::All(parts) => self.all(parts, known),
            Expr::Any(parts) => {
                for part in parts {
                    if self.holds(part, known)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expr::Not(inner) => match &**inner {
                Expr::HasTag(of, name) if **of == Expr::Principal && name == "act" => Ok(!self.acts()),
                Expr::Contains(set, one) if **one == Expr::Principal => Ok(!self.is_user(set)?),
                // `id` is `sub`, which every principal has.
                Expr::Like(of, pattern)
                    if **of == Expr::Principal.attribute("id")
                        && *pattern == [Piece::Text(SPIFFE.to_owned()), Piece::Any] =>
                {
                    Ok(!self.probe.begins(&Source::claim(&["sub".to_owned()]), SPIFFE))
                }
                other => Err(unreadable(other)),
            },
            Expr::HasTag(of, name) if **of == Expr::Principal => match name.as_str() {
                "act" => Ok(self.acts()),
                "iss" => Ok(self.probe.has(&Source::Issuer)),
                // Only what it holds can be asked; where it is not there, it holds nothing.
                _ => Ok(true),
            },
            Expr::Has(of, name) if **of == Expr::Context.attribute("input") && name != "input" => Ok(true),
            Expr::Contains(set, one) => match &**one {
                Expr::Principal => self.is_user(set),
                Expr::Tag(of, name) if **of == Expr::Principal && name == "iss" => {
                    self.is_known("iss", known)?;
                    let texts = texts(set)?;
                    if let Some(stranger) = texts.iter().find(|text| !self.issuers.contains(**text)) {
                        return Err(unreadable(stranger));
                    }
                    Ok(texts.iter().any(|text| self.probe.is(&Source::Issuer, text)))
                }
                Expr::Attribute(of, name) if **of == Expr::Context.attribute("input") => {
                    self.is_known(&format!("input.{name}"), known)?;
                    let name = std::slice::from_ref(name);
                    Ok(texts(set)?.iter().any(|text| self.probe.argument_is(name, &(*text).into())))
                }
                other => Err(unreadable(other)),
            },
            // The claim of the unit, which is a text.
            Expr::Same(left, right) => match (&**left, &**right) {
                (Expr::Tag(of, name), Expr::Text(value)) if **of == Expr::Principal && shapes::can_be_told(value) => {
                    self.is_known(name, known)?;
                    if name == "iss" {
                        return Ok(self.probe.is(&Source::Issuer, value));
                    }
                    if self.probe.list_has(std::slice::from_ref(name), value) {
                        return Err(unreadable(expr));
                    }
                    Ok(self.probe.text_is(std::slice::from_ref(name), value))
                }
                other => Err(unreadable(other)),
            },
            Expr::Differs(left, right) => match (&**left, &**right) {
                (Expr::Principal, Expr::Entity(uid)) if uid.kind == USER => {
                    let subject = ["sub".to_owned()];
                    let subject = Source::claim(&subject);
                    Ok(self.probe.has(&subject) && !self.probe.is(&subject, &uid.id))
                }
                other => Err(unreadable(other)),
            },
            other => Err(unreadable(other)),
        }
    }

    fn all(&mut self, parts: &[Expr], known: &mut Vec<String>) -> Judged {
        let before = known.len();
        let mut rest = parts;
        let mut all = true;
        while let Some((part, after)) = rest.split_first() {
            rest = after;
            if let Some((name, none)) = emptiness(part) {
                // Neither the empty text, nor the empty list, nor the empty object.
                let mut others: Vec<&str> = EMPTY.into_iter().filter(|other| *other != none).collect();
                while !others.is_empty() {
                    let next = rest.split_first().and_then(|(next, after)| Some((emptiness(next)?, after)));
                    let of_name = next.filter(|((of, none), _)| *of == name && others.contains(none));
                    let Some(((_, none), after)) = of_name else { return Err(unreadable(part)) };
                    others.retain(|left| *left != none);
                    rest = after;
                }
                self.is_known(name, known)?;
                all = self.probe.is_present(&[name.to_owned()]);
            } else if let Some((name, least, most, used)) = bounds(part, rest) {
                rest = rest.get(used..).unwrap_or_default();
                self.is_known(&format!("input.{name}"), known)?;
                let start = least.map_or(f64::NEG_INFINITY, |least| least as f64);
                let end = most.map_or(f64::INFINITY, |most| (most as f64).next_up());
                all = self.probe.number_within(&[name.to_owned()], start, end);
            } else {
                all = self.holds(part, known)?;
                match part {
                    Expr::HasTag(_, name) => known.push(name.clone()),
                    Expr::Has(_, name) => known.push(format!("input.{name}")),
                    _ => {}
                }
            }
            if !all {
                break;
            }
        }
        known.truncate(before);
        Ok(all)
    }

    fn is_known(&self, name: &str, known: &[String]) -> Result<(), String> {
        if known.iter().any(|known| known == name) {
            return Ok(());
        }
        Err(format!("`{name}` is read without asking whether it is there"))
    }

    /// Whether the token has `act`. A claim that is null is not a tag.
    fn acts(&mut self) -> bool {
        let act = ["act".to_owned()];
        self.probe.is_present(&act) && !self.probe.is_null(&act)
    }

    fn is_user(&mut self, set: &Expr) -> Judged {
        let Expr::Set(parts) = set else { return Err(unreadable(set)) };
        let subject = ["sub".to_owned()];
        let mut found = false;
        for part in parts {
            let Expr::Entity(uid) = part else { return Err(unreadable(part)) };
            if uid.kind != USER {
                return Err(unreadable(part));
            }
            found |= self.probe.is(&Source::claim(&subject), &uid.id);
        }
        Ok(found)
    }
}

fn texts(set: &Expr) -> Result<Vec<&str>, String> {
    let Expr::Set(parts) = set else { return Err(unreadable(set)) };
    let each =
        parts.iter().map(|part| if let Expr::Text(text) = part { Ok(text.as_str()) } else { Err(unreadable(part)) });
    each.collect()
}

/// The texts of what is empty: a text, a list and an object.
const EMPTY: [&str; 3] = ["", "[]", "{}"];

/// `principal.getTag("name") != ""`, or another text of what is empty.
fn emptiness(expr: &Expr) -> Option<(&str, &str)> {
    let Expr::Differs(left, right) = expr else { return None };
    let (Expr::Tag(of, name), Expr::Text(none)) = (&**left, &**right) else { return None };
    (**of == Expr::Principal && EMPTY.contains(&none.as_str())).then_some((name, none))
}

/// The bounds of one argument: here and in the next expression, and how many of those that takes.
fn bounds<'e>(expr: &'e Expr, rest: &'e [Expr]) -> Option<(&'e str, Option<i64>, Option<i64>, usize)> {
    let of = |expr: &'e Expr| -> Option<(&'e str, Option<i64>, Option<i64>)> {
        let (Expr::AtLeast(left, right) | Expr::AtMost(left, right)) = expr else { return None };
        let (Expr::Attribute(of, name), Expr::Long(number)) = (&**left, &**right) else { return None };
        let here = **of == Expr::Context.attribute("input");
        let least = matches!(expr, Expr::AtLeast(..));
        here.then_some((name.as_str(), Some(*number).filter(|_| least), Some(*number).filter(|_| !least)))
    };
    let (name, least, most) = of(expr)?;
    match rest.first().and_then(of) {
        Some((other, None, next)) if other == name && least.is_some() => Some((name, least, next, 1)),
        Some((other, ..)) if other == name => None,
        Some(_) | None => Some((name, least, most, 0)),
    }
}
