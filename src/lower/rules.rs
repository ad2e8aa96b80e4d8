//! The rules of routing and lowering.

use crate::diagnostic::{Rule, Severity};

/// A top-level key that no family has.
pub static UNKNOWN_FAMILY: Rule = Rule {
    name: "unknown-family",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds top-level keys that name no family of configuration.",
    why: "Everything below such a key would have no effect, and nobody would notice.",
    fix: "Correct the key (`mcpctl list families` shows all), or list the file under `exclude` in `mcpctl.yaml`.",
};

/// A file or document that is not a map of sections.
pub static NOT_SECTIONS: Rule = Rule {
    name: "not-a-section-map",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds documents whose top level is a list or a single value.",
    why: "Configuration is a map from family keys to sections; anything else cannot be routed and would be lost.",
    fix: "Put the content under the key of its family, or list the file under `exclude` in `mcpctl.yaml`.",
};

/// A manifest that hides a family.
pub static DISGUISED_MANIFEST: Rule = Rule {
    name: "disguised-manifest",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds documents that have `apiVersion` and `kind`, as a Kubernetes manifest does, and a family key beside them.",
    why: "Manifests of other tools are skipped. A section inside one would be skipped with it and have no effect.",
    fix: "Move the section into a document of its own.",
};

/// A family is there twice that may be there once.
pub static DUPLICATE_SECTION: Rule = Rule {
    name: "duplicate-section",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds a second section of a family that may stand only once in its scope.",
    why: "It is not said which of the two counts.",
    fix: "Join the two sections. Workflows, sagas, policy tests and waivers may stand many times; the registry, the event \
          bus, pools, bulkheads and metrics are joined.",
};

/// A name is declared twice.
pub static DUPLICATE_NAME: Rule = Rule {
    name: "duplicate-name",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds a name that is declared twice among things of its kind: two servers, two workflows, two topics.",
    why: "A reference to the name could mean either.",
    fix: "Rename or remove one of the two.",
};

/// A level number is declared twice.
pub static DUPLICATE_LEVEL: Rule = Rule {
    name: "duplicate-level",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds two entries of `progressive_auth.levels` with the same number.",
    why: "The requirements of the level would depend on which one is read last.",
    fix: "Give each level its own number, or join the two.",
};

/// A value is set to two things.
pub static CONFLICTING_VALUES: Rule = Rule {
    name: "conflicting-values",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds a single value of a joined family (such as `central_gateway`) that two sections set differently.",
    why: "It is not said which of the two counts.",
    fix: "Set it once.",
};

/// A class that no call can tell.
pub static CLASS_FROM_NOTHING: Rule = Rule {
    name: "class-from-nothing",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds `class_from` on a server that no class of `data_routing` lists, or where there is no section `identity`.",
    why: "A call says the name of a class by that argument or claim, and there is nothing to compare it with, so every call is \
          denied.",
    fix: "List the server in a class of `data_routing`, and declare the issuers in `identity`, or remove `class_from`.",
};

/// Evidence that anything would satisfy.
pub static EVIDENCE_WITHOUT_TEST: Rule = Rule {
    name: "evidence-without-test",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds evidence in `identity.requirements` that names a claim or an argument and compares it with nothing, or a \
           claim that is compared in two ways at once.",
    why: "`mfa: {claim: amr}` would accept `amr: [pwd]`: any value of the claim would show the fact.",
    fix: "Write what the claim must be (`contains`, `one_of`, `differs_from`), or `present: true` where any value that is not \
          empty will do.",
};

/// An issuer that may speak for anybody, beside others.
pub static ISSUER_FOR_ANYBODY: Rule = Rule {
    name: "issuer-for-anybody",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds issuers without `speaks_for` where there are two issuers or more.",
    why: "Each of them could issue a token in the name of every agent and flow, those of the other issuers included.",
    fix: "Give each issuer a `speaks_for`: `agents`, `flows`, units.",
};

/// An issuer whose tokens are taken whatever they were issued for.
pub static ISSUER_WITHOUT_AUDIENCE: Rule = Rule {
    name: "issuer-without-audience",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds token issuers with neither `audience: per_server` nor `audiences`.",
    why: "A token that the issuer made for another service would be accepted here, and every service that receives one could \
          use it in its caller's name.",
    fix: "Write `audience: per_server`, or list under `audiences` what tokens for these gateways have in `aud`.",
};

