//! Subjects that no declared principal has any longer: what their tokens may do then.

use std::collections::BTreeSet;

use super::super::access::Side;
use super::super::access::Which;
use super::TrustChange;
use crate::model::access::Evidence;
use crate::model::access::evidence::SPIFFE;
use crate::model::name::FactName;
use crate::policy::condition::CondId;
use crate::policy::{Policy, Principal, PrincipalId};

/// Every subject whose tokens name nobody now and may do more than before.
pub(super) fn changes(base: Side<'_>, head: Side<'_>) -> Vec<TrustChange> {
    let issuers = head.model.identity.iter().flat_map(|identity| &identity.issuers);
    let issuers: Vec<&str> = issuers.map(|issuer| issuer.issuer.value.as_str()).collect();
    let mut found = Vec::new();
    for old in &base.policy.principals {
        let Some(subject) = &old.subject else { continue };
        let with_it = || head.policy.principals.iter().filter(|new| new.subject.as_ref() == Some(subject));
        let bound = with_it().filter_map(|new| new.issuer.as_deref());
        let others = BTreeSet::from_iter(bound);
        let named = with_it().any(|new| new.issuer.is_none() || new.issuer == old.issuer);
        let tokens = |issuer: &&str| old.issuer.as_deref().is_none_or(|of| of == *issuer) && !others.contains(issuer);
        if named || !issuers.iter().any(tokens) {
            continue;
        }
        let any = lets_anybody_more(old, base.policy, head.policy).then_some("any agent");
        let user = (others.is_empty() && passes_as_user(subject, head)).then_some("a user");
        let now: Vec<&str> = any.into_iter().chain(user).collect();
        if now.is_empty() {
            continue;
        }
        let of = match (&old.issuer, others.is_empty()) {
            (Some(issuer), _) => format!(" of `{issuer}`"),
            (None, true) => String::new(),
            (None, false) => " of other issuers".to_owned(),
        };
        let at = head.policy.principals.iter().find(|new| new.id == old.id);
        let at = at.map_or((Which::Base, old.loc), |new| (Which::Head, new.loc));
        let (before, after) = (Some(format!("`{}`", old.id)), Some(now.join(" or ")));
        let change = TrustChange::new(format!("tokens with subject `{subject}`{of}"), before, after, Some(at));
        found.push(TrustChange { widening: true, ..change });
    }
    found
}

/// Whether undeclared callers may do something that the principal could not.
fn lets_anybody_more(old: &Principal, base: &Policy, head: &Policy) -> bool {
    let sets = |policy: &Policy, condition: CondId| -> Vec<BTreeSet<FactName>> {
        let sets = policy.conditions.get(condition).minimal_sets().iter();
        sets.map(|set| policy.facts.named(*set).cloned().collect()).collect()
    };
    let before = base.principal(&old.id.to_string());
    let anybody = |at: crate::policy::PrincipalIx| matches!(head.principal_at(at).id, PrincipalId::AnyAgent(_));
    head.all_cells().filter(|(principal, ..)| anybody(*principal)).any(|(_, object, cell)| {
        let same = base.object(head.object_at(object));
        let before = before.zip(same).and_then(|(principal, object)| base.cell(principal, object));
        let before = before.map(|cell| sets(base, cell.condition)).unwrap_or_default();
        sets(head, cell.condition).iter().any(|set| !before.iter().any(|known| known.is_subset(set)))
    })
}

/// Whether a token with this `sub` may show that a user stands behind a call, where some call asks for that.
fn passes_as_user(subject: &str, head: Side<'_>) -> bool {
    let policy = head.policy;
    // No target takes a SPIFFE ID for a user's.
    let workload = subject.starts_with(SPIFFE);
    let told_by_subjects = |evidence: &Evidence| evidence.pieces().contains(&Evidence::NotWorkload);
    let shown = policy.shown().filter(|(_, evidence)| told_by_subjects(evidence));
    let users = shown.fold(0, |all, (bit, _)| all | bit);
    let asks = |condition| policy.conditions.get(condition).minimal_sets().iter().any(|set| set & users != 0);
    !workload && policy.all_cells().any(|(_, _, cell)| asks(cell.condition))
}
