//! A workspace for each key, and the key in it.

/// A workspace without errors in which a key does something.
pub(super) struct Sample {
    /// The paths of the key.
    pub(super) paths: &'static [&'static str],
    /// The workspace, or `mcpctl.yaml`.
    pub(super) text: &'static str,
    /// The key with its value: in the text once.
    pub(super) cut: &'static str,
}

macro_rules! world {
    ($servers:literal, $agents:literal, $more:literal) => {
        concat!(
            "identity:\n  issuer: https://idp.example\n  audiences: [mcp]\n  jwks: https://idp.example/keys\n  requirements: {f: {claim: f, contains: a}, g: {claim: g, contains: a}}\n",
            "progressive_auth:\n  levels: [{level: 1, requirements: [service_account_token]}, {level: 2, requirements: [service_account_token, mfa]}, {level: 3, requirements: [service_account_token, mfa, user_delegation]}, {level: 4, requirements: [service_account_token, mfa, user_delegation, approval_workflow]}]\n",
            "mcp_registry:\n  servers:\n    - ", $servers, "\n  agents:\n    - ", $agents, "\n", $more, "\n"
        )
    };
}

macro_rules! samples {
    ($($cut:literal $text:expr, $($path:literal)+;)*) => {
        pub(super) static SAMPLES: &[Sample] = &[$(Sample { paths: &[$($path),+], text: $text, cut: $cut },)*];
    };
}