/// A scope that would never be asked for.
pub static APPROVAL_WITH_SCOPE: Rule = Rule {
    name: "approval-with-scope",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds a `scope` in the evidence of `approval_workflow` or `cross_unit_approval`.",
    why: "A challenge with a scope makes the client ask the authorization server for another token, and nobody approves \
          anything on the way. So no target puts the scope of an approval into a challenge.",
    fix: "Remove `scope`. The caller gets the approval where people approve, and brings it in its next token.",
};

/// A unit folder sets what only the central configuration may set.
pub static CENTRE_ONLY: Rule = Rule {
    name: "centre-only-section",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds `federation_config`, `identity`, the list of business units, the central gateway, `any_agent`, a class \
           that the central configuration does not have, anything of `zero_trust_config` but `mutual_tls`, or hand-written Cedar, in a \
           unit folder.",
    why: "These decide what the units may do to each other; no unit may change them, in any override mode.",
    fix: "Move it into the central files.",
};

/// A unit folder holds a family that its mode forbids.
pub static OVERRIDES_FORBIDDEN: Rule = Rule {
    name: "unit-overrides-forbidden-family",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds sections in a unit folder that `local_policy_override` does not permit there.",
    why: "The centre decides what its units may set: `none` nothing, `security_only` only `progressive_auth`, \
          `data_routing` and `zero_trust_config`, `full` any family but those that only the central configuration may have.",
    fix: "Move the section to the central configuration, or let the central configuration permit it.",
};

/// A mark that repeats an argument in a header, where MCP does not allow it.
pub static INVALID_ARGUMENT_HEADER: Rule = Rule {
    name: "invalid-argument-header",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds `x-mcp-header` in the `input_schema` of a tool where MCP does not allow it: with a name that is not part of the name \
           of a header, on an argument that is not a string, an integer or a boolean, on one that is not reached by `properties` \
           alone, or twice with one name.",
    why: "Clients of MCP 2026-07-28 do not offer such a tool, and no gateway can know which argument the header repeats.",
    fix: "Correct the schema at the server and in the registry, or remove the mark.",
};

/// A unit folder speaks for another unit.
pub static FOREIGN_UNIT: Rule = Rule {
    name: "foreign-unit",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds servers, agents and flows in a unit folder that claim to be of another unit, or restate another unit's \
           server.",
    why: "A unit could otherwise give itself the rights of another one, or of the central configuration.",
    fix: "Leave `business_unit` out, or move the entry to where it belongs.",
};

/// A unit folder belongs to no unit.
pub static FOLDER_WITHOUT_UNIT: Rule = Rule {
    name: "unit-folder-without-unit",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds folders under `units` in `mcpctl.yaml` whose unit the registry does not list.",
    why: "The sections in the folder would apply to nothing.",
    fix: "Add the unit to `mcp_registry.business_units`, or correct the name.",
};

/// A unit folder holds nothing.
pub static FOLDER_WITHOUT_FILES: Rule = Rule {
    name: "unit-folder-without-files",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds folders under `units` in `mcpctl.yaml` that contain no YAML file.",
    why: "Where the folder is mistyped, the unit's own files count as central ones, with all the rights of the central configuration.",
    fix: "Correct the path (relative to the workspace, case matters), or remove the line until the unit has files.",
};

/// The rules above, for the catalogue.
pub static RULES: [&Rule; 18] = [
    &APPROVAL_WITH_SCOPE,
    &CENTRE_ONLY,
    &CLASS_FROM_NOTHING,
    &CONFLICTING_VALUES,
    &DISGUISED_MANIFEST,
    &DUPLICATE_LEVEL,
    &DUPLICATE_NAME,
    &DUPLICATE_SECTION,
    &EVIDENCE_WITHOUT_TEST,
    &FOLDER_WITHOUT_FILES,
    &FOLDER_WITHOUT_UNIT,
    &FOREIGN_UNIT,
    &INVALID_ARGUMENT_HEADER,
    &ISSUER_FOR_ANYBODY,
    &ISSUER_WITHOUT_AUDIENCE,
    &NOT_SECTIONS,
    &OVERRIDES_FORBIDDEN,
    &UNKNOWN_FAMILY,
];
