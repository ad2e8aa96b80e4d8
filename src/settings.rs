//! `mcpctl.yaml`: the tool's own settings. Not a family; optional; a schema of its own.

mod environment;
mod review;
mod targets;

pub use environment::{KEPT, of_environment};
pub use review::parse_gate;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::checks::Levels;
use crate::diagnostic::{Diagnostic, Severity};
use crate::families::decode;
use crate::families::text::words;
use crate::model::deployment::{Deployment, is_label_value};
use crate::model::gate::Gate;
use crate::model::name::UnitName;
use crate::model::protocol::REVISIONS;
use crate::schema::Validator;
use crate::source::yaml;
use crate::source::{FileId, Loc, SourceFile, Spanned};

/// The name of the file, at the root of a workspace.
pub const FILE_NAME: &str = "mcpctl.yaml";

/// The JSON Schema of the file.
pub const SCHEMA: &str = include_str!("../schemas/settings.schema.json");

/// `mcpctl.yaml`, the settings of the tool for this workspace. Optional.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsFile {
    /// Where `compile` writes the bundle, relative to the workspace; `bundle` by default.
    #[cfg_attr(test, schemars(length(min = 1)))]
    output: Option<Spanned<String>>,
    /// Paths that are not read, relative to the workspace; `*` matches any text within a name, `**` for any folders.
    #[serde(default)]
    exclude: Vec<Spanned<String>>,
    /// Levels of checks, by name: `error`, `warning`, `note`, or `off`. Errors of reading and shape cannot be lowered, and a check
    /// that guards access cannot be switched off: `mcpctl explain CHECK` says which one does. `design` stands for all checks of design,
    /// which are off by default.
    #[serde(default)]
    checks: BTreeMap<Spanned<String>, Spanned<LevelWord>>,
    /// What every bundle of this workspace is known by.
    bundle: Option<BundleSection>,
    /// Targets that every compile must produce, with their settings.
    targets: Option<targets::TargetsSection>,
    /// Folders of business units, by unit, relative to the workspace.
    #[serde(default)]
    units: BTreeMap<UnitName, Spanned<String>>,
    /// Folders of environments, by name. They are not part of the workspace; `--env NAME` lets the files of one replace
    /// URLs, issuers and settings of targets.
    #[serde(default)]
    environments: BTreeMap<String, Spanned<String>>,
    /// Whether hand-written Cedar may permit what the access relation denies. Without it, `*.cedar` files may only forbid.
    #[serde(default)]
    allow_handwritten_permits: bool,
    /// Targets that are compiled although their products cannot hold hand-written Cedar, so that they enforce nothing of it.
    #[serde(default)]
    accept_handwritten: Vec<Spanned<String>>,
    /// What access a change may widen without failing `mcpctl diff --deny widening`, and widenings that somebody accepted.
    review: Option<review::ReviewSection>,
    /// Revisions of MCP that gateways accept; all that are known by default. A request without the header
    /// `MCP-Protocol-Version` is one of 2025-03-26.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    protocol: Vec<Spanned<RevisionWord>>,
    /// Base URL of a published copy of the documentation; findings then carry a link.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    docs_url: Option<Spanned<String>>,
}

/// What every bundle of this workspace is known by.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct BundleSection {
    /// The value of the label `mcpctl.io/bundle` on every Kubernetes object of a bundle; the name of the workspace's folder by
    /// default. At most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
    name: Option<Spanned<String>>,
}

words! {
    /// The level of a check.
    enum LevelWord { Error = "error", Warning = "warning", Note = "note", Off = "off", }
}

words! {
    /// A revision of MCP.
    enum RevisionWord {
        V20241105 = "2024-11-05",
        V20250326 = "2025-03-26",
        V20250618 = "2025-06-18",
        V20251125 = "2025-11-25",
        V20260728 = "2026-07-28",
    }
}

/// The settings in force.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// The output folder, where set.
    pub output: Option<Spanned<String>>,
    /// Patterns of paths that are not read.
    pub exclude: Vec<Spanned<String>>,
    /// Levels of checks, as written; `None` is off. The analysis judges them.
    pub written_levels: BTreeMap<Spanned<String>, Spanned<Option<Severity>>>,
    /// The levels among them that hold.
    pub levels: Levels,
    /// Targets that every compile must produce, and how.
    pub deployment: Deployment,
    /// Unit folders.
    pub units: BTreeMap<UnitName, Spanned<String>>,
    /// Environment folders.
    pub environments: BTreeMap<String, Spanned<String>>,
    /// Whether hand-written Cedar may permit.
    pub allow_handwritten_permits: bool,
    /// Targets that are compiled without the hand-written Cedar, and where that is accepted.
    pub accept_handwritten: BTreeMap<String, Loc>,
    /// The rules of the gate of `mcpctl diff`.
    pub gate: Gate,
    /// Base URL of the documentation.
    pub docs_url: Option<String>,
}

/// The validator of the file, built on first use.
fn validator() -> Option<&'static Validator> {
    static VALIDATOR: OnceLock<Option<Validator>> = OnceLock::new();
    VALIDATOR.get_or_init(|| Validator::new(serde_json::from_str(SCHEMA).ok()?).ok()).as_ref()
}

