//! Kubernetes' own resources, as far as they are written: the fields by their own names, in the order of the alphabet. A field
//! that is not here is left to the default of Kubernetes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::targets::objects::kinds;

kinds!("networking.k8s.io/v1"; NetworkPolicy);
kinds!("v1"; ResourceQuota);
kinds!("admissionregistration.k8s.io/v1"; ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding);

/// `NetworkPolicy`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// `egress`: what the pods may connect to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<Egress>,
    /// `ingress`: what may connect to the pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<Ingress>,
    /// `podSelector`: the pods that it is for; an empty one is all of the namespace.
    pub pod_selector: LabelSelector,
    /// `policyTypes`: the directions in which the pods are closed but for the rules of all policies.
    pub policy_types: Vec<&'static str>,
}

/// `egress[]` of a `NetworkPolicy`.
#[derive(Debug, Clone, Serialize)]
pub struct Egress {
    /// `ports`: without the field, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<Port>>,
    /// `to`: one of these.
    pub to: Vec<Peer>,
}

/// `ingress[]` of a `NetworkPolicy`.
#[derive(Debug, Clone, Serialize)]
pub struct Ingress {
    /// `from`: one of these.
    pub from: Vec<Peer>,
    /// `ports`.
    pub ports: Vec<Port>,
}

/// `NetworkPolicyPeer`: who is at the other end of a connection.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// `ipBlock`: addresses outside of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
    /// `namespaceSelector`: without it, the namespace of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// `podSelector`: without it, all pods of these namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
}

/// `ipBlock` of a `NetworkPolicyPeer`.
#[derive(Debug, Clone, Serialize)]
pub struct IpBlock {
    /// `cidr`.
    pub cidr: String,
}

/// `NetworkPolicyPort`.
#[derive(Debug, Clone, Serialize)]
pub struct Port {
    /// `port`.
    pub port: u16,
    /// `protocol`.
    pub protocol: &'static str,
}

/// `LabelSelector`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// `matchLabels`: all of them; where there are none it matches everything.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
}

/// `ResourceQuota`.
#[derive(Debug, Clone, Serialize)]
pub struct ResourceQuota {
    /// `hard`: amounts by resource.
    pub hard: BTreeMap<String, String>,
}

/// `ValidatingAdmissionPolicy`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatingAdmissionPolicy {
    /// `failurePolicy`: what an error of an expression means.
    pub failure_policy: &'static str,
    /// `matchConstraints`: what it is about.
    pub match_constraints: MatchConstraints,
    /// `validations`: all of them.
    pub validations: [Validation; 1],
}

/// `matchConstraints` of a `ValidatingAdmissionPolicy`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchConstraints {
    /// `resourceRules`: one of these.
    pub resource_rules: [ResourceRule; 1],
}

/// `resourceRules[]` of a `ValidatingAdmissionPolicy`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRule {
    /// `apiGroups`.
    pub api_groups: [&'static str; 1],
    /// `apiVersions`.
    pub api_versions: [&'static str; 1],
    /// `operations`.
    pub operations: [&'static str; 2],
    /// `resources`: with no `/`, so that subresources such as `pods/status` are others.
    pub resources: [&'static str; 1],
}

/// `validations[]` of a `ValidatingAdmissionPolicy`.
#[derive(Debug, Clone, Serialize)]
pub struct Validation {
    /// `expression`, in CEL.
    pub expression: String,
    /// `message` where it is false.
    pub message: String,
}

/// `ValidatingAdmissionPolicyBinding`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatingAdmissionPolicyBinding {
    /// `matchResources`: which of the objects that the policy is about.
    pub match_resources: MatchResources,
    /// `policyName`.
    pub policy_name: String,
    /// `validationActions`.
    pub validation_actions: [&'static str; 1],
}

/// `matchResources` of a `ValidatingAdmissionPolicyBinding`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchResources {
    /// `namespaceSelector`.
    pub namespace_selector: LabelSelector,
    /// `objectSelector`: of an update, the object before it or after it.
    pub object_selector: LabelSelector,
}
