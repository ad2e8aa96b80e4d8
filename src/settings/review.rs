//! `review` of `mcpctl.yaml`, as written: the budget and the waivers of `mcpctl diff --deny widening`. A file of the same keys
//! can be named by `mcpctl diff --budget`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::SCHEMA;
use crate::diagnostic::{Diagnostic, Severity};
use crate::families::decode::{self, OneOrMany};
use crate::model::gate::{Gate, GateWaiver, Waived};
use crate::model::name::{ClassName, FactName, UnitName};
use crate::schema::Validator;
use crate::source::yaml;
use crate::source::{FileId, Loc, SourceFile, Spanned};

/// What access a change may widen without failing `mcpctl diff --deny widening`. Every limit must hold, and a pair that no limit
/// speaks of may not open at all. Read from the base of the comparison: a change cannot excuse itself.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewSection {
    /// Most pairs of a principal and a tool that may widen in all. Without it, a pair that no unit and no class named here may
    /// not widen.
    max_new_allow: Option<Spanned<u32>>,
    /// Most pairs that may widen on the servers of a unit, by unit; `central` for servers of none.
    #[serde(default)]
    units: BTreeMap<UnitName, Spanned<u32>>,
    /// Most pairs that may widen on the servers of a data class, by class.
    #[serde(default)]
    classes: BTreeMap<ClassName, Spanned<u32>>,
    /// Most changes of operation that may take capacity, protection or visibility away: a smaller pool, a breaker that opens
    /// later, a dropped metric, a shorter retention. Without it any number may, and none with `--deny operation`.
    max_lost_operation: Option<Spanned<u32>>,
    /// Openings that somebody accepted, for a reason and a time. They do not count, and are shown with their reason.
    #[serde(default)]
    waivers: Vec<Spanned<WaiverEntry>>,
}

/// An accepted widening: of pairs, with `principals` and `tools`; or of trust, with `trust` and `to`.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend(
    "if" = { "required": ["trust"] },
    "then" = { "maxProperties": 5 },
    "else" = { "required": ["principals", "tools"] },
    "dependentRequired" = { "to": ["trust"] },
)))]
#[serde(deny_unknown_fields)]
struct WaiverEntry {
    /// Who, one or a list, as `mcpctl diff` shows them; `*` matches any text.
    principals: Option<OneOrMany<Spanned<Pattern>>>,
    /// What, one or a list: `server/tool`; `*` matches any text.
    tools: Option<OneOrMany<Spanned<Pattern>>>,
    /// Facts that every request which is let through must show; a widening that needs less is not accepted.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    facts: Vec<Spanned<FactName>>,
    /// A change of trust, as `mcpctl diff` shows it but without backticks: `URL of server crm_server`; `*` matches any text.
    #[cfg_attr(test, schemars(length(min = 1)))]
    trust: Option<Spanned<String>>,
    /// The new value of `trust` that is accepted, as `mcpctl diff` shows it, with or without backticks; `nothing` for what is
    /// gone. Any other value is not accepted.
    #[cfg_attr(test, schemars(length(min = 1)))]
    to: Option<Spanned<String>>,
    /// Why it is accepted.
    #[cfg_attr(test, schemars(length(min = 1)))]
    reason: Spanned<String>,
    /// Who accepted it.
    #[cfg_attr(test, schemars(length(min = 1)))]
    owner: Spanned<String>,
    /// The last day on which it holds, as `2027-03-31`.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-date")))]
    expires: Spanned<String>,
}

/// A name in which `*` matches any text.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
struct Pattern(#[cfg_attr(test, schemars(length(min = 1)))] String);

impl ReviewSection {
    /// As the model has it.
    pub(super) fn lower(self) -> Gate {
        let plain = |patterns: Option<OneOrMany<Spanned<Pattern>>>| {
            let patterns = patterns.map(|many| many.0).unwrap_or_default();
            patterns.into_iter().map(|pattern| pattern.map(|Pattern(text)| text)).collect()
        };
        let waiver = |Spanned { value: entry, loc }: Spanned<WaiverEntry>| GateWaiver {
            what: match entry.trust {
                Some(what) => Waived::Trust { what, to: entry.to },
                None => {
                    Waived::Pairs { principals: plain(entry.principals), tools: plain(entry.tools), facts: entry.facts }
                }
            },
            reason: entry.reason,
            owner: entry.owner,
            expires: entry.expires,
            loc,
        };
        Gate {
            max_new_allow: self.max_new_allow,
            units: self.units,
            classes: self.classes,
            max_lost_operation: self.max_lost_operation,
            waivers: self.waivers.into_iter().map(waiver).collect(),
        }
    }
}

/// The validator of a file with the keys of `review`, built on first use.
fn validator() -> Option<&'static Validator> {
    static VALIDATOR: OnceLock<Option<Validator>> = OnceLock::new();
    let build = || {
        let settings: serde_json::Value = serde_json::from_str(SCHEMA).ok()?;
        Validator::new(settings.get("properties")?.get("review")?.clone()).ok()
    };
    VALIDATOR.get_or_init(build).as_ref()
}

/// Reads a file with the keys of `review`. With any finding of level error there are no rules.
#[must_use]
pub fn parse_gate(file: FileId, source: &SourceFile) -> (Gate, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let tree = yaml::parse(file, source, &mut findings);
    let root = match tree.documents() {
        [] => return (Gate::default(), findings),
        [root] => *root,
        [_, second, ..] => {
            let message = "a budget is one document; this is a second one";
            findings.push(Diagnostic::new(&crate::lower::rules::DUPLICATE_SECTION, tree.loc(*second), message));
            return (Gate::default(), findings);
        }
    };
    if let Some(validator) = validator() {
        findings.extend(validator.check(&tree, root, root));
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return (Gate::default(), findings);
    }
    match decode::decode::<ReviewSection>(&tree, root) {
        Ok(written) => (written.lower(), findings),
        Err(error) => {
            let loc = error.loc.unwrap_or_else(|| Loc::start_of(file));
            findings.push(Diagnostic::new(&crate::schema::rules::WRONG_TYPE, loc, error.message));
            (Gate::default(), findings)
        }
    }
}
