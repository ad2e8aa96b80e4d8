//! The targets that a compile leaves out, because the workspace lacks what they need or is beyond their product.

use super::{Target, listed};
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;
use crate::source::{Loc, Sources};

/// What the workspace lacks for a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What is missing, as the end of "it needs ...".
    pub what: String,
    /// How to add it.
    pub how: String,
    /// The place nearest to where it would stand.
    pub loc: Option<Loc>,
}

/// Files of a target that is compiled, which wait for something that the workspace does not declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What waits, such as "`prometheus.yaml`".
    pub file: String,
    /// What is missing, as the end of "it needs ...".
    pub needs: String,
    /// How to add it.
    pub how: String,
}

/// The note about files that wait.
pub static FILES_LEFT_OUT: Rule = Rule {
    name: "files-left-out",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds files of targets that a compile leaves out, because they need something that the workspace does not declare, such as \
           addresses. The other files of these targets are written. One finding names all of them.",
    why: "The engine has nothing to load in their place.",
    fix: "Add what is missing, as the help says.",
};

/// The note that files are left out: one for all targets.
#[must_use]
pub fn files_left_out(all: &[(&str, Waiting)], model: &Model, sources: &Sources) -> Vec<Diagnostic> {
    if all.is_empty() {
        return Vec::new();
    }
    let first = sources.iter().map(|(id, _)| Loc::start_of(id)).next().unwrap_or_default();
    let parts: Vec<String> =
        all.iter().map(|(target, it)| format!("{} of `{target}` needs {}", it.file, it.needs)).collect();
    let mut how: Vec<&str> = all.iter().map(|(_, it)| it.how.as_str()).collect();
    how.dedup();
    let message = format!("files are left out: {}", parts.join("; "));
    vec![Diagnostic::new(&FILES_LEFT_OUT, model.registry.unwrap_or(first), message).help(how.join("; "))]
}

/// The note about a target that a plain compile leaves out.
pub static TARGET_LEFT_OUT: Rule = Rule {
    name: "target-left-out",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds targets that a compile leaves out, because they need something that the workspace does not declare. Where \
           `mcpctl.yaml` lists targets, one finding names all others.",
    why: "The product of that target gets no files from this workspace, so it enforces nothing of it.",
    fix: "Add what is missing, as the help says. A target that `--target` or `mcpctl.yaml` names is an error instead.",
};

/// The warning about a target that a plain compile leaves out because the workspace is beyond a limit of its product.
pub static TARGET_OVER_LIMIT: Rule = Rule {
    name: "target-over-limit",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds targets that a compile leaves out, because the files made for them are beyond what their product holds, or \
           ask of it what it cannot do.",
    why: "The product of that target gets no files from this workspace, so it enforces nothing of it.",
    fix: "Do what the help says, or leave that product out of the system. A target that `--target` names is an error \
          instead.",
};

/// The note about targets that are left out although nobody asked for them, because `mcpctl.yaml` lists others: one in all, with
/// what each needs beside it.
#[must_use]
pub fn unlisted(targets: &[(&Target, Vec<Need>)], model: &Model, sources: &Sources) -> Vec<Diagnostic> {
    let first = sources.iter().map(|(id, _)| Loc::start_of(id)).next().unwrap_or_default();
    let [_, _, ..] = targets else { return left_out(targets, model, sources) };
    let place = |needs: &[Need]| needs.iter().find_map(|need| need.loc).or(model.registry).unwrap_or(first);
    let names: Vec<String> = targets.iter().map(|(target, _)| format!("`{}`", target.name())).collect();
    let message = format!("targets {} are left out: each needs more than the workspace declares", listed(&names));
    let loc = targets.iter().map(|(_, needs)| place(needs)).min().unwrap_or(first);
    let labels = targets.iter().map(|(target, needs)| {
        let what: Vec<&str> = needs.iter().map(|need| need.what.as_str()).collect();
        (place(needs), format!("`{}` needs {}", target.name(), what.join("; ")))
    });
    let help = "nothing has to be done where these products are not in use; `mcpctl compile --target NAME` says what to add for one";
    vec![Diagnostic::new(&TARGET_LEFT_OUT, loc, message).labels(labels).help(help)]
}

/// The notes that targets are left out: one for those that need the same.
#[must_use]
pub fn left_out(targets: &[(&Target, Vec<Need>)], model: &Model, sources: &Sources) -> Vec<Diagnostic> {
    let first = sources.iter().map(|(id, _)| Loc::start_of(id)).next().unwrap_or_default();
    let mut alike: Vec<(&Vec<Need>, Vec<&Target>)> = Vec::new();
    for (target, needs) in targets {
        let same = |known: &Vec<Need>| {
            known.len() == needs.len() && known.iter().zip(needs).all(|(a, b)| (&a.what, &a.how) == (&b.what, &b.how))
        };
        match alike.iter_mut().find(|(known, _)| same(known)) {
            Some((_, targets)) => targets.push(target),
            None => alike.push((needs, vec![target])),
        }
    }
    let note = |(needs, targets): (&Vec<Need>, Vec<&Target>)| {
        let settings = targets.iter().find_map(|target| model.deployment.of(target.id)).map(|settings| settings.loc);
        let loc = needs.iter().find_map(|need| need.loc).or(settings).or(model.registry).unwrap_or(first);
        let names: Vec<String> = targets.iter().map(|target| format!("`{}`", target.name())).collect();
        let (noun, verb, needing) =
            if names.len() == 1 { ("target", "is", "it needs") } else { ("targets", "are", "each needs") };
        let list = |part: fn(&Need) -> &str| needs.iter().map(part).collect::<Vec<_>>().join("; ");
        let message = format!("{noun} {} {verb} left out: {needing} {}", listed(&names), list(|need| &need.what));
        Diagnostic::new(&TARGET_LEFT_OUT, loc, message).help(list(|need| &need.how))
    };
    alike.into_iter().map(note).collect()
}

/// The warning that a target is left out, because it needs what no workspace of this size or kind has.
#[must_use]
pub fn over_limit(target: &Target, model: &Model, sources: &Sources, what: &str, how: &str) -> Diagnostic {
    let first = sources.iter().map(|(id, _)| Loc::start_of(id)).next().unwrap_or_default();
    let settings = model.deployment.of(target.id).map(|settings| settings.loc);
    let message = format!("target `{}` is left out: it needs {what}", target.name());
    Diagnostic::new(&TARGET_OVER_LIMIT, settings.or(model.registry).unwrap_or(first), message).help(how)
}
