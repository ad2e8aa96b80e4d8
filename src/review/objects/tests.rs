//! Bundle after bundle, applied to a store of objects as the pages of the targets say.

use super::*;
use crate::build::build;
use crate::targets::tests::checked;
use crate::targets::{TARGETS, Target};

const WORLD: &str = "
# file: all.yaml
identity:
  issuer: https://idp.example.org
  audiences: [mcp]
  jwks: https://idp.example.org/keys
  trust_domain: example.org
data_routing: {classifications: [{level: public, mcp_servers: [cards, rates]}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry:
  central_gateway: https://mcp.example.org
  servers:
    - {name: cards, url: 'http://cards.retail.svc:8080/mcp', tools: [{name: look}]}
    - {name: rates, url: 'http://rates.markets.svc:8080/mcp', tools: [{name: look}]}
  agents: [{name: clerk, subject: clerk, may_call: ['cards/*', 'rates/*']}]
";

fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
    let (checked, sources) = checked(text);
    let names = ["agentgateway", "ai-gateway", "istio", "kubernetes", "toolhive"];
    let targets: Vec<&'static Target> = TARGETS.iter().copied().filter(|target| names.contains(&target.name)).collect();
    let built = build(&checked, &sources, &targets, "").map_err(|errors| format!("{errors:#?}")).unwrap();
    built.bundle.artifacts.into_iter().map(|(path, artifact)| (path, artifact.bytes)).collect()
}

/// What is in a cluster, by what names it.
#[derive(Default)]
struct Store(BTreeMap<Key, Value>);

impl Store {
    /// `kubectl apply`: adds and replaces, and removes nothing.
    fn apply(&mut self, files: &BTreeMap<String, Vec<u8>>) {
        for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".yaml")) {
            for document in serde_yaml::Deserializer::from_slice(bytes) {
                let document = Value::deserialize(document).unwrap();
                if let Some(object) = Object::of(&document) {
                    assert_eq!(document["metadata"]["labels"]["mcpctl.io/bundle"], "workspace", "{path}: {object}");
                    self.0.insert(object.key(), document);
                }
            }
        }
    }

    /// `mcpctl diff OLD NEW --format prune | kubectl delete --ignore-not-found -f -`.
    fn delete(&mut self, list: &Value) {
        for item in list["items"].as_array().unwrap() {
            self.0.remove(&Object::of(item).unwrap().key());
        }
    }
}

#[test]
fn bundle_after_bundle_leaves_what_the_last_one_has_and_what_others_wrote() {
    let suspended = WORLD.replace("{name: cards, url", "{name: cards, suspended: incident, url");
    let without = WORLD
        .replace("    - {name: cards, url: 'http://cards.retail.svc:8080/mcp', tools: [{name: look}]}\n", "")
        .replace("[cards, rates]", "[rates]")
        .replace("'cards/*', ", "");
    let moved = WORLD.replace("cards.retail.svc", "cards.shops.svc");
    let mut store = Store::default();
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "retail"}});
    store.0.insert(Object::of(&other).unwrap().key(), other.clone());
    let mut before = BTreeMap::new();
    for text in [WORLD, &suspended, &without, WORLD, &moved, &without, &suspended] {
        let after = files(text);
        store.apply(&after);
        store.delete(&list(&removed(&before, &after)));
        let mut expected = Store::default();
        expected.0.insert(Object::of(&other).unwrap().key(), other.clone());
        expected.apply(&after);
        assert_eq!(store.0, expected.0, "what was removed is gone, and nothing else");
        before = after;
    }
}

#[test]
fn plain_apply_leaves_a_removed_servers_rules_in_force() {
    let without = WORLD.replace("'cards/*', ", "");
    let (old, new) = (files(WORLD), files(&without));
    let mut store = Store::default();
    store.apply(&old);
    store.apply(&new);
    let allow =
        |store: &Store| store.0.keys().any(|(_, kind, _, name)| kind == "AuthorizationPolicy" && name == "allow-cards");
    assert!(allow(&store), "this is why the pages say another way");
    store.delete(&list(&removed(&old, &new)));
    assert!(!allow(&store));
}

#[test]
fn what_lets_through_is_removed_before_what_closes() {
    let without = WORLD
        .replace("    - {name: cards, url: 'http://cards.retail.svc:8080/mcp', tools: [{name: look}]}\n", "")
        .replace("[cards, rates]", "[rates]")
        .replace("'cards/*', ", "");
    let gone = removed(&files(WORLD), &files(&without));
    let at = |kind: &str, name: &str| {
        let found = gone.iter().position(|object| (object.kind.as_str(), object.name.as_str()) == (kind, name));
        found.unwrap_or_else(|| panic!("{kind} {name} is not in {gone:#?}"))
    };
    assert!(at("AuthorizationPolicy", "allow-cards") < at("Namespace", "retail"));
    assert!(at("NetworkPolicy", "server-cards") < at("NetworkPolicy", "default-deny"));
    assert!(at("Namespace", "retail") < at("AuthorizationPolicy", "default-deny"));
    assert!(removed(&files(WORLD), &files(WORLD)).is_empty());
}
