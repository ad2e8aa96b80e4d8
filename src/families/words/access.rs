//! Words about who may call what: federation, zero trust, data classes, registry, identity.

use super::Word;
use crate::families::FamilyId;

/// Rows, each key once: `"key" { "word" means "..." becomes "..." not "..."; }`.
macro_rules! rows {
    ($($key:literal { $($word:literal means $means:literal becomes $becomes:literal $(not $not:literal)?;)* })*) => {
        &[$($(Word { key: $key, word: $word, means: $means, becomes: $becomes, not: concat!("" $(, $not)?) },)*)*]
    };
}
pub(super) use rows;

pub(super) const WORDS: &[(FamilyId, &[Word])] = &[
    (FamilyId::Federation, FEDERATION),
    (FamilyId::ZeroTrust, ZERO_TRUST),
    (FamilyId::DataRouting, DATA_ROUTING),
    (FamilyId::Registry, REGISTRY),
    (FamilyId::Identity, IDENTITY),
];

const FEDERATION: &[Word] = rows! {
    "central_gateway.global_policies.cross_bu_data_sharing" {
        "restricted"
            means "a call into another unit may reach the data classes up to `cross_unit_max_class`; without that key, \
                up to the class named `internal`"
            becomes "`cedar`, `istio` and all gateways: no rule lets a call from another unit reach a more sensitive \
                class"
            not "a limit by rank: without the key, and without a class named `internal`, no data crosses units";
        "allowed"
            means "a call into another unit may reach every data class"
            becomes "`cedar`, `istio` and all gateways: the class adds no condition to calls between units"
            not "a grant: the caller still needs one, and `cross_unit_routing` must let the call through as well";
        "prohibited"
            means "no call into another unit is allowed, `central` included; the same as without the key"
            becomes "`cedar`, `istio` and all gateways: no rule for such a call; the check `never-allowed` finds \
                grants of it"
            not "a limit for central principals: they may call the servers of every unit";
    }
    "central_gateway.global_policies.encryption_in_transit" {
        "required"
            means "every call needs the fact `tls`: an encrypted connection"
            becomes "`cedar`: `tls` in the context; `istio`: `PeerAuthentication` with `STRICT`; `envoy` and \
                `agentgateway`: the listener, where `tls` is in their settings; `agentcore`, `ai-gateway` and \
                `toolhive` do not see the connection: they deny, unless `assume` names the fact; the check \
                `plaintext-in-transit` finds URLs with `http`"
            not "mutual TLS: a certificate of the caller is `mutual_tls: strict`";
        "optional"
            means "a call needs the fact `tls` only where `mutual_tls` or the `encryption` of a class asks for it; the \
                same as without the key"
            becomes "nothing: it adds no condition";
    }
    "business_unit_gateways.isolation_level" {
        "network_and_iam"
            means "network policies and identities keep units apart; the same as without the key"
            becomes "`kubernetes`: a `NetworkPolicy` lets the gateway in front of a server connect to it, and nothing \
                else; `istio` and all gateways ask for identities";
        "network"
            means "the network is said to keep units apart by itself"
            becomes "the same as `network_and_iam`; the check `units-not-isolated` warns"
            not "fewer rules on identities: `istio` and all gateways keep them";
        "iam"
            means "identities keep units apart, and the network does not"
            becomes "`kubernetes`: the `NetworkPolicy` of a server lets every gateway connect; the check \
                `units-not-isolated` warns"
            not "more rules on identities: `istio` and all gateways write the same ones";
        "none"
            means "units are not kept apart"
            becomes "`kubernetes`: the same as `iam`; the check `units-not-isolated` warns once for each unit"
            not "access for everybody: `istio` and all gateways keep their rules";
    }
    "business_unit_gateways.local_policy_override" {
        "none"
            means "the folder of a unit may hold no section; the same as without the key"
            becomes "the error `unit-overrides-forbidden-family`";
        "security_only"
            means "the folder of a unit may hold `progressive_auth`, `data_routing` and `zero_trust_config`"
            becomes "the condition of the unit and the central one together, in every target that decides calls; the \
                error `unit-widens-policy` where the folder asks for less"
            not "a replacement of the central rules: a unit can only ask for more";
        "full"
            means "the folder of a unit may hold any family but `federation_config`, `identity` and `waivers`"
            becomes "the condition of the unit and the central one together, in every target that decides calls; \
                pools, breakers and the like of the unit hold for its own servers; the errors `unit-widens-policy` and \
                `centre-only-section` judge it"
            not "a unit without central rules: the central condition holds as well";
    }
    "business_unit_gateways.cross_unit_routing" {
        "explicit_approval"
            means "a call into another unit needs the fact `cross_unit_approval`"
            becomes "`agentic-networking` reads no token and denies; `cedar`, `istio` and all other gateways ask for \
                its evidence, by default the unit's name in the claim `unit_approvals`; the check \
                `cross-unit-call-without-approval` finds flows that need it"
            not "a question to a person while the call waits: the approval is in the token already";
        "allowed"
            means "a call into another unit needs no approval"
            becomes "`cedar`, `istio` and all gateways: it adds no condition"
            not "a grant: the caller still needs one, and `cross_bu_data_sharing` must let the call through as well";
        "denied"
            means "no call into another unit is allowed, `central` included; the same as without the key"
            becomes "`cedar`, `istio` and all gateways: no rule for such a call; the check `never-allowed` finds \
                grants of it"
            not "a limit for central principals: they may call the servers of every unit";
    }
};

