//! What hand-written Cedar has to do with an answer.

use super::super::Session;
use crate::analysis::Analysis;
use crate::cedar::handwritten::parse;
use crate::policy::{ObjectIx, PrincipalIx};
use crate::render::counted;
use crate::review::access::Side;
use crate::review::handwritten::Loaded;
use crate::review::naming::named;
use crate::source::Loc;

/// A decision with all policies.
pub struct Written {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The hand-written policies among those that decided.
    pub policies: Vec<String>,
    /// Where those stand.
    pub places: Vec<Loc>,
}

impl Written {
    /// Which policies decided, and how.
    pub fn in_words(&self) -> String {
        let names: Vec<String> = self.policies.iter().map(|id| format!("`{id}`")).collect();
        let verb = if self.allowed { "permits" } else { "forbids" };
        format!("hand-written Cedar {verb} it ({})", names.join(", "))
    }
}

/// Cedar's decision with the hand-written policies on a request about these objects, all of which must allow it; `None` where
/// there are no such policies.
pub fn decide(
    analysis: &Analysis,
    principal: PrincipalIx,
    objects: &[ObjectIx],
    facts: u64,
) -> Result<Option<Written>, Vec<miette::Report>> {
    let (model, policy) = (&analysis.model, &analysis.policy);
    if model.handwritten.is_empty() {
        return Ok(None);
    }
    let failed = |error| vec![miette::Report::new(error)];
    let loaded = Loaded::new(Side { model, policy }, &analysis.sources).map_err(failed)?;
    let facts: Vec<String> = named(policy, facts).into_iter().map(ToString::to_string).collect();
    let mut all = Written { allowed: !objects.is_empty(), policies: Vec::new(), places: Vec::new() };
    for object in objects {
        let who = &policy.principal_at(principal).id;
        let (allowed, by) = loaded.decide(who, policy.object_at(*object), &facts).map_err(failed)?;
        all.allowed &= allowed;
        all.policies.extend(by);
    }
    all.policies.sort();
    all.policies.dedup();
    let mut own = Vec::new();
    for file in &model.handwritten.files {
        for written in parse(&file.name, &file.text).unwrap_or_default() {
            // A denial is a forbid's doing, an allowance a permit's.
            if all.policies.contains(&written.id) && written.permits == all.allowed {
                own.push(written.id);
                all.places.push(Loc { file: file.file, start: written.at.start as u32, end: written.at.end as u32 });
            }
        }
    }
    all.policies = own;
    Ok(Some(all))
}

/// Says that an answer is of the access relation alone.
pub fn not_part(analysis: &Analysis, session: &mut Session<'_>) -> Result<(), Vec<miette::Report>> {
    let files = &analysis.model.handwritten.files;
    if files.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = files.iter().map(|file| format!("`{}`", file.name)).collect();
    session.say(&format!(
        "this speaks of the access relation; the hand-written Cedar of {} ({}) is not part of it: `mcpctl can` and `mcpctl prove` are",
        counted(files.len(), "file"),
        names.join(", ")
    ))
}
