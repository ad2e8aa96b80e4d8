//! The files, and that the check sees every change that matters.

use super::*;
use crate::targets::tests::mutations::mutate_all;
use crate::targets::tests::{built, checked};

const WORLD: &str = "
# file: registry.yaml
zero_trust_config:
  network_segmentation: [{mcp_servers: inner_net}, {gateways: dmz}, {agents: outer}]
  service_mesh: {provider: istio}
mcp_registry:
  business_units: [{name: retail, gateway: 'https://gw.retail.example'}, {name: logistics}]
  servers:
    - {name: site, business_unit: central, url: 'http://site.example:8080/mcp', tools: [{name: t}], labels: {app: site}}
    - {name: crm, business_unit: retail, url: 'http://crm.hot.svc:8080/mcp', tools: [{name: t}]}
    - {name: erp, business_unit: retail, url: 'https://erp.example:9000/mcp', tools: [{name: t}], labels: {app: erp, x: y}}
    - {name: depot, business_unit: logistics, url: 'https://depot.example:9000/mcp', tools: [{name: t}]}
  agents: [{name: x, business_unit: central, subject: x, may_call: ['site/*', 'crm/*', 'erp/*', 'depot/*']}]
bulkhead_config:
  resource_pools:
    - {name: hot, mcp_servers: [crm], resources: {cpu_cores: 2, memory: 1500Mi, connections: 40}}
    - {name: cold, mcp_servers: [site], resources: {cpu_cores: 0.5, memory: 1GB}}
";

