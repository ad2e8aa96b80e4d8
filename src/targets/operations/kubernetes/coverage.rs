//! What of each family Kubernetes itself enforces: connections and resources.

use crate::families::FamilyId;
use crate::targets::Covers;

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        &["business_unit_gateways", "isolation_level"],
        "a unit's servers are reached through its gateway alone, or from every gateway where `isolation_level` is `iam` or `none`; which calls may pass is for the gateways and the mesh",
    ),
    Covers::part(
        FamilyId::ZeroTrust,
        &["network_segmentation", "mcp_servers", "gateways", "agents"],
        "agents connect to gateways alone, and gateways to servers; encryption, identities and attestation are for the target `istio`, and subnets beyond a label for the network",
    ),
    Covers::part(
        FamilyId::Bulkhead,
        &["resource_pools", "name", "mcp_servers", "resources", "cpu_cores", "memory"],
        "cores and memory are limited for a pool together; connections are for the target `istio`",
    ),
    Covers::part(
        FamilyId::DataRouting,
        &["classifications", "location"],
        "pods of gateways run where the classes of the data that passes them demand; what calls need is for gateways and the mesh",
    ),
    Covers::part(
        FamilyId::Registry,
        &["business_units", "name", "gateway", "servers", "business_unit", "url", "labels", "location"],
        "servers, their labels, ports, units and locations; tools, grants and what calls need are for gateways and the mesh",
    ),
];
