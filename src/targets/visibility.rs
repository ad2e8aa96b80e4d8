//! What a target's product sees of requests, and the relation as it can decide it.

use super::{Decides, LeftOut, Target};
use crate::model::Model;
use crate::model::access::{ClaimTest, Evidence, Placeholder};
use crate::model::name::FactName;
use crate::policy::condition::Condition;
use crate::policy::fact::{MOST_FACTS, MTLS, TLS};
use crate::policy::pieces::{count, in_pieces};
use crate::policy::visibility::{Narrowed, Stricter, View, narrow, seen as through};
use crate::policy::{ObjectKind, Policy, Principal, PrincipalId, PrincipalIx};

/// What a target sees of requests, by its own word and the settings.
#[must_use]
pub fn view(target: &Target, model: &Model, policy: &Policy) -> View {
    let mut view = View::default();
    let Some(decides) = target.decides() else { return view };
    let given = model.deployment.of(target.id).map(|listed| &listed.assumed);
    let crowded = decides.recognises_callers && count(policy) > MOST_FACTS;
    let mut known: Vec<(&FactName, &Evidence)> = Vec::new();
    for fact in policy.facts.names() {
        // What is taken to show a certificate is encrypted too.
        let assumed = |given: &FactName| given == fact || given.as_str() == MTLS && fact.as_str() == TLS;
        if let Some(given) = given.filter(|given| given.facts.iter().any(|fact| assumed(&fact.value))) {
            let reason = given.reason.as_ref().map(|reason| reason.value.clone());
            view.given.insert(fact.clone(), reason.unwrap_or_default());
            continue;
        }
        let evidence = policy.evidence_for(fact.as_str());
        if decides.recognises_callers && evidence == Some(&Evidence::KnownCaller) {
            view.implied.insert(fact.clone());
            continue;
        }
        // `tls` and `mtls` both show in the connection, and are not the same there.
        let shown = evidence.filter(|evidence| decides.recognises_callers && **evidence != Evidence::Transport);
        if let Some(evidence) = shown {
            match known.iter().find(|(_, other)| other.is_shown_by_the_same(evidence)) {
                Some((first, _)) => {
                    view.same.insert(fact.clone(), FactName::clone(first));
                    continue;
                }
                None => known.push((fact, evidence)),
            }
        }
        let why = match evidence {
            Some(Evidence::All(_)) if crowded => Some(CROWDED),
            Some(evidence) => evidence.pieces().iter().find_map(|piece| {
                unclear(model, piece)
                    .filter(|_| decides.recognises_callers)
                    .or_else(|| (decides.blind_to)(model, fact.as_str(), piece))
            }),
            // Where facts are sent as such, somebody else finds them.
            None => Some("no evidence is declared for it").filter(|_| decides.recognises_callers),
        };
        if let Some(why) = why {
            view.blind.insert(fact.clone(), why.to_owned());
        } else if decides.recognises_callers {
            view_unshown(&mut view, model, policy, fact, evidence);
        }
    }
    for (index, object) in (0..).zip(&policy.objects) {
        match (decides.leaves_out)(model, &object.kind) {
            None => {}
            Some(LeftOut::Denied(why)) => drop(view.left_out.insert(index, why.to_owned())),
            Some(LeftOut::Undecided(why)) => drop(view.undecided.insert(index, why.to_owned())),
        }
    }
    view
}

const CROWDED: &str = "all evidence together has more pieces than a target can tell apart";

/// Why a piece of evidence cannot be told from who is calling: its text depends on what is called.
fn unclear(model: &Model, piece: &Evidence) -> Option<&'static str> {
    let Evidence::Claim(claim) = piece else { return None };
    let identity = model.identity.as_ref();
    let unit = identity.and_then(|identity| identity.business_unit_claim.as_ref());
    let path: Vec<&str> = claim.path.iter().map(String::as_str).collect();
    let by_issuer = identity.iter().flat_map(|identity| &identity.issuers).filter_map(|issuer| issuer.caller.as_ref());
    let tells = matches!(path.as_slice(), ["sub" | "act" | "iss"] | ["act", "sub"])
        || unit.is_some_and(|unit| path == [unit.value.as_str()])
        || by_issuer.into_iter().any(|caller| caller.value == claim.path);
    let varies = claim.test.texts().any(|text| text.contains('{'));
    (tells && (varies || claim.separator.is_some()))
        .then_some("that claim tells who is calling, which does not depend on what is called")
}