const ZERO_TRUST: &[Word] = rows! {
    "service_mesh.provider" {
        "istio"
            means "the mesh is Istio"
            becomes "`kubernetes`: the `NetworkPolicy` `allow-mesh` to port 15012 of `istio-system`"
            not "what switches the target `istio` on: a compile writes its files for every word";
        "linkerd"
            means "the mesh is Linkerd"
            becomes "nothing: no target writes files for Linkerd, and the note `not-expressible` says so; `kubernetes` \
                leaves `allow-mesh` out, unless \
                `targets.istio` is in the settings; `mcpctl diff` shows a change of the word"
            not "what switches the target `istio` off: use `targets` in `mcpctl.yaml`";
        "consul"
            means "the mesh is Consul"
            becomes "nothing: no target writes files for the mesh of Consul; the rest as for `linkerd`"
            not "service discovery by Consul: that is `health_monitoring.discovery_service`";
        "cilium"
            means "the mesh is Cilium"
            becomes "nothing: no target writes files for the mesh of Cilium; the rest as for `linkerd`"
            not "the plugin for network policies: `kubernetes` writes plain `NetworkPolicy` objects for any plugin";
        "kuma"
            means "the mesh is Kuma"
            becomes "nothing: no target writes files for Kuma; the rest as for `linkerd`";
    }
    "service_mesh.mutual_tls" {
        "strict"
            means "every call needs the fact `mtls`: a connection with a certificate of the caller"
            becomes "`cedar`: `mtls` in the context; `envoy`: `require_client_certificate`; `agentgateway`: \
                certificates by `tls` in the settings; `istio`: `PeerAuthentication` with `STRICT`; `agentcore`, \
                `ai-gateway` and `toolhive` do not see the connection: they deny, unless `assume` names the fact";
        "permissive"
            means "the mesh also takes connections without a certificate, and no call needs the fact `mtls`"
            becomes "`istio` writes nothing, because its rules rest on certificates; the check `mtls-not-strict` warns"
            not "the same as without the key: then `istio` writes `STRICT`";
        "disabled"
            means "the mesh does not encrypt, and no call needs the fact `mtls`"
            becomes "`istio` writes nothing, because its rules rest on certificates; the check `mtls-not-strict` warns, and calls that need \
                     `mtls` all the same are the error `certificates-disabled`"
            not "gateways without TLS: that is for their own settings";
    }
    "service_mesh.policy_enforcement" {
        "per_request"
            means "each request is decided by itself, and an old grant ends with the age of a connection or an answer"
            becomes "`envoy`: `max_stream_duration` of each route and `max_connection_duration` of the listener, by \
                `targets.envoy.max_stream_age`, 15 minutes by default"
            not "the only way to have each request decided: all targets do so without the key, too";
        "per_connection"
            means "policy is decided once for each connection"
            becomes "nothing: no target decides so; the check `decided-once` says so";
    }
    "identity_verification.workload_identity" {
        "spiffe"
            means "workloads have SPIFFE identities, issued by SPIRE"
            becomes "`istio`: a `ClusterSPIFFEID`, with `certificate_rotation` as its `ttl`"
            not "the format of subjects in tokens: each agent names its own `subject`";
        "service_account"
            means "workloads have the identity of their service account in Kubernetes"
            becomes "nothing: no target writes a file for it, and the note `not-expressible` says so; \
                `certificate_rotation` has no effect beside it"
            not "the fact `service_account_token`: that is for levels";
        "x509"
            means "workloads have certificates of an authority of your own"
            becomes "nothing: no target writes a file for it, and the note `not-expressible` says so; \
                `certificate_rotation` has no effect beside it"
            not "the authority that gateways trust: that is `ca` under `tls` in their settings";
    }
    "identity_verification.attestation" {
        "continuous"
            means "workloads are attested again and again, as SPIRE does when it renews a certificate"
            becomes "nothing: the note `not-expressible` says so, and SPIRE does it";
        "at_startup"
            means "workloads are attested when they start"
            becomes "nothing: the checks `weak-attestation` and `not-expressible` say so";
        "none"
            means "workloads are never attested"
            becomes "nothing: the checks `weak-attestation` and `not-expressible` say so";
    }
};

