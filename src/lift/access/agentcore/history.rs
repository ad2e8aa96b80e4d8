//! Policies that permit after an earlier call: the part before `when temporal` is Cedar, and the rest is one form, read letter
//! by letter, so that no text can pass for the end of an event.
//!
//! An event is a call that was let through and answered without an error (`response`), on this gateway (`eventResource`), in the
//! same session, which is of one caller.

use std::collections::{BTreeMap, BTreeSet};

use super::{LiftError, MOST_EVENTS, label};
use crate::cedar::dialect::{Expr, literal, parse_literal};
use crate::model::Model;
use crate::model::access::{AnswerTest, CalledEvidence};
use crate::model::quantity::Duration;

/// The longest time that AgentCore looks back, in milliseconds.
const LOOKS_BACK: u64 = 86_400_000;

/// The part of a policy that is Cedar, and the calls that it looks for.
pub(super) fn read(text: &str, model: &Model) -> Result<(String, Vec<CalledEvidence>), LiftError> {
    let parts = text.split_once("\nwhen temporal {\n  ");
    let found = parts.and_then(|(head, rest)| {
        let mut rest = Rest(rest);
        let mut calls = BTreeSet::new();
        loop {
            // Twice the same is not written.
            if !calls.insert(rest.event(model)?) {
                return None;
            }
            if rest.takes("\n};") {
                break;
            }
            rest.take(" &&\n  ")?;
        }
        let is_whole = rest.0.is_empty() && calls.len() <= MOST_EVENTS;
        is_whole.then(|| (format!("{head};"), calls.into_iter().collect()))
    });
    found.ok_or_else(|| LiftError::Unexpected(format!("a policy after an earlier call cannot be read exactly: {text}")))
}

/// Whether a condition holds only where the argument is there.
pub(super) fn asks_for(condition: &Expr, argument: &str) -> bool {
    let asked = Expr::Context.attribute("input").has(argument);
    if let Expr::All(parts) = condition {
        parts.iter().any(|part| asks_for(part, argument))
    } else if let Expr::Any(parts) = condition {
        !parts.is_empty() && parts.iter().all(|part| asks_for(part, argument))
    } else {
        *condition == asked
    }
}

/// What is left to read.
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    fn takes(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn take(&mut self, text: &str) -> Option<()> {
        self.takes(text).then_some(())
    }

    /// As many letters as this holds for; at least one.
    fn word(&mut self, is: impl Fn(char) -> bool) -> Option<&'t str> {
        let end = self.0.find(|letter| !is(letter)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    /// `"..."`, with its quotes.
    fn quoted(&mut self) -> Option<&'t str> {
        let mut escaped = false;
        let end = self.0.char_indices().skip(1).find(|(_, letter)| {
            let ends = *letter == '"' && !escaped;
            escaped = *letter == '\\' && !escaped;
            ends
        });
        let (text, rest) = self.0.split_at_checked(end?.0 + 1)?;
        self.0 = rest;
        text.starts_with('"').then_some(text)
    }

    fn event(&mut self, model: &Model) -> Option<CalledEvidence> {
        self.take("(formerly within ")?;
        let within = Duration::parse(self.word(|letter| letter != ' ')?).ok()?;
        let whole = within.0 > 0 && within.0.is_multiple_of(1_000) && within.0 <= LOOKS_BACK;
        self.take(" AgentCore::Action::")?;
        let written = format!("AgentCore::Action::{}", self.quoted()?);
        let uid = parse_literal(&written).ok()?;
        let (target, tool) = uid.id.split_once("___")?;
        let server = model.servers.keys().find(|name| label(name.as_str()) == target)?;
        self.take("::response{ eventResource: resource")?;
        let mut answer = BTreeMap::new();
        let mut same = BTreeMap::new();
        while self.takes(", output.") {
            let field = self.word(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter))?.to_owned();
            self.take(": ")?;
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let new = if self.takes("context.input.") {
                same.insert(self.word(is_name)?.to_owned(), field).is_none()
            } else if self.0.starts_with('"') {
                let text = self.quoted()?.trim_matches('"').to_owned();
                let plain = text.chars().all(|letter| (' '..='~').contains(&letter) && letter != '"' && letter != '\\');
                plain && answer.insert(field, AnswerTest::Text(text)).is_none()
            } else {
                let word = self.word(|letter| letter.is_ascii_alphanumeric() || letter == '-')?;
                let test = match word {
                    "true" => AnswerTest::Truth(true),
                    "false" => AnswerTest::Truth(false),
                    number => {
                        let parsed: i64 = number.parse().ok()?;
                        (parsed.to_string() == number).then_some(AnswerTest::Number(parsed))?
                    }
                };
                answer.insert(field, test).is_none()
            };
            if !new {
                return None;
            }
        }
        self.take(" })")?;
        let found = CalledEvidence { server: server.clone(), tool: tool.into(), within, answer, same };
        (whole && literal(&uid).ok()? == written).then_some(found)
    }
}
