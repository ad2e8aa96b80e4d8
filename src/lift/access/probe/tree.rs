//! What a product asked, and what it decided: so that no request is put to it that it cannot tell from one before.
//!
//! A product sees a request only through the questions that it asks of a [`Probe`](super::Probe), and it is deterministic. So
//! what it asks next, and what it decides in the end, follows from the answers that it got so far. All that it was ever asked
//! about one server is therefore one tree: at each node a question, for each answer a branch, at the leaves decisions. A
//! request that finds its way to a leaf by its own answers would be decided so by the product, too: the product would ask
//! just these questions and get just these answers. A request that leaves the tree is put to the product, and the tree grows
//! by what it asks. Nothing is assumed about which questions there are, or which matter.
//!
//! That a product is deterministic is seen wherever it goes a known way once more: one that asks something else there, or
//! decides otherwise, is refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;

use super::classes::{Classes, Known};
use super::part::Part;
use super::question::Question;
use super::request::Issued;
use super::request::{Asked, Message, Request, Shown};
use super::shows::Slot;
use super::source::{Numbered, Source};
use super::{Call, Choice, Outcome, Picked, Token};
use crate::lift::LiftError;

/// The tree of one product and server.
#[derive(Debug)]
pub struct Tree {
    /// Tells answers of its questions from those of other trees.
    number: u64,
    nodes: Vec<Node>,
    questions: Vec<(Part, Question<'static>)>,
    numbers: HashMap<Question<'static>, usize, FixedState>,
    classes: Classes,
    /// What became of requests, by what the product can know of them.
    outcomes: HashMap<Known, Outcome, FixedState>,
    pub(super) texts: Numbered,
}

#[derive(Debug)]
enum Node {
    /// Nothing is known yet.
    Open,
    /// A question by its number, and where each answer leads.
    Ask(usize, Vec<(u64, usize)>),
    /// A choice between so many answers about these facts, and where each leads.
    Choose(Slot, usize, Vec<(u64, usize)>),
    /// The decision.
    Leaf(bool),
}

/// A way through a tree.
#[derive(Debug, Default)]
pub(super) struct Way {
    at: usize,
    /// The answers on it, by the number of the question.
    answers: Vec<Option<u64>>,
}

impl Way {
    fn answer(&self, number: usize) -> Option<u64> {
        self.answers.get(number).copied().flatten()
    }

    fn keep(&mut self, number: usize, answer: u64) {
        if self.answers.len() <= number {
            self.answers.resize(number + 1, None);
        }
        if let Some(place) = self.answers.get_mut(number) {
            *place = Some(answer);
        }
    }
}

/// The product did otherwise than before.
#[derive(Debug)]
pub(super) struct Otherwise;

impl Default for Tree {
    fn default() -> Self {
        static TREES: AtomicU64 = AtomicU64::new(0);
        Self {
            number: TREES.fetch_add(1, Ordering::Relaxed),
            nodes: vec![Node::Open],
            questions: Vec::new(),
            numbers: HashMap::default(),
            classes: Classes::default(),
            outcomes: HashMap::default(),
            texts: Numbered::default(),
        }
    }
}

impl Tree {
    /// A part of requests that will be put to this tree's product.
    pub fn part<T>(&self, of: T) -> Asked<T> {
        Asked::new(self.number, of)
    }

    /// What the product would decide, where that is known. The choices are those of the script, and after it the first ones.
    pub(super) fn decided(
        &mut self,
        request: &Request<'_>,
        script: &[Choice],
        choices: &mut Vec<Picked>,
    ) -> Option<bool> {
        #[cfg(test)]
        if FORGETS.load(Ordering::Relaxed) {
            return None;
        }
        let mut at = 0;
        loop {
            let (answer, next) = match self.nodes.get(at)? {
                Node::Open => return None,
                Node::Leaf(decision) => return Some(*decision),
                Node::Ask(number, next) => {
                    let (part, question) = self.questions.get(*number)?;
                    (question.answer(*part, request, self.number, *number, &mut self.texts), next)
                }
                Node::Choose(slot, of, next) => {
                    let choice = script.get(choices.len()).copied().unwrap_or(Choice { picked: 0, of: *of });
                    choices.push((*slot, choice));
                    (choice.picked as u64, next)
                }
            };
            at = next.iter().find(|(known, _)| *known == answer)?.1;
        }
    }

