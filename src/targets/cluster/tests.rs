//! Where things stand in a cluster.

use std::collections::BTreeMap;

use super::*;
use crate::targets::tests::checked;

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
