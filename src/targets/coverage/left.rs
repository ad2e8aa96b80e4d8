//! What no compiled target expresses of a workspace, family by family.

use std::collections::BTreeMap;

use super::{expresses, families_for_products, left, values};
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::families::FamilyId;
use crate::model::Model;
use crate::source::Loc;
use crate::targets::{TARGETS, Target, TargetId, listed};

/// Most keys named in a note; the manifest has the others.
const MOST_KEYS: usize = 4;

/// The note for a family with keys that nothing which is compiled expresses.
pub static NOT_EXPRESSIBLE: Rule = Rule {
    name: "not-expressible",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds families with keys or values in use that no target being compiled expresses, one finding for each family. What mcpctl judges \
           by itself when it checks the workspace is not counted.",
    why: "What no target expresses is not enforced by any of the files: somebody else has to do it, or nobody does. What one \
          target leaves to another is in the manifest of the bundle, key by key, and `mcpctl explain TARGET` says why.",
    fix: "Compile the target that the help names, or have the part of the system do it that the help names. To say that it is \
          done elsewhere, set the check to `off` in mcpctl.yaml, or waive it with the reason.",
};

/// The words at which a key is judged by mcpctl itself, when it checks the workspace: no product has to express it.
fn judged_here(family: FamilyId) -> &'static [&'static str] {
    match family {
        FamilyId::Federation => &["local_policy_override"],
        FamilyId::DataRouting => &["encryption", "location", "additional_controls"],
        FamilyId::Registry => {
            &["location", "encryption_at_rest", "controls", "destructive", "idempotent", "input_schema", "labels"]
        }
        // Compensations are granted like any other tool.
        FamilyId::Workflow => &["compensation"],
        FamilyId::Saga => &["compensations_enabled"],
        FamilyId::Orchestration
        | FamilyId::EventDriven
        | FamilyId::ZeroTrust
        | FamilyId::ProgressiveAuth
        | FamilyId::CircuitBreaker
        | FamilyId::Bulkhead
        | FamilyId::HealthMonitoring
        | FamilyId::Caching
        | FamilyId::ConnectionPooling
        | FamilyId::BatchProcessing
        | FamilyId::Tracing
        | FamilyId::Metrics
        | FamilyId::Logging
        | FamilyId::IntegrationTests
        | FamilyId::ChaosExperiments
        | FamilyId::Identity
        | FamilyId::PolicyTests
        | FamilyId::Waivers => &[],
    }
}

/// Whether a key is about a product at all.
fn is_for_products(family: FamilyId, path: &str) -> bool {
    let words = judged_here(family);
    !path.split('.').map(|part| part.trim_end_matches("[]")).any(|part| part == "description" || words.contains(&part))
}

/// The path up to the first word that none of the targets gets beyond.
fn topmost(path: &str, targets: &[&Target], family: FamilyId) -> String {
    let cut = targets.iter().filter_map(|target| left(target, family, path));
    cut.max_by_key(String::len).unwrap_or_else(|| path.to_owned())
}

/// What no compiled target expresses of a family in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The family.
    pub family: FamilyId,
    /// The first place at which such a key or value is used.
    pub loc: Loc,
    /// How many keys are left.
    pub keys: usize,
    /// How many values are left, of keys that a target expresses for other values.
    pub values: usize,
    /// The target that expresses the most of these keys, of those that are not compiled, and how many.
    pub nearest: Option<(TargetId, usize)>,
    /// The keys and values, each once, in the order of their places.
    named: Vec<String>,
    /// The places of the values, and why each is left.
    places: Vec<(Loc, String)>,
}

/// What none of these targets expresses, family by family.
#[must_use]
pub fn left_by_all(compiled: &[&Target], model: &Model) -> Vec<Left> {
    families_for_products().filter_map(|family| left_of_family(*family, compiled, model)).collect()
}

fn left_of_family(family: FamilyId, compiled: &[&Target], model: &Model) -> Option<Left> {
    let none = BTreeMap::new();
    let used = model.keys.get(family.key()).unwrap_or(&none);
    let values = values::left_out(family, compiled, model);
    // What holds other keys says nothing by itself.
    let is_leaf = |path: &str| {
        let inner = used.range(path.to_owned()..).skip(1).map(|(other, _)| other);
        !inner.take_while(|other| other.starts_with(path)).any(|other| {
            let rest = other.get(path.len()..).unwrap_or_default();
            rest.starts_with('.') || rest.starts_with("[]")
        })
    };
    let keys: Vec<(&String, Loc)> = used
        .iter()
        .filter(|(path, _)| is_leaf(path) && is_for_products(family, path))
        .filter(|(path, _)| !compiled.iter().any(|target| expresses(target, family, path)))
        .map(|(path, loc)| (path, *loc))
        .collect();
    let loc = keys.iter().map(|(_, loc)| *loc).chain(values.iter().map(|value| value.loc)).min()?;
    let mut by_place: Vec<(Loc, String)> =
        keys.iter().map(|(path, loc)| (*loc, topmost(path, compiled, family))).collect();
    by_place.extend(values.iter().map(|value| (value.loc, value.key.clone())));
    by_place.sort();
    let mut named: Vec<String> = Vec::new();
    for (_, name) in by_place {
        if !named.contains(&name) {
            named.push(name);
        }
    }
    let others = TARGETS.iter().filter(|target| !compiled.iter().any(|known| known.id == target.id));
    let counted = others.map(|target| {
        let count = keys.iter().filter(|(path, _)| expresses(target, family, path)).count();
        (target.id, count)
    });
    // The first of those that express the most.
    let nearest = counted.filter(|(_, count)| *count > 0).rev().max_by_key(|(_, count)| *count);
    let (keys, places) = (keys.len(), values.iter().map(|value| (value.loc, value.why.to_owned())).collect());
    Some(Left { family, loc, keys, values: values.len(), nearest, named, places })
}

