//! YAML 1.2 with the byte range of every key and value.
//!
//! This is the only module that names the parser crate. Its events become a [`Tree`]: an arena of nodes in which aliases
//! stay references, so that an alias bomb costs nothing to read, and is refused for the size that it would expand to.
//! Merge keys are expanded here, each merged value keeping the place where it was written.

mod builder;
pub mod changes;
pub mod comments;
mod edit;
pub mod layout;
pub(crate) mod lines;
mod rules;
pub mod scalar;
mod syntax;
mod tree;

use std::collections::HashMap;

use granit_parser::{Options, Parser};

use self::builder::{Builder, Stop};
use self::syntax::Stopped;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Loc, SourceFile};

pub use self::rules::{AMBIGUOUS, DUPLICATE_KEY, RULES, SYNTAX, TOO_LARGE, UNSUPPORTED};
pub use self::tree::{Node, NodeId, NodeKind, Tree};

/// Largest file that is read, in bytes.
pub const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Most nodes of one file once aliases and merge keys are expanded.
pub const MOST_NODES: u64 = 4_000_000;

/// Deepest nesting of one file once aliases are expanded.
pub const MOST_DEPTH: u32 = 100;

fn is_plain(text: &str) -> bool {
    !text.contains(['$', '\\', '|', '>']) && ["{{", "{%", "://"].iter().all(|sign| !text.contains(sign))
}

/// Reads one file. Reports every fault it finds; the tree holds the documents before the first syntax error.
#[must_use]
pub fn parse<'s>(file: FileId, source: &'s SourceFile, report: &mut Vec<Diagnostic>) -> Tree<'s> {
    tree_of(file, source, report, true)
}

/// As [`parse`], with merge keys as the entries that they are in the text: for a layout, which moves what is written.
fn parse_as_written<'s>(file: FileId, source: &'s SourceFile, report: &mut Vec<Diagnostic>) -> Tree<'s> {
    tree_of(file, source, report, false)
}

fn tree_of<'s>(file: FileId, source: &'s SourceFile, report: &mut Vec<Diagnostic>, merges: bool) -> Tree<'s> {
    let text = source.text();
    let mut builder = Builder {
        text,
        tree: Tree {
            file,
            nodes: Vec::with_capacity(text.len() / 16),
            documents: Vec::new(),
            whole: true,
            plain: is_plain(text),
        },
        root: None,
        open: Vec::new(),
        anchors: HashMap::new(),
        merges,
        merged: 0,
        read_to: 0,
        weights: Vec::with_capacity(text.len() / 16),
        report,
    };
    if text.len() > MOST_BYTES {
        let message = format!("the file has {} bytes; the most that is read is {MOST_BYTES}", text.len());
        builder.refuse(&TOO_LARGE, Loc::start_of(file), message);
        return builder.tree;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    for event in Parser::new_from_str_with_options(text, options) {
        let result = match event {
            Ok((event, span)) => builder.event(event, span.byte_range().unwrap_or(0..0)),
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
                let open = builder.open.last().map(|open| builder.tree.loc(open.id).start as usize);
                let stopped = Stopped { file, text, at, said: &error.info(), read_to: builder.read_to, open };
                builder.tree.whole = false;
                builder.report.push(stopped.finding());
                Err(Stop)
            }
        };
        if result.is_err() {
            break;
        }
    }
    builder.tree
}
