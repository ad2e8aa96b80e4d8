//! The resources of a subscription, each at a place of its own. Rules must treat all places alike: what they ask of the resource at one,
//! they ask of some resource, or of each.

use super::{Predicate, Read};
use crate::lift::access::envoy::unexpected;
use crate::lift::access::probe::Source;

/// Where the program that looks at keys writes them, in their order.
pub(super) const PLACES: [&str; 4] = ["uri1", "uri2", "uri3", "uri4"];

impl Predicate {
    /// The one place that it asks about; none where it asks about no resource, about some one, or about each.
    ///
    /// # Errors
    /// Where it asks about several places in any other way: not every place would be held to the same.
    pub(super) fn place(&self) -> Read<Option<usize>> {
        match self {
            Self::Addressed(Source::SubscribedUri(place), _) => Ok(Some(*place)),
            Self::Not(inner) => inner.place(),
            Self::All(parts) | Self::Any(parts) => {
                let places = parts.iter().map(Self::place).collect::<Read<Vec<_>>>()?;
                let mut asked = places.iter().flatten();
                match asked.next() {
                    None => Ok(None),
                    Some(first) if asked.all(|other| other == first) => Ok(Some(*first)),
                    Some(_) if is_each(parts, &places) => Ok(None),
                    Some(_) => {
                        Err(unexpected("rules that treat the resources of a subscription differently".to_owned()))
                    }
                }
            }
            Self::Addressed(..)
            | Self::Method(_)
            | Self::Kind(_)
            | Self::Subscribes(_)
            | Self::HeaderIs(..)
            | Self::HasHeader(_)
            | Self::Argument(..)
            | Self::Same(..)
            | Self::ArgumentIsClaim(..)
            | Self::Claim(..)
            | Self::ClaimsDiffer(..)
            | Self::ClaimIsPeer(_)
            | Self::HttpMethod(_)
            | Self::HasCertificate => Ok(None),
        }
    }

    /// The same of the resource at the first place.
    fn of_first(&self) -> Self {
        // What is not taken apart here is only equal to itself.
        if let Self::Addressed(Source::SubscribedUri(_), values) = self {
            Self::Addressed(Source::SubscribedUri(0), values.clone())
        } else if let Self::Not(inner) = self {
            Self::Not(Box::new(inner.of_first()))
        } else if let Self::All(parts) = self {
            Self::All(parts.iter().map(Self::of_first).collect())
        } else if let Self::Any(parts) = self {
            Self::Any(parts.iter().map(Self::of_first).collect())
        } else {
            self.clone()
        }
    }
}

/// Whether these are the same test of every place, in their order.
fn is_each(parts: &[Predicate], places: &[Option<usize>]) -> bool {
    let in_order = places.iter().enumerate().all(|(number, place)| *place == Some(number));
    let mut tests = parts.iter().map(Predicate::of_first);
    let first = tests.next();
    in_order && places.len() == PLACES.len() && tests.all(|test| first.as_ref() == Some(&test))
}

#[cfg(test)]
mod tests {
    use super::super::super::values::Test;
    use super::*;
    use serde_json::json;

    /// That the resource at a place is this one.
    fn is(place: usize, uri: &str) -> Predicate {
        let values = Test::values(&json!({"string_match": {"exact": uri}})).unwrap();
        Predicate::Addressed(Source::SubscribedUri(place), values)
    }

    fn each(test: impl Fn(usize) -> Predicate) -> Vec<Predicate> {
        (0..PLACES.len()).map(test).collect()
    }

    #[test]
    fn every_place_is_held_to_the_same() {
        let unlike = |place| Predicate::All(vec![is(place, "a"), Predicate::Not(Box::new(is(place, "b")))]);
        for whole in [each(|place| is(place, "a")), each(unlike)] {
            assert_eq!(Predicate::Any(whole.clone()).place().unwrap(), None);
            let lacks = Predicate::HasCertificate;
            assert_eq!(Predicate::All(vec![Predicate::Any(whole.clone()), lacks]).place().unwrap(), None);
            for left_out in 0..whole.len() {
                let mut fewer = whole.clone();
                fewer.remove(left_out);
                assert!(Predicate::All(fewer).place().is_err(), "without {left_out}");
                let mut other = whole.clone();
                other[left_out] = is(left_out, "c");
                assert!(Predicate::Any(other).place().is_err(), "another text at {left_out}");
            }
            assert!(Predicate::Any(whole.iter().rev().cloned().collect()).place().is_err());
            assert!(Predicate::Any([whole.clone(), whole].concat()).place().is_err());
        }
        assert_eq!(is(1, "a").place().unwrap(), Some(1));
        assert_eq!(unlike(2).place().unwrap(), Some(2));
        // The resource at one place is of one pattern and the one at another of another: that says nothing of either.
        assert!(Predicate::All(vec![is(0, "a"), is(1, "a")]).place().is_err());
    }
}
