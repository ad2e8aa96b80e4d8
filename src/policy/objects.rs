//! Which objects stand on which server: an index, so that finding one costs no walk over all.

use std::collections::HashMap;
use std::ops::Range;

use super::{Object, ObjectIx, ObjectKind};
use crate::model::name::ServerName;

/// The objects of each server. They stand together, because objects are sorted by server first.
#[derive(Debug, Clone, Default)]
pub struct ObjectIndex {
    by_server: HashMap<ServerName, Range<u32>>,
}

impl ObjectIndex {
    /// Indexes sorted objects.
    #[must_use]
    pub fn of(objects: &[Object]) -> Self {
        let mut by_server: HashMap<ServerName, Range<u32>> = HashMap::new();
        let mut start = 0;
        for chunk in objects.chunk_by(|a, b| a.server == b.server) {
            let end = start + chunk.len() as u32;
            if let Some(first) = chunk.first() {
                by_server.insert(first.server.clone(), start..end);
            }
            start = end;
        }
        Self { by_server }
    }

    /// The indexes of a server's objects: its protocol, then tools, resources and prompts. Empty for a server that does
    /// not exist.
    #[must_use]
    pub fn on(&self, server: &str) -> Range<u32> {
        self.by_server.get(server).cloned().unwrap_or_default()
    }

    /// The objects of a server with their indexes.
    pub fn objects_on<'o>(
        &self,
        objects: &'o [Object],
        server: &str,
    ) -> impl Iterator<Item = (&'o Object, u32)> + use<'o> {
        let range = self.on(server);
        objects.get(range.start as usize..range.end as usize).unwrap_or_default().iter().zip(range)
    }

    /// The index of an object.
    #[must_use]
    pub fn find(&self, objects: &[Object], server: &str, kind: &ObjectKind) -> Option<ObjectIx> {
        let range = self.on(server);
        let here = objects.get(range.start as usize..range.end as usize)?;
        let at = here.binary_search_by(|object| object.kind.cmp(kind)).ok()?;
        Some(ObjectIx(range.start + at as u32))
    }
}
