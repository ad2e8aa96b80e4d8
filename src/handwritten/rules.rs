//! The rules of hand-written Cedar.

use crate::diagnostic::{Rule, Severity};

/// A file is not a Cedar.
pub(super) static SYNTAX: Rule = Rule {
    name: "cedar-syntax",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds `*.cedar` files that Cedar cannot read, policy templates in them, and policies with more than 50 brackets in each \
           other or more than 500 operators.",
    why: "A policy that nobody can read decides nothing. A template decides nothing either until it is linked, which nothing \
          here does. Cedar reads and judges conditions by recursion, so that one nested without bound would end the process.",
    fix: "Correct what the message shows, or write several policies for one that is too deep or too long. `mcpctl compile --target cedar` writes the schema that policies are written against.",
};

/// The validator refuses a policy.
pub(super) static INVALID: Rule = Rule {
    name: "cedar-invalid",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds hand-written policies that Cedar's strict validator refuses against the schema of this workspace, and those \
           that it warns of, such as a policy that can never apply.",
    why: "A condition that names what no request has fails for every request, and a policy that fails is skipped.",
    fix: "Use the names of the schema: principals `Mcp::Agent`, `Mcp::Workflow`, `Mcp::Saga`, `Mcp::Processor`, \
          `Mcp::AnyAgent`; resources `Mcp::Tool`, `Mcp::Server`, `Mcp::Resource`, `Mcp::Prompt`, which are in `Mcp::Backend`, \
          `Mcp::Class`, `Mcp::Level` and `Mcp::Unit`; facts as `context.mfa`. Facts are those that some requirement asks for or \
          `identity` gives evidence for.",
};

/// A permit where only forbids may stand.
pub(super) static PERMIT: Rule = Rule {
    name: "handwritten-permit",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds hand-written policies that permit, where `mcpctl.yaml` does not allow it.",
    why: "A hand-written permit allows what levels, classes and grants deny, and no check of the access relation sees it.",
    fix: "Grant it in the registry, or set `allow_handwritten_permits: true` in `mcpctl.yaml`.",
};

/// A permit for anybody, or on anything.
pub(super) static UNBOUNDED: Rule = Rule {
    name: "unbounded-permit",
    guards_access: true,
    severity: Severity::Warning,
    what: "Finds hand-written permits whose scope leaves open who or on what: `permit (principal, ...)`, `resource is Mcp::Tool`.",
    why: "They also hold for principals and tools that are added later, and for names that no registry declares.",
    fix: "Name the principal and the resource, or a group of resources: `principal == Mcp::Agent::\"NAME\"`, \
          `resource in Mcp::Backend::\"SERVER\"`.",
};

/// A permit reaches what is switched off.
pub(super) static SUSPENDED: Rule = Rule {
    name: "permit-of-suspended",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds hand-written permits that let through calls of, or to, something that is `suspended`.",
    why: "`suspended` is the switch that takes all access away. A permit beside the access relation would keep it open.",
    fix: "Remove the permit while the suspension lasts, or end the suspension.",
};

/// A forbid that can be skipped.
pub(super) static CAN_FAIL: Rule = Rule {
    name: "forbid-can-fail",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds hand-written policies that forbid and whose condition can fail to evaluate: it reads an attribute or a tag of \
           an entity, or computes something that can overflow.",
    why: "Cedar skips a policy that fails to evaluate. A forbid that is skipped forbids nothing: where the entity is not \
          loaded, the request is allowed. A `has` guard does not help, since it is false then.",
    fix: "Forbid by the scope, by `in` (`resource in Mcp::Class::\"restricted\"`, `resource in Mcp::Backend::\"payment_server\"`), \
          and by facts (`unless { context.mfa }`).",
};

/// A name that is nothing.
pub(super) static UNKNOWN_ENTITY: Rule = Rule {
    name: "unknown-entity",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds principals, tools, servers, resources and prompts in hand-written policies that this workspace does not have.",
    why: "Cedar takes any id of these types for a good one, so a misspelt forbid forbids nothing.",
    fix: "Write the name as `entities.json` of the bundle has it: `Mcp::Tool::\"server/tool\"`, `Mcp::Agent::\"name\"`.",
};

/// Two policies of one id.
pub(super) static DUPLICATE_ID: Rule = Rule {
    name: "duplicate-policy-id",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds hand-written policies with the `@id` of another policy, hand-written or generated.",
    why: "An engine holds one policy of an id, and what it reports as the reason must be one policy.",
    fix: "Give each policy an `@id` of its own.",
};

/// An acceptance that accepts nothing.
pub(super) static ACCEPTED: Rule = Rule {
    name: "unknown-accepted-target",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds names under `accept_handwritten` in `mcpctl.yaml` that are no target, or a target that needs no acceptance.",
    why: "The target that was meant is left out of the compile, and the line does nothing.",
    fix: "Correct the name; `mcpctl list targets` shows all.",
};

/// All of them.
pub static RULES: &[&Rule] =
    &[&SYNTAX, &INVALID, &PERMIT, &UNBOUNDED, &SUSPENDED, &CAN_FAIL, &UNKNOWN_ENTITY, &DUPLICATE_ID, &ACCEPTED];
