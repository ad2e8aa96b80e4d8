use super::*;
use crate::targets::tests::built;
use crate::targets::tests::lines::{self, Files};

const WORLD: &str = "
units: {shop: units/shop}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
mcp_registry:
  central_gateway: https://mcp.example.org
  business_units: [{name: shop}]
  servers: [{name: crm_server, business_unit: central, tools: [{name: t}]}, {name: site, business_unit: central, tools: [{name: t}]}]
connection_pooling:
  database_pools:
    - {mcp_server: crm_server, pool_size: 90, max_overflow: 20, recycle_time: 30m}
    - {mcp_server: site, pool_size: 5}
  http_pools:
    - {mcp_server: crm_server, pool_size: 100, keep_alive: 60s, timeout: 1500ms}
    - {mcp_server: site, timeout: 5s}
bulkhead_config:
  resource_pools:
    - {name: hot path, mcp_servers: [crm_server], resources: {cpu_cores: 4, connections: 200}}
    - {name: cold, mcp_servers: [site], resources: {memory: 4Gi}}
# file: units/shop/pools.yaml
connection_pooling: {database_pools: [{mcp_server: crm_server, pool_size: 2, max_overflow: 0}]}
";

fn text(world: &str, file: &str) -> String {
    lines::text(&TARGET, world, file)
}

fn value(world: &str, file: &str) -> serde_json::Value {
    lines::value(&TARGET, world, file)
}

#[test]
fn a_database_pool_is_told_to_the_library_and_to_the_proxy() {
    let settings = value(WORLD, "pools/central/databases/crm-server/sqlalchemy.json");
    let expected = serde_json::json!({
        "sqlalchemy.pool_size": 90, "sqlalchemy.max_overflow": 20, "sqlalchemy.pool_recycle": 1800,
    });
    assert_eq!(settings, expected);
    let ini = "default_pool_size = 90\nreserve_pool_size = 20\nmax_db_connections = 110\nmax_client_conn = 110\nserver_lifetime = 1800\n";
    assert_eq!(text(WORLD, "pools/central/databases/crm-server/pgbouncer.ini"), ini);
    let small = "default_pool_size = 5\nmax_db_connections = 5\n";
    assert_eq!(text(WORLD, "pools/central/databases/site/pgbouncer.ini"), small);
    let of_unit = "default_pool_size = 2\nreserve_pool_size = 0\nmax_db_connections = 2\n";
    assert_eq!(text(WORLD, "pools/shop/databases/crm-server/pgbouncer.ini"), of_unit);
}

#[test]
fn clients_keep_to_the_pools_of_servers_and_bulkheads() {
    let crm = serde_json::json!({"limits": {"max_connections": 100, "keepalive_expiry": 60.0}, "timeout": 1.5});
    assert_eq!(value(WORLD, "pools/central/servers/crm-server/httpx.json"), crm);
    assert_eq!(value(WORLD, "pools/central/servers/site/httpx.json"), serde_json::json!({"timeout": 5.0}));
    let bulkhead = serde_json::json!({"limits": {"max_connections": 200}});
    assert_eq!(value(WORLD, "pools/central/bulkheads/hot-path/httpx.json"), bulkhead);
    let bundle = built(&TARGET, WORLD).unwrap().bundle;
    assert!(!bundle.artifacts.keys().any(|path| path.contains("cold")), "it has no connections");
    let names = [("crm-server", "crm_server"), ("hot-path", "hot path")];
    let names = names.map(|(label, name)| (label.to_owned(), name.to_owned())).into();
    assert_eq!(bundle.manifest.targets[0].names, names);
}

#[test]
fn every_changed_file_is_noticed() {
    let files = Files::of(&TARGET, WORLD);
    let mut tried = 0;
    for (path, text) in files.texts() {
        tried += files.assert_each_line_counts(path, &[("0", "1"), ("1", "2"), ("5", "6"), ("_", "-"), ("2", "3")]);
        assert!(files.refused(path, Some(&format!("{text}[databases]\n"))), "{path}");
    }
    assert!(tried > 100, "{tried}");
    for path in ["pools/central/databases/other/pgbouncer.ini", "pools/nowhere/servers/site/httpx.json", "pools/x"] {
        assert!(files.refused(path, Some("{}\n")), "{path}");
    }
}

#[test]
fn the_document_compiles_without_a_registry() {
    let text_of =
        |name: &str| std::fs::read_to_string(format!("{}/fixtures/seed/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let world = format!(
        "# file: pools.yaml\n{}\n# file: bulkhead.yaml\n{}",
        text_of("connection-pooling.yaml"),
        text_of("bulkhead.yaml")
    );
    let ini = "default_pool_size = 50\nreserve_pool_size = 20\nmax_db_connections = 70\nserver_lifetime = 1800\n";
    assert_eq!(text(&world, "pools/central/databases/analytics-server/pgbouncer.ini"), ini);
    let http = serde_json::json!({"limits": {"max_connections": 100, "keepalive_expiry": 60.0}, "timeout": 30.0});
    assert_eq!(value(&world, "pools/central/servers/external-api-server/httpx.json"), http);
}
