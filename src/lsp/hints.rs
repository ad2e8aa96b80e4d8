//! What follows from other files, beside the names of tools: their levels.

use lsp_types::{InlayHint, InlayHintLabel, InlayHintTooltip, Range};

use super::describe::{level_of, needs};
use super::places::{Kind, Role};
use super::view::View;
use crate::model::access::classification::Classification;

/// The levels of the tools that are declared in a range and do not say their own.
#[must_use]
pub fn hints(view: &View<'_>, range: Range) -> Vec<InlayHint> {
    let asked = view.offset(range.start)..=view.offset(range.end);
    let model = view.analysis.model();
    let classes = Classification::of(&model.access);
    let declared = view.names.of(view.file).iter().filter(|mention| {
        mention.kind == Kind::Tool && mention.role == Role::Definition && asked.contains(&mention.range.end)
    });
    declared
        .filter_map(|mention| {
            let server = model.server(mention.within.first()?)?;
            let (level, own) = level_of(&classes, server, &mention.name)?;
            let tooltip = needs(view.analysis, server.name.value.as_str(), &mention.name);
            (!own).then(|| InlayHint {
                position: view.lines.position(end_of_word(view.lines.text(), mention.range.end)),
                label: InlayHintLabel::String(format!("level {level}")),
                kind: None,
                text_edits: None,
                tooltip: tooltip.map(|needs| InlayHintTooltip::String(format!("A call needs {needs}."))),
                padding_left: Some(true),
                padding_right: None,
                data: None,
            })
        })
        .collect()
}

/// Behind the quote that ends a name, where there is one.
fn end_of_word(text: &str, end: usize) -> usize {
    if text.get(end..).is_some_and(|rest| rest.starts_with(['"', '\''])) { end + 1 } else { end }
}
