//! A request in its parts, each with what it answered so far.

use std::cell::{Cell, RefCell};

use super::classes::Class;
use super::{Call, FactTests, Peer, Token};
use crate::model::access::Issuer;

/// A part of a request, with what it answered to the questions of one tree.
#[derive(Debug)]
pub struct Asked<T> {
    /// The part.
    pub of: T,
    tree: u64,
    answers: RefCell<Vec<Option<u64>>>,
    class: Cell<Option<Class>>,
}

impl<T> Asked<T> {
    pub(super) fn new(tree: u64, of: T) -> Self {
        Self { of, tree, answers: RefCell::default(), class: Cell::default() }
    }

    /// Its class as it was last found to be.
    pub(super) fn class(&self) -> &Cell<Option<Class>> {
        &self.class
    }

    pub(super) fn kept(&self, tree: u64, question: usize) -> Option<u64> {
        if self.tree == tree { self.answers.borrow().get(question).copied().flatten() } else { None }
    }

    pub(super) fn keep(&self, tree: u64, question: usize, answer: u64) {
        if self.tree != tree {
            return;
        }
        let mut answers = self.answers.borrow_mut();
        if answers.len() <= question {
            answers.resize(question + 1, None);
        }
        if let Some(place) = answers.get_mut(question) {
            *place = Some(answer);
        }
    }
}

/// What is sent, and how facts show in it.
#[derive(Debug)]
pub struct Message<'r> {
    /// What is called.
    pub call: Call,
    /// How each fact shows.
    pub tests: &'r FactTests,
}

/// Who issued a token, and the facts that follow from that.
#[derive(Debug, Clone, Copy)]
pub struct Issued<'r> {
    /// The issuer; `None` where the model has none.
    pub by: Option<&'r Issuer>,
    /// Facts that hold of every token of it.
    pub always: u64,
    /// Facts that hold of none.
    pub never: u64,
}

/// Who is at the other end of the connection.
#[derive(Debug)]
pub struct Shown<'r> {
    /// The certificate.
    pub peer: Peer,
    /// The subject of the caller, as the certificate of the caller would name it.
    pub subject: Option<&'r str>,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// What is sent.
    pub message: &'r Asked<Message<'r>>,
    /// The token.
    pub token: &'r Asked<Token>,
    /// Who issued it.
    pub issuer: &'r Asked<Issued<'r>>,
    /// The peer.
    pub shown: &'r Asked<Shown<'r>>,
}

impl Request<'_> {
    /// Whether all its parts were made for this tree.
    pub(super) fn is_for(&self, tree: u64) -> bool {
        [self.message.tree, self.token.tree, self.issuer.tree, self.shown.tree] == [tree; 4]
    }
}
