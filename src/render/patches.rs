//! The changes that fixes of findings take, in any file of a workspace.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::patch::Patcher;
use crate::diagnostic::{Edit, Fix};
use crate::source::{FileId, Loc, Sources};

/// The changes of fixes. A file is read once, when the first fix asks for it.
#[derive(Debug)]
pub struct Patches<'s> {
    sources: &'s Sources,
    files: RefCell<BTreeMap<FileId, Rc<Patcher<'s>>>>,
}

impl<'s> Patches<'s> {
    /// For the files of a workspace.
    #[must_use]
    pub fn new(sources: &'s Sources) -> Self {
        Self { sources, files: RefCell::default() }
    }

    /// What a fix replaces, and by what text, by file and place; `None` where it cannot be made without touching something else.
    #[must_use]
    pub fn of(&self, fix: &Fix) -> Option<Vec<(Loc, String)>> {
        let mut by_file: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
        for edit in &fix.edits {
            by_file.entry(edit.file()).or_default().push(edit);
        }
        let mut all = Vec::new();
        for (file, edits) in by_file {
            let changes = self.patcher(file).changes(&edits)?;
            let loc = |range: std::ops::Range<usize>| Loc { file, start: range.start as u32, end: range.end as u32 };
            all.extend(changes.into_iter().map(|(range, text)| (loc(range), text)));
        }
        Some(all)
    }

    fn patcher(&self, file: FileId) -> Rc<Patcher<'s>> {
        let known = self.files.borrow().get(&file).cloned();
        known.unwrap_or_else(|| {
            let patcher = Rc::new(Patcher::new(file, self.sources.file(file)));
            self.files.borrow_mut().insert(file, Rc::clone(&patcher));
            patcher
        })
    }
}
