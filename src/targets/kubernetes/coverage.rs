//! What of each family Kubernetes itself enforces: connections and resources.

use crate::families::FamilyId;
use crate::targets::Coverage;

pub(super) fn coverage(family: FamilyId) -> Coverage {
    match family {
        FamilyId::PolicyTests | FamilyId::Waivers => Coverage::Full,
        FamilyId::ZeroTrust => Coverage::Partial(
            "agents connect to gateways alone, and gateways to servers; encryption, identities and attestation are for the \
             target `istio`, and subnets beyond a label for the network",
        ),
        FamilyId::Federation => Coverage::Partial(
            "a unit's servers are reached through its gateway alone; which calls may pass is for the gateways and the mesh",
        ),
        FamilyId::Bulkhead => Coverage::Partial(
            "cores and memory are limited for a pool together; connections are for the target `istio`",
        ),
        FamilyId::Registry => Coverage::Partial(
            "servers, their labels, ports and units; tools, grants and what calls need are for gateways and the mesh",
        ),
        FamilyId::ProgressiveAuth | FamilyId::Identity => {
            Coverage::None("Kubernetes decides connections; what a call shows is for gateways and the mesh")
        }
        FamilyId::DataRouting => Coverage::None(
            "classes lead to levels, which are for gateways and the mesh; where servers stand is for the cluster's scheduler, \
             and encryption at rest for its storage",
        ),
        FamilyId::Workflow | FamilyId::Saga | FamilyId::EventDriven => {
            Coverage::None("whatever runs it is among the agents; which tools it calls is for gateways and the mesh")
        }
        FamilyId::Orchestration => Coverage::None("running workflows is for their engine"),
        FamilyId::CircuitBreaker => Coverage::None("failures are counted by gateways and the mesh"),
        FamilyId::HealthMonitoring => {
            Coverage::None("probes stand in the deployments of the servers, which are not made here")
        }
        FamilyId::Caching => Coverage::None("caches are for gateways and servers"),
        FamilyId::ConnectionPooling => Coverage::None("connections are pooled by gateways, the mesh and servers"),
        FamilyId::BatchProcessing => Coverage::None("batching is for the processors"),
        FamilyId::Tracing => Coverage::None("spans are for gateways, the mesh and the collector"),
        FamilyId::Metrics => Coverage::None("metrics are for gateways and servers"),
        FamilyId::Logging => Coverage::None("records are for gateways and the log store"),
        FamilyId::IntegrationTests => Coverage::None("tests of the running system are for its test environment"),
        FamilyId::ChaosExperiments => Coverage::None("experiments need an operator of their own"),
    }
}

/// The words of the keys that become namespaces, policies and quotas.
pub(super) fn expressed(family: FamilyId) -> &'static [&'static str] {
    match family {
        FamilyId::ZeroTrust => &["network_segmentation", "mcp_servers", "gateways", "agents"],
        FamilyId::Federation => &["business_unit_gateways", "isolation_level"],
        FamilyId::Bulkhead => &["resource_pools", "name", "mcp_servers", "resources", "cpu_cores", "memory"],
        FamilyId::Registry => &["business_units", "name", "gateway", "servers", "business_unit", "url", "labels"],
        FamilyId::ProgressiveAuth
        | FamilyId::Identity
        | FamilyId::DataRouting
        | FamilyId::Workflow
        | FamilyId::Saga
        | FamilyId::EventDriven
        | FamilyId::Orchestration
        | FamilyId::CircuitBreaker
        | FamilyId::HealthMonitoring
        | FamilyId::Caching
        | FamilyId::ConnectionPooling
        | FamilyId::BatchProcessing
        | FamilyId::Tracing
        | FamilyId::Metrics
        | FamilyId::Logging
        | FamilyId::IntegrationTests
        | FamilyId::ChaosExperiments
        | FamilyId::PolicyTests
        | FamilyId::Waivers => &[],
    }
}
