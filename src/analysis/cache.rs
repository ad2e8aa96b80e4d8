//! Files that were read before: in a process that analyses a workspace again and again, most of them have not changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::file::{self, FamilyKeys, Paths};
use crate::source::{FileId, Sources};

/// What files that are read together say, and the keys that they use.
pub(super) type Chunk = (Vec<file::Read>, Paths);

/// What was read of files, by the name of the first one of those that are read together. A chunk counts as long as all its files have
/// the same numbers and texts.
#[derive(Debug, Default)]
pub struct Cache(Mutex<BTreeMap<String, Known>>);

/// Files with the texts that were read, and what they say.
type Known = (Vec<(FileId, String)>, Arc<Chunk>);

/// Reads files that are read together.
pub(super) fn read(ids: &[FileId], sources: &Sources, cache: Option<&Cache>) -> Chunk {
    let (Some(cache), Some(first)) = (cache, ids.first()) else { return read_now(ids, sources) };
    let name = sources.file(*first).name();
    let lock = || cache.0.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |files: &[(FileId, String)]| {
        files.len() == ids.len()
            && files.iter().zip(ids).all(|((known, text), id)| known == id && text == sources.file(*id).text())
    };
    let known = lock().get(name).filter(|(files, _)| same(files)).map(|(_, chunk)| Arc::clone(chunk));
    if let Some(known) = known {
        return Chunk::clone(&known);
    }
    let chunk = read_now(ids, sources);
    let texts = ids.iter().map(|id| (*id, sources.file(*id).text().to_owned())).collect();
    lock().insert(name.to_owned(), (texts, Arc::new(chunk.clone())));
    chunk
}

fn read_now(ids: &[FileId], sources: &Sources) -> Chunk {
    let mut keys = FamilyKeys::new();
    let read = ids.iter().map(|id| file::read(*id, sources.file(*id), &mut keys)).collect();
    (read, keys.into_iter().map(|(family, keys)| (family, keys.into_paths())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn files_are_read_again_when_their_texts_change() {
        let sources = |text: &str| {
            let mut sources = Sources::new();
            let id = sources.add(SourceFile::new("a.yaml", text));
            (sources, id)
        };
        let cache = Cache::default();
        let keys = |text: &str| {
            let (sources, id) = sources(text);
            let (read, paths) = super::read(&[id], &sources, Some(&cache));
            (read.iter().map(|file| file.findings.len()).sum::<usize>(), paths.len())
        };
        assert_eq!(keys("waivers: []\n"), (0, 1));
        assert_eq!(keys("waivers: []\n"), (0, 1));
        let (wrong, _) = keys("waivers: {}\n");
        assert!(wrong > 0);
        assert_eq!(keys("waivers: []\n"), (0, 1));
    }
}
