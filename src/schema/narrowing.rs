//! Every optional key that narrows access: what it means that the key is absent, and that its value is empty.
//!
//! The page "Absent and empty keys" of the book is made from this list. A test compares the list with the schemas, and tries each key.

/// What a workspace means without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Calls are allowed as far as everything else allows them: the key only ever takes away.
    Open,
    /// Fewer calls are allowed, or as many: the key gives something.
    Closed,
    /// An error of this check, where the workspace needs the key.
    Refused(&'static str),
    /// No call is decided differently; the words say what is.
    Elsewhere,
}

/// What a workspace means with an empty value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// An error at the value.
    Refused,
    /// What the absent key means; only where that is the strictest meaning.
    AsAbsent,
}

/// One key.
#[derive(Debug)]
pub struct Narrowing {
    /// Its paths, beginning with the key of the family, or `mcpctl.yaml`. `*` is any element of a list, or any key of a map.
    pub paths: &'static [&'static str],
    /// What its absence does.
    pub absent: Absent,
    /// What that means: a lower-case line.
    pub means: &'static str,
    /// What an empty value does.
    pub empty: Empty,
}

macro_rules! keys {
    ($($absent:expr, $empty:ident, $means:literal: $($path:literal)+;)*) => {
        /// All of them.
        pub static NARROWING: &[Narrowing] = &[$(Narrowing {
            paths: &[$($path),+],
            absent: { use Absent::*; $absent },
            means: $means,
            empty: Empty::$empty,
        },)*];
    };
}