const DATA_ROUTING: &[Word] = rows! {
    "classifications[].encryption" {
        "in_transit"
            means "every call to a server of the class needs the fact `tls`: an encrypted connection"
            becomes "as `encryption_in_transit: required`, for the servers of the class; the check \
                `plaintext-in-transit` finds URLs of such servers with `http`"
            not "a certificate of the caller: that is `mutual_tls: strict`";
        "in_transit_and_at_rest"
            means "as `in_transit`, and its servers must keep data encrypted on disk"
            becomes "as `in_transit`; the check `missing-at-rest-encryption` finds servers without \
                `encryption_at_rest: true`"
            not "a setting of a disk: no target encrypts anything there";
    }
    "classifications[].location" {
        "on_premises_only"
            means "its servers must be on premises or in a secure enclave"
            becomes "the checks `location-violates-class` and `unverified-obligation`; `cache-plan`: only layers at \
                `mcp_server` keep its data; `kubernetes`: pods of the gateways that pass its data run at either \
                location, where `targets.kubernetes.locations` is set"
            not "a limit for callers: they may be anywhere";
        "secure_enclave"
            means "its servers must be in a secure enclave"
            becomes "the same as `on_premises_only`, with the secure enclave as the one location";
        "any"
            means "its servers may be anywhere; the same as without the key"
            becomes "nothing: it demands nothing";
    }
};

