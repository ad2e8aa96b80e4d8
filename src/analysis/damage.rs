//! Sections that could not be read whole, and what may still be said in them.
//!
//! One mistake is one finding. Where a part of a section is wrong, the rest is read (see [`crate::schema::readable`]), and
//! checks find what is wrong with the names in it. What they conclude from a key that is not there may only follow from
//! the mistake, so it is left unsaid until the section is right.

use super::file::Damage;
use crate::diagnostic::Diagnostic;
use crate::source::Loc;

/// The rules that find what is written, not what is absent. A rule that is not listed is held back in a section that could not
/// be read whole.
const OF_WHAT_IS_WRITTEN: [&str; 28] = [
    "ambiguous-scalar",
    "centre-only-section",
    "conflicting-classification",
    "conflicting-values",
    "cyclic-workflow",
    "duplicate-dependency",
    "duplicate-level",
    "duplicate-name",
    "duplicate-section",
    "duplicate-subject",
    "foreign-unit",
    "invalid-name",
    "invalid-value",
    "invalid-wildcard",
    "self-dependency",
    "unenforceable-requirement",
    "unit-overrides-forbidden-family",
    "unknown-class",
    "unknown-fact",
    "unknown-level",
    "unknown-principal",
    "unknown-result",
    "unknown-scenario-step",
    "unknown-server",
    "unknown-step",
    "unknown-tool",
    "unknown-topic",
    "unknown-unit",
];

/// The sections of a workspace that could not be read whole, in the order of their places.
pub(super) struct Damaged(Vec<Damage>);

impl Damaged {
    /// Sections in any order.
    pub(super) fn new(mut sections: Vec<Damage>) -> Self {
        sections.sort_by_key(|section| section.whole);
        for section in &mut sections {
            section.rest.wrong = joined(std::mem::take(&mut section.rest.wrong));
        }
        Self(sections)
    }

    /// Whether a finding is more than a consequence of a mistake that is reported already.
    pub(super) fn lets_say(&self, finding: &Diagnostic) -> bool {
        let after = self.0.partition_point(|section| before(section.whole, finding.loc));
        let Some(section) = after.checked_sub(1).and_then(|at| self.0.get(at)) else { return true };
        if !holds(section.whole, finding.loc) {
            return true;
        }
        let wrong = &section.rest.wrong;
        let after = wrong.partition_point(|place| before(*place, finding.loc));
        let at_the_mistake =
            after.checked_sub(1).and_then(|at| wrong.get(at)).is_some_and(|it| holds(*it, finding.loc));
        OF_WHAT_IS_WRITTEN.contains(&finding.rule.name) && !at_the_mistake
    }
}

/// Whether a place begins where another one does, or before.
fn before(place: Loc, other: Loc) -> bool {
    (place.file, place.start) <= (other.file, other.start)
}

fn holds(place: Loc, inner: Loc) -> bool {
    place.file == inner.file && place.start <= inner.start && inner.end <= place.end
}

/// Places in order, those that overlap joined, so that one look at most is needed to find what holds another place.
fn joined(mut places: Vec<Loc>) -> Vec<Loc> {
    places.sort();
    let mut joined: Vec<Loc> = Vec::new();
    for place in places {
        match joined.last_mut().filter(|last| last.file == place.file && place.start < last.end) {
            Some(last) => last.end = last.end.max(place.end),
            None => joined.push(place),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::rules::all_rules;
    use crate::source::FileId;

    #[test]
    fn every_rule_in_the_list_exists() {
        let names: Vec<&str> = all_rules().iter().map(|rule| rule.name).collect();
        for name in OF_WHAT_IS_WRITTEN {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn places_that_overlap_are_joined() {
        let at = |start, end| Loc { file: FileId(0), start, end };
        assert_eq!(joined(vec![at(8, 9), at(0, 5), at(2, 3), at(4, 7)]), [at(0, 7), at(8, 9)]);
    }
}
