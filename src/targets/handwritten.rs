//! Which targets hold hand-written Cedar, and what is said of those that do not.

use super::{Need, Target, listed};
use crate::bundle::manifest;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;

/// The warning about a target that is compiled without the hand-written policies.
pub static HANDWRITTEN_LEFT_OUT: Rule = Rule {
    name: "handwritten-left-out",
    guards_access: true,
    severity: Severity::Warning,
    what: "Finds targets being compiled that cannot hold the hand-written Cedar of the workspace and are accepted without it.",
    why: "The product of that target denies nothing that a hand-written forbid denies, and allows nothing that a hand-written \
          permit allows.",
    fix: "Have an engine of Cedar decide beside it, or say the same in levels, classes and grants. Each compile and the bundle's \
          manifest name what is left out.",
};

/// Whether a target decides calls and cannot hold hand-written Cedar.
fn lacks(target: &Target, model: &Model) -> bool {
    !model.handwritten.is_empty() && target.decides().is_some_and(|decides| !decides.holds_handwritten)
}

/// What a target needs to be compiled without them: that it is accepted.
#[must_use]
pub fn need(target: &Target, model: &Model) -> Option<Need> {
    if !lacks(target, model) || model.handwritten.accepted.contains_key(target.name()) {
        return None;
    }
    Some(Need {
        what: "to hold the hand-written Cedar of this workspace, which its product cannot".to_owned(),
        how: format!(
            "`accept_handwritten: [{}]` in mcpctl.yaml compiles it without: it then enforces nothing of `*.cedar` files",
            target.name()
        ),
        loc: model.handwritten.files.first().map(|file| crate::source::Loc::start_of(file.file)),
    })
}

/// The warning of a compile about the targets that are compiled without them.
#[must_use]
pub fn left_out(targets: &[&Target], model: &Model) -> Option<Diagnostic> {
    let accepted = &model.handwritten.accepted;
    let without: Vec<_> = targets
        .iter()
        .filter(|target| lacks(target, model))
        .filter_map(|target| Some((format!("`{}`", target.name()), *accepted.get(target.name())?)))
        .collect();
    let (_, loc) = without.first()?;
    let names: Vec<String> = without.iter().map(|(name, _)| name.clone()).collect();
    let files: Vec<String> = model.handwritten.files.iter().map(|file| format!("`{}`", file.name)).collect();
    let (noun, verb) = if names.len() == 1 { ("target", "enforces") } else { ("targets", "enforce") };
    let message = format!("{noun} {} {verb} nothing of {}", listed(&names), listed(&files));
    let labels = without.iter().skip(1).map(|(name, loc)| (*loc, format!("{name} is accepted here")));
    let help = "have an engine of Cedar decide beside it, with the files of target `cedar`";
    Some(Diagnostic::new(&HANDWRITTEN_LEFT_OUT, *loc, message).labels(labels).help(help))
}

/// What the manifest says of the files.
#[must_use]
pub fn entries(target: &Target, model: &Model) -> Vec<manifest::Handwritten> {
    if target.decides().is_none() {
        return Vec::new();
    }
    let files = model.handwritten.files.iter();
    files.map(|file| manifest::Handwritten { file: file.name.clone(), enforced: !lacks(target, model) }).collect()
}