const CLASSED: &str = world!(
    "{name: s, location: secure_enclave, encryption_at_rest: true, controls: [dlp, audit], tools: [{name: t}]}",
    "{name: a, subject: a, may_call: [s/t]}",
    "data_routing:\n  classifications: [{level: public, mcp_servers: [s], requires: [f], min_auth_level: 2, encryption: in_transit_and_at_rest, location: on_premises_only, additional_controls: [dlp]}]"
);
const TOOLS: &str = world!(
    "{name: s, auth_level: 2, tools: [{name: t, requires: [f]}], resources: [{uri: 's://r', requires: [g]}], prompts: [{name: p}]}",
    "{name: a, subject: a, may_call: ['s/*']}",
    "data_routing: {classifications: [{level: public, mcp_servers: [s]}]}"
);
const LEVELS: &str = world!(
    "{name: s, tools: [{name: t, auth_level: 2}], resources: [{uri: 's://r', auth_level: 3}], prompts: [{name: p, auth_level: 4, requires: [f]}]}",
    "{name: a, subject: a, may_call: ['s/*']}",
    "data_routing: {classifications: [{level: public, mcp_servers: [s]}]}"
);
const SUSPENDED: &str = world!(
    "{name: s, suspended: one, tools: [{name: t}]}\n    - {name: r, tools: [{name: t, suspended: two}]}\n    - {name: q, tools: [{name: t}]}\n    - {name: k, tools: [{name: t}]}",
    "{name: a, subject: a, may_call: [s/t, r/t, k/t]}\n    - {name: b, subject: b, suspended: three, may_call: [q/t]}\n  any_agent: {suspended: four, may_call: [q/t]}",
    "data_routing: {classifications: [{level: public, mcp_servers: [s, r, q]}, {level: shut, mcp_servers: [k], suspended: five}]}"
);
const FLOWS: &str = world!(
    "{name: s, tools: [{name: t}, {name: u}]}",
    "{name: a, subject: a, may_call: []}",
    "workflow_definition: {name: w, subject: w, suspended: one, steps: [{name: x, mcp_server: s, tools: [t]}]}\nsaga_definition: {name: v, subject: v, suspended: two, steps: [{name: x, mcp_server: s, action: t, compensation: u}]}\nevent_driven_config:\n  event_bus: {topics: [{name: e}]}\n  event_processors: [{name: z, subject: z, subscribes_to: [e], suspended: three, triggers_mcp: s, tools: [t]}]"
);
const READS: &str = world!(
    "{name: s, tools: [{name: t}, {name: u}], resources: [{uri: 's://1'}, {uri: 's://2'}, {uri: 's://3'}], prompts: [{name: p1}, {name: p2}, {name: p3}]}",
    "{name: a, subject: a, may_call: []}",
    "workflow_definition: {name: w, subject: w, steps: [{name: x, mcp_server: s, tools: [t], resources: ['s://1'], prompts: [p1]}]}\nsaga_definition: {name: v, subject: v, steps: [{name: x, mcp_server: s, action: t, resources: ['s://2'], prompts: [p2], compensation: u}]}\nevent_driven_config:\n  event_bus: {topics: [{name: e}]}\n  event_processors: [{name: z, subject: z, subscribes_to: [e], triggers_mcp: s, tools: [t], resources: ['s://3'], prompts: [p3]}]"
);
const UNDONE: &str = world!(
    "{name: s, tools: [{name: t}, {name: u}]}",
    "{name: a, subject: a, may_call: []}",
    "saga_definition: {name: v, subject: v, compensations_enabled: false, steps: [{name: x, mcp_server: s, action: t, compensation: u}]}"
);
const GRANTS: &str = world!(
    "{name: s, tools: [{name: t, annotations: {read_only: true}}, {name: u, annotations: {destructive: true}}], resources: [{uri: 's://r'}], prompts: [{name: p}]}",
    "{name: a, subject: a, issuer: 'https://idp.example', may_call: [{tools: s/t, requires: [f]}]}\n    - {name: b, subject: b, may_call: [{tools: 's/*', only: read_only}]}\n    - {name: c, subject: c, may_call: [s/u]}",
    "data_routing: {classifications: [{level: public, mcp_servers: [s]}]}"
);
const ANYBODY: &str = world!(
    "{name: s, tools: [{name: t}, {name: u, annotations: {read_only: true}}]}",
    "{name: a, subject: a, may_call: [s/t]}\n  any_agent: {may_call: [{tools: 's/t', requires: [f]}, {tools: 's/*', only: read_only}]}",
    ""
);
const READ: &str = world!(
    "{name: s, tools: [{name: t}], resources: [{uri: 's://r'}], prompts: [{name: p}]}",
    "{name: a, subject: a, may_call: ['s/*']}",
    ""
);
const DEMANDED: &str = world!(
    "{name: s, requires: [g], methods: {deny: [ping]}, tools: [{name: t}]}",
    "{name: a, subject: a, may_call: [s/t]}",
    ""
);
const LISTED: &str = world!(
    "{name: s, tools: [{name: t}]}",
    "{name: a, subject: a, may_call: ['s/*']}",
    "zero_trust_config: {service_mesh: {mutual_tls: strict}}"
);
pub(super) const UNITS: &str = world!(
    "{name: s, business_unit: one, tools: [{name: t}]}\n    - {name: r, business_unit: three, tools: [{name: t}]}",
    "{name: a, business_unit: two, subject: a, may_call: [s/t, r/t]}\n  business_units: [{name: one}, {name: two}, {name: three, suspended: shut}]",
    "data_routing: {classifications: [{level: public}, {level: internal, mcp_servers: [r]}, {level: secret, mcp_servers: [s]}]}\nfederation_config:\n  business_unit_gateways: {cross_unit_routing: explicit_approval, local_policy_override: security_only}\n  central_gateway: {global_policies: {cross_bu_data_sharing: restricted, cross_unit_max_class: secret, encryption_in_transit: required}}"
);
const UNITS_LISTED: &str = world!(
    "{name: s, business_unit: one, tools: [{name: t}]}",
    "{name: a, business_unit: two, subject: a, may_call: [s/t]}\n  business_units: [{name: one}, {name: two}, {name: three, suspended: shut}]",
    "data_routing: {classifications: [{level: public}, {level: internal}, {level: secret, mcp_servers: [s]}]}\nfederation_config:\n  business_unit_gateways: {cross_unit_routing: explicit_approval}\n  central_gateway:\n    global_policies: [{cross_bu_data_sharing: restricted}, {cross_unit_max_class: secret}, {encryption_in_transit: required}]"
);
const OTHER_WAYS: &str = "identity: {issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/keys', requirements: {f: {claim: f, contains: a}}}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token, mfa], alternatives: [{name: other, requirements: [f]}]}]}
mcp_registry: {servers: [{name: s, tools: [{name: t}]}], agents: [{name: a, subject: a, may_call: [s/t]}]}
";
const DESTRUCTIVE: &str = "progressive_auth: {destructive_min_level: 2, levels: [{level: 1, requirements: [service_account_token]}, {level: 2, requirements: [mfa]}]}
data_routing: {classifications: [{level: public, mcp_servers: [s]}]}
mcp_registry: {servers: [{name: s, tools: [{name: t, annotations: {destructive: true}}]}], agents: [{name: a, subject: a, may_call: [s/t]}]}
";
const ONE_SERVER: &str =
    "identity: {issuer: 'https://idp.example', audience: per_server, jwks: 'https://idp.example/keys'}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry: {servers: [{name: s, tools: [{name: t}]}], agents: [{name: a, subject: a, may_call: [s/t]}]}