/// Reads the settings. With any finding of level error the settings are the defaults, and nothing else should be read.
#[must_use]
pub fn parse(file: FileId, source: &SourceFile) -> (Settings, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let tree = yaml::parse(file, source, &mut findings);
    // `off` is a legal word here, and means what it says.
    findings.retain(|finding| finding.rule != &yaml::AMBIGUOUS);
    let fails = |findings: &[Diagnostic]| findings.iter().any(|finding| finding.severity == Severity::Error);
    let root = match tree.documents() {
        [] => return (Settings::default(), findings),
        [root] => *root,
        [_, second, ..] => {
            let message = "settings are one document; this is a second one";
            findings.push(Diagnostic::new(&crate::lower::rules::DUPLICATE_SECTION, tree.loc(*second), message));
            return (Settings::default(), findings);
        }
    };
    if let Some(validator) = validator() {
        findings.extend(validator.check(&tree, root, root));
    }
    if fails(&findings) {
        return (Settings::default(), findings);
    }
    let settings = match decode::decode::<SettingsFile>(&tree, root) {
        Ok(written) => settle(written, &mut findings),
        Err(error) => {
            let loc = error.loc.unwrap_or_else(|| Loc::start_of(file));
            findings.push(Diagnostic::new(&crate::schema::rules::WRONG_TYPE, loc, error.message));
            Settings::default()
        }
    };
    if fails(&findings) { (Settings::default(), findings) } else { (settings, findings) }
}

fn settle(written: SettingsFile, findings: &mut Vec<Diagnostic>) -> Settings {
    let severity = |word: LevelWord| match word {
        LevelWord::Error => Some(Severity::Error),
        LevelWord::Warning => Some(Severity::Warning),
        LevelWord::Note => Some(Severity::Note),
        LevelWord::Off => None,
    };
    let checks = written.checks.into_iter();
    let written_levels = checks.map(|(name, level)| (name, Spanned::new(severity(level.value), level.loc))).collect();
    let units: BTreeMap<UnitName, Spanned<String>> =
        written.units.into_iter().map(|(unit, folder)| (unit, folder.map(|folder| plain_folder(&folder)))).collect();
    for (unit, folder) in &units {
        let inside = |outer: &str| folder.value == outer || folder.value.starts_with(&format!("{outer}/"));
        let other = units.iter().find(|(name, other)| *name != unit && inside(&other.value));
        let message = if folder.value.is_empty() {
            Some(format!("unit `{unit}` needs a folder of its own below the workspace"))
        } else if unit.is_central() {
            Some("`central` is everything outside the unit folders and has no folder of its own".to_owned())
        } else {
            other.map(|(name, _)| format!("the folder of unit `{unit}` is that of unit `{name}`, or inside it"))
        };
        if let Some(message) = message {
            findings.push(Diagnostic::new(&crate::schema::rules::INVALID_VALUE, folder.loc, message));
        }
    }
    let environments: BTreeMap<String, Spanned<String>> = written
        .environments
        .into_iter()
        .map(|(name, folder)| (name, folder.map(|folder| plain_folder(&folder))))
        .collect();
    judge_environments(&environments, &units, findings);
    let folders = units.values().chain(environments.values()).chain(&written.output);
    for folder in folders {
        let leaves = folder.value.starts_with('/') || folder.value.split(['/', '\\']).any(|part| part == "..");
        if leaves && written.output.as_ref().is_none_or(|output| output.loc != folder.loc) {
            let message = format!("`{folder}` must be a folder inside the workspace");
            findings.push(Diagnostic::new(&crate::schema::rules::INVALID_VALUE, folder.loc, message));
        }
    }
    let mut deployment = written.targets.map(|targets| targets.lower(findings)).unwrap_or_default();
    deployment.revisions =
        REVISIONS.into_iter().filter(|known| written.protocol.iter().any(|word| word.value.word() == *known)).collect();
    deployment.docs = written.docs_url.as_ref().map(|url| url.value.trim_end_matches('/').to_owned());
    deployment.bundle = written.bundle.and_then(|bundle| bundle.name);
    if let Some(name) = deployment.bundle.as_ref().filter(|name| !is_label_value(&name.value)) {
        let message = format!("`{name}` cannot be the value of a Kubernetes label, which is what names a bundle");
        let help = "write at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
        findings.push(Diagnostic::new(&crate::schema::rules::INVALID_VALUE, name.loc, message).help(help));
    }
    Settings {
        output: written.output,
        exclude: written.exclude,
        written_levels,
        levels: Levels::new(),
        deployment,
        units,
        environments,
        allow_handwritten_permits: written.allow_handwritten_permits,
        accept_handwritten: written.accept_handwritten.into_iter().map(|name| (name.value, name.loc)).collect(),
        gate: written.review.map(review::ReviewSection::lower).unwrap_or_default(),
        docs_url: written.docs_url.map(|url| url.value),
    }
}

/// An environment has a folder of its own: whoever may write a unit's folder, or another environment's, writes nothing of it.
fn judge_environments(
    environments: &BTreeMap<String, Spanned<String>>,
    units: &BTreeMap<UnitName, Spanned<String>>,
    findings: &mut Vec<Diagnostic>,
) {
    let within = |inner: &str, outer: &str| inner == outer || inner.starts_with(&format!("{outer}/"));
    let overlap = |a: &str, b: &str| within(a, b) || within(b, a);
    for (name, folder) in environments {
        let unit = units.iter().find(|(_, other)| overlap(&folder.value, &other.value));
        let other = environments.iter().find(|(other, at)| *other != name && overlap(&folder.value, &at.value));
        let message = if folder.value.is_empty() {
            format!("environment `{name}` needs a folder of its own below the workspace")
        } else if let Some((unit, _)) = unit {
            format!("the folder of environment `{name}` and that of unit `{unit}` overlap")
        } else if let Some((other, _)) = other {
            format!("the folder of environment `{name}` and that of environment `{other}` overlap")
        } else {
            continue;
        };
        findings.push(Diagnostic::new(&crate::schema::rules::INVALID_VALUE, folder.loc, message));
    }
}

/// A folder as the names of files begin: without `.`, doubled or trailing separators.
fn plain_folder(written: &str) -> String {
    if written.starts_with('/') {
        return written.to_owned();
    }
    written.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}
