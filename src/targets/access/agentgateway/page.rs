//! The page of the target.

/// Its documentation, in Markdown.
pub(super) const DOC: &str = "\
For agentgateway 1.4, or 1.7 with `version: '1.7'` in the settings. A folder for each gateway: `central`, and one for each unit that \
has a gateway of its own.

- `config.yaml`: the standalone configuration. Start the gateway with `agentgateway -f config.yaml`; `--validate-only` \
checks it, and fetches the keys of the token issuers. Where keys come from a file, copy that file beside it.
- `kubernetes.yaml`: the same rules as `AgentgatewayPolicy` objects, for a gateway that runs in Kubernetes. They attach to \
a `Gateway` of the gateway's name, and for each server to an `HTTPRoute` and an `AgentgatewayBackend` of the server's name \
there, which you write: the route matches the path `/SERVER/mcp`, and the backend has one MCP target, of the same name as \
itself, and no sessions. agentgateway lets through what no rule is about. So each server of the workspace has rules, also one \
that is suspended or that nobody is granted: they allow nobody. And `GATEWAY.default-deny` lets nothing through on the routes of \
a gateway that have no rules of their own, such as those of a server that is no longer in the workspace. The `Gateway` must verify the certificates of clients and refuse connections without one. Keys \
that come from a file are in it as they were when compiling.
- `kustomization.yaml`: lists `kubernetes.yaml` alone, for `kubectl apply -k agentgateway/central` in the cluster of that gateway.

**Removing what is gone.** `kubectl apply` removes nothing: the rules of a server that a bundle no longer has stay in force. Keep the \
bundle that is deployed, apply the next one, and remove what disappears, what lets through first, cluster by cluster (the pipe \
removes from every target of the bundles):

```sh
kubectl apply -k new/agentgateway/central
mcpctl diff old new --format prune --cluster central | kubectl delete --ignore-not-found -f -
```

Suspend a server before you take it out of the workspace, and delete its `HTTPRoute` and `AgentgatewayBackend` first; delete the \
`Gateway` of a unit before the unit, because without its policies it lets everything through.

**In what order.** The central gateway and the gateway of a unit both decide a call to a server of the unit, so while one has the old \
policies and the other one the new, a call passes where both let it through: nothing is open that neither version allows. What closes \
is closed as soon as either is rolled out, so roll out what is urgent at the central gateway first. What opens works when both are \
rolled out. A server that moves behind a new gateway is not reached in between: roll out the unit first, and roll it back last.

Each server is at `/SERVER/mcp`, with its name from the YAML; inside the gateway its name is a DNS label, and the manifest \
lists both. What is enforced:

- A token of a declared issuer, for a declared audience, on every request (`jwtAuth.mode: strict`). The route requires both once more \
(the rule `require`, or the policy `….audience`): with `audience: per_server` that `aud` holds a URL of the server, which the listener \
does not look at, so that the gateway refuses such tokens with 403 and not with 401. The caller is \
`act.sub` where the token has `act`, else `sub`; an issuer speaks only for the principals that it may speak for.
- The protocol's own methods, and every other method, by the message in the body (`authorization`). What is longer than the \
gateway keeps of a body, 2 MiB, is refused. A response of a client has the keys `jsonrpc`, `id` and one of `result` and `error`, \
and no other; a request that has `result` or `error`, too, is refused. A completion follows the right to what `params.ref` names. \
A subscription that names resources is refused, because rules cannot judge each of them.
- Tools, prompts and resources (`mcpAuthorization`); lists hold only what the caller may use. Such a list is for one caller, and \
agentgateway passes on the `cacheScope` that the server wrote: no cache in front of it may share lists. Where the patterns of two \
resources overlap and neither holds the other, URIs of both are refused.
- With `tls` in the settings, every connection needs a certificate from `ca`, whether or not the policy asks for one. A \
certificate that names another declared principal than the token is refused.
- Units: the central gateway sends what is for a unit's servers to the unit's gateway, at the same path, over mutual TLS \
and with the token; it accepts no other gateway there than one whose certificate names \
`spiffe://TRUST_DOMAIN/mcp/gateway/UNIT`. The unit's gateway accepts only the certificate of the central gateway, decides \
everything again, and removes the token.

Rules only ever allow. There is no `deny` rule, since agentgateway lets through what a failing one would have denied. A \
rule that looks into a claim is false where the claim is missing or of another type; `in` is never used on a claim itself, \
because agentgateway looks for a part of the text there.

What is not: revisions, keys in another case, and the header `Origin`, which no rule looks at; put a check of `Origin` in front of \
a gateway that browsers reach. Methods that do not exist, and those that the entry of \
a server denies (`methods`), are denied with 403. No rule here reads the headers `Mcp-Param-*`, in which clients of 2026-07-28 repeat arguments: the server has to compare them with the body. Not enforced either: sessions. Each request stands for itself (`statefulMode: stateless`), so GET and DELETE are refused, and no \
route can be reached through the session of another one. Arguments of calls are not judged: rules for tools see \
the name alone, and that a rule which reads the body of a request reads it as the server does afterwards is not known of this \
product. What needs an argument is denied, unless `assume` says that something else makes sure of it. The gateway listens on every address of its machine.

**Versions.** Read were the sources of 1.4.1 and those of its development of 21 August 2026, the newest that can be had; run by hand was \
1.4.1. Version 1.7.0 was neither read nor run: what is written for it follows the newer sources. The two read ones differ in nothing \
that is written here, in no variable of its rules and in no key, so the files are the same for both versions. They differ in what they do:

- 1.4.1 compares `aud` and `iss` with the settings only where a token has them: a token of a declared issuer without `aud` passes the \
listener, whatever `audiences` says. The route refuses it, because a rule about a claim that is missing is false. The newer sources \
refuse it at the listener, too.
- 1.4.1 refuses the responses of clients by itself, although the rules let them through, so sampling and elicitation of 2025-11-25 do \
not work through it. The newer sources pass them on to the server.
- The newer sources can refuse requests for other hosts than localhost (`dnsRebindingProtection`), which is off and is not written.

**Scopes.** A missing or bad token is a 401 and a missing right a 403, and neither names scopes: `jwtAuth` has no field for them, and the \
challenge of `mcpAuthentication`, which is not used here, names the metadata of the resource alone, in both versions. Clients have to ask for \
the scopes that they need at once.

Every compile reads the files back, expression by expression, and compares what they decide with the access relation. The \
gateway itself is not run.";
