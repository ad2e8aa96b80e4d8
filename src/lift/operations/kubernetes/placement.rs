//! Where pods may run: each binding must name the pods of a server or a gateway, and its policy refuse what does not ask for a node at
//! their location.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_yaml::Value;

use crate::lift::LiftError;
use crate::lift::cluster::{Expected, shaped, unexpected};
use crate::model::Model;
use crate::model::access::RequiredLocation;
use crate::model::server::Location;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Policy {
    failure_policy: String,
    match_constraints: Value,
    validations: [Validation; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Validation {
    expression: String,
    #[serde(rename = "message")]
    _message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Binding {
    match_resources: Matched,
    policy_name: String,
    validation_actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Matched {
    namespace_selector: Selector,
    object_selector: Selector,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    match_labels: BTreeMap<String, String>,
}

/// What a pod asks for: labels of nodes, and a class to run in.
type Asked = (BTreeMap<String, String>, Option<String>);

/// The policies and bindings of a cluster.
#[derive(Default)]
pub(super) struct Admission {
    policies: BTreeMap<String, BTreeSet<Asked>>,
    /// The namespace and the labels of pods, and the policy that is for them.
    bindings: BTreeMap<(String, BTreeMap<String, String>), String>,
}

impl Admission {
    pub(super) fn add_policy(&mut self, name: String, spec: Value, what: &str) -> Result<(), LiftError> {
        let Policy { failure_policy, match_constraints, validations } = shaped(spec, what)?;
        let pods =
            "{resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]}";
        let pods: Value = serde_yaml::from_str(pods).unwrap_or_default();
        if failure_policy != "Fail" || match_constraints != pods {
            return unexpected(format!("{what} does not judge every pod"));
        }
        let [Validation { expression, .. }] = validations;
        match expression.split(" || ").map(asked).collect::<Option<BTreeSet<Asked>>>() {
            Some(asked) => drop(self.policies.insert(name, asked)),
            None => return unexpected(format!("{what} asks for something else than a node: `{expression}`")),
        }
        Ok(())
    }

    pub(super) fn add_binding(&mut self, spec: Value, what: &str) -> Result<(), LiftError> {
        let Binding { match_resources, policy_name, validation_actions } = shaped(spec, what)?;
        let Matched { namespace_selector, object_selector } = match_resources;
        let mut names = namespace_selector.match_labels;
        let (Some(namespace), true) = (names.remove("kubernetes.io/metadata.name"), names.is_empty()) else {
            return unexpected(format!("{what} is for other namespaces than one"));
        };
        if validation_actions != ["Deny"] {
            return unexpected(format!("{what} does not deny"));
        }
        match self.bindings.insert((namespace, object_selector.match_labels), policy_name) {
            None => Ok(()),
            Some(_) => unexpected(format!("{what} is for pods that another one is for, too")),
        }
    }

    /// Checks that these are the ones that the model asks for, and no more.
    pub(super) fn check(mut self, model: &Model, expected: &Expected<'_>) -> Result<(), LiftError> {
        let places = expected.places.values().map(|place| {
            let location = place.server.location.as_ref().map(|location| BTreeSet::from([location.value]));
            ((place.namespace.clone(), place.labels.clone()), location.unwrap_or_default())
        });
        let gateways = expected.gateways.iter().map(|(name, account)| {
            let labels = BTreeMap::from([("mcpctl.io/gateway".to_owned(), account.clone())]);
            ((expected.gateways_namespace.clone(), labels), passing(model, name))
        });
        let mut used = BTreeSet::new();
        for (pods, locations) in places.chain(gateways) {
            let wanted = nodes(model, &locations);
            let policy = self.bindings.remove(&pods);
            let found = policy.as_ref().and_then(|name| self.policies.get(name)).cloned().unwrap_or_default();
            if wanted != found || policy.is_some() == wanted.is_empty() {
                return unexpected(format!("pods in `{}` may run elsewhere than they have to", pods.0));
            }
            used.extend(policy);
        }
        if !self.bindings.is_empty() || self.policies.keys().any(|name| !used.contains(name)) {
            return unexpected("there are policies of admission that nothing asks for");
        }
        Ok(())
    }
}

/// Where a gateway may stand: everywhere, where the set is empty.
fn passing(model: &Model, gateway: &str) -> BTreeSet<Location> {
    let (mut enclave, mut premises) = (false, false);
    for (class, server) in model.class_treatment() {
        let unit = server.unit.as_ref().and_then(|unit| model.topology.units.get(&unit.value));
        let own = unit.filter(|unit| unit.gateway.is_some()).map_or("central", |unit| unit.name.value.as_str());
        if gateway != "central" && gateway != own {
            continue;
        }
        let demand = class.location.as_ref().map(|location| location.value);
        enclave |= demand == Some(RequiredLocation::SecureEnclave);
        premises |= demand == Some(RequiredLocation::OnPremisesOnly);
    }
    match (enclave, premises) {
        (true, _) => BTreeSet::from([Location::SecureEnclave]),
        (false, true) => BTreeSet::from([Location::OnPremises, Location::SecureEnclave]),
        (false, false) => BTreeSet::new(),
    }
}

/// What tells the nodes of these locations from others, as the settings say.
fn nodes(model: &Model, locations: &BTreeSet<Location>) -> BTreeSet<Asked> {
    let known = model.deployment.kubernetes.iter().flat_map(|keys| &keys.locations);
    let these = known.filter(|place| locations.contains(&place.location));
    these.map(|place| (place.node_labels.clone(), place.runtime_class.clone())).collect()
}

/// Reads one alternative: a conjunction of tests, each behind one that its field is there.
fn asked(alternative: &str) -> Option<Asked> {
    let (mut labels, mut class) = (BTreeMap::new(), None);
    let mut there = BTreeSet::new();
    for test in alternative.strip_prefix('(')?.strip_suffix(')')?.split(" && ") {
        if let Some(field) = test.strip_prefix("has(object.spec.").and_then(|rest| rest.strip_suffix(')')) {
            there.insert(field.to_owned());
        } else if let Some(key) =
            test.strip_prefix('\'').and_then(|rest| rest.strip_suffix("' in object.spec.nodeSelector"))
        {
            if !there.contains("nodeSelector") {
                return None;
            }
            there.insert(format!("nodeSelector/{key}"));
        } else if let Some(rest) = test.strip_prefix("object.spec.nodeSelector['") {
            let (key, value) = rest.strip_suffix('\'')?.split_once("'] == '")?;
            if !there.contains(&format!("nodeSelector/{key}")) || value.contains('\'') {
                return None;
            }
            labels.insert(key.to_owned(), value.to_owned());
        } else {
            let value = test.strip_prefix("object.spec.runtimeClassName == '")?.strip_suffix('\'')?;
            if !there.contains("runtimeClassName") || value.contains('\'') || class.is_some() {
                return None;
            }
            class = Some(value.to_owned());
        }
    }
    (!labels.is_empty() || class.is_some()).then_some((labels, class))
}
