//! What becomes of a target's files when one of them, or one of their objects, is not there: its product allows or denies what is
//! missing, and the proof must see which.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_yaml::Value;

use super::*;
use crate::build::verify;
use crate::bundle::Artifact;

/// The files, and the objects of YAML files, that can be taken out of a target's bundle without the proof noticing.
pub(crate) fn unnoticed(target: &'static Target, text: &str) -> Vec<String> {
    let (checked, sources) = checked(text);
    let built = build(&checked, &sources, &[target], "sha256:0").map_err(|errors| format!("{errors:#?}")).unwrap();
    let folder = format!("{}/", target.name());
    let own = built.bundle.artifacts.into_iter().filter(|(path, _)| path.starts_with(&folder));
    let files: BTreeMap<String, Artifact> = own.collect();
    let policy = seen(target, checked.model(), checked.policy()).1;
    verify(target.id, &files, checked.model(), &policy).unwrap();
    let mut removals: Vec<(String, String, Option<Vec<u8>>)> = Vec::new();
    for (path, artifact) in &files {
        removals.push((path.clone(), "the file".to_owned(), None));
        let documents: Vec<Value> = match path.ends_with(".yaml") {
            true => serde_yaml::Deserializer::from_slice(&artifact.bytes)
                .map(|document| serde::Deserialize::deserialize(document).unwrap())
                .collect(),
            false => Vec::new(),
        };
        if documents.len() < 2 {
            continue;
        }
        for index in 0..documents.len() {
            let rest = documents.iter().enumerate().filter(|(at, _)| *at != index);
            let rest: Vec<String> = rest.map(|(_, document)| serde_yaml::to_string(document).unwrap()).collect();
            let kind = documents[index]["kind"].as_str().unwrap_or_default();
            let name = documents[index]["metadata"]["name"].as_str().unwrap_or_default();
            removals.push((path.clone(), format!("{kind} {name}"), Some(rest.join("---\n").into_bytes())));
        }
    }
    removals
        .into_par_iter()
        .filter_map(|(path, what, bytes)| {
            let mut fewer = files.clone();
            match bytes {
                Some(bytes) => drop(fewer.insert(path.clone(), Artifact { bytes, from: Vec::new() })),
                None => drop(fewer.remove(&path)),
            }
            let survives = verify(target.id, &fewer, checked.model(), &policy).is_ok();
            survives.then(|| format!("{path}: {what}"))
        })
        .collect()
}

/// One gateway, one issuer: what every target can be compiled for. Of the servers one is suspended, one is granted to nobody,
/// and one has nothing but a suspended tool beside another one.
const CENTRAL: &str = "
targets:
  agentcore: {gateway_arn: 'arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/g'}
# file: all.yaml
identity:
  issuer: https://idp.example.org
  audiences: [mcp]
  jwks: https://idp.example.org/keys
  trust_domain: example.org
data_routing: {classifications: [{level: public, mcp_servers: [open_server, old_server, spare_server]}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry:
  central_gateway: https://mcp.example.com
  servers:
    - name: open_server
      url: http://open.mcp.svc.cluster.local:8080/mcp
      tools: [{name: look, annotations: {read_only: true}}, {name: gone, suspended: incident 8}]
      resources: [{uri: 'docs://handbook', auth_level: 1}]
      prompts: [{name: sum, auth_level: 1}]
    - {name: old_server, suspended: incident 7, url: 'http://old.mcp.svc.cluster.local:8080/mcp', tools: [{name: post}]}
    - {name: spare_server, url: 'http://spare.mcp.svc.cluster.local:8080/mcp', tools: [{name: t}]}
  agents: [{name: clerk, subject: clerk, may_call: ['open_server/*', 'old_server/*']}]
---
workflow_definition:
  name: tidy
  steps: [{name: a, mcp_server: open_server, tools: [look]}]
";

#[test]
fn what_is_missing_is_noticed_in_every_target() {
    for target in TARGETS {
        let unnoticed = unnoticed(target, CENTRAL);
        assert!(unnoticed.is_empty(), "{}: {unnoticed:#?}", target.name());
    }
}
