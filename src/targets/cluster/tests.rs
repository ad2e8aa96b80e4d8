//! Where things stand; and, for the targets of a cluster, every small change of their files.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Deserialize;
use serde_yaml::Value;

use super::*;
use crate::build::verify;
use crate::bundle::Artifact;
use crate::targets::tests::checked;
use crate::targets::{Target, seen};

/// Most texts by which one is replaced.
const MOST_SWAPS: usize = 2;

/// A change of a file: what it is, the path without numbers, and the changed documents.
struct Change {
    what: &'static str,
    path: String,
    documents: Vec<Value>,
}

/// What became of the changes of a target's files.
pub(crate) struct Survey {
    /// How many there were.
    pub(crate) changes: usize,
    /// Those that were neither refused nor found to decide something else: what, and where.
    pub(crate) survivors: BTreeMap<String, usize>,
}

impl Survey {
    /// The changes that are in no list, after all that are in it were taken out; and the share that was found.
    pub(crate) fn beyond(&self, harmless: &[(&str, &str)]) -> (Vec<String>, String) {
        let is_harmless =
            |survivor: &str| harmless.iter().any(|(pattern, _)| crate::policy::visibility::matches(pattern, survivor));
        let unused: Vec<String> = harmless
            .iter()
            .filter(|(pattern, _)| {
                !self.survivors.keys().any(|survivor| crate::policy::visibility::matches(pattern, survivor))
            })
            .map(|(pattern, _)| format!("no survivor is `{pattern}`"))
            .collect();
        let left = self.survivors.iter().filter(|(survivor, _)| !is_harmless(survivor));
        let left: Vec<String> = left.map(|(survivor, times)| format!("{times} x {survivor}")).chain(unused).collect();
        let survived: usize = self.survivors.values().sum();
        (left, format!("{} of {} changes found", self.changes - survived, self.changes))
    }
}

/// Makes every small change of a target's files for a workspace, and verifies each.
pub(crate) fn survey(target: &'static Target, text: &str) -> Survey {
    let (checked, sources) = checked(text);
    let (_, policy, _) = seen(target, checked.model(), checked.policy());
    let input = crate::targets::Input {
        model: checked.model(),
        policy: &policy,
        sources: &sources,
        enforced: None,
        beside: &[],
    };
    let files: BTreeMap<String, Artifact> = (target.compile)(&input)
        .unwrap()
        .into_iter()
        .map(|(path, artifact)| (format!("{}/{path}", target.name()), artifact))
        .collect();
    verify(target.id, &files, checked.model(), &policy).unwrap();
    let mut all: Vec<(String, Change)> = Vec::new();
    for (path, artifact) in &files {
        let text = std::str::from_utf8(&artifact.bytes).unwrap();
        let documents: Vec<Value> =
            serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect();
        all.extend(changes(&documents).into_iter().map(|change| (path.clone(), change)));
    }
    let survivors: Vec<String> = all
        .par_iter()
        .filter_map(|(path, change)| {
            let text: Vec<String> =
                change.documents.iter().map(|value| serde_yaml::to_string(value).unwrap()).collect();
            let mut changed = files.clone();
            changed.insert(path.clone(), Artifact { bytes: text.join("---\n").into_bytes(), from: Vec::new() });
            let survives = verify(target.id, &changed, checked.model(), &policy).is_ok();
            survives.then(|| format!("{} {path}: {}", change.what, change.path))
        })
        .collect();
    let mut counted = BTreeMap::new();
    for survivor in survivors {
        *counted.entry(survivor).or_default() += 1;
    }
    Survey { changes: all.len(), survivors: counted }
}

/// Each text changed, replaced by each other one of its key, and by a wildcard; each number and word changed; each element of a
/// list dropped, doubled, and moved; each key dropped; each document dropped and doubled.
fn changes(documents: &[Value]) -> Vec<Change> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for document in documents {
        collect(document, "", &mut texts);
    }
    let whole = Value::Sequence(documents.to_vec());
    let mut found = Vec::new();
    change(&whole, "", &texts, &mut |what, path, value| {
        let Value::Sequence(documents) = value else { unreachable!("the documents stay a list") };
        let all = Value::Sequence(documents);
        if all == whole {
            return;
        }
        let Value::Sequence(documents) = all else { unreachable!("the documents stay a list") };
        found.push(Change { what, path, documents });
    });
    found
}