/// Adds the objects for which no request can show a fact, because its evidence names what they do not have.
fn view_unshown(view: &mut View, model: &Model, policy: &Policy, fact: &FactName, evidence: Option<&Evidence>) {
    // A fact of several values is shown by any of them, so each has to name what the object lacks.
    let needs = |word: Placeholder| {
        let claims = evidence.into_iter().flat_map(Evidence::claims);
        claims.filter(|claim| matches!(claim.test, ClaimTest::Contains(_))).any(|claim| claim.test.all_mention(word))
    };
    let (tool, unit) = (needs(Placeholder::Tool), needs(Placeholder::Unit));
    for (index, object) in (0..).zip(&policy.objects).filter(|_| tool || unit) {
        let no_tool = tool && !matches!(object.kind, ObjectKind::Tool(_));
        let no_unit = unit && model.servers.get(&object.server).is_none_or(|server| server.unit.is_none());
        if no_tool || no_unit {
            view.unshown.entry(index).or_default().insert(fact.clone());
        }
    }
}

/// The relation as a target's product can decide it, what it sees of requests, and what that costs.
#[must_use]
pub fn seen(target: &Target, model: &Model, policy: &Policy) -> (View, Policy, Stricter) {
    let view = view(target, model, policy);
    let (mut policy, mut stricter) = through(policy, &view);
    let Some(decides) = target.decides() else { return (view, policy, stricter) };
    if decides.recognises_callers {
        // Products test one piece of evidence after the other. What is too much for that is blind.
        policy = in_pieces(&policy).unwrap_or(policy);
        let narrowed = unrecognised(decides, model, &policy);
        narrow(&mut policy, narrowed, &mut stricter);
    }
    if let Some(narrows) = decides.narrows {
        let narrowed = narrows(model, &policy);
        narrow(&mut policy, narrowed, &mut stricter);
    }
    (view, policy, stricter)
}

/// The cells of principals whom no token names: nobody can tell that it is they who call.
fn unrecognised(decides: &Decides, model: &Model, policy: &Policy) -> Vec<Narrowed> {
    let claim = model.identity.as_ref().and_then(|identity| identity.business_unit_claim.as_ref());
    let issuers = || model.identity.iter().flat_map(|identity| &identity.issuers);
    let by_claim_alone = |principal: &Principal| {
        let mut speak = issuers().filter(|issuer| principal.is_spoken_for_by(issuer)).peekable();
        !decides.reads_caller_claims && speak.peek().is_some() && speak.all(|issuer| issuer.caller.is_some())
    };
    closed(policy, |principal| match &principal.id {
        PrincipalId::Agent(_) | PrincipalId::Flow(_) if principal.subject.is_none() => {
            Some("a principal without `subject` is named by no token")
        }
        PrincipalId::AnyAgent(Some(_)) if claim.is_none() => {
            Some("without `identity.business_unit_claim` no token tells the business unit of an undeclared agent")
        }
        PrincipalId::Agent(_) | PrincipalId::Flow(_) | PrincipalId::AnyAgent(_) if by_claim_alone(principal) => Some(
            "the issuers of its tokens name callers by a claim of their own (`caller`), which this target does not read",
        ),
        PrincipalId::Agent(_) | PrincipalId::Flow(_) | PrincipalId::AnyAgent(_) => None,
    })
}

/// Every cell of the principals for whom there is a reason to let nothing through.
pub(super) fn closed(policy: &Policy, why: impl Fn(&Principal) -> Option<&'static str>) -> Vec<Narrowed> {
    let mut narrowed = Vec::new();
    for (index, (principal, row)) in (0_u32..).zip(policy.principals.iter().zip(&policy.cells)) {
        let Some(why) = why(principal) else { continue };
        narrowed.extend(row.iter().map(|(object, _)| Narrowed {
            principal: PrincipalIx(index),
            object: *object,
            condition: Condition::never(),
            why,
        }));
    }
    narrowed
}
