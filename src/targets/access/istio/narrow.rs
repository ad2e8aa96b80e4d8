//! What Istio cannot tell apart, and so denies.

use std::collections::BTreeMap;

use super::claims::{delegation, is_plain, is_plain_pattern, verified_headers};
use crate::model::Model;
use crate::model::access::Placeholder;
use crate::policy::condition::Condition;
use crate::policy::visibility::Narrowed;
use crate::policy::{Object, ObjectIx, ObjectKind, Policy, PrincipalId, PrincipalIx};
use crate::targets::LeftOut;

const STRANGER: &str = "Istio cannot compare two claims with each other, so it sees that somebody acts for another one only \
                        where it knows one of the two by name";
const WHOLE: &str = "without `verified_headers` Istio sees no tool, so a caller may use a server only as far as it may use \
                     everything on it";
const NAMELESS: &str = "the text that would show a fact names a tool or unit, and there is none to name";
const OVERLAP: &str =
    "another pattern of the same server's resources may match the same URIs, and Istio cannot match it";
const ENCODED: &str = "its name is encoded in the header `Mcp-Name`";
const PATTERN: &str = "Istio matches URIs by their beginning alone, and only URIs of visible ASCII without commas";

/// Names that no header carries as they are. Without headers, no name matters.
pub(super) fn leaves_out(model: &Model, kind: &ObjectKind) -> Option<LeftOut> {
    if !verified_headers(model) {
        return None;
    }
    match kind {
        ObjectKind::Protocol => None,
        ObjectKind::Tool(name) => (!is_plain(name.as_str())).then_some(LeftOut::Denied(ENCODED)),
        ObjectKind::Prompt(name) => (!is_plain(name)).then_some(LeftOut::Denied(ENCODED)),
        ObjectKind::Resource(uri) => (!is_plain_pattern(uri)).then_some(LeftOut::Denied(PATTERN)),
    }
}

/// Without headers a rule is for a whole server, whatever is asked of it.
pub(super) fn unknown_pass(model: &Model) -> Option<&'static str> {
    let why = "without `verified_headers` Istio sees neither tool nor method, so whoever may use a server may ask it for what the \
               registry does not know";
    (!verified_headers(model)).then_some(why)
}

/// Without headers it sees no method.
pub(super) fn methods_pass(model: &Model) -> Option<&'static str> {
    let why = "without `verified_headers` Istio sees no method, so it cannot deny one";
    (!verified_headers(model)).then_some(why)
}

/// With headers it compares the beginnings of URIs, and their whole; what stands within is not seen.
pub(super) fn spellings_pass(model: &Model) -> Option<&'static str> {
    let why = "Istio compares URIs from their beginning alone, so it does not see dot segments and superfluous percent-encodings within \
               them";
    verified_headers(model).then_some(why)
}

/// The facts whose text for an object cannot be told, because it names a tool or unit and there is none.
struct Nameless {
    of_tools: u64,
    of_units: u64,
}

impl Nameless {
    fn of(policy: &Policy) -> Self {
        let bits = |word: Placeholder| {
            let those =
                policy.shown().filter(|(_, evidence)| evidence.claims().any(|claim| claim.test.all_mention(word)));
            those.fold(0, |all, (bit, _)| all | bit)
        };
        Self { of_tools: bits(Placeholder::Tool), of_units: bits(Placeholder::Unit) }
    }

    fn on(&self, model: &Model, object: &Object) -> u64 {
        let of_tools = if matches!(object.kind, ObjectKind::Tool(_)) { 0 } else { self.of_tools };
        let has_unit = model.servers.get(&object.server).is_some_and(|server| server.unit.is_some());
        of_tools | if has_unit { 0 } else { self.of_units }
    }
}

/// The facts that say that somebody acts for another one.
pub(super) fn delegations(policy: &Policy) -> u64 {
    policy.shown().filter(|(_, evidence)| delegation(evidence)).fold(0, |all, (bit, _)| all | bit)
}

pub(super) fn narrows(model: &Model, policy: &Policy) -> Vec<Narrowed> {
    let mut narrowed = Vec::new();
    let verified = verified_headers(model);
    let delegations = delegations(policy);
    let nameless = Nameless::of(policy);
    let overlapping = if verified { overlapping(policy) } else { Vec::new() };
    for (principal, row) in (0..).map(PrincipalIx).zip(&policy.cells) {
        let stranger = matches!(policy.principal_at(principal).id, PrincipalId::AnyAgent(_));
        let mut by_server: BTreeMap<&str, Vec<(ObjectIx, Condition)>> = BTreeMap::new();
        for (object, cell) in row {
            let mut condition = policy.conditions.get(cell.condition).clone();
            let unseen = [
                (nameless.on(model, policy.object_at(*object)), NAMELESS),
                (if stranger { delegations } else { 0 }, STRANGER),
            ];
            for (bits, why) in unseen {
                if condition.minimal_sets().iter().any(|set| set & bits != 0) {
                    condition =
                        Condition::any_of(condition.minimal_sets().iter().copied().filter(|set| set & bits == 0));
                    narrowed.push(Narrowed { principal, object: *object, condition: condition.clone(), why });
                }
            }
            if overlapping.binary_search(object).is_ok() {
                narrowed.push(Narrowed { principal, object: *object, condition: Condition::never(), why: OVERLAP });
            }
            by_server.entry(policy.object_at(*object).server.as_str()).or_default().push((*object, condition));
        }
        if verified {
            continue;
        }
        for (server, cells) in by_server {
            let whole = if cells.len() == policy.index.on(server).len() {
                cells.iter().fold(Condition::always(), |all, (_, condition)| all.and(condition))
            } else {
                Condition::never()
            };
            narrowed.extend(cells.into_iter().map(|(object, _)| Narrowed {
                principal,
                object,
                condition: whole.clone(),
                why: WHOLE,
            }));
        }
    }
    narrowed
}

/// Resources of which some URIs may also be of a pattern that Istio cannot match.
fn overlapping(policy: &Policy) -> Vec<ObjectIx> {
    let mut found = Vec::new();
    for (index, object) in (0..).zip(&policy.objects) {
        let ObjectKind::Resource(pattern) = &object.kind else { continue };
        let strange = others(policy, object)
            .any(|other| !is_plain_pattern(other) && beginning(pattern).starts_with(beginning(other)));
        if strange {
            found.push(ObjectIx(index));
        }
    }
    found
}

/// The patterns of the other resources of the same server.
fn others<'p>(policy: &'p Policy, object: &'p Object) -> impl Iterator<Item = &'p str> {
    let on = policy.index.objects_on(&policy.objects, object.server.as_str());
    on.filter(move |(other, _)| *other != object).filter_map(|(other, _)| match &other.kind {
        ObjectKind::Resource(pattern) => Some(pattern.as_str()),
        ObjectKind::Protocol | ObjectKind::Tool(_) | ObjectKind::Prompt(_) => None,
    })
}

/// What of a pattern stands before its first `*`.
fn beginning(pattern: &str) -> &str {
    pattern.split('*').next().unwrap_or_default()
}

/// The URIs of a pattern that are decided by other patterns, as patterns of Istio.
pub(super) fn excepted(policy: &Policy, object: &Object, pattern: &str) -> Vec<String> {
    let narrower = others(policy, object)
        .filter(|other| pattern.ends_with('*') && beginning(other).starts_with(beginning(pattern)));
    let mut excepted: Vec<String> = narrower
        .map(|other| if other.contains('*') { format!("{}*", beginning(other)) } else { other.to_owned() })
        .collect();
    excepted.sort();
    excepted.dedup();
    excepted
}
