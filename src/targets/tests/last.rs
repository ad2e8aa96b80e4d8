//! Many callers that are alike, and one rule in the last place that speaks of one of them alone.

use std::sync::atomic::Ordering;

use super::*;
use crate::build::verify;
use crate::bundle::Artifact;
use crate::lift::access::probe::{COUNTED, FORGETS};
use crate::targets::access::{agentgateway, istio};

/// Eight agents that may call all, and a ninth that may call one tool; on one server, and on another beside it.
pub(crate) const FLEET: &str = "
targets:
  envoy: {listen: 0.0.0.0:8443, tls: {cert: /c.crt, key: /c.key, ca: /ca.crt}}
  agentgateway: {listen: 0.0.0.0:9443, tls: {cert: /c.crt, key: /c.key, ca: /ca.crt}}
  istio: {namespace: mcp, verified_headers: true}
# file: all.yaml
zero_trust_config: {service_mesh: {mutual_tls: strict}}
data_routing: {classifications: [{level: public, encryption: in_transit, mcp_servers: [one, two]}]}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - {level: 2, requirements: [service_account_token, mfa]}
identity:
  trust_domain: example.org
  requirements: {mfa: {claim: amr, contains: mfa}}
  issuers: [{issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/keys'}]
mcp_registry:
  central_gateway: https://mcp.example.com
  servers:
    - {name: one, url: 'https://one.example/mcp', labels: {app: one}, tools: [{name: a, auth_level: 1}, {name: b, auth_level: 1}, {name: z, auth_level: 2}]}
    - {name: two, url: 'https://two.example/mcp', labels: {app: two}, tools: [{name: a, auth_level: 1}, {name: z, auth_level: 2}]}
  agents:
    - {name: agent-0, subject: 'spiffe://example.org/agent-0', may_call: [one/*, two/*]}
    - {name: agent-1, subject: 'spiffe://example.org/agent-1', may_call: [one/*, two/*]}
    - {name: agent-2, subject: 'spiffe://example.org/agent-2', may_call: [one/*, two/*]}
    - {name: agent-3, subject: 'spiffe://example.org/agent-3', may_call: [one/*, two/*]}
    - {name: agent-4, subject: 'spiffe://example.org/agent-4', may_call: [one/*, two/*]}
    - {name: agent-5, subject: 'spiffe://example.org/agent-5', may_call: [one/*, two/*]}
    - {name: agent-6, subject: 'spiffe://example.org/agent-6', may_call: [one/*, two/*]}
    - {name: agent-7, subject: 'spiffe://example.org/agent-7', may_call: [one/*, two/*]}
    - {name: other, subject: 'spiffe://example.org/other', may_call: [one/a]}
";

#[test]
fn one_caller_or_tool_in_one_place_is_noticed() {
    for (target, places) in [(&agentgateway::TARGET, 20), (&istio::TARGET, 15)] {
        let (checked, sources) = checked(FLEET);
        let files = build(&checked, &sources, &[target], "sha256:0").unwrap().bundle.artifacts;
        let policy = crate::targets::seen(target, checked.model(), checked.policy()).1;
        let mut changed = 0;
        for (path, artifact) in &files {
            let text = String::from_utf8(artifact.bytes.clone()).unwrap();
            for (old, new) in
                [("example.org/agent-7", "example.org/nobody"), ("agent-7\"", "other\""), ("\"z\"", "\"y\"")]
            {
                for (at, _) in text.match_indices(old) {
                    let bytes = format!("{}{new}{}", &text[..at], &text[at + old.len()..]).into_bytes();
                    let mut files = files.clone();
                    files.insert(path.clone(), Artifact { bytes, from: Vec::new() });
                    let found = verify(target.id, &files, checked.model(), &policy);
                    assert!(found.is_err(), "{path}: {old} for {new} at {at}");
                    changed += 1;
                }
            }
        }
        assert!(changed >= places, "{}: {changed}", target.name());
    }
}

#[test]
fn nothing_is_decided_otherwise_where_every_request_is_put_to_the_product() {
    let deciding: Vec<&'static Target> =
        TARGETS.iter().copied().filter(|target| target.decides().is_some() && target.id != TargetId::Cedar).collect();
    let (checked, sources) = checked(&super::added::fleet());
    let _counted = COUNTED.write().unwrap();
    FORGETS.store(true, Ordering::Relaxed);
    let built: Vec<_> = deciding.iter().map(|target| build(&checked, &sources, &[target], "sha256:0")).collect();
    FORGETS.store(false, Ordering::Relaxed);
    assert_eq!(deciding.len(), 7);
    for (target, built) in deciding.iter().zip(built) {
        assert!(built.is_ok(), "{}: {built:#?}", target.name());
    }
}
