//! What is shown of a file in a large workspace before the analysis of the whole is done: the errors that the file has by itself, and what
//! the last analysis found in it, moved along with the text.

use std::ops::Range;

use lsp_types::Diagnostic;

use super::findings::{Places, UriOf, diagnostic};
use super::position::{Encoding, Lines};
use crate::analysis::{Analysis, own_errors};
use crate::diagnostic;
use crate::source::{FileId, Loc, SourceFile};

/// The fewest files of a workspace in which a file is shown before the whole.
pub const MANY_FILES: usize = 200;

/// How a text became another one: bytes before `start` are equal, and so are those after `end`, which is `then` now.
struct Change {
    start: usize,
    end: usize,
    then: usize,
}

impl Change {
    fn between(before: &str, after: &str) -> Self {
        let same = |a: &mut dyn Iterator<Item = (u8, u8)>| a.take_while(|(one, other)| one == other).count();
        let start = same(&mut before.bytes().zip(after.bytes()));
        let most = before.len().min(after.len()) - start;
        let tail = same(&mut before.bytes().rev().zip(after.bytes().rev())).min(most);
        Self { start, end: before.len() - tail, then: after.len() - tail }
    }

    /// Where a range is now; `None` where what it was about has changed.
    fn moved(&self, range: Range<usize>) -> Option<Range<usize>> {
        if range.end <= self.start {
            return Some(range);
        }
        let along = |at: usize| at - self.end + self.then;
        (range.start >= self.end).then(|| along(range.start)..along(range.end))
    }
}

/// The findings of an open file with a new text. `None` where it is not read as other files are, such as a file of an environment.
pub fn of_file(
    (analysis, id): (&Analysis, FileId),
    text: &str,
    (encoding, uri): (Encoding, UriOf<'_>),
    docs_url: Option<&str>,
) -> Option<Vec<Diagnostic>> {
    let before = analysis.sources.file(id);
    let is_one = |a: &diagnostic::Diagnostic, b: &diagnostic::Diagnostic| a.rule == b.rule && a.loc == b.loc;
    let own = own_errors(id, before);
    let mut known: Vec<_> = analysis.report().diagnostics.iter().filter(|finding| finding.loc.file == id).collect();
    if !own.iter().all(|error| known.iter().any(|finding| is_one(finding, error))) {
        return None;
    }
    known.retain(|finding| !own.iter().any(|error| is_one(finding, error)));
    let change = Change::between(before.text(), text);
    let moved = |loc: Loc| {
        if loc.file != id {
            return Some(loc);
        }
        let range = change.moved(loc.start as usize..loc.end as usize)?;
        Some(Loc { start: range.start as u32, end: range.end as u32, ..loc })
    };
    let kept = known.into_iter().filter_map(|finding| {
        let mut finding = finding.clone();
        finding.loc = moved(finding.loc)?;
        finding.labels.retain_mut(|label| moved(label.loc).map(|loc| label.loc = loc).is_some());
        Some(finding)
    });
    let now = SourceFile::new(before.name(), text);
    let mut found: Vec<_> = own_errors(id, &now).into_iter().chain(kept).collect();
    found.sort_by_key(|finding| finding.loc);
    let mut places = Places::new(analysis, encoding, uri).with(id, Lines::new(now.text(), encoding));
    Some(found.iter().map(|finding| diagnostic(finding, &mut places, docs_url)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_after_a_change_moves_and_what_is_in_it_goes() {
        let change = Change::between("one two three", "one 22222 three");
        assert_eq!((change.start, change.end, change.then), (4, 7, 9));
        assert_eq!(change.moved(0..3), Some(0..3));
        assert_eq!(change.moved(8..13), Some(10..15));
        assert_eq!(change.moved(4..7), None);
        assert_eq!(change.moved(0..13), None);
        let same = Change::between("aaa", "aaa");
        assert_eq!(same.moved(0..3), Some(0..3));
        let more = Change::between("aaa", "aaaa");
        assert_eq!((more.start, more.end, more.then), (3, 3, 4));
        let fewer = Change::between("aaaa", "aa");
        assert_eq!(fewer.moved(2..4), None);
    }
}