const REGISTRY: &[Word] = rows! {
    "servers[].location" {
        "cloud"
            means "the server is in a cloud"
            becomes "the check `location-violates-class`, and `never_flow.to_location` of policy tests; `kubernetes`: \
                a `ValidatingAdmissionPolicy` for its pods, where `targets.kubernetes.locations` is set";
        "on_premises"
            means "the server is on premises"
            becomes "the same as `cloud`; it meets `location: on_premises_only` of a class";
        "secure_enclave"
            means "the server is in a secure enclave"
            becomes "the same as `cloud`; it meets `on_premises_only` and `secure_enclave` of a class"
            not "a proof: without `targets.kubernetes.locations` it is what you state";
    }
    "servers[].encryption_at_rest" {
        "true"
            means "the server keeps its data encrypted on disk"
            becomes "the check `missing-at-rest-encryption` is met"
            not "what encrypts the disk: it is what you state";
        "false"
            means "the server does not encrypt its disk; the same as without the key"
            becomes "the error `missing-at-rest-encryption`, where its class asks for `in_transit_and_at_rest`";
    }
    "servers[].tools[].annotations.read_only" {
        "true"
            means "the tool changes nothing"
            becomes "grants with `only: read_only` cover it; `cache-plan` may keep its results, and `scenarios` runs \
                it in a mirror of production; the checks `any-agent-overreach`, `restricted-data-flow` and \
                `saga-without-compensation` leave it alone"
            not "something that a gateway checks: the server is believed";
        "false"
            means "the tool may change something; the same as without the key"
            becomes "grants with `only: read_only` leave it out; in the folder of a unit it overrules a central `true`";
    }
    "servers[].tools[].annotations.destructive" {
        "true"
            means "the tool may destroy something"
            becomes "the checks `destructive-tool-low-level` and `server-reads-and-destroys`; `cache-plan` keeps none \
                of its results"
            not "a higher level by itself: write `auth_level` or `requires`";
        "false"
            means "the tool destroys nothing; the same as without the key"
            becomes "nothing: a tool without the annotation is treated alike"
            not "what MCP assumes of a tool without the annotation: there it may destroy something";
    }
    "servers[].tools[].annotations.idempotent" {
        "true"
            means "a second call with the same arguments changes nothing more"
            becomes "`toolhive`: a step of a composite tool is retried as `max_attempts` says; `temporal`: `inDoubt: \
                repeat`, as without the key";
        "false"
            means "a second call may change something again"
            becomes "`temporal`: `inDoubt: fail`: no new attempt when the answer is missing; `toolhive`: no retry, as \
                without the key; `cache-plan` keeps none of its results; the checks `compensation-not-idempotent` and \
                `compensation-repeats-action` judge compensations";
    }
    "agents[].may_call[].only" {
        "read_only"
            means "the grant covers only tools with `read_only: true`, and the resources and prompts that it names"
            becomes "`cedar`, `istio` and all gateways: the other tools are in no rule of the grant; the check \
                `grant-of-nothing` finds a grant without any such tool"
            not "a call without side effects: the annotation is believed";
    }
};

const IDENTITY: &[Word] = rows! {
    "audience" {
        "per_server"
            means "a token works only at the server whose URL is in its `aud`"
            becomes "`envoy`: `provider_and_audiences` for each server; `agentgateway`: the rule `require` of its \
                route; `istio`: a `RequestAuthentication` for each server; `ai-gateway`: `audiences` of each route; \
                `cedar`: `audiences_of_servers` in `evidence.json`; `temporal`: `audiencePerServer`; `toolhive`: for \
                your `oidcConfigRef`; `agentcore` is left out, because one gateway has the same audiences for all \
                servers"
            not "a name of yours: the URLs are `GATEWAY/SERVER/mcp` and the server's own `url`";
    }
    "kind" {
        "oauth"
            means "an OAuth authorization server issues the tokens; the same as without the key"
            becomes "nothing: `audience`, `audiences` and `caller` decide alone";
        "enterprise_managed"
            means "an authorization server issues the tokens for an assertion of your identity provider (ID-JAG)"
            becomes "the same as `audience: per_server` with `caller: client_id`, unless `caller` names another claim"
            not "a gateway that takes the assertion: it takes access tokens alone";
    }
    "requirements.<name>.caller" {
        "known"
            means "the token names a declared principal, or `any_agent` applies"
            becomes "`cedar`: `evidence.json`; `istio` and all gateways: each rule names its callers, so the fact \
                always holds"
            not "any valid token: a caller that nothing declares is denied, unless `any_agent` is there";
    }
    "requirements.<name>.present" {
        "true"
            means "the claim is in the token and is not empty, with any value"
            becomes "`cedar`: `evidence.json`; all gateways that read tokens: a test of the claim; `istio`: a text or \
                a list of texts alone, so a number such as `auth_time` does not hold"
            not "a claim that is true: write `contains: true` for that";
    }
};
