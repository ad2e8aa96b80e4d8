//! What a key or a name at the cursor means.

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position};

use super::cursor::{Cursor, Slot, cursor};
use super::describe::described;
use super::places::Part;
use super::shapes::{Section, section};
use super::view::View;
use crate::families::FamilyId;
use crate::schema::shape::Shape;

/// What is said of the word at a place.
#[must_use]
pub fn hover(view: &View<'_>, position: Position, markdown: bool) -> Option<Hover> {
    let offset = view.offset(position);
    let names = view.names.at(view.file, offset);
    let name = names.iter().find_map(|mention| Some((described(view.analysis, mention)?, mention.range.clone())));
    let file = view.analysis.sources.file(view.file);
    let key = cursor(file.text(), offset).and_then(|cursor| {
        let text = word(view, file.name(), &cursor)?;
        Some((text, cursor.token))
    });
    let range = name.as_ref().or(key.as_ref()).map(|(_, range)| view.lines.range(range.clone()))?;
    let parts: Vec<String> = [name, key].into_iter().flatten().map(|(text, _)| text).collect();
    let text = parts.join("\n\n---\n\n");
    let (kind, value) = if markdown { (MarkupKind::Markdown, text) } else { (MarkupKind::PlainText, plain(&text)) };
    Some(Hover { contents: HoverContents::Markup(MarkupContent { kind, value }), range: Some(range) })
}

/// Markdown without its marks.
fn plain(text: &str) -> String {
    text.replace("**", "").replace("\n---\n", "\n").replace('`', "")
}

/// What is said of a key, or of the key that a value is of.
fn word(view: &View<'_>, file: &str, cursor: &Cursor) -> Option<String> {
    let token = view.lines.text().get(cursor.token.clone()).unwrap_or_default();
    if cursor.path.is_empty() && cursor.slot == Slot::Key {
        let family = FamilyId::of_key(token);
        if let Some(family) = family {
            let shape = Shape::of_family(family)?;
            return Some(key(view, Some(family), family.key(), shape, false));
        }
    }
    let section = section(file, cursor)?;
    let family = FamilyId::of_key(section.family);
    if cursor.slot == Slot::Key {
        let around = section.shapes();
        let known = around.iter().flat_map(|shape| shape.keys()).find(|key| key.name == token);
        let (shape, required) = match known {
            Some(known) => (known.value, known.required),
            None => (around.iter().flat_map(|shape| shape.value_of(token)).next()?, false),
        };
        return Some(key(view, family, token, shape, required));
    }
    let (name, around) = last_key(&section)?;
    let shape = around.shapes().into_iter().find(|shape| !shape.description().is_empty())?;
    Some(key(view, family, name, shape, false))
}

/// The key that a value is of, and where that key's value is.
fn last_key<'c>(section: &Section<'c>) -> Option<(&'c str, Section<'c>)> {
    let at = section.path.iter().rposition(|part| matches!(part, Part::Key(_)))?;
    let Part::Key(name) = section.path.get(at)? else { return None };
    Some((name, Section { path: section.path.get(..=at)?, ..*section }))
}

fn key(view: &View<'_>, family: Option<FamilyId>, name: &str, shape: Shape, required: bool) -> String {
    let of = match family {
        Some(family) if family.key() == name => String::new(),
        Some(family) => format!(" in `{}`", family.key()),
        None => format!(" in `{}`", crate::settings::FILE_NAME),
    };
    let mut lines = vec![format!("**`{name}`**{of}"), shape.description().to_owned()];
    let required = if required { ", required" } else { "" };
    let holds: Vec<String> = shape.in_words().split(" | ").map(|word| format!("`{word}`")).collect();
    let bounds = match shape.bounds() {
        (Some(least), Some(most)) if most.as_u64() != Some(u32::MAX.into()) => format!(", from {least} to {most}"),
        (Some(least), _) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    };
    lines.push(format!("Holds {}{bounds}{required}.", holds.join(" or ")));
    let examples = shape.examples();
    if !examples.is_empty() {
        lines
            .push(format!("Such as {}.", examples.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")));
    }
    let page = match family {
        Some(family) => format!("families/{}.html", family.name()),
        None => "reference/settings.html".to_owned(),
    };
    if let Some(base) = view.docs_url {
        lines.push(format!("[Documentation]({}/{page})", base.trim_end_matches('/')));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n\n")
}