    /// What became of a request that the product cannot tell from this one, where there was one.
    pub(super) fn became(&mut self, request: &Request<'_>) -> Option<&Outcome> {
        #[cfg(test)]
        if FORGETS.load(Ordering::Relaxed) {
            return None;
        }
        let known = self.known(request)?;
        self.outcomes.get(&known)
    }

    /// Keeps what became of a request: of every way that it can answer.
    ///
    /// # Errors
    /// Where something else became of one just like it.
    pub(super) fn remember(&mut self, request: &Request<'_>, outcome: Outcome) -> Result<(), LiftError> {
        let Some(known) = self.known(request) else { return Ok(()) };
        match self.outcomes.insert(known, outcome.clone()) {
            Some(before) if before != outcome => Err(LiftError::Unexpected(
                "something else became of a request before that is just like another".to_owned(),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether this message in place of its own makes the request another one to the product, by what it asked so far.
    pub fn tells_apart(&mut self, request: &Request<'_>, message: &Asked<Message<'_>>) -> bool {
        #[cfg(test)]
        if FORGETS.load(Ordering::Relaxed) {
            return true;
        }
        let looks_at_messages =
            |number: &usize| self.questions.get(*number).is_some_and(|(_, question)| question.looks_at_messages());
        if !request.is_for(self.number) || self.classes.several().iter().any(looks_at_messages) {
            return true;
        }
        self.class_of_message(request) != self.class_of_message(&Request { message, ..*request })
    }

    fn class_of_message(&mut self, request: &Request<'_>) -> u32 {
        let Self { number: tree, questions, classes, texts, .. } = self;
        let kept = request.message.class();
        let class = classes.of(Part::MESSAGE, kept.get(), &[], |number| {
            questions.get(number).map_or(0, |(part, question)| question.answer(*part, request, *tree, number, texts))
        });
        kept.set(Some(class));
        class.number
    }

    /// All that the product can know of a request by what it asked so far; `None` where that is too much to keep.
    fn known(&mut self, request: &Request<'_>) -> Option<Known> {
        if !request.is_for(self.number) || self.classes.several().len() > 64 {
            return None;
        }
        let Self { number: tree, questions, classes, texts, .. } = self;
        let mut answer = |number: usize| {
            questions.get(number).map_or(0, |(part, question)| question.answer(*part, request, *tree, number, texts))
        };
        let mut parts = [0; Part::ALONE];
        let Request { message, token, issuer, shown } = request;
        let facts = [token.of.always, token.of.never];
        let issued = [issuer.of.always, issuer.of.never];
        let all: [(_, &[u64]); Part::ALONE] =
            [(message.class(), &[]), (token.class(), &facts), (issuer.class(), &issued), (shown.class(), &[])];
        for (at, ((kept, always), number)) in all.into_iter().zip(&mut parts).enumerate() {
            let class = classes.of(at, kept.get(), always, &mut answer);
            kept.set(Some(class));
            *number = class.number;
        }
        let several = classes.several().iter().map(|number| answer(*number));
        let bits = several.fold(0, |bits, answer| bits << 1 | answer);
        Some(Known { parts, several: (classes.several().len(), bits) })
    }

    /// How many questions the product has asked so far.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// What the product has compared texts of requests with so far: the texts, and some text of each start and pattern.
    pub fn compared(&self) -> impl Iterator<Item = (&Source<'_>, String)> {
        let each = self.questions.iter().filter_map(|(_, question)| question.compared());
        each.flat_map(|(source, texts)| texts.into_iter().map(move |text| (source, text)))
    }

    /// What tokens and certificates answer to the first questions, with all that follows from the tokens themselves. Where two
    /// callers answer alike to all that the product had asked when it had got every request of one of them, then it can tell
    /// no request of the other from the same request of the first.
    pub fn likeness(&mut self, first: usize, tokens: &[Asked<Token>], shown: &[&Asked<Shown<'_>>]) -> Vec<u64> {
        let tests = Vec::new();
        // No question that is asked here is about the message or the issuer.
        let message = Asked::new(self.number, Message { call: Call::post(""), tests: &tests });
        let issuer = Asked::new(self.number, Issued { by: None, always: 0, never: 0 });
        let mut answers = vec![tokens.len() as u64, shown.len() as u64];
        answers.extend(tokens.iter().flat_map(|token| [token.of.always, token.of.never]));
        for (number, (part, question)) in self.questions.iter().enumerate().take(first) {
            let (of_token, of_shown) = part.varies();
            let tokens = if of_token { tokens } else { tokens.get(..1).unwrap_or_default() };
            let shown = if of_shown { shown } else { shown.get(..1).unwrap_or_default() };
            if !of_token && !of_shown {
                continue;
            }
            for (token, shown) in tokens.iter().flat_map(|token| shown.iter().map(move |shown| (token, *shown))) {
                let request = Request { message: &message, token, issuer: &issuer, shown };
                answers.push(question.answer(*part, &request, self.number, number, &mut self.texts));
            }
        }
        answers
    }

    /// What the request answers to a question that the product asks on its way.
    pub(super) fn ask(
        &mut self,
        way: &mut Way,
        request: &Request<'_>,
        question: Question<'_>,
    ) -> Result<u64, Otherwise> {
        let known = self.number_of(&question);
        let number = match (self.nodes.get(way.at), known) {
            (Some(Node::Ask(number, _)), Some(known)) if *number == known => known,
            (node, known) => {
                // Asked before on this way: the answer is the same.
                if let Some(answer) = known.and_then(|number| way.answer(number)) {
                    return Ok(answer);
                }
                if !matches!(node, Some(Node::Open)) {
                    return Err(Otherwise);
                }
                let number = known.unwrap_or_else(|| self.numbered(question));
                self.put(way.at, Node::Ask(number, Vec::new()));
                number
            }
        };
        let (part, question) = self.questions.get(number).ok_or(Otherwise)?;
        let answer = question.answer(*part, request, self.number, number, &mut self.texts);
        way.keep(number, answer);
        way.at = self.after(way.at, answer);
        Ok(answer)
    }

    /// That an answer about these facts was picked among so many.
    pub(super) fn choose(&mut self, way: &mut Way, slot: Slot, choice: Choice) -> Result<(), Otherwise> {
        match self.nodes.get(way.at) {
            Some(Node::Open) => self.put(way.at, Node::Choose(slot, choice.of, Vec::new())),
            Some(Node::Choose(known, of, _)) if (*known, *of) == (slot, choice.of) => {}
            Some(Node::Choose(..) | Node::Ask(..) | Node::Leaf(_)) | None => return Err(Otherwise),
        }
        way.at = self.after(way.at, choice.picked as u64);
        Ok(())
    }

    /// That this is what was decided at the end of the way.
    pub(super) fn decide(&mut self, way: &Way, decision: bool) -> Result<(), Otherwise> {
        match self.nodes.get(way.at) {
            Some(Node::Open) => self.put(way.at, Node::Leaf(decision)),
            Some(Node::Leaf(known)) if *known == decision => {}
            Some(Node::Leaf(_) | Node::Ask(..) | Node::Choose(..)) | None => return Err(Otherwise),
        }
        Ok(())
    }

    fn put(&mut self, at: usize, node: Node) {
        if let Some(place) = self.nodes.get_mut(at) {
            *place = node;
        }
    }

    /// The node to which an answer leads: a new one, where nobody gave it yet.
    fn after(&mut self, at: usize, answer: u64) -> usize {
        let new = self.nodes.len();
        let Some(Node::Ask(_, next) | Node::Choose(_, _, next)) = self.nodes.get_mut(at) else { return at };
        if let Some((_, known)) = next.iter().find(|(known, _)| *known == answer) {
            return *known;
        }
        next.push((answer, new));
        self.nodes.push(Node::Open);
        new
    }

    /// The number of a question that was asked before.
    fn number_of<'q>(&self, question: &Question<'q>) -> Option<usize> {
        let numbers: &HashMap<Question<'q>, usize, FixedState> = &self.numbers;
        numbers.get(question).copied()
    }

    /// Gives a number to a question that was not asked before.
    fn numbered(&mut self, question: Question<'_>) -> usize {
        let (number, part, question) = (self.questions.len(), question.part(), question.owned());
        self.classes.asked(number, part);
        self.questions.push((part, question.clone()));
        self.numbers.insert(question, number);
        number
    }
}

/// Has every request put to the product, as if no tree were known: what it says must agree with the tree all the same.
#[cfg(test)]
pub(crate) static FORGETS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Held for writing by whoever sets [`FORGETS`], and for reading by whoever counts how often a product is asked.
#[cfg(test)]
pub(crate) static COUNTED: std::sync::RwLock<()> = std::sync::RwLock::new(());