fn file(text: &str, name: &str) -> String {
    let built = built(&TARGET, text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    of_all(&built.bundle.artifacts, name)
}

/// The files of this name of all clusters, one after the other.
fn of_all(files: &BTreeMap<String, crate::bundle::Artifact>, name: &str) -> String {
    let here = files.iter().filter(|(path, _)| path.starts_with("kubernetes/") && path.ends_with(&format!("/{name}")));
    here.map(|(_, artifact)| std::str::from_utf8(&artifact.bytes).unwrap()).collect::<Vec<_>>().join("---\n")
}

/// Changes that change nothing that is open: what and where, each with the reason.
const HARMLESS: &[(&str, &str)] = &[
    ("swap *", "no order is of meaning"),
    ("text metadata.name", "nothing refers to the names of policies and quotas"),
    ("twice *.from[]", "a peer twice is let through as once"),
    ("twice *.to[]", "a peer twice is let through as once"),
    ("twice *.ports[]", "a port twice is open as once"),
    ("twice *gress[]", "a rule twice lets through what it does once"),
];

#[test]
fn every_change_is_found() {
    mutate_all(&TARGET, WORLD).assert_only(HARMLESS);
}

#[test]
fn a_quota_says_what_the_pool_may_have() {
    let quotas = file(WORLD, "quotas.yaml");
    for expected in [
        "namespace: hot\n",
        "namespace: mcp-central\n",
        "limits.cpu: '2'",
        "requests.memory: 1500Mi",
        "limits.cpu: 500m",
        "limits.memory: '1000000000'",
    ] {
        assert!(quotas.contains(expected), "{expected} is not in\n{quotas}");
    }
}

#[test]
fn a_server_is_reached_through_its_gateway_alone() {
    let policies = file(WORLD, "network-policies.yaml");
    let of_erp: &str = policies.split("---\n").find(|policy| policy.contains("name: server-erp")).unwrap();
    insta::assert_snapshot!("of_erp", of_erp);
}

#[test]
fn namespaces_have_their_segment_and_subnet() {
    let namespaces = file(WORLD, "namespaces.yaml");
    for expected in
        ["mcpctl.io/subnet: inner-net", "mcpctl.io/segment: gateways", "name: mcp-agents", "name: mcp-logistics"]
    {
        assert!(namespaces.contains(expected), "{expected} is not in\n{namespaces}");
    }
}

/// Two issuers, one of them in the cluster; what gateways need beside it; two targets whose gateways listen.
const REACH: &str = "
targets:
  envoy: {listen: '0.0.0.0:9443', gateways: {retail: {listen: '0.0.0.0:9444'}}}
  kubernetes:
    egress:
      - {cidr: 203.0.113.0/24, port: 443}
      - {cidr: 2001:db8::/32, port: 443}
      - {namespace: auth, labels: {app: keys}, port: 8081}
      - {namespace: hot, labels: {app: keys}, port: 8082}
";

fn reach() -> String {
    let identity = "identity:\n  trust_domain: example.org\n  issuers:\n    \
                    - {issuer: 'https://in.example.org', audiences: [mcp], jwks: 'http://idp.auth.svc:8080/keys', speaks_for: [agents]}\n    \
                    - {issuer: 'https://out.example.org', audiences: [mcp], jwks: 'https://out.example.org/keys', speaks_for: [flows]}\n";
    format!("{REACH}{WORLD}").replace("zero_trust_config:", &format!("{identity}zero_trust_config:"))
}

#[test]
fn gateways_are_reached_at_their_listeners_and_reach_their_issuers() {
    let policies = file(&reach(), "network-policies.yaml");
    let of = |name: &str| {
        let found = policies.split("---\n").find(|policy| policy.contains(&format!("name: {name}\n")));
        found.unwrap_or_else(|| panic!("{name} is not in\n{policies}")).to_owned()
    };
    for (name, port) in [("gateway-central-from-agents", 9443), ("gateway-retail-from-agents", 9444)] {
        let policy = of(name);
        assert!(policy.contains(&format!("port: {port}\n")) && policy.matches("port: ").count() == 1, "{policy}");
    }
    assert!(of("gateway-retail-from-central").contains("port: 9444\n"));
    let needed = of("gateway-central-to-others");
    for part in ["cidr: 203.0.113.0/24", "app.kubernetes.io/name: idp", "port: 8080", "app: keys", "port: 8081"] {
        assert!(needed.contains(part), "{part}\n{needed}");
    }
    assert!(of("others-3-from-gateways").contains("namespace: hot\n"), "the receiver takes it, too");
    assert!(!policies.contains("0.0.0.0/0"));
    mutate_all(&TARGET, &reach()).assert_only(HARMLESS);
}

#[test]
fn what_gateways_connect_to_is_told_apart_from_servers() {
    let told = |entry: &str| {
        let text = format!("\ntargets:\n  kubernetes: {{egress: [{entry}]}}\n{WORLD}");
        match built(&TARGET, &text) {
            Ok(_) => String::new(),
            Err(errors) => format!("{errors:?}"),
        }
    };
    let server = "app.kubernetes.io/name: depot";
    assert_eq!(told("{namespace: auth, labels: {app: keys}, port: 8081}"), "");
    for (entry, what) in [
        (format!("{{namespace: mcp-logistics, labels: {{{server}}}, port: 8081}}"), "also those of server"),
        ("{namespace: mcp-logistics, port: 8081}".to_owned(), "also those of server"),
        ("{namespace: istio-system, labels: {app: keys}, port: 8081}".to_owned(), "of the mesh itself"),
        ("{namespace: mcp-gateways, labels: {app: keys}, port: 8081}".to_owned(), "namespace of the gateways"),
    ] {
        assert!(told(&entry).contains(what), "{entry}: {}", told(&entry));
    }
}

#[test]
fn an_issuer_out_of_reach_is_a_finding_where_a_gateway_fetches_its_keys() {
    use crate::targets::cluster::notes::notes;
    let said = |text: &str, beside: &[TargetId]| -> Vec<String> {
        let (checked, _) = crate::targets::tests::checked(text);
        let found = notes(TargetId::Kubernetes, beside, checked.model());
        found.into_iter().map(|found| format!("{}: {}", found.rule.name, found.message)).collect()
    };
    let closed =
        reach().replace("      - {cidr: 203.0.113.0/24, port: 443}\n      - {cidr: 2001:db8::/32, port: 443}\n", "");
    let message = "issuer-out-of-reach: the network policies of `kubernetes` keep the gateways of `envoy` from the keys at \
                   `out.example.org`";
    assert_eq!(said(&closed, &[TargetId::Envoy, TargetId::Kubernetes]), [message]);
    assert_eq!(
        said(&closed, &[TargetId::Kubernetes, TargetId::Istio]),
        [""; 0],
        "the mesh fetches them from elsewhere"
    );
    assert_eq!(said(&reach(), &[TargetId::Envoy, TargetId::Kubernetes]), [""; 0]);
    let other = reach().replace("{cidr: 203.0.113.0/24, port: 443}", "{cidr: 203.0.113.0/24, port: 444}");
    let other = other.replace("{cidr: 2001:db8::/32, port: 443}", "{cidr: 2001:db8::/32, port: 444}");
    assert_eq!(said(&other, &[TargetId::Envoy]), [message], "another port");
}

#[test]
fn a_pool_that_shares_its_namespace_has_no_quota_and_a_note_says_so() {
    let text = WORLD.replace("http://crm.hot.svc:8080", "https://crm.example.org");
    let built = built(&TARGET, &text).unwrap();
    let notes: Vec<_> = built.notes.iter().filter(|note| note.rule.name == "pool-without-namespace").collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(
        notes[0].message,
        "pool `hot` has no namespace for itself, so target `kubernetes` writes no quota for it"
    );
    assert!(!file(&text, "quotas.yaml").contains("1500Mi"));
}

#[test]
fn a_server_that_nobody_may_call_takes_no_connection() {
    let text = WORLD.replace("may_call: ['site/*', 'crm/*', 'erp/*', 'depot/*']", "may_call: ['site/*']");
    let policies = file(&text, "network-policies.yaml");
    assert!(policies.contains("name: server-site\n") && !policies.contains("name: server-crm\n"), "{policies}");
    let suspended = text.replace("{name: site,", "{name: site, suspended: incident,");
    assert!(!file(&suspended, "network-policies.yaml").contains("name: server-site\n"));
}

#[test]
fn the_namespaces_of_other_targets_are_made() {
    let targets: [&'static Target; 2] = [&crate::targets::access::toolhive::TARGET, &TARGET];
    let identity = WORLD.replace(
        "zero_trust_config:",
        "identity: {issuer: 'https://idp.example.org', audiences: [mcp], jwks: 'https://idp.example.org/keys'}\nzero_trust_config:",
    );
    let (checked, sources) =
        crate::targets::tests::checked(&format!("targets: {{toolhive: {{namespace: proxies}}}}{identity}"));
    let built = crate::build::build(&checked, &sources, &targets, "").unwrap();
    let file = |name: &str| of_all(&built.bundle.artifacts, name);
    assert!(file("namespaces.yaml").contains("name: proxies\n"));
    assert!(file("network-policies.yaml").contains("namespace: proxies\n"), "closed as any other");
}

#[test]
fn without_urls_it_is_left_out() {
    let text = WORLD.replace(", url: 'http://crm.hot.svc:8080/mcp'", "");
    let (checked, _) = crate::targets::tests::checked(&text);
    let needs = needs(checked.model());
    assert_eq!(needs.iter().map(|need| need.what.as_str()).collect::<Vec<_>>(), ["the URL of server `crm`"]);
}

/// How units are kept apart: by the network, so that one gateway alone reaches a server, or by identities alone.
#[test]
fn without_isolation_by_the_network_every_gateway_reaches_every_server() {
    let gateways = |level: &str| {
        let federation = format!("federation_config: {{business_unit_gateways: {{isolation_level: {level}}}}}\n");
        let policies = file(&format!("{WORLD}{federation}"), "network-policies.yaml");
        let policy = policies.split("---\n").find(|policy| policy.contains("name: server-crm")).unwrap().to_owned();
        ["central", "retail"].map(|name| policy.contains(&format!("mcpctl.io/gateway: {name}")))
    };
    for level in ["network_and_iam", "network"] {
        assert_eq!(gateways(level), [false, true], "{level}");
    }
    for level in ["iam", "none"] {
        assert_eq!(gateways(level), [true, true], "{level}");
    }
}

/// Where two servers and the data of a class stand.
const PLACED: &str = "
targets:
  kubernetes:
    locations:
      on_premises: {node_labels: {site: here, row: a}}
      secure_enclave: {node_labels: {site: vault}, runtime_class: kata-cc}
# file: classes.yaml
data_routing:
  classifications:
    - {level: public, mcp_servers: [site, depot]}
    - {level: internal, mcp_servers: [crm, erp], location: on_premises_only}
";

fn placed() -> String {
    let world = WORLD.replace("{name: crm,", "{name: crm, location: on_premises,");
    format!("{PLACED}{}", world.replace("{name: erp,", "{name: erp, location: secure_enclave,"))
}

#[test]
fn pods_have_to_ask_for_nodes_at_their_location() {
    let admission = file(&placed(), "admission.yaml");
    for part in [
        "name: mcpctl-location-on-premises.mcp-gateways\n",
        "name: mcpctl-location-on-premises-or-secure-enclave.mcp-gateways\n",
        "name: crm.hot.mcp-gateways\n",
        "name: erp.mcp-retail.mcp-gateways\n",
        "name: retail.mcp-gateways\n",
        "name: central.mcp-gateways\n",
        "object.spec.runtimeClassName == 'kata-cc'",
    ] {
        assert!(admission.contains(part), "{part} is not in\n{admission}");
    }
    assert!(!admission.contains("name: site."), "it has no location");
    let also = [
        ("* spec.validations[].message", "what a refusal says"),
        ("other metadata.name", "nothing refers to the names of bindings"),
    ];
    let harmless: Vec<_> = HARMLESS.iter().copied().chain(also).collect();
    mutate_all(&TARGET, &placed()).assert_only(&harmless);
}

#[test]
fn without_words_for_nodes_nothing_is_refused() {
    let (_, of_world) = placed().split_once("# file: classes.yaml").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let built = built(&TARGET, &format!("\n# file: classes.yaml{of_world}")).unwrap();
    assert!(built.bundle.artifacts.keys().all(|path| !path.ends_with("admission.yaml")));
    let empty = placed().replace("{node_labels: {site: here, row: a}}", "{}");
    let found = crate::targets::tests::findings(&empty);
    assert!(found.contains(&"invalid-value".to_owned()), "{found:?}");
    let same = placed().replace("{site: vault}, runtime_class: kata-cc}", "{row: a, site: here}}");
    let found = crate::targets::tests::findings(&same);
    assert!(found.contains(&"invalid-value".to_owned()), "{found:?}");
}

#[test]
fn bundles_of_one_cluster_have_policies_of_their_own() {
    let names = |text: &str| -> BTreeSet<String> {
        let text = file(text, "admission.yaml");
        text.lines().filter_map(|line| line.strip_prefix("  name: ")).map(str::to_owned).collect()
    };
    let other = placed().replace("  kubernetes:\n", "  kubernetes:\n    namespace: second\n");
    let both: Vec<String> = names(&placed()).intersection(&names(&other)).cloned().collect();
    assert!(names(&placed()).len() >= 6 && both.is_empty(), "{both:?}");
}

#[test]
fn a_server_that_no_class_lists_and_a_gateway_without_known_nodes() {
    let unlisted = placed().replace("mcp_servers: [crm, erp], location", "mcp_servers: [crm], location");
    assert!(
        file(&unlisted, "admission.yaml").contains("name: retail.mcp-gateways\n"),
        "erp is of the most sensitive class"
    );
    let unknown = placed().replace("      on_premises: {node_labels: {site: here, row: a}}\n", "");
    let notes = |text: &str| -> Vec<String> {
        let (checked, _) = checked(text);
        (TARGET.unexpressed)(checked.model()).into_iter().map(|found| found.key).collect()
    };
    assert_eq!(notes(&placed()), Vec::<String>::new());
    assert_eq!(notes(&unknown), ["servers[].location: on_premises"]);
    assert_eq!(notes(WORLD), Vec::<String>::new());
}

#[test]
fn a_processor_has_a_namespace_of_its_own() {
    let class = "{level: internal, mcp_servers: [crm, erp], location: on_premises_only}";
    let hooked = |host: &str| {
        let settings = format!("targets:\n  envoy: {{controls: {{dlp: 'https://{host}:9002'}}}}\n");
        placed()
            .replacen("targets:\n", &settings, 1)
            .replace(class, &class.replace('}', ", additional_controls: [dlp]}"))
    };
    let policies = file(&hooked("dlp.checks.svc.cluster.local"), "network-policies.yaml");
    assert!(policies.contains("kubernetes.io/metadata.name: checks"), "{policies}");
    for (namespace, why) in [
        ("mcp-gateways", "is the namespace of the gateways"),
        ("mcp-agents", "is the namespace of the agents"),
        ("a_b", "cannot be the name of a Kubernetes namespace"),
    ] {
        let errors = built(&TARGET, &hooked(&format!("dlp.{namespace}.svc.cluster.local"))).unwrap_err();
        assert!(format!("{errors:?}").contains(why), "{namespace}: {errors:?}");
    }
}
