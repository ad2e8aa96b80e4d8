//! The targets: each turns a checked model into the files of a product.
//!
//! Those in [`access`] decide calls; those in [`operations`] configure an engine. A target says what it covers of each family,
//! so that nothing is dropped in silence. It does not judge its own files: [`crate::build`] has them read back by code that
//! shares nothing with it.

pub mod access;
pub mod cluster;
mod coverage;
pub mod entry;
pub mod files;
pub mod gateways;
pub mod handwritten;
pub mod left_out;
pub mod names;
pub mod objects;
pub mod operations;
pub mod several;
pub mod traffic;
pub mod undecided;
mod visibility;

use std::collections::BTreeMap;

use crate::bundle::existing::Existing;
use crate::checks::CheckedModel;
use crate::diagnostic::Rule;
use crate::model::Model;
use crate::model::access::Evidence;
pub use crate::model::deployment::target::TargetId;
use crate::model::deployment::target::targets;
use crate::policy::visibility::Narrowed;
use crate::policy::{ObjectKind, Policy};
use crate::source::Sources;
pub use coverage::{
    Coverage, Covers, Left, NOT_EXPRESSIBLE, NotExpressed, families_for_products, left_by_all, not_expressed,
};
pub use files::{CompileError, Files, NAME_COLLISION, TARGET_LIMIT, object, yaml};
pub use left_out::Need;
pub use visibility::{seen, view};

/// A product that configuration is compiled for.
pub struct Target {
    /// Its row in the list of targets.
    pub id: TargetId,
    /// What it gives, in one line.
    pub summary: &'static str,
    /// Its documentation, in Markdown.
    pub doc: &'static str,
    /// The families that it covers. What is not here is not expressed in its files.
    pub covers: &'static [Covers],
    /// Values in use that it does not express, of keys that it does express for other values.
    pub unexpressed: fn(&Model) -> Vec<NotExpressed>,
    /// Names in its files and the names in YAML that they stand for, where the two differ.
    pub names: fn(&Model) -> BTreeMap<String, String>,
    /// What its proof rests on.
    pub proof: Proof,
    /// What it cannot do without and the workspace does not declare.
    pub needs: fn(&Model) -> Vec<Need>,
    /// Whether it decides calls.
    pub does: Does,
    /// Makes the files, by path below the target's folder.
    pub compile: fn(&Input<'_>) -> Result<Files, CompileError>,
}

impl Target {
    /// Its name: on the command line, and the folder of its files in a bundle.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.id.name()
    }

    /// How it decides calls; `None` for a target that configures an engine.
    #[must_use]
    pub fn decides(&self) -> Option<&Decides> {
        match &self.does {
            Does::Decides(decides) => Some(decides),
            Does::Configures => None,
        }
    }
}

/// What the files of a target are for.
pub enum Does {
    /// They decide calls: read back, they are the access relation, as far as the product sees it.
    Decides(Decides),
    /// They configure an engine: read back, they are the part of the model that they were made from.
    Configures,
}

/// What a product that decides calls sees of them, and what it lets through by rules of its own.
pub struct Decides {
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
    /// Whether its rules recognise the caller, by the token or by the certificate, so that a request which reaches them has a known caller.
    pub recognises_callers: bool,
    /// Whether it can tell callers by the claim that their issuer names under `caller`, and not by `act.sub` and `sub` alone.
    pub reads_caller_claims: bool,
    /// Why it lets URIs pass that are not in normal form, where it decides resources and cannot see how they are spelled.
    pub spellings_pass: fn(&Model) -> Option<&'static str>,
    /// What of single cells its product cannot tell apart from others, so that less than the relation is let through.
    pub narrows: Option<fn(&Model, &Policy) -> Vec<Narrowed>>,
    /// Whether it holds the hand-written Cedar of a workspace.
    pub holds_handwritten: bool,
}

