//! The targets: one module a product, one line each in the list below.
//!
//! A target turns a checked model into files, and says for every family what it enforces, so that nothing is dropped in
//! silence. It does not judge its own files: [`crate::build`] has them read back by code that shares nothing with it.

pub mod cel;
pub mod cluster;
mod coverage;
mod dialects;
pub mod gateways;
pub mod grants;
pub mod handwritten;
pub mod names;
pub mod objects;
pub mod traffic;
pub mod undecided;
mod view;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::bundle::existing::Existing;
use crate::bundle::{Artifact, manifest};
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::access::Evidence;
use crate::policy::seen::{Narrowed, Stricter, View};
use crate::policy::{ObjectKind, Policy};
use crate::source::{Loc, Sources};
pub use coverage::{Coverage, NOT_EXPRESSIBLE, NotExpressed, not_expressed, notes};
use handwritten::HANDWRITTEN_LEFT_OUT;
use undecided::TARGET_UNDECIDED;
pub use view::{seen, view};

/// A product that configuration is compiled for.
pub struct Target {
    /// Its name: on the command line, and the folder of its files in a bundle.
    pub name: &'static str,
    /// What it gives, in one line.
    pub summary: &'static str,
    /// Its documentation, in Markdown.
    pub doc: &'static str,
    /// How much of a family it enforces.
    pub coverage: fn(FamilyId) -> Coverage,
    /// For a family that it does not enforce fully, the words that may make up the path of a key that it does express.
    pub expressed: fn(FamilyId) -> &'static [&'static str],
    /// Values in use that it does not express, of keys that it does express for other values.
    pub unexpressed: fn(&Model) -> Vec<NotExpressed>,
    /// Names in its files and the names in YAML that they stand for, where the two differ.
    pub names: fn(&Model) -> BTreeMap<String, String>,
    /// What its proof rests on.
    pub proof: Proof,
    /// What it cannot do without and the workspace does not declare.
    pub needs: fn(&Model) -> Vec<Need>,
    /// Why its product cannot see the evidence for a fact; `None` where it can.
    pub blind_to: fn(&Model, &str, &Evidence) -> Option<&'static str>,
    /// What becomes of such objects where its product does not judge them by the relation; `None` where it does.
    pub leaves_out: fn(&Model, &ObjectKind) -> Option<LeftOut>,
    /// Why requests for tools and methods that the model does not know come through to a server that the caller may use; `None`
    /// where they are denied.
    pub unknown_pass: fn(&Model) -> Option<&'static str>,
    /// Why methods that the entry of a server denies come through to it all the same; `None` where they are denied.
    pub methods_pass: fn(&Model) -> Option<&'static str>,
    /// Why messages with a key of JSON-RPC or of MCP in another case (`Method`) come through to a server, which may read such keys;
    /// `None` where they are refused.
    pub keys_pass: Option<&'static str>,
    /// Whether its rules recognise the caller by the token, so that a request which reaches them has a known caller.
    pub recognises_callers: bool,
    /// Whether it can tell callers by the claim that their issuer names under `caller`, and not by `act.sub` and `sub` alone.
    pub reads_caller_claims: bool,
    /// Why it lets URIs pass that are not in normal form, where it decides resources and cannot see how they are spelled.
    pub spellings_pass: fn(&Model) -> Option<&'static str>,
    /// What of single cells its product cannot tell apart from others, so that less than the relation is let through.
    pub narrows: Option<fn(&Model, &Policy) -> Vec<Narrowed>>,
    /// Makes the files, by path below the target's folder.
    pub compile: fn(&Input<'_>) -> Result<Files, CompileError>,
}

/// What a target is compiled from.
pub struct Input<'a> {
    /// The checked model.
    pub model: &'a Model,
    /// The relation as the product can decide it: what it cannot see is denied already, and what is taken as given is not
    /// asked for.
    pub policy: &'a Policy,
    /// The files, for places.
    pub sources: &'a Sources,
    /// A bundle whose policies go on deciding, while those of this policy are only counted beside them. Set for a target that
    /// can hold both.
    pub enforced: Option<&'a Existing>,
    /// The targets of the same compile, by name.
    pub beside: &'a [&'static str],
}

/// What becomes of objects that a product does not judge by the relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It never lets them through, and why.
    Denied(&'static str),
    /// It lets them through or not by rules of its own, and which.
    Undecided(&'static str),
}

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

/// What the proof of a target rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The real product is exercised with such files, in the project's tests.
    Run(&'static str),
    /// Our reading of the product's rules.
    Model(&'static str),
    /// The product's published schema.
    Schema(&'static str),
}

impl Proof {
    /// `RUN`, `MODEL` or `SCHEMA`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Run(_) => "RUN",
            Self::Model(_) => "MODEL",
            Self::Schema(_) => "SCHEMA",
        }
    }

    /// What was done, in a sentence.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Run(what) | Self::Model(what) | Self::Schema(what) => what,
        }
    }
}

