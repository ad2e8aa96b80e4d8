//! Policy tests against the relation: which requests a test is about, and what becomes of each.

use super::whole::Whole;
use super::{ObjectIx, ObjectKind, Policy, PrincipalId, PrincipalIx};
use crate::model::Model;
use crate::model::access::Readable;
use crate::model::assurance::PolicyTest;
use crate::model::name::FactName;
use crate::model::uri::holds as holds_all;
use crate::source::Spanned;

/// One request of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Who calls; `None` for `any_agent` where the workspace lets no undeclared caller in.
    pub principal: Option<PrincipalIx>,
    /// The thing; `None` for one that does not exist, which everybody is denied.
    pub object: Option<ObjectIx>,
    /// Its facts, with what they imply.
    pub facts: u64,
}

/// What a test says of a request and does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The other decision comes out.
    Decision,
    /// Other facts are missing.
    Missing,
    /// It is not settled what comes out: the answer is unknown.
    Unknown,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The request.
    pub case: Case,
    /// Whether it is allowed.
    pub allowed: bool,
    /// The minimal sets of facts that it lacks, sorted. Empty where it is allowed, and where nothing would help.
    pub missing: Vec<u64>,
    /// What the test says otherwise.
    pub fault: Option<Fault>,
    /// Why the answer is unknown, where it is.
    pub unknown: Option<String>,
}

/// The principals that a name or a pattern stands for. `*` at the end stands for everything that begins so, and `any_agent`
/// for the callers of every unit. Sorted; empty where there are none.
#[must_use]
pub fn principals(policy: &Policy, written: &str) -> Vec<PrincipalIx> {
    if let Some(one) = policy.principal(written) {
        return vec![one];
    }
    let any = written == "any_agent";
    let Some(start) = written.strip_suffix('*').or(any.then_some("")) else { return Vec::new() };
    let fits = |id: &PrincipalId| {
        if any { matches!(id, PrincipalId::AnyAgent(_)) } else { start.is_empty() || id.to_string().starts_with(start) }
    };
    let all = policy.principals.iter().zip(0..);
    all.filter(|(principal, _)| fits(&principal.id)).map(|(_, index)| PrincipalIx(index)).collect()
}

/// What `server/tool`, `server/resource:URI`, `server/prompt:NAME` or `server/*` stands for; the last one for everything but the
/// protocol. Sorted; empty where there is nothing.
#[must_use]
pub fn objects(policy: &Policy, written: &str) -> Vec<ObjectIx> {
    let Some((server, thing)) = written.split_once('/') else { return Vec::new() };
    let on = policy.index.on(server);
    match Readable::parse(thing) {
        Some(Readable::Resource(uri)) => resources(policy, server, &uri),
        Some(Readable::Prompt(name)) => {
            policy.index.find(&policy.objects, server, &ObjectKind::Prompt(name)).into_iter().collect()
        }
        None if thing == "*" => {
            let all = on.map(ObjectIx);
            all.filter(|at| policy.object_at(*at).kind != ObjectKind::Protocol).collect()
        }
        None => policy.index.tool(&policy.objects, on, thing).into_iter().collect(),
    }
}

/// The narrowest patterns of a server's resources that a URI, or all URIs of a pattern, are of: each decides, and asks for what the
/// wider ones ask for, too.
#[must_use]
pub fn resources(policy: &Policy, server: &str, uri: &str) -> Vec<ObjectIx> {
    let patterns: Vec<(&str, ObjectIx)> = policy
        .index
        .objects_on(&policy.objects, server)
        .filter_map(|(object, index)| match &object.kind {
            ObjectKind::Resource(pattern) if holds_all(pattern, uri) => Some((pattern.as_str(), ObjectIx(index))),
            ObjectKind::Resource(_) | ObjectKind::Protocol | ObjectKind::Tool(_) | ObjectKind::Prompt(_) => None,
        })
        .collect();
    let narrower = |one: &str| patterns.iter().any(|(other, _)| holds_all(one, other) && !holds_all(other, one));
    patterns.iter().filter(|(pattern, _)| !narrower(pattern)).map(|(_, at)| *at).collect()
}

/// The mask of facts, with what they imply. A fact that no condition uses adds nothing.
#[must_use]
pub fn mask(policy: &Policy, facts: &[Spanned<FactName>]) -> u64 {
    let bits = facts.iter().filter_map(|fact| policy.facts.mask(fact.value.as_str()));
    policy.facts.closed(bits.fold(0, |all, bit| all | bit))
}

