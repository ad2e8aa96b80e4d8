//! The schema at the cursor.

use super::cursor::Cursor;
use super::places::{self, Part, Place, SETTINGS, Spot};
use crate::families::FamilyId;
use crate::schema::shape::{Shape, of_settings};
use crate::settings;

/// Where the cursor is in a section.
pub struct Section<'c> {
    /// The key of the family, or [`SETTINGS`].
    pub family: &'static str,
    /// The steps from the section's body.
    pub path: &'c [Part],
    /// How many steps the body is below the document.
    pub depth: usize,
}

/// The section that the cursor is in. `None` above all sections, and in one of no family.
#[must_use]
pub fn section<'c>(name: &str, cursor: &'c Cursor) -> Option<Section<'c>> {
    if name == settings::FILE_NAME {
        return Some(Section { family: SETTINGS, path: &cursor.path, depth: 0 });
    }
    let (Part::Key(key), path) = cursor.path.split_first()? else { return None };
    Some(Section { family: FamilyId::of_key(key)?.key(), path, depth: 1 })
}

impl Section<'_> {
    /// What may be at the end of the path.
    #[must_use]
    pub fn shapes(&self) -> Vec<Shape> {
        let mut shapes = match FamilyId::of_key(self.family) {
            Some(family) => Shape::of_family(family).into_iter().collect(),
            None => vec![of_settings(settings::SCHEMA)],
        };
        for part in self.path {
            shapes = match part {
                Part::Key(key) => shapes.iter().flat_map(|shape| shape.value_of(key)).collect(),
                Part::Element => shapes.iter().flat_map(|shape| shape.element()).collect(),
            };
        }
        shapes
    }

    /// The rows of the table for the value there, or for its keys.
    pub fn places(&self, is_key: bool) -> impl Iterator<Item = &'static Place> + '_ {
        places::at(Spot { family: self.family, path: self.path, is_key })
    }

    /// The names that the names of a row are within, as they are written beside the cursor.
    #[must_use]
    pub fn within(&self, place: &Place, cursor: &Cursor) -> Vec<String> {
        if place.of.is_empty() {
            return Vec::new();
        }
        let shared = place.path.split('.').zip(place.of.split('.')).take_while(|(one, other)| one == other).count();
        let key = place.of.split('.').nth(shared).unwrap_or_default();
        cursor.values_of(self.depth + shared, key)
    }
}
