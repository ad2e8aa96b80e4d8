//! Which objects stand on which server: an index, so that finding one costs no walk over all.

use std::cmp::Ordering;
use std::ops::Range;

use foldhash::HashMap;

use super::{Object, ObjectIx, ObjectKind};
use crate::model::name::{FactName, ServerName};
use crate::model::server::{Server, ServerAccess, Tool};
use crate::source::Spanned;

/// The level and the requirements that an object has of its own, beside those of its server. `access` is what holds for the server
/// in the scope that is asked.
#[must_use]
pub fn own_access<'a>(
    server: &'a Server,
    access: &'a ServerAccess,
    kind: &ObjectKind,
) -> (Option<&'a Spanned<u32>>, &'a [Spanned<FactName>]) {
    let own = match kind {
        ObjectKind::Protocol => None,
        ObjectKind::Tool(tool) => access.tools.get(tool).map(|own| (&own.auth_level, &own.requires)),
        ObjectKind::Resource(uri) => {
            let own = server.resources.iter().find(|own| own.uri.value == *uri);
            own.map(|own| (&own.auth_level, &own.requires))
        }
        ObjectKind::Prompt(prompt) => {
            let own = server.prompts.iter().find(|own| own.name.value == *prompt);
            own.map(|own| (&own.auth_level, &own.requires))
        }
    };
    own.map(|(level, requires)| (level.as_ref(), requires.as_slice())).unwrap_or_default()
}

/// The objects of each server. They stand together, because objects are sorted by server first.
#[derive(Debug, Clone, Default)]
pub struct ObjectIndex {
    by_server: HashMap<ServerName, u32>,
    /// For each server by number its objects.
    ranges: Vec<Range<u32>>,
    /// For each object its server's number.
    server_of: Vec<u32>,
}

impl ObjectIndex {
    /// Indexes sorted objects.
    #[must_use]
    pub fn of(objects: &[Object]) -> Self {
        let mut index = Self::default();
        let mut start = 0;
        for (chunk, number) in objects.chunk_by(|a, b| a.server == b.server).zip(0..) {
            let end = start + chunk.len() as u32;
            index.by_server.extend(chunk.first().map(|first| (first.server.clone(), number)));
            index.ranges.push(start..end);
            index.server_of.extend(chunk.iter().map(|_| number));
            start = end;
        }
        index
    }

    /// The indexes of a server's objects: its protocol, then tools, resources and prompts. Empty for a server that does
    /// not exist.
    #[must_use]
    pub fn on(&self, server: &str) -> Range<u32> {
        self.by_server.get(server).map(|number| self.range(*number)).unwrap_or_default()
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

    /// The indexes of all objects that stand on the same server as this one.
    #[must_use]
    pub fn beside(&self, object: ObjectIx) -> Range<u32> {
        self.server_of.get(object.0 as usize).map(|number| self.range(*number)).unwrap_or_default()
    }

    /// The tools of a server, with their indexes. The server is of the model that the objects were derived from.
    pub fn tools<'s>(&self, server: &'s Server) -> impl Iterator<Item = (&'s Tool, ObjectIx)> + use<'s> {
        // They follow the protocol, in the same order.
        server.tools.values().zip(self.on(server.name.value.as_str()).skip(1).map(ObjectIx))
    }

    fn range(&self, server: u32) -> Range<u32> {
        self.ranges.get(server as usize).cloned().unwrap_or_default()
    }

    /// The index of an object.
    #[must_use]
    pub fn find(&self, objects: &[Object], server: &str, kind: &ObjectKind) -> Option<ObjectIx> {
        find_in(self.on(server), objects, |object| object.kind.cmp(kind))
    }

    /// The index of a tool among the objects of its server, as [`ObjectIndex::on`] gives them.
    #[must_use]
    pub fn tool(&self, objects: &[Object], on: Range<u32>, name: &str) -> Option<ObjectIx> {
        find_in(on, objects, |object| match &object.kind {
            ObjectKind::Protocol => Ordering::Less,
            ObjectKind::Tool(tool) => tool.as_str().cmp(name),
            ObjectKind::Resource(_) | ObjectKind::Prompt(_) => Ordering::Greater,
        })
    }
}

fn find_in(on: Range<u32>, objects: &[Object], order: impl FnMut(&Object) -> Ordering) -> Option<ObjectIx> {
    let here = objects.get(on.start as usize..on.end as usize)?;
    let at = here.binary_search_by(order).ok()?;
    Some(ObjectIx(on.start + at as u32))
}
