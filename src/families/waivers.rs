//! `waivers`, our own family: findings that somebody accepted, for a reason and a time.

use crate::lower::{At, Lowering};
use crate::model::assurance::Waiver;
use crate::source::Spanned;

/// Accepted findings. The centre's alone. A waiver that has expired, or that nothing matches, is itself a finding. May stand many times; the
/// names must be unique.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Waivers(Vec<Spanned<WaiverSection>>);

/// An accepted finding.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct WaiverSection {
    /// Its name, unique.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// The check whose finding is accepted.
    #[cfg_attr(test, schemars(length(min = 1)))]
    check: Spanned<String>,
    /// The file of the finding, relative to the workspace.
    #[cfg_attr(test, schemars(length(min = 1)))]
    file: Spanned<String>,
    /// Its line, where only one line of the file is meant.
    #[cfg_attr(test, schemars(range(min = 1)))]
    line: Option<Spanned<u32>>,
    /// A part of its message, where only some of the findings are meant.
    #[cfg_attr(test, schemars(length(min = 1)))]
    matches: Option<Spanned<String>>,
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

impl Waivers {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        // A unit that could accept findings would accept its own.
        if at.scope.is_some() {
            return;
        }
        for Spanned { value: waiver, loc } in self.0 {
            if out.declare("waiver", &waiver.name.value, waiver.name.loc) {
                out.model.waivers.push(Waiver {
                    name: waiver.name,
                    check: waiver.check,
                    file: waiver.file,
                    line: waiver.line,
                    matches: waiver.matches,
                    reason: waiver.reason,
                    owner: waiver.owner,
                    expires: waiver.expires,
                    loc,
                });
            }
        }
    }
}