/// The files of a target, by path below its folder.
pub type Files = Vec<(String, Artifact)>;

/// A YAML file of these documents.
///
/// # Errors
/// Where a value has no YAML form.
pub fn yaml(path: &str, documents: &[serde_json::Value], from: Vec<Loc>) -> Result<(String, Artifact), CompileError> {
    let printed = |document: &serde_json::Value| {
        serde_yaml::to_string(document)
            .map_err(|cause| CompileError::Refused(format!("`{path}` has no YAML form: {cause}")))
    };
    let printed: Vec<_> = documents.par_iter().map(printed).collect();
    let printed = printed.into_iter().collect::<Result<Vec<String>, _>>()?;
    Ok((path.to_owned(), Artifact { bytes: printed.join("---\n").into_bytes(), from }))
}

/// An object of these fields. The values are taken as they are, where `json!` copies them, with everything in them.
#[must_use]
pub fn object<const N: usize>(fields: [(&str, serde_json::Value); N]) -> serde_json::Value {
    serde_json::Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Why a target could not make its files.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CompileError {
    /// The engine that prints or reads the files refuses.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cedar(#[from] crate::cedar::Error),
    /// A name or value that the target cannot hold.
    #[error("{0}")]
    Refused(String),
    /// The workspace is beyond what the product holds or can tell, as its files show. A plain compile leaves the target out.
    #[error("it needs {what}")]
    Beyond {
        /// What is beyond the limit, as the end of "it needs ...".
        what: String,
        /// What to do about it.
        how: String,
    },
    /// Faults of the workspace, each with its place.
    #[error("the workspace breaks a rule of this target's product")]
    Findings(Vec<Diagnostic>),
}

impl CompileError {
    /// Takes what the engine of the target's own format said, for rendering.
    pub fn take_said(&mut self) -> Vec<crate::cedar::Said> {
        match self {
            Self::Cedar(error) => error.take_said(),
            Self::Refused(_) | Self::Beyond { .. } | Self::Findings(_) => Vec::new(),
        }
    }
}

macro_rules! targets {
    ($($name:ident,)*) => {
        $(pub mod $name;)*
        /// Every target, sorted by name.
        pub static TARGETS: &[&Target] = &[$(&$name::TARGET,)*];
    };
}

targets! {
    agentcore,
    agentgateway,
    ai_gateway,
    cedar,
    envoy,
    istio,
    kubernetes,
    toolhive,
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

/// The error for two names that become one in a product.
pub static NAME_COLLISION: Rule = Rule {
    name: "name-collision",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds two names that become the same name in a product which takes fewer characters than mcpctl: \
           `a_b` and `a-b` are both `a-b` in Kubernetes.",
    why: "Rules for one would hold for the other too.",
    fix: "Rename one of them, or leave that target out of the compile.",
};

/// The error for what a product does not hold.
pub static TARGET_LIMIT: Rule = Rule {
    name: "target-limit",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds what is beyond a limit of a product that files are compiled for: a name that it refuses, or more rules \
           than it holds.",
    why: "The product would refuse the files, or cut them short.",
    fix: "Rename, split or shorten what the message names, or leave that target out of the compile.",
};

/// The warning about cells that a product denies although the model allows them.
pub static TARGET_STRICTER: Rule = Rule {
    name: "target-stricter",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds requirements and objects that a target's product cannot see, so that what needs them is always denied \
           there.",
    why: "Calls that the policy allows fail at that gateway.",
    fix: "Let something in front make sure of the requirement and say so with `assume` and `assume_reason` in the \
          target's settings, or leave the target out of the compile.",
};

/// Every rule of this stage.
pub static RULES: &[&Rule] = &[
    &cluster::notes::HOST_OUTSIDE_CLUSTER,
    &cluster::notes::ISSUER_OUT_OF_REACH,
    &cluster::notes::POOL_WITHOUT_NAMESPACE,
    &cluster::notes::SHORT_HOST,
    &NOT_EXPRESSIBLE,
    &TARGET_LEFT_OUT,
    &TARGET_OVER_LIMIT,
    &NAME_COLLISION,
    &TARGET_LIMIT,
    &TARGET_STRICTER,
    &TARGET_UNDECIDED,
    &HANDWRITTEN_LEFT_OUT,
];

/// What the manifest says of a target: of each family in use, and of each key that is not expressed. `input` is what it was
/// compiled from, `whole` the whole relation.
#[must_use]
pub fn entry(target: &Target, input: &Input<'_>, whole: &Policy, view: &View, stricter: &Stricter) -> manifest::Target {
    let (model, sources) = (input.model, input.sources);
    let in_use = |family: &&FamilyId| model.keys.get(family.key()).is_some_and(|keys| !keys.is_empty());
    let coverage = FamilyId::ALL.iter().filter(in_use).map(|family| {
        let coverage = (target.coverage)(*family);
        manifest::FamilyCoverage {
            family: family.key().to_owned(),
            coverage: coverage.word().to_owned(),
            why: coverage.why().map(str::to_owned),
        }
    });
    let not_expressed = not_expressed(target, model).into_iter().map(|found| manifest::NotExpressed {
        family: found.family.key().to_owned(),
        key: found.key,
        at: sources.file_line(found.loc),
        why: found.why.to_owned(),
    });
    manifest::Target {
        name: target.name.to_owned(),
        coverage: coverage.collect(),
        not_expressed: not_expressed.collect(),
        names: (target.names)(model),
        proof: manifest::Proof { rests_on: target.proof.word().to_owned(), what: target.proof.what().to_owned() },
        assumed: view
            .given
            .iter()
            .map(|(fact, reason)| manifest::Assumed { fact: fact.to_string(), reason: reason.clone() })
            .collect(),
        stricter: narrowings(view, stricter)
            .into_iter()
            .map(|(what, why, cells)| manifest::Stricter { what, why, cells: cells as u64 })
            .collect(),
        undecided: undecided::entries(target, model, whole, input.policy, view, stricter),
        handwritten: handwritten::entries(target, model),
    }
}

/// What is narrower in the product than in the model: what, why, and how many cells.
fn narrowings(view: &View, stricter: &Stricter) -> Vec<(String, String, usize)> {
    let facts = stricter
        .facts
        .iter()
        .map(|(fact, cells)| (format!("fact {fact}"), view.blind.get(fact).cloned().unwrap_or_default(), *cells));
    let objects = stricter.objects.iter().map(|(why, cells)| ("objects".to_owned(), why.clone(), *cells));
    facts.chain(objects).collect()
}

/// The warnings about what is narrower in the product than in the model: one for each reason.
#[must_use]
pub fn stricter_notes(target: &Target, model: &Model, view: &View, stricter: &Stricter) -> Vec<Diagnostic> {
    let at = model.deployment.of(target.name).map(|settings| settings.loc);
    let loc = at.or(model.registry).or(model.identity.as_ref().map(|identity| identity.loc)).unwrap_or_default();
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (what, why, cells) in narrowings(view, stricter) {
        let what = what.strip_prefix("fact ").map_or(what.clone(), |fact| format!("what needs `{fact}`"));
        let noun = if cells == 1 { "cell" } else { "cells" };
        by_reason.entry(why).or_default().push(format!("{what} ({cells} {noun} of the access relation)"));
    }
    let note = |(why, what): (String, Vec<String>)| {
        let message = format!("target `{}` denies {}", target.name, listed(&what));
        Diagnostic::new(&TARGET_STRICTER, loc, message).help(why)
    };
    by_reason.into_iter().map(note).collect()
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The note about targets that are left out although nobody asked for them, because `mcpctl.yaml` lists others: one in all, with
/// what each needs beside it.
#[must_use]
pub fn unlisted(targets: &[(&Target, Vec<Need>)], model: &Model, sources: &Sources) -> Vec<Diagnostic> {
    let first = sources.iter().map(|(id, _)| Loc::start_of(id)).next().unwrap_or_default();
    let [_, _, ..] = targets else { return left_out(targets, model, sources) };
    let place = |needs: &[Need]| needs.iter().find_map(|need| need.loc).or(model.registry).unwrap_or(first);
    let names: Vec<String> = targets.iter().map(|(target, _)| format!("`{}`", target.name)).collect();
    let message = format!("targets {} are left out: each needs more than the workspace declares", listed(&names));
    let loc = targets.iter().map(|(_, needs)| place(needs)).min().unwrap_or(first);
    let labels = targets.iter().map(|(target, needs)| {
        let what: Vec<&str> = needs.iter().map(|need| need.what.as_str()).collect();
        (place(needs), format!("`{}` needs {}", target.name, what.join("; ")))
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
        let settings = targets.iter().find_map(|target| model.deployment.of(target.name)).map(|settings| settings.loc);
        let loc = needs.iter().find_map(|need| need.loc).or(settings).or(model.registry).unwrap_or(first);
        let names: Vec<String> = targets.iter().map(|target| format!("`{}`", target.name)).collect();
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
    let settings = model.deployment.of(target.name).map(|settings| settings.loc);
    let message = format!("target `{}` is left out: it needs {what}", target.name);
    Diagnostic::new(&TARGET_OVER_LIMIT, settings.or(model.registry).unwrap_or(first), message).help(how)
}

#[cfg(test)]
pub(crate) mod tests;
