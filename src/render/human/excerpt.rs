//! The few source lines that one finding shows, made harmless.
//!
//! A policy file may hold anything: escape sequences that would clear the terminal, marks that reorder a line, one line
//! of 20 MB. So the drawing library never sees a file, only the lines with a label on them, cut to a window, with every
//! unprintable character written out (`\u{1b}`), every secret of a URL masked, and the places moved to where their
//! characters now are.

use std::collections::BTreeMap;
use std::ops::Range;

use codespan_reporting::files::{Error, Files};

use crate::diagnostic::{is_unprintable, one_line};
use crate::source::{FileId, Loc, Sources, credential};

/// Longest line shown whole, in characters.
const WIDTH: usize = 200;
/// Characters kept in front of the label where a line is cut.
const BEFORE: usize = 60;

/// Lines of some files, by file and line index.
#[derive(Debug)]
pub(super) struct Excerpt<'a> {
    sources: &'a Sources,
    /// All lines, each followed by a line break.
    text: String,
    lines: BTreeMap<(FileId, usize), Range<usize>>,
    /// A place that is not shown at all: what it holds is a secret in a form of its own.
    hidden: Range<usize>,
    hidden_in: Option<FileId>,
    /// The true column of each place, by its offset in `text`.
    columns: Vec<(usize, usize)>,
}

impl<'a> Excerpt<'a> {
    /// The lines of these places, and where in them each place now is. A place of several lines is shown by its first.
    /// What is `hidden` is masked.
    pub(super) fn of(sources: &'a Sources, locs: &[Loc], hidden: Option<Loc>) -> (Self, Vec<Range<usize>>) {
        let mut excerpt = Self {
            sources,
            text: String::new(),
            lines: BTreeMap::new(),
            hidden: hidden.map_or(0..0, |loc| loc.start as usize..loc.end as usize),
            hidden_in: hidden.map(|loc| loc.file),
            columns: Vec::new(),
        };
        let mut marks: BTreeMap<(FileId, usize), Vec<(usize, Loc)>> = BTreeMap::new();
        for (index, loc) in locs.iter().enumerate() {
            marks.entry((loc.file, sources.file(loc.file).line_index(loc.start))).or_default().push((index, *loc));
        }
        // Where two labelled lines have one line between them, the drawing shows that one too.
        let between: Vec<_> = marks
            .keys()
            .zip(marks.keys().skip(1))
            .filter(|((file, line), (next_file, next))| file == next_file && line + 2 == *next)
            .map(|((file, line), _)| (*file, line + 1))
            .collect();
        for key in between {
            marks.entry(key).or_default();
        }
        let mut ranges = vec![0..0; locs.len()];
        for ((file, line), places) in marks {
            for (index, range) in excerpt.add_line(file, line, &places) {
                if let (Some(slot), Some(loc)) = (ranges.get_mut(index), locs.get(index)) {
                    excerpt.columns.push((range.start, sources.position(*loc).column as usize));
                    *slot = range;
                }
            }
        }
        (excerpt, ranges)
    }

    /// Copies a line, and says where its places (numbered, the most important first) are in the copy.
    fn add_line(&mut self, file: FileId, line: usize, places: &[(usize, Loc)]) -> Vec<(usize, Range<usize>)> {
        let (start, content) = line_text(self.sources, file, line);
        let within: Vec<(usize, Range<usize>)> = places
            .iter()
            .map(|(index, loc)| {
                let clip = |offset: u32| (offset as usize).saturating_sub(start).min(content.len());
                (*index, clip(loc.start)..clip(loc.end.max(loc.start)))
            })
            .collect();
        let window = window(content, within.first().map_or(0, |(_, range)| range.start));
        let first = self.text.len();
        if window.start > 0 {
            self.text.push('…');
        }
        let secrets = secrets(content, &window);
        // Offsets in the line against offsets in the copy, at every character.
        let mut moved = Vec::new();
        for (offset, c) in content.char_indices().skip_while(|(offset, _)| *offset < window.start) {
            if offset >= window.end {
                break;
            }
            moved.push((offset, self.text.len()));
            // A byte order mark in front of a file is not part of its first line.
            let order_mark = c == '\u{feff}' && start + offset == 0;
            if self.hidden.contains(&(start + offset)) && Some(file) == self.hidden_in
                || secrets.iter().any(|secret| secret.contains(&offset))
            {
                self.text.push('*');
            } else if c == '\t' || !is_unprintable(c) {
                self.text.push(c);
            } else if !order_mark {
                self.text.extend(c.escape_default());
            }
        }
        let end = self.text.len();
        if window.end < content.len() {
            self.text.push('…');
        }
        self.lines.insert((file, line), first..self.text.len());
        self.text.push('\n');
        let to_copy = |offset: usize| {
            let at = moved.partition_point(|(from, _)| *from < offset);
            moved.get(at).map_or(end, |(_, to)| *to)
        };
        within.into_iter().map(|(index, range)| (index, to_copy(range.start)..to_copy(range.end))).collect()
    }
}

