//! What a product can ask of a request, and what the request answers.
//!
//! An answer comes from one part of the request: the message, the token, its issuer, or what the peer shows. So it can be kept
//! beside that part, by the number that a [`super::Tree`] gives the question.

use std::borrow::Cow;

use super::part::Part;
use super::request::Request;
use super::shows::{Shows, owned_path, owned_text};
use super::source::{Numbered, Path, Source, Texts};
use super::{Http, Peer, Token};
use crate::model::uri::is_normal;
use crate::policy::visibility::{matches, sample};

/// A question about a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Question<'q> {
    /// The HTTP method: 0 POST, 1 GET, 2 DELETE.
    Http,
    /// What the message is: [`super::Shape`], by its number.
    Shape,
    /// How many resources the message subscribes to.
    Subscriptions,
    /// Whether the text is there.
    Has(Source<'q>),
    /// What a claim is: [`ClaimKind`], by its number.
    ClaimKind(Path<'q>),
    /// Whether it is there and is this.
    Is(Source<'q>, Cow<'q, str>),
    /// Of which class it is among these, from 1 on; 0 for none.
    Among(Source<'q>, Texts),
    /// Whether it is there and begins with this.
    Begins(Source<'q>, Cow<'q, str>),
    /// Whether it is there and is of this pattern.
    Fits(Source<'q>, Cow<'q, str>),
    /// Whether it is there and is a URI in normal form.
    Normal(Source<'q>),
    /// What it is, by the number of the text in the tree, from 1 on; 0 where it is not there.
    Whole(Source<'q>),
    /// Whether both are there and the same.
    Same(Source<'q>, Source<'q>),
    /// Whether the certificate names somebody in particular.
    PeerNamed,
    /// The facts that show so, as bits.
    Fact(Shows<'q>),
    /// Those of them that a list does not show, as bits.
    Alone(Shows<'q>),
    /// Which of the values that show the first of these facts it is.
    Value(Shows<'q>),
}

/// What is known of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimKind {
    /// Nothing: facts say what it holds.
    Open,
    /// That it is not there.
    Missing,
    /// That it is there and no text.
    Object,
    /// That it is null.
    Null,
    /// That it is the empty text.
    Empty,
    /// That it is a text, which [`Source::Claim`] tells.
    Text,
}

impl ClaimKind {
    /// By its number.
    pub(super) fn numbered(number: u64) -> Self {
        match number {
            0 => Self::Open,
            1 => Self::Missing,
            2 => Self::Object,
            3 => Self::Null,
            4 => Self::Empty,
            _ => Self::Text,
        }
    }
}

impl Question<'_> {
    pub(super) fn part(&self) -> Part {
        match self {
            Self::Http | Self::Shape | Self::Subscriptions | Self::Fact(_) | Self::Alone(_) | Self::Value(_) => {
                Part::Message
            }
            Self::ClaimKind(_) => Part::Token,
            Self::PeerNamed => Part::Shown,
            Self::Has(source)
            | Self::Is(source, _)
            | Self::Among(source, _)
            | Self::Begins(source, _)
            | Self::Fits(source, _)
            | Self::Normal(source)
            | Self::Whole(source) => source.part(),
            Self::Same(left, right) if left.part() == right.part() => left.part(),
            Self::Same(..) => Part::Several,
        }
    }

    /// What a text of the request is compared with: each text, and for a start or a pattern some text that is of it.
    pub(super) fn compared(&self) -> Option<(&Source<'_>, Vec<String>)> {
        match self {
            Self::Is(source, text) => Some((source, vec![text.to_string()])),
            Self::Among(source, texts) => Some((source, texts.all().map(str::to_owned).collect())),
            Self::Begins(source, start) => Some((source, vec![start.to_string(), format!("{start}\u{1}")])),
            Self::Fits(source, pattern) => Some((source, vec![sample(pattern)])),
            Self::Http
            | Self::Shape
            | Self::Subscriptions
            | Self::Has(_)
            | Self::ClaimKind(_)
            | Self::Normal(_)
            | Self::Whole(_)
            | Self::Same(..)
            | Self::PeerNamed
            | Self::Fact(_)
            | Self::Alone(_)
            | Self::Value(_) => None,
        }
    }

    /// Whether the message has a part in the answer.
    pub(super) fn looks_at_messages(&self) -> bool {
        if let Self::Same(left, right) = self {
            return [left, right].iter().any(|source| source.part() == Part::Message);
        }
        self.part() == Part::Message
    }

    /// What the request answers. `part` is its own, and `number` its number in that tree.
    pub(super) fn answer(
        &self,
        part: Part,
        request: &Request<'_>,
        tree: u64,
        number: usize,
        texts: &mut Numbered,
    ) -> u64 {
        let kept = match part {
            Part::Message => request.message.kept(tree, number),
            Part::Token => request.token.kept(tree, number),
            Part::Issuer => request.issuer.kept(tree, number),
            Part::Shown => request.shown.kept(tree, number),
            Part::Several => None,
        };
        if let Some(kept) = kept {
            return kept;
        }
        let answer = self.asked(request, texts);
        match part {
            Part::Message => request.message.keep(tree, number, answer),
            Part::Token => request.token.keep(tree, number, answer),
            Part::Issuer => request.issuer.keep(tree, number, answer),
            Part::Shown => request.shown.keep(tree, number, answer),
            Part::Several => {}
        }
        answer
    }

    fn asked(&self, request: &Request<'_>, texts: &mut Numbered) -> u64 {
        let told = |source: &Source<'_>, test: &dyn Fn(&str) -> bool| u64::from(source.of(request).is_some_and(test));
        match self {
            Self::Http => match request.message.of.call.http {
                Http::Post => 0,
                Http::Get => 1,
                Http::Delete => 2,
            },
            Self::Shape => request.message.of.call.shape as u64,
            Self::Subscriptions => request.message.of.call.subscribed.len() as u64,
            Self::Has(source) => told(source, &|_| true),
            Self::ClaimKind(path) => kind(&request.token.of, path) as u64,
            Self::Is(source, text) => told(source, &|found| found == text),
            Self::Among(source, list) => {
                source.of(request).and_then(|found| list.class(found)).map_or(0, |at| at as u64 + 1)
            }
            Self::Begins(source, start) => told(source, &|found| found.starts_with(&**start)),
            Self::Fits(source, pattern) => told(source, &|found| matches(pattern, found)),
            Self::Normal(source) => told(source, &is_normal),
            Self::Whole(source) => source.of(request).map_or(0, |found| texts.number(found)),
            Self::Same(left, right) => told(left, &|found| right.of(request) == Some(found)),
            Self::PeerNamed => u64::from(matches!(request.shown.of.peer, Peer::Named(_))),
            Self::Fact(shows) => shows.slot(request.message.of.tests).bits,
            Self::Alone(shows) => shows.slot(request.message.of.tests).alone,
            Self::Value(shows) => u64::from(shows.slot(request.message.of.tests).value),
        }
    }

    /// The same, without borrowing.
    pub(super) fn owned(self) -> Question<'static> {
        match self {
            Self::Http => Question::Http,
            Self::Shape => Question::Shape,
            Self::Subscriptions => Question::Subscriptions,
            Self::Has(source) => Question::Has(source.owned()),
            Self::ClaimKind(path) => Question::ClaimKind(owned_path(path)),
            Self::Is(source, text) => Question::Is(source.owned(), owned_text(text)),
            Self::Among(source, list) => Question::Among(source.owned(), list),
            Self::Begins(source, start) => Question::Begins(source.owned(), owned_text(start)),
            Self::Fits(source, pattern) => Question::Fits(source.owned(), owned_text(pattern)),
            Self::Normal(source) => Question::Normal(source.owned()),
            Self::Whole(source) => Question::Whole(source.owned()),
            Self::Same(left, right) => Question::Same(left.owned(), right.owned()),
            Self::PeerNamed => Question::PeerNamed,
            Self::Fact(shows) => Question::Fact(shows.owned()),
            Self::Alone(shows) => Question::Alone(shows.owned()),
            Self::Value(shows) => Question::Value(shows.owned()),
        }
    }
}

fn kind(token: &Token, path: &[String]) -> ClaimKind {
    match token.texts.get(path) {
        Some(text) if text.is_empty() => ClaimKind::Empty,
        Some(_) => ClaimKind::Text,
        None if token.objects.iter().any(|object| object == path) => ClaimKind::Object,
        None if token.nulls.iter().any(|null| null == path) => ClaimKind::Null,
        None if is_of_caller(token, path) => ClaimKind::Missing,
        None => ClaimKind::Open,
    }
}

/// Claims that tell who the caller is in every token.
pub(in crate::lift) fn tells_the_caller(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(path.as_slice(), ["sub" | "act" | "iss"] | ["act", "sub"])
}

/// Claims that tell who the caller is: all about them is in the token.
fn is_of_caller(token: &Token, path: &[String]) -> bool {
    tells_the_caller(path) || token.closed.iter().any(|known| known == path)
}
