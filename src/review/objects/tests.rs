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

/// The same with a cluster of a unit, where `cards` is.
const UNITS: &str = "
# file: all.yaml
identity:
  issuer: https://idp.example.org
  audiences: [mcp]
  jwks: https://idp.example.org/keys
  trust_domain: example.org
data_routing: {classifications: [{level: public, mcp_servers: [cards, rates]}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
federation_config:
  central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}
  business_unit_gateways: {cross_unit_routing: allowed}
mcp_registry:
  central_gateway: https://mcp.example.org
  business_units: [{name: retail, gateway: 'https://gw.retail.example.org'}, {name: markets}]
  servers:
    - {name: cards, business_unit: retail, url: 'http://cards.shared.svc:8080/mcp', tools: [{name: look}]}
    - {name: rates, business_unit: markets, url: 'http://rates.shared.svc:8080/mcp', tools: [{name: look}]}
  agents: [{name: clerk, business_unit: central, subject: clerk, may_call: ['cards/*', 'rates/*']}]
";

fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
    let (checked, sources) = checked(text);
    let all = ["agentgateway", "ai-gateway", "istio", "kubernetes", "toolhive"];
    // The first two take certificates, or no units.
    let names = if text.contains("gw.retail") { &all[2..] } else { &all[..] };
    let targets: Vec<&'static Target> =
        TARGETS.iter().copied().filter(|target| names.contains(&target.name())).collect();
    let built = build(&checked, &sources, &targets, "").map_err(|errors| format!("{errors:#?}")).unwrap();
    built.bundle.artifacts.into_iter().map(|(path, artifact)| (path, artifact.bytes)).collect()
}

/// What is in a cluster, by what names it.
#[derive(Default)]
struct Store(BTreeMap<Key, Value>);

impl Store {
    /// `kubectl apply -k` of each target's folder of a cluster: adds and replaces, and removes nothing.
    fn apply(&mut self, files: &BTreeMap<String, Vec<u8>>, cluster: &str) {
        let listing = format!("/{cluster}/kustomization.yaml");
        let listed = files.iter().filter(|(path, _)| path.ends_with(&listing)).flat_map(|(path, bytes)| {
            let listing: Value = serde_yaml::from_slice(bytes).unwrap();
            let folder = path.strip_suffix("kustomization.yaml").unwrap();
            let resources = listing["resources"].as_array().unwrap().clone();
            resources.into_iter().map(move |name| format!("{folder}{}", name.as_str().unwrap()))
        });
        for path in listed {
            if let Some((path, bytes)) = files.get_key_value(&path) {
                self.apply_file(path, bytes);
            }
        }
    }

