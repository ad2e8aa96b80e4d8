//! A graph as one SVG picture, which needs no other program: columns by how far a node is from where the edges begin, and a band for
//! each box. It is light or dark as the reader's screen is.

use std::cmp::Ordering;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use crate::render::escape::html;
use crate::review::graph::write::{boxes, shown};
use crate::review::graph::{Graph, Kind};

/// Sizes, in pixels.
const LETTER: usize = 7;
const LINE: usize = 17;
const PADDING: usize = 10;
const GAP: usize = 14;
const BETWEEN: usize = 70;
const MARGIN: usize = 12;
/// Longest text of a line; what is longer ends with an ellipsis, and is whole in the tooltip.
const MOST_LETTERS: usize = 44;
/// Longest text on an edge.
const MOST_ON_EDGE: usize = 60;

const STYLE: &str = "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#1c1c1c}.b{fill:#8881;stroke:#8886}.bt{font-weight:600}\
.n{fill:#fff;stroke:#555}.gateway{fill:#e3ecfb}.principal{fill:#fdf1d8}.flow{fill:#efe6fb}.pool{fill:#e2f4ea}.topic{fill:#fbe7ef}\
.e{fill:none;stroke:#777}.l{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:4px}.a{fill:#777}\
@media(prefers-color-scheme:dark){text{fill:#eee}.n{fill:#222;stroke:#aaa}.gateway{fill:#1d2b45}.principal{fill:#43361a}\
.flow{fill:#332648}.pool{fill:#1c3a2a}.topic{fill:#45222f}.e{stroke:#aaa}.a{fill:#aaa}.l{stroke:#111}}";

/// Where a node is drawn.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    column: usize,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// The picture, which ends with a line break.
#[must_use]
pub(super) fn svg(graph: &Graph) -> String {
    let columns = columns(graph);
    let mut places: Vec<Place> = graph
        .nodes
        .iter()
        .zip(&columns)
        .map(|(((kind, _), node), column)| {
            let lines = shown(*kind, node);
            let widest = lines.iter().map(|line| short(line, MOST_LETTERS).width()).max().unwrap_or(1);
            let height = lines.len().max(1) * LINE + PADDING;
            Place { column: *column, x: 0, y: 0, width: widest * LETTER + 2 * PADDING, height }
        })
        .collect();
    let (left, ranks) = (left_edges(graph, &places), ranks(graph, &columns));
    let (mut bands, mut top) = (Vec::new(), MARGIN);
    for (within, mut nodes) in boxes(graph) {
        nodes.sort_by(|(one, ..), (other, ..)| {
            ranks.get(*one).partial_cmp(&ranks.get(*other)).unwrap_or(Ordering::Equal)
        });
        let head = if within.is_some() { LINE + PADDING } else { 0 };
        let mut below = vec![top + head; left.len()];
        for (at, ..) in &nodes {
            if let Some(place) = places.get_mut(*at) {
                place.x = left.get(place.column).copied().unwrap_or(MARGIN);
                if let Some(next) = below.get_mut(place.column) {
                    place.y = *next;
                    *next += place.height + GAP;
                }
            }
        }
        let bottom = below.into_iter().max().unwrap_or(top);
        bands.push((within.map(str::to_owned), top, bottom));
        top = bottom + GAP;
    }
    let right = places.iter().map(|place| place.x + place.width).max().unwrap_or(MARGIN);
    drawn(graph, &places, &bands, (right + 2 * MARGIN, top))
}

/// How many edges the longest way to each node has; edges that lead back to where a way began count no further.
fn columns(graph: &Graph) -> Vec<usize> {
    let count = graph.nodes.len();
    let mut found = vec![0; count];
    // As many rounds as a way can have nodes; a cycle would go on for ever.
    for _ in 0..count {
        let mut moved = false;
        for edge in &graph.edges {
            let next = found.get(edge.from.0).copied().unwrap_or_default() + 1;
            if let Some(to) = found.get_mut(edge.to.0).filter(|to| **to < next && next < count) {
                (*to, moved) = (next, true);
            }
        }
        if !moved {
            break;
        }
    }
    // Columns without a node, as a cycle leaves them, are left out.
    let used: std::collections::BTreeSet<usize> = found.iter().copied().collect();
    found.into_iter().map(|column| used.range(..column).count()).collect()
}