/// The secrets of the URLs in a window of a line, by their offsets in the line.
fn secrets(content: &str, window: &Range<usize>) -> Vec<Range<usize>> {
    // The scheme of a URL may stand before the window; no URL is longer than this.
    const AROUND: usize = 10_000;
    let start =
        (window.start.saturating_sub(AROUND)..=window.start).find(|at| content.is_char_boundary(*at)).unwrap_or(0);
    let end = (window.end..=window.end.saturating_add(AROUND)).rev().find(|at| content.is_char_boundary(*at));
    let around = content.get(start..end.unwrap_or(content.len())).unwrap_or_default();
    credential::secrets(around).into_iter().map(|secret| start + secret.start..start + secret.end).collect()
}

/// The part of a line that is shown: all of it, or [`WIDTH`] characters around the offset.
fn window(content: &str, around: usize) -> Range<usize> {
    if content.len() <= WIDTH || content.chars().nth(WIDTH).is_none() {
        return 0..content.len();
    }
    let (head, tail) = content.split_at_checked(around).unwrap_or((content, ""));
    let start = head.char_indices().rev().nth(BEFORE).map_or(0, |(offset, c)| offset + c.len_utf8());
    let kept = head.get(start..).map_or(0, |kept| kept.chars().count());
    let end = tail.char_indices().nth(WIDTH - kept).map_or(content.len(), |(offset, _)| head.len() + offset);
    start..end
}

/// The offset and text of a line, without its line break.
fn line_text(sources: &Sources, file: FileId, line: usize) -> (usize, &str) {
    let file = sources.file(file);
    let starts = file.line_starts();
    let start = starts.get(line).map_or(file.text().len(), |start| *start as usize);
    let end = starts.get(line + 1).map_or(file.text().len(), |next| *next as usize);
    let line = file.text().get(start..end).unwrap_or("");
    let line = line.strip_suffix('\n').unwrap_or(line);
    (start, line.strip_suffix('\r').unwrap_or(line))
}

impl<'f> Files<'f> for Excerpt<'_> {
    type FileId = FileId;
    type Name = String;
    type Source = &'f str;

    fn name(&'f self, id: FileId) -> Result<String, Error> {
        Ok(one_line(&self.sources.shown_name(id)))
    }

    fn source(&'f self, _: FileId) -> Result<&'f str, Error> {
        Ok(&self.text)
    }

    fn line_index(&'f self, id: FileId, byte_index: usize) -> Result<usize, Error> {
        self.lines
            .iter()
            .find(|((file, _), range)| *file == id && (range.start..=range.end).contains(&byte_index))
            .map(|((_, line), _)| *line)
            .ok_or(Error::IndexTooLarge { given: byte_index, max: self.text.len() })
    }

    fn column_number(&'f self, _: FileId, _: usize, byte_index: usize) -> Result<usize, Error> {
        self.columns
            .iter()
            .find(|(offset, _)| *offset == byte_index)
            .map(|(_, column)| *column)
            .ok_or(Error::ColumnTooLarge { given: byte_index, max: self.text.len() })
    }

    fn line_range(&'f self, id: FileId, line_index: usize) -> Result<Range<usize>, Error> {
        self.lines.get(&(id, line_index)).cloned().ok_or(Error::LineTooLarge { given: line_index, max: 0 })
    }
}
