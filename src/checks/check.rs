//! A check, and what it reads.

use std::cell::Cell;

use crate::diagnostic::{self, Report, Rule};
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::policy::Policy;
use crate::policy::whole::Whole;

/// A check: its rule, and the function that finds its occurrences.
pub struct Check {
    /// Name, level and documentation.
    pub rule: Rule,
    /// Reports every occurrence.
    pub run: fn(&Input<'_>, &mut Report),
}

/// What a check reads.
pub struct Input<'a> {
    /// The meaning of the workspace.
    pub model: &'a Model,
    /// The access relation derived from it.
    pub policy: &'a Policy,
    /// The relation together with hand-written policies.
    pub whole: Whole<'a>,
    /// The centre's classes by server.
    pub classes: &'a Classification<'a>,
    /// How many more names may be compared for suggestions.
    comparisons: Cell<usize>,
}

impl<'a> Input<'a> {
    /// What one check reads.
    #[must_use]
    pub fn new(model: &'a Model, whole: Whole<'a>, classes: &'a Classification<'a>) -> Self {
        // Enough for every name of a real workspace; ten thousand wrong names among ten thousand others get suggestions
        // for the first ones only, instead of a run that takes quadratic time.
        const COMPARISONS: usize = 250_000;
        Self { model, policy: whole.policy, whole, classes, comparisons: Cell::new(COMPARISONS) }
    }

    /// The name that was likely meant, as [`diagnostic::nearest`], within this check's budget of comparisons.
    pub fn nearest<'b>(&self, written: &str, candidates: impl IntoIterator<Item = &'b str>) -> Option<&'b str> {
        let left = self.comparisons.get();
        let compared = candidates.into_iter().take(left).inspect(|_| {
            self.comparisons.set(self.comparisons.get().saturating_sub(1));
        });
        diagnostic::nearest(written, compared)
    }
}
