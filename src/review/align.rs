//! Resources that one side tells apart and the other does not.
//!
//! The registry of one side lists `docs://*`, that of the other also `docs://secret/*`, or a grant there names `docs://intro`. The
//! narrower resource is there on both sides: on the one it is decided as the pattern around it.

use super::access::Side;
use crate::model::Model;
use crate::policy::Policy;
use crate::policy::derive::derive;

/// A side with every resource of the other one that lies within a pattern of its own; `None` where that is none.
#[must_use]
pub fn aligned(mine: Side<'_>, other: Side<'_>) -> Option<(Model, Policy)> {
    let mut model: Option<Model> = None;
    for theirs in other.model.servers.values() {
        let Some(server) = mine.model.servers.get(&theirs.name.value) else { continue };
        for resource in &theirs.resources {
            if let Some(narrower) = server.narrower(&resource.uri.value) {
                let server = model.get_or_insert_with(|| mine.model.clone()).servers.get_mut(&theirs.name.value);
                server.into_iter().for_each(|server| server.resources.push(narrower.clone()));
            }
        }
    }
    let model = model?;
    let policy = derive(&model);
    Some((model, policy))
}
