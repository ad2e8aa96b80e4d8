//! Where a name is declared and used.

use lsp_types::{Location, Position};

use super::places::Role;
use super::view::View;

/// Where the name at a place is declared.
#[must_use]
pub fn definition(view: &View<'_>, position: Position) -> Vec<Location> {
    let names = view.names.at(view.file, view.offset(position));
    let found = view.names.definitions(&names);
    found.into_iter().filter_map(|(file, mention)| view.location(file, mention.range.clone())).collect()
}

/// Where the name at a place is written.
#[must_use]
pub fn references(view: &View<'_>, position: Position, with_declarations: bool) -> Vec<Location> {
    let names = view.names.at(view.file, view.offset(position));
    let wanted = |role: Role| with_declarations || role == Role::Reference;
    let found = view.names.same(&names).into_iter().filter(|(_, mention)| wanted(mention.role));
    found.filter_map(|(file, mention)| view.location(file, mention.range.clone())).collect()
}