";
const ENTERPRISE: &str =
    "identity: {issuer: 'https://idp.example', kind: enterprise_managed, jwks: 'https://idp.example/keys'}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry: {servers: [{name: s, tools: [{name: t}]}], agents: [{name: a, subject: a, may_call: [s/t]}]}
";
const ONE_SERVER_EACH: &str = "identity:
  issuers:
    - {issuer: 'https://one.example', audience: per_server, jwks: 'https://one.example/keys', speaks_for: [agents]}
    - {issuer: 'https://two.example', kind: enterprise_managed, jwks: 'https://two.example/keys', speaks_for: [flows]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry: {servers: [{name: s, tools: [{name: t}]}], agents: [{name: a, subject: a, may_call: [s/t]}]}
";
const ISSUERS: &str = "identity:
  issuers:
    - {issuer: 'https://one.example', audiences: [mcp], jwks: 'https://one.example/keys', speaks_for: [agents]}
    - {issuer: 'https://two.example', audiences: [other], jwks: 'https://two.example/keys', speaks_for: [flows]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry: {servers: [{name: s, tools: [{name: t}]}], agents: [{name: a, subject: a, may_call: [s/t]}]}
";
const REVIEW: &str = "review:
  max_new_allow: 3
  units: {one: 1}
  classes: {public: 1}
  max_lost_operation: 2
  waivers: [{trust: the trust domain, to: other.example, reason: r, owner: o, expires: '2099-01-01'}, {principals: [a], tools: [s/t], facts: [mfa], reason: r, owner: o, expires: '2099-01-01'}]
protocol: [2025-11-25]
targets: {envoy: {deny_status: 403, origins: ['https://a.example']}, kubernetes: {egress: [{namespace: auth, labels: {app: idp}, port: 443}, {cidr: 203.0.113.0/24, port: 444}]}}
";
const PLACES: &str = "targets:
  envoy: {max_stream_age: 1h, controls: {dlp: 'https://dlp.example'}}
  kubernetes: {locations: {cloud: {node_labels: {a: one}, runtime_class: one}, on_premises: {node_labels: {b: two}, runtime_class: two}, secure_enclave: {node_labels: {c: three}, runtime_class: three}}}
";

samples! {
    "requires: [f]" CLASSED, "data_routing/classifications/*/requires";
    "min_auth_level: 2" CLASSED, "data_routing/classifications/*/min_auth_level";
    "encryption: in_transit_and_at_rest" CLASSED, "data_routing/classifications/*/encryption";
    "additional_controls: [dlp]" CLASSED, "data_routing/classifications/*/additional_controls";
    "location: on_premises_only" CLASSED, "data_routing/classifications/*/location";
    "location: secure_enclave" CLASSED, "mcp_registry/servers/*/location";
    "encryption_at_rest: true" CLASSED, "mcp_registry/servers/*/encryption_at_rest";
    "controls: [dlp, audit]" CLASSED, "mcp_registry/servers/*/controls";
    "auth_level: 2" TOOLS, "mcp_registry/servers/*/auth_level";
    "requires: [f]" TOOLS, "mcp_registry/servers/*/tools/*/requires";
    "requires: [g]" TOOLS, "mcp_registry/servers/*/resources/*/requires";
    "requires: [f]" LEVELS, "mcp_registry/servers/*/prompts/*/requires";
    "auth_level: 2" LEVELS, "mcp_registry/servers/*/tools/*/auth_level";
    "auth_level: 3" LEVELS, "mcp_registry/servers/*/resources/*/auth_level";
    "auth_level: 4" LEVELS, "mcp_registry/servers/*/prompts/*/auth_level";
    "requires: [g]" DEMANDED, "mcp_registry/servers/*/requires";
    "methods: {deny: [ping]}" DEMANDED, "mcp_registry/servers/*/methods";
    "suspended: one" SUSPENDED, "mcp_registry/servers/*/suspended";
    "suspended: two" SUSPENDED, "mcp_registry/servers/*/tools/*/suspended";
    "suspended: three" SUSPENDED, "mcp_registry/agents/*/suspended";
    "suspended: four" SUSPENDED, "mcp_registry/any_agent/suspended";
    "suspended: five" SUSPENDED, "data_routing/classifications/*/suspended";
    "suspended: shut" UNITS, "mcp_registry/business_units/*/suspended";
    "suspended: one" FLOWS, "workflow_definition/suspended";
    "suspended: two" FLOWS, "saga_definition/suspended";
    "suspended: three" FLOWS, "event_driven_config/event_processors/*/suspended";
    "compensations_enabled: false" UNDONE, "saga_definition/compensations_enabled";
    "requires: [f]" GRANTS, "mcp_registry/agents/*/may_call/*/requires";
    "only: read_only" GRANTS, "mcp_registry/agents/*/may_call/*/only";
    "issuer: 'https://idp.example'" GRANTS, "mcp_registry/agents/*/issuer";
    "subject: b" GRANTS, "mcp_registry/agents/*/subject";
    "read_only: true" GRANTS, "mcp_registry/servers/*/tools/*/annotations/read_only";
    "destructive: true" GRANTS, "mcp_registry/servers/*/tools/*/annotations/destructive";
    "resources: [{uri: 's://r'}]" READ, "mcp_registry/servers/*/resources";
    "prompts: [{name: p}]" READ, "mcp_registry/servers/*/prompts";
    "requires: [f]" ANYBODY, "mcp_registry/any_agent/may_call/*/requires";
    "only: read_only" ANYBODY, "mcp_registry/any_agent/may_call/*/only";
    "may_call: [{tools: 's/t', requires: [f]}, {tools: 's/*', only: read_only}]" ANYBODY, "mcp_registry/any_agent/may_call";
    "any_agent: {may_call: [{tools: 's/t', requires: [f]}, {tools: 's/*', only: read_only}]}" ANYBODY, "mcp_registry/any_agent";
    "may_call: ['s/*']" LISTED, "mcp_registry/agents/*/may_call";
    "tools: [{name: t}]" LISTED, "mcp_registry/servers/*/tools";
    "mutual_tls: strict" LISTED, "zero_trust_config/service_mesh/mutual_tls";
    "business_unit: one" UNITS, "mcp_registry/servers/*/business_unit";
    "business_unit: two" UNITS, "mcp_registry/agents/*/business_unit";
    "cross_unit_routing: explicit_approval" UNITS, "federation_config/business_unit_gateways/cross_unit_routing";
    "local_policy_override: security_only" UNITS, "federation_config/business_unit_gateways/local_policy_override";
    "cross_bu_data_sharing: restricted" UNITS, "federation_config/central_gateway/global_policies/cross_bu_data_sharing";
    "cross_unit_max_class: secret" UNITS, "federation_config/central_gateway/global_policies/cross_unit_max_class";
    "encryption_in_transit: required" UNITS, "federation_config/central_gateway/global_policies/encryption_in_transit";
    "cross_bu_data_sharing: restricted" UNITS_LISTED, "federation_config/central_gateway/global_policies/*/cross_bu_data_sharing";
    "cross_unit_max_class: secret" UNITS_LISTED, "federation_config/central_gateway/global_policies/*/cross_unit_max_class";
    "encryption_in_transit: required" UNITS_LISTED, "federation_config/central_gateway/global_policies/*/encryption_in_transit";
    "alternatives: [{name: other, requirements: [f]}]" OTHER_WAYS, "progressive_auth/levels/*/alternatives";
    "destructive_min_level: 2" DESTRUCTIVE, "progressive_auth/destructive_min_level";
    "audiences: [mcp]" OTHER_WAYS, "identity/audiences";
    "audiences: [other]" ISSUERS, "identity/issuers/*/audiences";
    "audience: per_server" ONE_SERVER, "identity/audience";
    "kind: enterprise_managed" ENTERPRISE, "identity/kind";
    "audience: per_server" ONE_SERVER_EACH, "identity/issuers/*/audience";
    "kind: enterprise_managed" ONE_SERVER_EACH, "identity/issuers/*/kind";
    "speaks_for: [agents]" ISSUERS, "identity/issuers/*/speaks_for";
    "resources: ['s://1']" READS, "workflow_definition/steps/*/resources";
    "prompts: [p1]" READS, "workflow_definition/steps/*/prompts";
    "resources: ['s://2']" READS, "saga_definition/steps/*/resources";
    "prompts: [p2]" READS, "saga_definition/steps/*/prompts";
    "resources: ['s://3']" READS, "event_driven_config/event_processors/*/resources";
    "prompts: [p3]" READS, "event_driven_config/event_processors/*/prompts";
    "max_new_allow: 3" REVIEW, "mcpctl.yaml/review/max_new_allow";
    "units: {one: 1}" REVIEW, "mcpctl.yaml/review/units";
    "classes: {public: 1}" REVIEW, "mcpctl.yaml/review/classes";
    "principals: [a]" REVIEW, "mcpctl.yaml/review/waivers/*/principals";
    "tools: [s/t]" REVIEW, "mcpctl.yaml/review/waivers/*/tools";
    "facts: [mfa]" REVIEW, "mcpctl.yaml/review/waivers/*/facts";
    "to: other.example" REVIEW, "mcpctl.yaml/review/waivers/*/to";
    "max_lost_operation: 2" REVIEW, "mcpctl.yaml/review/max_lost_operation";
    "protocol: [2025-11-25]" REVIEW, "mcpctl.yaml/protocol";
    "origins: ['https://a.example']" REVIEW, "mcpctl.yaml/targets/envoy/origins";
    "namespace: auth" REVIEW, "mcpctl.yaml/targets/kubernetes/egress/*/namespace";
    "cidr: 203.0.113.0/24" REVIEW, "mcpctl.yaml/targets/kubernetes/egress/*/cidr";
    "labels: {app: idp}" REVIEW, "mcpctl.yaml/targets/kubernetes/egress/*/labels";
    "max_stream_age: 1h" PLACES, "mcpctl.yaml/targets/envoy/max_stream_age";
    "controls: {dlp: 'https://dlp.example'}" PLACES, "mcpctl.yaml/targets/envoy/controls";
    "locations: {cloud: {node_labels: {a: one}, runtime_class: one}, on_premises: {node_labels: {b: two}, runtime_class: two}, secure_enclave: {node_labels: {c: three}, runtime_class: three}}" PLACES, "mcpctl.yaml/targets/kubernetes/locations";
    "cloud: {node_labels: {a: one}, runtime_class: one}" PLACES, "mcpctl.yaml/targets/kubernetes/locations/cloud";
    "node_labels: {a: one}" PLACES, "mcpctl.yaml/targets/kubernetes/locations/cloud/node_labels";
    "runtime_class: one" PLACES, "mcpctl.yaml/targets/kubernetes/locations/cloud/runtime_class";
    "on_premises: {node_labels: {b: two}, runtime_class: two}" PLACES, "mcpctl.yaml/targets/kubernetes/locations/on_premises";
    "node_labels: {b: two}" PLACES, "mcpctl.yaml/targets/kubernetes/locations/on_premises/node_labels";
    "runtime_class: two" PLACES, "mcpctl.yaml/targets/kubernetes/locations/on_premises/runtime_class";
    "secure_enclave: {node_labels: {c: three}, runtime_class: three}" PLACES, "mcpctl.yaml/targets/kubernetes/locations/secure_enclave";
    "node_labels: {c: three}" PLACES, "mcpctl.yaml/targets/kubernetes/locations/secure_enclave/node_labels";
    "runtime_class: three" PLACES, "mcpctl.yaml/targets/kubernetes/locations/secure_enclave/runtime_class";
}
