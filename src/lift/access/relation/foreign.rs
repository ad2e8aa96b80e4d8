//! Requests and claims that are somebody else's: names of one kind of thing in requests for another, and the claim of a unit in
//! the token of a declared principal.

use super::calls::several;
use super::{Question, UNKNOWN};
use crate::lift::access::probe::Call;
use crate::model::name::UnitName;
use crate::policy::cell::Cell;
use crate::policy::visibility::sample;
use crate::policy::{Object, ObjectIx, ObjectKind, PrincipalId};

impl<'a> Question<'a> {
    /// The units whose undeclared callers may use something on a server: a claim that names one must help nobody else.
    pub(super) fn units_on(&self, objects: &[(&Object, u32)]) -> Vec<&'a UnitName> {
        let principals = self.policy.principals.iter().zip(&self.policy.cells);
        let of_units = principals.filter_map(|(principal, row)| match &principal.id {
            PrincipalId::AnyAgent(Some(unit)) => Some((unit, row)),
            PrincipalId::AnyAgent(None) | PrincipalId::Agent(_) | PrincipalId::Flow(_) => None,
        });
        let here = |row: &Vec<(ObjectIx, Cell)>| {
            objects.iter().any(|(_, index)| row.binary_search_by_key(&ObjectIx(*index), |(object, _)| *object).is_ok())
        };
        of_units.filter(|(_, row)| here(row)).map(|(unit, _)| unit).collect()
    }

    /// Requests that nobody may make, with the names of things on the server: names of one kind in requests for another, and in
    /// methods that the model knows nothing of.
    pub(super) fn crossed(&self, objects: &[(&Object, u32)]) -> Vec<Call> {
        let named = |method: &str, name: &str| Call { name: Some(name.to_owned()), ..Call::post(method) };
        let is = |kind: &ObjectKind| objects.iter().any(|(object, _)| object.kind == *kind);
        let mut calls = Vec::new();
        for (object, _) in objects {
            if self.decided.alone && object.kind != ObjectKind::Protocol {
                calls.extend(self.calls(&object.kind).iter().flat_map(several));
            }
            let (name, other, method) = match &object.kind {
                ObjectKind::Protocol => continue,
                ObjectKind::Tool(name) => {
                    (name.as_str(), ObjectKind::Prompt(name.to_string()), self.decided.prompts.then_some("prompts/get"))
                }
                ObjectKind::Prompt(name) => (name.as_str(), ObjectKind::Tool(name.as_str().into()), Some("tools/call")),
                ObjectKind::Resource(uri) => {
                    if self.decided.protocol && self.decided.resources {
                        calls.push(Call { uri: Some(sample(uri)), ..Call::post(UNKNOWN) });
                    }
                    continue;
                }
            };
            calls.extend(method.filter(|_| !is(&other)).map(|method| named(method, name)));
            if self.decided.protocol {
                calls.push(named(UNKNOWN, name));
            }
        }
        calls
    }
}