macro_rules! list {
    ($($kind:ident $variant:ident $module:ident $name:literal $settings:ident $summary:tt;)*) => {
        /// Every target, sorted by name.
        pub static TARGETS: &[&Target] = &[$(&$kind::$module::TARGET,)*];

        impl TargetId {
            /// What it does.
            #[must_use]
            pub fn target(self) -> &'static Target {
                match self { $(Self::$variant => &$kind::$module::TARGET,)* }
            }
        }
    };
}
targets!(list);

/// What a target is compiled from. Outside of this module only a checked model makes one.
pub struct Input<'a> {
    /// The checked model.
    model: &'a Model,
    /// The relation as the product can decide it: what it cannot see is denied already, and what is taken as given is not
    /// asked for.
    policy: &'a Policy,
    /// The files, for places.
    sources: &'a Sources,
    /// A bundle whose policies go on deciding, while those of this policy are only counted beside them. Set for a target that
    /// can hold both.
    enforced: Option<&'a Existing>,
    /// The targets of the same compile.
    beside: &'a [TargetId],
}

impl<'a> Input<'a> {
    /// A checked model, with its relation as the product can decide it.
    #[must_use]
    pub fn new(
        checked: &'a CheckedModel,
        policy: &'a Policy,
        sources: &'a Sources,
        enforced: Option<&'a Existing>,
        beside: &'a [TargetId],
    ) -> Self {
        Self { model: checked.model(), policy, sources, enforced, beside }
    }
}

/// What becomes of objects that a product does not judge by the relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It never lets them through, and why.
    Denied(&'static str),
    /// It lets them through or not by rules of its own, and which.
    Undecided(&'static str),
}

/// What the proof of a target rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The real product is exercised with such files, in the project's tests.
    Run(Shown),
    /// The product's own policy engine decides such files, in the project's tests; the rest of the product is our reading.
    Engine(Shown),
    /// Our reading of the product's rules.
    Model(Shown),
    /// The product's published schema.
    Schema(Shown),
}

impl Proof {
    /// `RUN`, `ENGINE`, `MODEL` or `SCHEMA`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Run(_) => "RUN",
            Self::Engine(_) => "ENGINE",
            Self::Model(_) => "MODEL",
            Self::Schema(_) => "SCHEMA",
        }
    }

    /// By what something is shown, and what.
    #[must_use]
    pub fn shown(self) -> Shown {
        match self {
            Self::Run(shown) | Self::Engine(shown) | Self::Model(shown) | Self::Schema(shown) => shown,
        }
    }
}

/// What tests show of the files of a target. Each is a part of a sentence, without a capital and a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// What shows it: products with their versions, and readings.
    pub by: &'static str,
    /// What they show.
    pub what: &'static str,
    /// What nothing shows.
    pub beyond: &'static str,
}

impl core::fmt::Display for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}. Not shown: {}", self.by, self.what, self.beyond)
    }
}

/// Every rule of this stage.
pub static RULES: &[&Rule] = &[
    &cluster::notes::HOST_OUTSIDE_CLUSTER,
    &cluster::notes::ISSUER_OUT_OF_REACH,
    &cluster::notes::CONTROL_OUT_OF_REACH,
    &cluster::notes::POOL_WITHOUT_NAMESPACE,
    &cluster::notes::SHORT_HOST,
    &NOT_EXPRESSIBLE,
    &left_out::FILES_LEFT_OUT,
    &operations::temporal::waits::FILE_WAITS,
    &left_out::TARGET_LEFT_OUT,
    &left_out::TARGET_OVER_LIMIT,
    &NAME_COLLISION,
    &TARGET_LIMIT,
    &several::SEVERAL_GATEWAYS,
    &gateways::CONTROL_NOT_RUN,
    &entry::TARGET_STRICTER,
    &undecided::TARGET_UNDECIDED,
    &handwritten::HANDWRITTEN_LEFT_OUT,
];

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