keys! {
    Open, Refused, "no more facts are asked for":
        "mcp_registry/servers/*/requires" "mcp_registry/servers/*/tools/*/requires"
        "mcp_registry/servers/*/resources/*/requires" "mcp_registry/servers/*/prompts/*/requires"
        "mcp_registry/agents/*/may_call/*/requires" "mcp_registry/any_agent/may_call/*/requires"
        "data_routing/classifications/*/requires";
    Open, Refused, "the level that follows from the data class of the server, never below it":
        "mcp_registry/servers/*/auth_level" "mcp_registry/servers/*/tools/*/auth_level"
        "mcp_registry/servers/*/resources/*/auth_level" "mcp_registry/servers/*/prompts/*/auth_level";
    Open, Refused, "the level that follows from the place of the class in the list":
        "data_routing/classifications/*/min_auth_level";
    Open, Refused, "a destructive tool has the level of any other tool on its server":
        "progressive_auth/destructive_min_level";
    Open, Refused, "every tool, resource and prompt that the grant names":
        "mcp_registry/agents/*/may_call/*/only" "mcp_registry/any_agent/may_call/*/only";
    Open, Refused, "it is in service":
        "mcp_registry/business_units/*/suspended" "mcp_registry/servers/*/suspended"
        "mcp_registry/servers/*/tools/*/suspended" "mcp_registry/agents/*/suspended" "mcp_registry/any_agent/suspended"
        "data_routing/classifications/*/suspended" "workflow_definition/suspended" "saga_definition/suspended"
        "event_driven_config/event_processors/*/suspended";
    Open, Refused, "callers may use all of the protocol's own methods there":
        "mcp_registry/servers/*/methods";
    Closed, AsAbsent, "nothing is granted":
        "mcp_registry/agents/*/may_call" "mcp_registry/any_agent/may_call";
    Closed, Refused, "the step reads nothing":
        "workflow_definition/steps/*/resources" "workflow_definition/steps/*/prompts"
        "saga_definition/steps/*/resources" "saga_definition/steps/*/prompts"
        "event_driven_config/event_processors/*/resources" "event_driven_config/event_processors/*/prompts";
    Closed, AsAbsent, "nothing can be read":
        "mcp_registry/servers/*/resources" "mcp_registry/servers/*/prompts";
    Closed, Refused, "only the tools that flows name, for those flows":
        "mcp_registry/servers/*/tools";
    Closed, AsAbsent, "only declared principals may call":
        "mcp_registry/any_agent";
    Refused("missing-unit"), Refused, "an error where business units are declared":
        "mcp_registry/servers/*/business_unit" "mcp_registry/agents/*/business_unit";
    Refused("missing-subject"), Refused, "an error where `identity` is there":
        "mcp_registry/agents/*/subject";
    Elsewhere, Refused, "the tokens of every issuer that speaks for the agent are its own":
        "mcp_registry/agents/*/issuer";
    Closed, Refused, "a tool that may write: a grant with `only: read_only` leaves it out":
        "mcp_registry/servers/*/tools/*/annotations/read_only";
    Elsewhere, Refused, "a tool that destroys nothing, so that a low level is not a finding":
        "mcp_registry/servers/*/tools/*/annotations/destructive";
    Refused("missing-at-rest-encryption"), Refused, "not encrypted on disk: an error where the class of the server asks for it":
        "mcp_registry/servers/*/encryption_at_rest";
    Refused("location-violates-class"), Refused, "no such place: an error where the class of the server asks for one":
        "mcp_registry/servers/*/location";
    Refused("missing-additional-control"), AsAbsent, "no controls: an error where the class of the server asks for one":
        "mcp_registry/servers/*/controls";
    Elsewhere, Refused, "nothing is asked of the servers of the class":
        "data_routing/classifications/*/additional_controls" "data_routing/classifications/*/location";
    Open, Refused, "calls to the servers of the class may come without TLS":
        "data_routing/classifications/*/encryption";
    Closed, Refused, "no other way to meet the level":
        "progressive_auth/levels/*/alternatives";
    Refused("issuer-without-audience"), Refused, "an error: a token for somebody else must not work here":
        "identity/audiences" "identity/issuers/*/audiences" "identity/audience" "identity/issuers/*/audience"
        "identity/kind" "identity/issuers/*/kind";
    Refused("issuer-for-anybody"), Refused, "an error where there are several issuers":
        "identity/issuers/*/speaks_for";
    Closed, Refused, "`cross_unit_routing: denied`":
        "federation_config/business_unit_gateways/cross_unit_routing";
    Closed, Refused, "`cross_bu_data_sharing: prohibited`":
        "federation_config/central_gateway/global_policies/cross_bu_data_sharing"
        "federation_config/central_gateway/global_policies/*/cross_bu_data_sharing";
    Closed, Refused, "classes up to the one named `internal`; without such a class, none":
        "federation_config/central_gateway/global_policies/cross_unit_max_class"
        "federation_config/central_gateway/global_policies/*/cross_unit_max_class";
    Open, Refused, "`encryption_in_transit: optional`":
        "federation_config/central_gateway/global_policies/encryption_in_transit"
        "federation_config/central_gateway/global_policies/*/encryption_in_transit";
    Open, Refused, "strict in the mesh, and no call is asked for the fact `mtls`":
        "zero_trust_config/service_mesh/mutual_tls";
    Elsewhere, Refused, "`local_policy_override: none`: folders of units hold nothing":
        "federation_config/business_unit_gateways/local_policy_override";
    Open, Refused, "compensations are granted and run":
        "saga_definition/compensations_enabled";
    Refused("invalid-value"), Refused, "an error: one of `cidr` and `namespace` says where gateways may connect to":
        "mcpctl.yaml/targets/kubernetes/egress/*/cidr" "mcpctl.yaml/targets/kubernetes/egress/*/namespace";
    Elsewhere, Refused, "all pods of the namespace":
        "mcpctl.yaml/targets/kubernetes/egress/*/labels";
    Refused("missing-key"), Refused, "an error, unless the waiver is one of `trust`":
        "mcpctl.yaml/review/waivers/*/principals" "mcpctl.yaml/review/waivers/*/tools";
    Elsewhere, Refused, "the waiver holds whatever facts the new access asks for":
        "mcpctl.yaml/review/waivers/*/facts";
    Refused("waiver-without-value"), Refused, "an error for a waiver of `trust`, which covers nothing":
        "mcpctl.yaml/review/waivers/*/to";
    Elsewhere, Refused, "gateways accept every revision of MCP that is known":
        "mcpctl.yaml/protocol";
    Elsewhere, Refused, "with `policy_enforcement: per_request` 15 minutes; else an answer may go on as long as its token is good":
        "mcpctl.yaml/targets/envoy/max_stream_age";
    Elsewhere, AsAbsent, "no gateway runs a control: `missing-additional-control` where the server lacks it, too":
        "mcpctl.yaml/targets/envoy/controls";
    Elsewhere, AsAbsent, "pods may run on any node":
        "mcpctl.yaml/targets/kubernetes/locations";
    Elsewhere, Refused, "pods at this location may run on any node":
        "mcpctl.yaml/targets/kubernetes/locations/cloud" "mcpctl.yaml/targets/kubernetes/locations/on_premises"
        "mcpctl.yaml/targets/kubernetes/locations/secure_enclave";
    Elsewhere, Refused, "the other of both tells the nodes of the location from others; `invalid-value` without either":
        "mcpctl.yaml/targets/kubernetes/locations/cloud/node_labels"
        "mcpctl.yaml/targets/kubernetes/locations/on_premises/node_labels"
        "mcpctl.yaml/targets/kubernetes/locations/secure_enclave/node_labels"
        "mcpctl.yaml/targets/kubernetes/locations/cloud/runtime_class"
        "mcpctl.yaml/targets/kubernetes/locations/on_premises/runtime_class"
        "mcpctl.yaml/targets/kubernetes/locations/secure_enclave/runtime_class";
    Elsewhere, AsAbsent, "only pages of the gateways' own origins may call":
        "mcpctl.yaml/targets/envoy/origins";
    Elsewhere, Refused, "nothing that is lost in operation is counted":
        "mcpctl.yaml/review/max_lost_operation";
    Elsewhere, Refused, "no new access is accepted but what `units` and `classes` allow":
        "mcpctl.yaml/review/max_new_allow";
    Elsewhere, AsAbsent, "no new access is accepted there but what `max_new_allow` allows":
        "mcpctl.yaml/review/units" "mcpctl.yaml/review/classes";
}
