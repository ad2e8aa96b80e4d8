//! What hand-written Cedar has to do with an answer.

use super::super::Session;
use super::super::refusal::Refusal;
use crate::analysis::Analysis;
use crate::policy::whole::Says;
use crate::policy::{ObjectIx, PrincipalIx};
use crate::render::counted;
use crate::source::Loc;

/// A decision with all policies.
pub struct Written {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The hand-written policies among those that decided.
    pub policies: Vec<String>,
    /// Where those stand.
    pub places: Vec<Loc>,
    /// The minimal sets of facts that the request lacks, hand-written policies included.
    pub missing: Vec<u64>,
}

impl Written {
    /// Which policies decided, and how.
    pub fn in_words(&self) -> String {
        let names: Vec<String> = self.policies.iter().map(|id| format!("`{id}`")).collect();
        let verb = if self.allowed { "permits" } else { "forbids" };
        format!("hand-written Cedar {verb} it ({})", names.join(", "))
    }
}

/// The decision with the hand-written policies on a request about these objects, all of which must allow it; `None` where there
/// are no such policies.
pub fn decide(
    analysis: &Analysis,
    principal: PrincipalIx,
    objects: &[ObjectIx],
    facts: u64,
) -> Result<Option<Written>, Vec<miette::Report>> {
    let whole = analysis.whole();
    let Some(written) = whole.written else { return Ok(None) };
    let unsettled = |why: String| {
        let message = format!("the answer is UNKNOWN: {why}");
        let help = "write the hand-written conditions with fewer facts, in several policies".to_owned();
        Vec::from(Refusal::Usage { message, help })
    };
    let allowed = whole.decide(principal, objects, facts).map_err(unsettled)?;
    // What it lacks may be too much to find out; the decision is known all the same.
    let missing = if allowed { Vec::new() } else { whole.missing(principal, objects, facts).unwrap_or_default() };
    let mut all = Written { allowed, policies: Vec::new(), places: Vec::new(), missing };
    for object in objects {
        let (says, policies) = whole.says(principal, *object, facts).map_err(unsettled)?;
        // A denial is a forbid's doing, an allowance a permit's.
        if (says == Says::Permit) == allowed {
            all.policies.extend(policies);
        }
    }
    all.policies.sort();
    all.policies.dedup();
    all.places = all.policies.iter().filter_map(|id| written.places.get(id)).copied().collect();
    Ok(Some(all))
}

/// Says that hand-written Cedar is part of an answer.
pub fn part(analysis: &Analysis, session: &mut Session<'_>) -> Result<(), Vec<miette::Report>> {
    let files = &analysis.model().handwritten.files;
    if files.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = files.iter().map(|file| format!("`{}`", file.name)).collect();
    session.say(&format!(
        "the hand-written Cedar of {} is part of it ({})",
        counted(files.len(), "file"),
        names.join(", ")
    ))
}