impl Left {
    /// `5 keys`, `2 keys and 1 value`.
    #[must_use]
    pub fn counted(&self) -> String {
        let counted = [(self.keys, "key"), (self.values, "value")].into_iter().filter(|(count, _)| *count > 0);
        let counted: Vec<String> =
            counted.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" })).collect();
        listed(&counted)
    }

    /// The note about it.
    #[must_use]
    pub fn note(&self) -> Diagnostic {
        let mut shown: Vec<String> = self.named.iter().take(MOST_KEYS).map(|name| format!("`{name}`")).collect();
        if let more @ 1.. = self.named.len().saturating_sub(MOST_KEYS) {
            shown.push(format!("{more} more"));
        }
        let (family, usually) = (self.family.key(), self.family.usually());
        let message = format!("no compiled target expresses {} of `{family}`: {}", self.counted(), listed(&shown));
        let help = match self.nearest {
            Some((target, count)) if count == self.keys && self.values == 0 => {
                let them = if count == 1 { "it" } else { "them" };
                format!("compile target `{target}` as well, which expresses {them}")
            }
            Some((target, count)) => {
                format!("compile target `{target}` as well, which expresses {count} of them; the others: {usually}")
            }
            None => usually.to_owned(),
        };
        Diagnostic::new(&NOT_EXPRESSIBLE, self.loc, message).labels(self.places.clone()).help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::access::{agentcore, cedar, envoy, istio};
    use crate::targets::operations::kubernetes;

    fn at(start: u32) -> Loc {
        Loc { start, end: start + 1, ..Loc::default() }
    }

    /// A model that uses these keys of a family.
    fn using(family: &'static str, keys: &[(&str, u32)]) -> Model {
        let mut model = Model::default();
        model.keys.insert(family, keys.iter().map(|(key, start)| ((*key).to_owned(), at(*start))).collect());
        model
    }

    #[test]
    fn one_note_for_a_family_counts_what_no_compiled_target_expresses() {
        let model = using(
            "zero_trust_config",
            &[
                ("service_mesh", 1),
                ("service_mesh.mutual_tls", 2),
                ("network_segmentation", 6),
                ("network_segmentation[].gateways", 9),
                ("network_segmentation[].agents", 7),
                ("identity_verification", 3),
                ("identity_verification.attestation", 4),
            ],
        );
        let of = |targets: &[&Target]| -> Vec<(u32, String, String)> {
            let notes = left_by_all(targets, &model).into_iter().map(|left| left.note());
            notes.map(|note| (note.loc.start, note.message, note.help.unwrap_or_default())).collect()
        };
        let usually = FamilyId::ZeroTrust.usually();
        let only = "no compiled target expresses 3 keys of `zero_trust_config`: `identity_verification` and `network_segmentation`";
        let help = format!("compile target `kubernetes` as well, which expresses 2 of them; the others: {usually}");
        assert_eq!(of(&[&cedar::TARGET]), [(4, only.to_owned(), help)]);
        // What another compiled target expresses is not noted, whichever of them is asked first.
        let one = "no compiled target expresses 1 key of `zero_trust_config`: `identity_verification.attestation`";
        for targets in [
            [&cedar::TARGET, &istio::TARGET, &kubernetes::TARGET],
            [&kubernetes::TARGET, &istio::TARGET, &cedar::TARGET],
        ] {
            assert_eq!(of(&targets), [(4, one.to_owned(), usually.to_owned())]);
        }
    }

    #[test]
    fn what_mcpctl_judges_by_itself_is_not_noted() {
        let model = using(
            "mcp_registry",
            &[
                ("servers", 1),
                ("servers[].location", 2),
                ("servers[].tools[].annotations.destructive", 3),
                ("servers[].tools[].input_schema.properties.amount.type", 4),
            ],
        );
        assert_eq!(left_by_all(&[&cedar::TARGET], &model), []);
    }

    #[test]
    fn a_target_that_expresses_everything_is_the_nearest() {
        let model = using("workflow_definition", &[("steps", 1), ("steps[].depends_on", 2)]);
        let found: Vec<_> = left_by_all(&[&envoy::TARGET, &cedar::TARGET], &model).iter().map(Left::note).collect();
        let helps: Vec<_> = found.iter().map(|note| note.help.as_deref().unwrap_or_default()).collect();
        assert_eq!(helps, ["compile target `agentcore` as well, which expresses it"]);
        assert_eq!(left_by_all(&[&envoy::TARGET, &agentcore::TARGET], &model), []);
        // A key that holds nothing is a key as well, and the name of another one is not below it.
        let model = using("caching_strategy", &[("layers", 1), ("layers_of_old", 2), ("layers[].ttl", 3)]);
        let found: Vec<_> = left_by_all(&[&envoy::TARGET], &model).iter().map(Left::note).collect();
        let message = "no compiled target expresses 2 keys of `caching_strategy`: `layers_of_old` and `layers`";
        assert_eq!(found.iter().map(|note| note.message.as_str()).collect::<Vec<_>>(), [message]);
    }
}
