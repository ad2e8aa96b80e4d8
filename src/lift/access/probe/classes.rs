//! Parts of requests that a product cannot tell apart, by what it asked so far.
//!
//! Two messages that answer alike to every question about messages are of one class, and so for tokens, issuers and peers.
//! Requests whose parts are of the same classes, and that answer alike to the questions about several parts at once, go the
//! same way through the [`Tree`](super::Tree) whatever is chosen, so one of them is enough.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::part::Part;

/// The classes of all parts. A class is a place in a tree of answers: where one more answer leads from another class.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// The questions about each part alone, in the order in which they were first asked.
    alone: [Vec<usize>; Part::ALONE],
    /// Those about several parts.
    several: Vec<usize>,
    next: HashMap<(u32, u64), u32, FixedState>,
}

/// The class of one part, after the answers to so many questions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Class {
    /// How many answers led here.
    pub(super) answers: usize,
    /// Its number.
    pub(super) number: u32,
}

/// What a product can know of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Known {
    /// The class of each part.
    pub(super) parts: [u32; Part::ALONE],
    /// How many questions about several parts there were, and the answers, a bit each.
    pub(super) several: (usize, u64),
}

impl Classes {
    /// Takes note of a question that was not asked before.
    pub(super) fn asked(&mut self, number: usize, part: Part) {
        match part.alone() {
            Some(at) => self.alone.get_mut(at).into_iter().for_each(|all| all.push(number)),
            None => self.several.push(number),
        }
    }

    /// The questions about several parts.
    pub(super) fn several(&self) -> &[usize] {
        &self.several
    }

    /// The class of the part at this place. `before` is what it was found to be of, where that was asked before; `always` are
    /// answers to what needs no question; `answer` gives the answer to a question by its number.
    pub(super) fn of(
        &mut self,
        at: usize,
        before: Option<Class>,
        always: &[u64],
        mut answer: impl FnMut(usize) -> u64,
    ) -> Class {
        let mut class = before.unwrap_or_else(|| {
            let start = always.iter().fold(at as u32, |class, answer| self.after(class, *answer));
            Class { answers: 0, number: start }
        });
        while let Some(question) = self.alone.get(at).and_then(|all| all.get(class.answers)).copied() {
            class = Class { answers: class.answers + 1, number: self.after(class.number, answer(question)) };
        }
        class
    }

    fn after(&mut self, class: u32, answer: u64) -> u32 {
        // The first numbers are where the parts start from.
        let new = (self.next.len() + Part::ALONE) as u32;
        *self.next.entry((class, answer)).or_insert(new)
    }
}