/// Whether a call that matches no tool is an error of its own: the registry does not list the server, or not the tool.
#[must_use]
pub fn is_reported(model: &Model, call: &str) -> bool {
    let Some((server, tool)) = call.split_once('/') else { return false };
    match model.server(server).filter(|server| server.registered) {
        Some(server) => match Readable::parse(tool) {
            Some(readable) => !server.offers(&readable),
            None => server.lists_tools && tool != "*",
        },
        None => model.registry.is_some(),
    }
}

/// Every request of a test, principals first, then calls, then sets of facts. Names that nothing has stand for no request;
/// they are reported by their own checks.
#[must_use]
pub fn cases(model: &Model, policy: &Policy, test: &PolicyTest) -> Vec<Case> {
    let mut callers: Vec<Option<PrincipalIx>> = Vec::new();
    for who in &test.principals {
        let found = principals(policy, &who.value);
        let nobody = found.is_empty() && who.value.starts_with("any_agent");
        callers.extend(found.into_iter().map(Some));
        callers.extend(nobody.then_some(None));
    }
    let mut called: Vec<Option<ObjectIx>> = Vec::new();
    for call in &test.calls {
        let found = objects(policy, &call.value);
        let nothing = found.is_empty() && !call.value.ends_with("/*") && !is_reported(model, &call.value);
        called.extend(found.into_iter().map(Some));
        called.extend(nothing.then_some(None));
    }
    dedup(&mut callers);
    dedup(&mut called);
    let sets: Vec<u64> = test.with.iter().map(|facts| mask(policy, facts)).collect();
    let mut cases = Vec::with_capacity(callers.len() * called.len() * sets.len());
    for principal in callers {
        for object in &called {
            cases.extend(sets.iter().map(|facts| Case { principal, object: *object, facts: *facts }));
        }
    }
    cases
}

/// The calls of a test that stand for no tool at all, so that the test says nothing of them; without those that are errors
/// of their own.
pub fn empty_calls<'t>(
    model: &Model,
    policy: &Policy,
    test: &'t PolicyTest,
) -> impl Iterator<Item = &'t Spanned<String>> {
    let is_empty = |call: &str| call.ends_with("/*") && objects(policy, call).is_empty() && !is_reported(model, call);
    test.calls.iter().filter(move |call| is_empty(&call.value))
}

fn dedup<T: Ord>(items: &mut Vec<T>) {
    items.sort_unstable();
    items.dedup();
}

/// Whether a request of a test that states no missing facts comes out as stated. Of others it says no, and [`judge`] says
/// whether they do.
#[must_use]
pub fn holds(whole: Whole<'_>, test: &PolicyTest, case: Case) -> bool {
    test.missing.is_none() && decided(whole, case) == Ok(test.allow.value)
}

/// Whether a request is allowed.
fn decided(whole: Whole<'_>, case: Case) -> Result<bool, String> {
    match case.principal.zip(case.object) {
        Some((who, what)) => whole.decide(who, &[what], case.facts),
        // What no registry lists is denied, unless somebody permits whatever there is.
        None => {
            match whole.written.and_then(|written| written.unbounded.first()).filter(|_| case.principal.is_some()) {
                Some(id) => Err(format!("hand-written `{id}` also permits on what no registry lists")),
                None => Ok(false),
            }
        }
    }
}

/// What becomes of a request of a test.
#[must_use]
pub fn judge(whole: Whole<'_>, test: &PolicyTest, case: Case) -> Outcome {
    let policy = whole.policy;
    let unknown =
        |why| Outcome { case, allowed: false, missing: Vec::new(), fault: Some(Fault::Unknown), unknown: Some(why) };
    let allowed = match decided(whole, case) {
        Ok(allowed) => allowed,
        Err(why) => return unknown(why),
    };
    let lacks = || match case.principal.zip(case.object).filter(|_| !allowed) {
        Some((who, what)) => whole.missing(who, &[what], case.facts),
        None => Ok(Vec::new()),
    };
    let missing = match lacks() {
        Ok(missing) => missing,
        Err(why) if test.missing.is_some() && allowed == test.allow.value => return unknown(why),
        Err(_) => Vec::new(),
    };
    let fault = if allowed == test.allow.value {
        let other = test.missing.as_ref().is_some_and(|expected| {
            // `mtls` brings `tls` along, whether or not the test says so.
            let mut wanted: Vec<u64> = expected.iter().map(|set| mask(policy, set) & !case.facts).collect();
            dedup(&mut wanted);
            let mut lacking: Vec<u64> = missing.iter().map(|set| policy.facts.closed(*set) & !case.facts).collect();
            dedup(&mut lacking);
            wanted != lacking
        });
        other.then_some(Fault::Missing)
    } else {
        Some(Fault::Decision)
    };
    Outcome { case, allowed, missing, fault, unknown: None }
}