    fn apply_file(&mut self, path: &str, bytes: &[u8]) {
        for document in serde_yaml::Deserializer::from_slice(bytes) {
            let document = Value::deserialize(document).unwrap();
            if let Some(object) = Object::of(&document) {
                assert_eq!(document["metadata"]["labels"]["mcpctl.io/bundle"], "workspace", "{path}: {object}");
                self.0.insert(object.key(), document);
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
        store.apply(&after, "central");
        store.delete(&list(&removed(&before, &after)));
        let mut expected = Store::default();
        expected.0.insert(Object::of(&other).unwrap().key(), other.clone());
        expected.apply(&after, "central");
        assert!(expected.0.len() > 20, "{:#?}", expected.0.keys());
        assert_eq!(store.0, expected.0, "what was removed is gone, and nothing else");
        before = after;
    }
}

fn removed(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<Object> {
    Clusters::of(before, after).removed(&["central"])
}

#[test]
fn each_cluster_has_its_own_objects_and_loses_its_own() {
    let of_markets = UNITS.replace("{name: cards, business_unit: retail", "{name: cards, business_unit: markets");
    let without = UNITS.replace("'cards/*', ", "");
    let both = ["central", "retail"];
    let (mut stores, mut one) = ([Store::default(), Store::default()], Store::default());
    let mut before = BTreeMap::new();
    for text in [UNITS, &of_markets, UNITS, &without, &of_markets, UNITS] {
        let after = files(text);
        let clusters = Clusters::of(&before, &after);
        assert!(clusters.names().eq(both));
        let mut together = Store::default();
        for (name, store) in both.iter().zip(&mut stores) {
            store.apply(&after, name);
            store.delete(&list(&clusters.removed(&[name])));
            let mut expected = Store::default();
            expected.apply(&after, name);
            assert_eq!(store.0, expected.0, "what `{name}` lost is gone, and nothing else");
            for (key, object) in &expected.0 {
                assert_eq!(
                    together.0.get(key).unwrap_or(object),
                    object,
                    "an object of two clusters is the same in both"
                );
            }
            together.apply(&after, name);
        }
        // Both may be one cluster.
        both.iter().for_each(|name| one.apply(&after, name));
        one.delete(&list(&clusters.removed(&both)));
        assert_eq!(one.0, together.0);
        before = after;
    }
    let named = |store: &Store, kind: &str, name: &str| store.0.keys().any(|key| (&*key.1, &*key.3) == (kind, name));
    let [central, retail] = stores;
    for (kind, of_central, of_retail) in [
        ("AuthorizationPolicy", "allow-rates", "allow-cards"),
        ("NetworkPolicy", "server-rates", "server-cards"),
        ("DestinationRule", "rates", "cards"),
        ("MCPAuthzConfig", "rates", "cards"),
        ("ServiceAccount", "central", "retail"),
        ("NetworkPolicy", "allow-to-gateway-central", "allow-to-gateway-retail"),
        ("NetworkPolicy", "gateway-central-to-retail", "gateway-retail-from-central"),
    ] {
        assert!(named(&central, kind, of_central) && !named(&central, kind, of_retail), "{kind} {of_central}");
        assert!(named(&retail, kind, of_retail) && !named(&retail, kind, of_central), "{kind} {of_retail}");
    }
}

#[test]
fn what_moves_to_another_cluster_is_removed_where_it_was() {
    let of_markets = UNITS.replace("{name: cards, business_unit: retail", "{name: cards, business_unit: markets");
    let clusters = Clusters::of(&files(UNITS), &files(&of_markets));
    let has = |gone: &[Object]| gone.iter().any(|object| object.name == "allow-cards");
    assert!(has(&clusters.removed(&["retail"])) && !has(&clusters.removed(&["central"])));
    assert!(!has(&clusters.removed(&["central", "retail"])), "one cluster still has it");
    let gone = clusters.gone().into_iter().find(|gone| gone.object.name == "allow-cards").unwrap();
    assert_eq!(gone.to_string(), "AuthorizationPolicy `allow-cards` in `shared` of cluster `retail`");
}

#[test]
fn files_of_no_cluster_may_be_in_any() {
    let new = files(UNITS);
    let flat = |path: &String| path.replace("/retail/", "/").replace("/central/", "/");
    let old: BTreeMap<String, Vec<u8>> = new.iter().map(|(path, bytes)| (flat(path), bytes.clone())).collect();
    let clusters = Clusters::of(&old, &new);
    let gone = clusters.removed(&["central"]);
    assert!(gone.iter().any(|object| object.name == "gateway-retail-from-central"), "{gone:#?}");
    assert!(!gone.iter().any(|object| object.name == "gateway-central-to-retail"), "{gone:#?}");
}

#[test]
fn plain_apply_leaves_a_removed_servers_rules_in_force() {
    let without = WORLD.replace("'cards/*', ", "");
    let (old, new) = (files(WORLD), files(&without));
    let mut store = Store::default();
    store.apply(&old, "central");
    store.apply(&new, "central");
    let allow =
        |store: &Store| store.0.keys().any(|(_, kind, _, name)| kind == "AuthorizationPolicy" && name == "allow-cards");
    assert!(allow(&store), "this is why the pages say another way");
    store.delete(&list(&removed(&old, &new)));
    assert!(!allow(&store));
}

/// A list that deletes an access policy of agentic networking would open its server.
#[test]
fn what_would_open_a_server_or_lose_events_is_in_no_list() {
    for (kind, listed) in [("KafkaTopic", false), ("XAccessPolicy", false), ("AgentgatewayPolicy", true)] {
        let document = json!({"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "a", "namespace": "b"}});
        assert_eq!(Object::of(&document).is_some(), listed, "{kind}");
    }
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
