//! Changes of a text.

use std::ops::Range;

/// A replacement of a byte range by text.
pub type Change = (Range<usize>, String);

/// Changes in order; `None` where two of them overlap. Two that are equal are one.
#[must_use]
pub fn joined(mut changes: Vec<Change>) -> Option<Vec<Change>> {
    changes.sort_by_key(|(range, _)| (range.start, range.end));
    changes.dedup();
    let overlap = |(one, next): (&Change, &Change)| next.0.start < one.0.end;
    let mut pairs = changes.iter().zip(changes.iter().skip(1));
    (!pairs.any(overlap)).then_some(changes)
}

/// A text with changes made that do not overlap, in order.
#[must_use]
pub fn applied(text: &str, changes: &[Change]) -> String {
    let (mut result, mut at) = (String::with_capacity(text.len()), 0);
    for (range, new) in changes {
        result.push_str(text.get(at..range.start).unwrap_or_default());
        result.push_str(new);
        at = range.end;
    }
    result + text.get(at..).unwrap_or_default()
}
