//! What of each family an `XAccessPolicy` enforces, and what its page says.

use crate::families::FamilyId;
use crate::targets::Covers;
use crate::targets::access::keys;

pub(super) const DOC: &str = "\
For `XAccessPolicy` of the group `agentic.networking.x-k8s.io` (`v1alpha1`), as kube-agentic-networking 0.1.0 has it: a folder for \
Kustomize, for `kubectl apply -k agentic-networking/central`. `access-policies.yaml` has one policy for each server, in the namespace \
that `targets.agentic-networking.namespace` names. The policy is for the `XBackend` with the server's name as a DNS label, which you \
write, together with the `Gateway` and the `HTTPRoute` that leads to the `XBackend`; the manifest lists both names.

**How it decides.** A rule names one caller by the SPIFFE ID in the certificate of its connection, and the tools and prompts that this \
caller may use. Everything else is denied. A rule that lets a request through has seen a certificate, so the facts `tls`, `mtls` and that \
the caller is known are given. Names of at most 20 characters are in a list; those of other tools are in an expression.

**What is denied although the policy allows it**, since no rule can ask for it; `target-stricter` counts it:

- what needs evidence from a token (`claim`, `issuer`), an argument or an earlier call. `assume` says that something else makes sure \
of it, such as a policy with the action `ExternalAuth`.
- undeclared agents (`any_agent`), and callers whose `subject` is not a SPIFFE ID in `trust_domain`. So are agents that are bound to an \
`issuer`, because a certificate has none.
- resources: the controller compares `params.name`, and a resource is named by `params.uri`.
- prompts with names of more than 20 characters, and tools with other characters than letters, digits, `_`, `-`, `.` and `/`.

**What is not decided.** Who may use a tool or a prompt of a server may use the methods of the protocol there: `initialize`, `ping`, \
`tools/list`, everything that begins with `notifications/`, `logging/` or `completion/`, GET, and DELETE of a session. It cannot deny one \
of them, so what the entry of a server denies (`methods`) the server has to refuse itself; `target-undecided` names it. Lists of tools are \
not filtered. Clients of 2026-07-28 send `server/discover` and `subscriptions/listen`, which no rule can let through, and the responses of \
clients to sampling and elicitation are denied. No rule reads the headers `Mcp-Param-*`, in which clients repeat arguments: the \
server has to compare them with the body. Tokens are neither verified nor removed: take the header `Authorization` away in the `HTTPRoute`, \
so that no server sees a caller's token. Of a key that a message has twice, the gateway reads the last one.

**What lets everything through.** An `XBackend` without an accepted policy is open, and so is a `Service` that an `HTTPRoute` names \
without an `XBackend`. So:

- each server of the workspace has a policy, also one that is suspended or that nobody is granted: its one rule lets nobody through.
- apply the policies, and wait for their condition `Accepted`, before the `HTTPRoute`s. The controller accepts five policies for an \
`XBackend`, the oldest first; leave a place for this one.
- `kubectl apply` removes nothing, and `mcpctl diff --format prune` does not list these policies. Suspend a server before you take it \
out of the workspace: its policy then lets nobody through. Delete its `HTTPRoute`, and then the policy.
- let no second policy with the action `Allow` be for the same `XBackend`. The definition says that all of them have to let a request \
through; the controller lets it through where any of them does.
- the listener of the `Gateway` has to have the protocol HTTPS: it then asks for a certificate, from the authority of the trust domain.

**Limits.** A policy holds 10 rules, and a server has one policy, so 10 callers, or fewer: a caller with tools of long names, with more \
than 10 tools or with more than 10 prompts takes several rules. A workspace beyond that is left out of a plain compile with a warning. \
Workspaces with gateways of units are left out, because behind one the certificate is that of the gateway.

**What was read.** Version 0.1.0, its definition and its controller. The controller names the metadata of Envoy's MCP filter `mcp_proxy`; \
an Envoy that writes it under `envoy.filters.http.mcp`, as 1.38 and later do, denies every call. A later state of the project (July 2026) \
adds fields for paths, headers and hosts to a rule, which its controller does not enforce; none is written. A resource called \
`AccessPolicy` is a proposal there.

Every compile reads the policies back and compares what they decide with the access relation. Neither the controller nor its gateway is run.";

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        keys::UNITS_AND_GATEWAYS,
        "calls between units are judged, over connections with certificates; isolation is for the network, and audit records for the log store",
    ),
    keys::WORKFLOW_AT_GATEWAYS,
    keys::EVENT_DRIVEN,
    keys::SAGA_AT_GATEWAYS,
    Covers::part(
        FamilyId::ZeroTrust,
        keys::MESH,
        "callers prove themselves to the gateway with certificates; segments, rotation and attestation are for the network and for what issues certificates",
    ),
    Covers::all(FamilyId::ProgressiveAuth),
    keys::DATA_ROUTING,
    Covers::part(
        FamilyId::Registry,
        &[
            "business_units",
            "name",
            "servers",
            "business_unit",
            "auth_level",
            "requires",
            "tools",
            "annotations",
            "read_only",
            "prompts",
            "agents",
            "subject",
            "may_call",
            "only",
            "suspended",
        ],
        "servers, tools, prompts and grants become rules; addresses are for the `XBackend`, and resources, undeclared agents and denied methods are beyond its rules",
    ),
    Covers::part(
        FamilyId::Identity,
        &["trust_domain"],
        "callers are known by their certificates; tokens and other evidence are not read, so what needs them is denied",
    ),
];
