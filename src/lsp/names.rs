//! The names of a workspace: where each is declared, and where it is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::mentions::{Mention, mentions};
use super::places::{Kind, Role};
use crate::analysis::Analysis;
use crate::source::{FileId, SourceFile};
use crate::workspace::is_cedar;

/// The names of files, by the name and the text of each: a file is read once for each of its texts.
#[derive(Debug, Default)]
pub struct Read(BTreeMap<String, (String, Arc<Vec<Mention>>)>);

impl Read {
    /// The names of every file of an analysis.
    pub fn of(&mut self, analysis: &Analysis) -> Names {
        let known = |file: &SourceFile| self.0.get(file.name()).filter(|(text, _)| text == file.text());
        let files: Vec<(FileId, &SourceFile)> =
            analysis.sources.iter().filter(|(_, file)| !is_cedar(file.name())).collect();
        let read: Vec<Arc<Vec<Mention>>> = files
            .par_iter()
            .map(|(_, file)| known(file).map_or_else(|| Arc::new(mentions(file)), |(_, known)| Arc::clone(known)))
            .collect();
        let mut next = BTreeMap::new();
        for ((_, file), mentions) in files.iter().zip(&read) {
            let text = match self.0.remove(file.name()) {
                Some((text, _)) if text == file.text() => text,
                Some(_) | None => file.text().to_owned(),
            };
            next.insert(file.name().to_owned(), (text, Arc::clone(mentions)));
        }
        self.0 = next;
        Names(files.iter().map(|(id, _)| *id).zip(read).collect())
    }
}

/// Every name of a workspace, in the order of the files.
#[derive(Debug, Default)]
pub struct Names(Vec<(FileId, Arc<Vec<Mention>>)>);

impl Names {
    /// Every name where it is written.
    pub fn all(&self) -> impl Iterator<Item = (FileId, &Mention)> {
        self.0.iter().flat_map(|(file, mentions)| mentions.iter().map(|mention| (*file, mention)))
    }

    /// The names of one file.
    #[must_use]
    pub fn of(&self, file: FileId) -> &[Mention] {
        self.0.iter().find(|(id, _)| *id == file).map_or(&[], |(_, mentions)| mentions)
    }

    /// The names at a byte: one, or several for what is two things at once, such as a processor and its step.
    #[must_use]
    pub fn at(&self, file: FileId, offset: usize) -> Vec<&Mention> {
        let here: Vec<&Mention> = self.of(file).iter().filter(|mention| mention.is_at(offset)).collect();
        // Between `server` and `/tool`, the cursor is at the first.
        let first = here.first().map(|first| first.range.clone());
        here.into_iter().filter(|mention| Some(&mention.range) == first.as_ref()).collect()
    }

    /// Where these names are written.
    #[must_use]
    pub fn same(&self, names: &[&Mention]) -> Vec<(FileId, &Mention)> {
        let mut found: Vec<(FileId, &Mention)> =
            self.all().filter(|(_, mention)| names.iter().any(|name| name.is_same(mention))).collect();
        found.dedup_by(|a, b| a.0 == b.0 && a.1.range == b.1.range);
        found
    }

    /// Where these names are declared. A server that no registry lists is declared where it is first mentioned.
    #[must_use]
    pub fn definitions(&self, names: &[&Mention]) -> Vec<(FileId, &Mention)> {
        let same = self.same(names);
        let first = same.first().copied().filter(|(_, mention)| mention.kind == Kind::Server);
        let found: Vec<_> = same.into_iter().filter(|(_, mention)| mention.role == Role::Definition).collect();
        if found.is_empty() { first.into_iter().collect() } else { found }
    }

    /// Every declared name of a kind, with what it is within.
    pub fn declared(&self, kind: Kind) -> impl Iterator<Item = &Mention> {
        self.all()
            .map(|(_, mention)| mention)
            .filter(move |mention| mention.kind == kind && mention.role == Role::Definition)
    }
}