fn collect(value: &Value, path: &str, texts: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::String(text) => {
            let known = texts.entry(path.to_owned()).or_default();
            if !known.contains(text) {
                known.push(text.clone());
            }
        }
        Value::Sequence(list) => list.iter().for_each(|item| collect(item, path, texts)),
        Value::Mapping(map) => {
            for (key, item) in map {
                collect(item, &format!("{path}.{}", key.as_str().unwrap()), texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Tagged(_) => {}
    }
}

fn change(
    value: &Value,
    path: &str,
    texts: &BTreeMap<String, Vec<String>>,
    emit: &mut dyn FnMut(&'static str, String, Value),
) {
    let mut here = |what, value| emit(what, path.to_owned(), value);
    match value {
        Value::String(text) => {
            here("changed", Value::from(format!("{text}x")));
            here("opened", Value::from("*"));
            for other in texts.get(path).into_iter().flatten().filter(|other| *other != text).take(MOST_SWAPS) {
                here("swapped", Value::from(other.as_str()));
            }
        }
        Value::Number(number) => {
            here("changed", Value::from(number.as_f64().unwrap() + 1.0));
            if let Some(whole) = number.as_u64() {
                here("changed", Value::from(whole + 1));
            }
        }
        Value::Bool(word) => here("changed", Value::from(!word)),
        Value::Sequence(list) => {
            for at in 0..list.len() {
                let named =
                    list[at].get("key").and_then(Value::as_str).map_or_else(String::new, |key| format!("({key})"));
                let mut here = |what, list| emit(what, format!("{path}{named}"), Value::Sequence(list));
                let mut dropped = list.clone();
                dropped.remove(at);
                here("dropped", dropped);
                // Once for each list is enough for what changes no element.
                if at > 0 {
                    continue;
                }
                let mut doubled = list.clone();
                doubled.insert(at, list[at].clone());
                here("doubled", doubled);
                if at + 1 < list.len() {
                    let mut moved = list.clone();
                    moved.swap(at, at + 1);
                    here("moved", moved);
                }
            }
            for (at, item) in list.iter().enumerate() {
                change(item, path, texts, &mut |what, path, item| {
                    let mut list = list.clone();
                    list[at] = item;
                    emit(what, path, Value::Sequence(list));
                });
            }
        }
        Value::Mapping(map) => {
            let named = map.get("key").and_then(Value::as_str).map_or_else(String::new, |key| format!("({key})"));
            let path = format!("{path}{named}");
            for (key, item) in map {
                let name = key.as_str().unwrap();
                let mut dropped = map.clone();
                dropped.remove(key);
                emit("dropped", format!("{path}.{name}"), Value::Mapping(dropped));
                change(item, &format!("{path}.{name}"), texts, &mut |what, path, item| {
                    let mut map = map.clone();
                    map.insert(key.clone(), item);
                    emit(what, path, Value::Mapping(map));
                });
            }
        }
        Value::Null | Value::Tagged(_) => {}
    }
}

fn findings(text: &str) -> Vec<String> {
    let (checked, _) = checked(text);
    let found = cluster(TargetId::Istio, checked.model()).expect_err("it must be refused");
    found.into_iter().map(|finding| format!("{}: {}", finding.rule.name, finding.message)).collect()
}

const REGISTRY: &str = "
# file: registry.yaml
mcp_registry:
  business_units: [{name: gateways}, {name: retail, gateway: 'https://gw.example'}]
  servers:
    - {name: a, business_unit: retail, url: 'https://a.example:8443/x/mcp?y', tools: [{name: t}], labels: {app: a}}
    - {name: b_1, business_unit: central, url: 'http://b.example', tools: [{name: t}]}
bulkhead_config:
  resource_pools: [{name: Hot Path, mcp_servers: [b_1], resources: {cpu_cores: 1}}]
";

#[test]
fn servers_are_in_the_namespace_of_their_unit_or_in_the_base() {
    let (checked, _) = checked(REGISTRY);
    let found = cluster(TargetId::Istio, checked.model()).unwrap();
    let places: Vec<_> = found
        .places
        .iter()
        .map(|place| (&*place.name, &*place.namespace, place.gateway, &*place.host.name, place.port, place.path))
        .collect();
    assert_eq!(
        places,
        [
            ("a", "mcp-retail", "retail", "a.example", 8443, "/x/mcp"),
            ("b-1", "mcp-central", "central", "b.example", 80, "/")
        ]
    );
    assert_eq!(found.places[1].labels, BTreeMap::from([(NAME_LABEL.to_owned(), "b-1".to_owned())]));
    assert_eq!(renamed(checked.model()), BTreeMap::from([("b-1".to_owned(), "b_1".to_owned())]));
}

#[test]
fn one_namespace_for_two_things_is_refused() {
    let unit = REGISTRY.replace("business_unit: retail, url", "business_unit: gateways, url");
    assert_eq!(
        findings(&unit),
        [
            "name-collision: the namespace of the gateways and unit `gateways` are both `mcp-gateways` for target `istio`"
        ]
    );
    let unit = REGISTRY
        .replace("{name: gateways}", "{name: Retail}")
        .replace("business_unit: central", "business_unit: Retail");
    let found = findings(&unit);
    assert!(found[0].contains("unit `retail` and unit `Retail` are both `mcp-retail`"), "{found:?}");
}

#[test]
fn the_url_of_a_server_names_its_namespace_and_a_pool_moves_nothing() {
    let named = REGISTRY.replace("https://a.example:8443", "http://a.shop.svc:8080");
    for text in [named.clone(), named.replace("mcp_servers: [b_1]", "mcp_servers: [a, b_1]"), {
        let without = named.split("bulkhead_config").next().unwrap();
        without.to_owned()
    }] {
        let (checked, _) = checked(&text);
        let found = cluster(TargetId::Istio, checked.model()).unwrap();
        let places: Vec<_> = found.places.iter().map(|place| (&*place.namespace, &*place.host.name)).collect();
        assert_eq!(places, [("shop", "a.shop.svc.cluster.local"), ("mcp-central", "b.example")]);
    }
    let pools = |text: &str| -> Vec<(String, bool)> {
        let (checked, _) = checked(text);
        let found = cluster(TargetId::Kubernetes, checked.model()).unwrap();
        found.server_namespaces.iter().map(|(namespace, pool)| (namespace.clone(), pool.is_some())).collect()
    };
    let of = |mcp, shop| [("mcp-central".to_owned(), mcp), ("shop".to_owned(), shop)];
    assert_eq!(pools(&named), of(true, false));
    assert_eq!(pools(&named.replace("mcp_servers: [b_1]", "mcp_servers: [a, b_1]")), of(false, false), "it is in two");
    let beside = named.replace("http://a.shop.svc:8080", "http://a.mcp-central.svc:8080");
    assert_eq!(pools(&beside), [("mcp-central".to_owned(), false)], "it is not alone there");
}

#[test]
fn a_cluster_has_one_domain_and_servers_are_not_among_gateways() {
    let named = |url: &str| REGISTRY.replace("https://a.example:8443", url);
    for (url, said) in [
        ("http://a.mcp-gateways.svc", "is the namespace of the gateways"),
        ("http://a.mcp-agents.svc.cluster.local", "is the namespace of the agents"),
        ("http://a.kube-system.svc", "is a namespace of Kubernetes itself"),
        ("http://a.istio-system.svc", "is the namespace of the mesh itself"),
        ("http://a.sh_op.svc", "cannot be the name of a Kubernetes namespace"),
    ] {
        let found = findings(&named(url));
        assert!(found.len() == 1 && found[0].contains(said), "{url}: {found:?}");
    }
    for (namespace, said) in [("kube-system", "of Kubernetes itself"), ("istio-system", "of the mesh itself")] {
        let settings = format!("targets: {{istio: {{namespace: {namespace}}}}}\n# file");
        let found = findings(&REGISTRY.replacen("# file", &settings, 1));
        assert!(found.iter().any(|found| found.contains(said)), "{namespace}: {found:?}");
    }
    let settings =
        "targets: {istio: {cluster_domain: corp.example}, kubernetes: {cluster_domain: corp.example}}\n# file";
    let elsewhere = named("http://a.shop.svc.corp.example").replacen("# file", settings, 1);
    let (checked, _) = checked(&elsewhere);
    let found = cluster(TargetId::Istio, checked.model()).unwrap();
    assert_eq!((&*found.places[0].namespace, &*found.places[0].host.name), ("shop", "a.shop.svc.corp.example"));
    let two =
        elsewhere.replace("kubernetes: {cluster_domain: corp.example}", "kubernetes: {cluster_domain: other.example}");
    assert!(findings(&two)[0].contains("`kubernetes` has the cluster domain `other.example`"), "{:?}", findings(&two));
}

#[test]
fn what_kubernetes_refuses_is_refused() {
    // What no label and no namespace is, is refused where it is written.
    let settings = "targets: {istio: {namespace: a}, kubernetes: {namespace: b}}\n# file";
    let found = findings(&REGISTRY.replacen("\n# file", settings, 1));
    assert!(
        found.len() == 1 && found[0].contains("`kubernetes` has the namespace `b` and `istio` has `a`"),
        "{found:?}"
    );
}

#[test]
fn pods_that_cannot_be_told_apart_are_refused() {
    let more = "    - {name: c, business_unit: retail, url: 'https://c.example/mcp', tools: [{name: t}], labels: {app: a, x: y}}\n";
    let found = findings(&REGISTRY.replace("bulkhead_config", &format!("{more}bulkhead_config")));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("target-limit: the labels of `a` are also those of `c`"), "{found:?}");
}
