//! The page of the target.

/// Its documentation, in Markdown.
pub(super) const DOC: &str = "\
For one gateway, whose ARN `targets.agentcore.gateway_arn` gives:

- `policies/NAME.json`: one policy each, as input of `aws bedrock-agentcore-control create-policy --policy-engine-id ID \
--cli-input-json file://NAME.json`. The name is made from the statement, so a policy of another name is another policy: \
create what the engine lacks, and then delete what the bundle no longer holds.
- `authorizers/N.json`: one for each issuer, for `--authorizer-configuration` of `update-gateway`. A gateway takes one of \
them; callers of the other issuers are then denied by the gateway itself.
- `approvals/NAME.json`: policies in Dogwood, for what needs an earlier call (`called` in `identity`): they permit it only where \
the same policy session holds that call, let through and answered without an error, within the time and with the answer that the \
requirement asks for. Without them it is denied. The target of the earlier call must declare, as the schema of its output, the \
fields that `answer` and `same` name.
- `temporal/NAME.json`: policies in Dogwood that forbid a workflow a step before the steps that it depends on are done, within an \
hour of one policy session. They are made from `depends_on`, for `create-policy` like the others. They only forbid, so that \
without them everything else holds.

Load `approvals` and `temporal` only where every client sends `x-amzn-bedrock-agentcore-policy-session-id`, the same for all calls \
of one piece of work: with any such policy in the engine, AgentCore refuses requests without it. A session is of one caller: an \
approval is a call that the caller itself makes, of a tool that asks a person and answers with what the person said, and no \
call of somebody else. A new or changed policy of this kind ends all sessions, and their history with them.

A target of the gateway must have the name of its server as the manifest gives it (`payment_server` is `payment-server`), so \
that a tool is the action `TARGET___TOOL`, with three underscores. Attach the engine in the mode `ENFORCE`.

The caller is `act.sub` where the token has `act`, else `sub`. A user is told from a workload by how `sub` begins, which the policies \
read as `principal.id`. AgentCore hands every claim to its policies as a text, lists and \
objects as their JSON text. Of a list, the element is looked for so that no other element can pass for it, whatever it holds; a \
list with lists or objects in it holds nothing. What AgentCore cannot tell apart is a text from a list that reads like it: let no \
issuer put a text that a user chooses into a claim that is evidence, `act` or the claim of the unit. \
Where AgentCore differs from the access relation, it denies: an `act` in which something is nested before `sub`; \
a token without `sub`; a caller that is not a declared principal and acts for a user; a list with lists or objects in a claim that is evidence; an argument \
of another type than the schema of its tool gives. \
What the entry of a server denies of the protocol (`methods`) is not denied there: policies decide calls of tools alone, and \
`target-undecided` names it. No rule here reads the headers `Mcp-Param-*`, in which clients of 2026-07-28 repeat arguments: the server has to compare \
them with the body.

**Scopes.** What a gateway answers to a missing token, or to a denied call, is AgentCore's own: the files that are written here have no field \
for the scopes that a client should ask for, so no challenge names them.

Limits are checked when compiling: 10,000 characters a policy, 1,000 policies and 200,000 bytes in all, 20 policies with a history \
of at most 3 earlier calls each, 400,000 bytes of the schema that AgentCore makes from the tools (estimated). \
Where a workspace is beyond them, a plain compile leaves this target out with a warning.";
