use serde_json::{Value, json};

use super::*;
use crate::schema::generate;
use crate::targets::tests::lines::{self, Files};
use crate::targets::tests::{built, checked};

const WORLD: &str = "
units: {shop: units/shop}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
mcp_registry:
  central_gateway: 'https://mcp.example.org'
  business_units: [{name: shop}]
  servers:
    - name: site
      business_unit: central
      tools:
        - {name: look, annotations: {read_only: true}}
        - {name: find, annotations: {read_only: true, idempotent: true}}
        - {name: change}
        - {name: odd, annotations: {read_only: true, idempotent: false}}
        - {name: held, annotations: {read_only: true}, suspended: 'under repair'}
      resources: [{uri: 'site://pages/*'}]
    - {name: vault, business_unit: central, location: on_premises, tools: [{name: look, annotations: {read_only: true}}]}
    - {name: stock, business_unit: shop, tools: [{name: count, annotations: {read_only: true}}]}
    - {name: plain, business_unit: central, tools: [{name: t}]}
data_routing:
  classifications:
    - {level: public, mcp_servers: [site, plain]}
    - {level: internal, mcp_servers: [stock]}
    - {level: secret, mcp_servers: [vault], location: on_premises_only}
caching_strategy:
  layers:
    - {name: near, location: client, ttl: 5s, eviction: lru, size: 1MB}
    - {name: own, location: mcp_server, ttl: 1h}
    - {name: timeless, location: gateway}
# file: units/shop/caching.yaml
caching_strategy: {layers: [{name: near, location: gateway, ttl: 1s, eviction: none, size: 1Gi}]}
";

fn plan(world: &str, folder: &str) -> Value {
    serde_json::from_str(&lines::text(&TARGET, world, &format!("cache-plan/{folder}/plan.json"))).unwrap()
}

#[test]
fn a_layer_keeps_what_is_read_only_where_its_class_may_be() {
    let central = plan(WORLD, "central");
    let site = json!({"class": "public", "tools": ["find", "look"], "resources": ["site://pages/*"]});
    let near = json!({
        "name": "near", "location": "client", "ttlMs": 5000, "cacheScope": "private", "eviction": "lru", "maxBytes": 1_000_000,
        "keep": {"site": site},
    });
    let own = json!({
        "name": "own", "location": "mcp_server", "ttlMs": 3_600_000, "cacheScope": "private",
        "keep": {"site": site, "vault": {"class": "secret", "tools": ["look"]}},
    });
    let timeless = json!({"name": "timeless", "location": "gateway", "cacheScope": "private", "keep": {}});
    assert_eq!(central, json!({"version": 1, "layers": [near, own, timeless]}));
    let shop = &plan(WORLD, "shop")["layers"][0];
    assert_eq!(shop["keep"], json!({"stock": {"class": "internal", "tools": ["count"]}}));
    assert_eq!((&shop["eviction"], &shop["maxBytes"]), (&json!("none"), &json!(1_073_741_824)));
}

#[test]
fn what_may_not_be_kept_is_in_no_plan() {
    let near = |world: &str| plan(world, "central")["layers"][0]["keep"].clone();
    let all = near(WORLD);
    for (from, to, gone) in [
        ("{level: public, mcp_servers: [site, plain]}", "{level: public, mcp_servers: [plain]}", "site"),
        (
            "{level: public, mcp_servers: [site, plain]}",
            "{level: public, mcp_servers: [site, plain], additional_controls: [data_loss_prevention]}",
            "site",
        ),
        (
            "{level: public, mcp_servers: [site, plain]}",
            "{level: public, mcp_servers: [site, plain], suspended: 'closed'}",
            "site",
        ),
        ("    - name: site\n", "    - name: site\n      suspended: 'closed'\n", "site"),
    ] {
        let world = WORLD.replacen(from, to, 1);
        assert_ne!(world, WORLD, "{from}");
        let world = world
            .replace("business_unit: central,", "business_unit: central, controls: [data_loss_prevention],")
            .replace("business_unit: central\n", "business_unit: central\n      controls: [data_loss_prevention]\n");
        assert!(all.get(gone).is_some() && near(&world).get(gone).is_none(), "{to}");
    }
    let (findings, _) = checked(WORLD);
    let left = built(&TARGET, WORLD).unwrap().bundle.manifest.targets[0].not_expressed.clone();
    assert!(left.iter().any(|left| left.key == "layers[].name: timeless"), "{left:?} {findings:?}");
}

#[test]
fn every_changed_line_is_noticed() {
    let files = Files::of(&TARGET, WORLD);
    let changes = [("0", "1"), ("e", "x"), ("1", "2"), ("private", "public"), ("lru", "lfu"), ("client", "gateway")];
    let plans = files.texts().map(|(path, _)| path).filter(|path| path.ends_with("plan.json"));
    let tried: usize = plans.map(|path| files.assert_each_line_counts(path, &changes)).sum();
    assert!(tried > 150, "{tried}");
    let (_, text) = files.texts().find(|(path, _)| path.ends_with("central/plan.json")).unwrap();
    for path in ["cache-plan/plan.json", "cache-plan/other/plan.json", "cache-plan/central/more.json"] {
        assert!(files.refused(path, Some(text)), "{path}");
    }
    assert!(files.refused("cache-plan/shop/plan.json", Some(text)));
}

#[test]
fn plans_fit_the_published_schema() {
    let schema = generate::of_file::<super::plan::Plan>("cache-plan");
    assert!(generate::is_fresh("cache-plan", &schema), "rerun with MCPCTL_BLESS=1");
    assert_eq!(generate::undescribed(&schema, "plan"), Vec::<String>::new());
    let good = plan(WORLD, "central");
    assert_eq!(generate::faults(&schema, &good), Vec::<String>::new());
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/layers", json!([])),
        ("/layers/0/ttlMs", json!("5s")),
        ("/layers/0/cacheScope", json!("public")),
        ("/layers/0/keep/site/tools", json!("look")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!generate::faults(&schema, &bad).is_empty(), "{pointer}");
    }
}

#[test]
fn the_document_compiles_without_a_registry() {
    let text = std::fs::read_to_string(format!("{}/fixtures/seed/caching.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let plan = plan(&format!("# file: caching.yaml\n{text}"), "central");
    let layers = plan["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 3);
    assert!(layers.iter().all(|layer| layer["keep"] == json!({})));
}