/// The order of nodes from above: each as near as may be to those that lead to it, so that few edges cross.
fn ranks(graph: &Graph, columns: &[usize]) -> Vec<f64> {
    let mut ranks: Vec<f64> = (0..columns.len()).map(|at| at as f64).collect();
    let last = columns.iter().copied().max().unwrap_or_default();
    for column in 1..=last {
        for at in (0..columns.len()).filter(|at| columns.get(*at) == Some(&column)) {
            let before = graph.edges.iter().filter(|edge| edge.to.0 == at && columns.get(edge.from.0) < Some(&column));
            let of: Vec<f64> = before.filter_map(|edge| ranks.get(edge.from.0).copied()).collect();
            if let (Some(rank), false) = (ranks.get_mut(at), of.is_empty()) {
                *rank = of.iter().sum::<f64>() / of.len() as f64;
            }
        }
    }
    ranks
}

/// Where each column begins: behind the widest node of the one before, and what is written on the edges between.
fn left_edges(graph: &Graph, places: &[Place]) -> Vec<usize> {
    let last = places.iter().map(|place| place.column).max().unwrap_or_default();
    let (mut left, mut next) = (Vec::new(), 2 * MARGIN);
    for column in 0..=last {
        left.push(next);
        let widest = places.iter().filter(|place| place.column == column).map(|place| place.width).max();
        let ends_here = |at: usize| places.get(at).is_some_and(|place| place.column == column);
        let labels = graph.edges.iter().filter(|edge| ends_here(edge.from.0));
        let written = labels.map(|edge| short(&edge.label, MOST_ON_EDGE).width() * LETTER).max().unwrap_or_default();
        next += widest.unwrap_or_default() + BETWEEN.max(written + 2 * PADDING);
    }
    left
}

fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}\u{2026}", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

fn drawn(
    graph: &Graph,
    places: &[Place],
    bands: &[(Option<String>, usize, usize)],
    (width, height): (usize, usize),
) -> String {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <style>{STYLE}</style>\n<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path class=\"a\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
    );
    // Writing to a text never fails.
    for (within, top, bottom) in bands {
        let Some(within) = within else { continue };
        let (wide, high) = (width - 2 * MARGIN, bottom - top);
        let _ = writeln!(
            text,
            "<rect class=\"b\" x=\"{MARGIN}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\" rx=\"8\"/>"
        );
        let _ = writeln!(text, "<text class=\"bt\" x=\"{}\" y=\"{}\">{}</text>", 2 * MARGIN, top + LINE, html(within));
    }
    let (mut labels, mut written) = (String::new(), vec![0_usize; places.len()]);
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (places.get(edge.from.0), places.get(edge.to.0)) else { continue };
        let (x1, y1, x2, y2) = (from.x + from.width, from.y + from.height / 2, to.x, to.y + to.height / 2);
        let bend = if x2 > x1 { (x2 - x1) / 2 } else { BETWEEN };
        let _ = writeln!(
            text,
            "<path class=\"e\" marker-end=\"url(#a)\" d=\"M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}\"/>",
            x1 + bend,
            x2.saturating_sub(bend)
        );
        if !edge.label.is_empty() {
            // Edges that end at one node would be written over each other, so each is written a little further back.
            let nth = written.get_mut(edge.to.0).map_or(0, |count| std::mem::replace(count, *count + 1));
            let t = 0.8 - 0.16 * (nth % 4) as f64;
            let at = |ends: (usize, usize), middle: (usize, usize)| {
                let (u, [a, b, c, d]) = (1.0 - t, [ends.0, middle.0, middle.1, ends.1].map(|value| value as f64));
                (u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d).round()
            };
            let (x, y) = (at((x1, x2), (x1 + bend, x2.saturating_sub(bend))), at((y1, y2), (y1, y2)));
            let shown = html(&short(&edge.label, MOST_ON_EDGE));
            let _ = writeln!(
                labels,
                "<text class=\"l\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\"><title>{}</title>{shown}</text>",
                html(&edge.label)
            );
        }
    }
    for (((kind, _), node), place) in graph.nodes.iter().zip(places) {
        node_of(&mut text, *kind, shown(*kind, node), place);
    }
    format!("{text}{labels}</svg>\n")
}

fn node_of(text: &mut String, kind: Kind, lines: &[String], place: &Place) {
    let Place { x, y, width, height, .. } = place;
    let round = match kind {
        Kind::Principal => height / 2,
        Kind::Gateway | Kind::Flow | Kind::Pool | Kind::Topic => 8,
        Kind::Server | Kind::Objects | Kind::Step => 2,
    };
    let title = html(&lines.join(", "));
    let _ = write!(text, "<g><title>{}: {title}</title>", kind.word());
    let _ = write!(
        text,
        "<rect class=\"n {}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>",
        kind.word()
    );
    for (number, line) in lines.iter().enumerate() {
        let at = y + (number + 1) * LINE;
        let _ = write!(text, "<text x=\"{}\" y=\"{at}\">{}</text>", x + PADDING, html(&short(line, MOST_LETTERS)));
    }
    text.push_str("</g>\n");
}
