use super::*;
use crate::targets::tests::lines::{self, Files};
use crate::targets::tests::{built, checked};

const WORLD: &str = "
targets: {redis: {masters: 4}}
units: {shop: units/shop}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
mcp_registry: {central_gateway: 'https://mcp.example.org', business_units: [{name: shop}], servers: [{name: a, business_unit: central, tools: [{name: t}]}]}
caching_strategy:
  layers:
    - {name: edge, location: gateway, ttl: 1s, eviction: lru, size: 1MB}
    - {name: near_cache, location: redis, ttl: 500ms, eviction: random, size: 100MB}
    - {name: far, location: redis_cluster, ttl: 24h, eviction: ttl_based, size: 10GB}
    - {name: bare, location: redis}
# file: units/shop/caching.yaml
caching_strategy: {layers: [{name: far, location: redis, ttl: 1h, eviction: none, size: 1Gi}]}
";

fn text(world: &str, file: &str) -> String {
    lines::text(&TARGET, world, file)
}

#[test]
fn each_layer_in_redis_has_its_nodes_and_its_clients() {
    let bundle = built(&TARGET, WORLD).unwrap().bundle;
    let files: Vec<&str> = bundle.artifacts.keys().map(String::as_str).collect();
    assert_eq!(
        files,
        [
            "redis/central/bare/client.json",
            "redis/central/bare/redis.conf",
            "redis/central/far/client.json",
            "redis/central/far/redis.conf",
            "redis/central/near-cache/client.json",
            "redis/central/near-cache/redis.conf",
            "redis/shop/far/client.json",
            "redis/shop/far/redis.conf",
        ]
    );
    let far = "cluster-enabled yes\nmaxmemory 2500000000\nmaxmemory-policy volatile-ttl\nsave \"\"\n";
    assert_eq!(text(WORLD, "redis/central/far/redis.conf"), far);
    let near = "maxmemory 100000000\nmaxmemory-policy allkeys-random\nsave \"\"\n";
    assert_eq!(text(WORLD, "redis/central/near-cache/redis.conf"), near);
    assert_eq!(text(WORLD, "redis/central/bare/redis.conf"), "save \"\"\n");
    assert_eq!(text(WORLD, "redis/central/bare/client.json"), "{\n  \"cluster\": false\n}\n");
    let client = "{\n  \"cluster\": true,\n  \"set\": {\n    \"px\": 86400000\n  }\n}\n";
    assert_eq!(text(WORLD, "redis/central/far/client.json"), client);
    let unit = "maxmemory 1073741824\nmaxmemory-policy noeviction\nsave \"\"\n";
    assert_eq!(text(WORLD, "redis/shop/far/redis.conf"), unit);
    assert_eq!(bundle.manifest.targets[0].names, [("near-cache".to_owned(), "near_cache".to_owned())].into());
    let left = bundle.manifest.targets[0].not_expressed.iter().filter(|left| left.family == "caching_strategy");
    assert_eq!(left.map(|left| left.key.as_str()).collect::<Vec<_>>(), ["layers[].location: gateway"]);
}

#[test]
fn the_size_of_a_cluster_is_never_exceeded() {
    for (masters, size, each) in [(3, 10_000_000_000_u64, 3_333_333_333_u64), (7, 8_000_000, 1_142_857), (5, 5, 1)] {
        let world = WORLD.replace("masters: 4", &format!("masters: {masters}")).replace("10GB", &format!("{size}B"));
        let conf = text(&world, "redis/central/far/redis.conf");
        assert!(conf.contains(&format!("maxmemory {each}\n")) && each * masters <= size, "{conf}");
    }
}

#[test]
fn a_size_that_would_be_no_limit_is_refused_at_its_place() {
    let world = WORLD.replace("10GB", "3B");
    let Err(errors) = built(&TARGET, &world) else { panic!("it compiles") };
    let (findings, others) = crate::build::findings(errors);
    assert!(others.is_empty());
    let (_, sources) = checked(&world);
    assert_eq!(sources.text_at(findings[0].loc), "3B");
    assert_eq!(findings[0].message, "the size of layer `far` leaves nothing for each of the 4 masters");
}

#[test]
fn two_layers_of_one_folder_are_refused() {
    let world = WORLD.replace("name: bare", "name: near-cache");
    let Err(errors) = built(&TARGET, &world) else { panic!("it compiles") };
    let (findings, _) = crate::build::findings(errors);
    assert_eq!(findings[0].message, "`near_cache` and `near-cache` are both `near-cache` for target `redis`");
}

#[test]
fn without_a_layer_in_redis_there_is_nothing() {
    let world = WORLD.replace("redis_cluster", "mcp_server").replace("location: redis", "location: memcached");
    let world = world.replace("random", "lru").replace("masters: 4", "");
    assert!(built(&TARGET, &world).unwrap().bundle.artifacts.is_empty());
}

/// Every change of a line or of a value of a file is noticed.
#[test]
fn a_changed_file_does_not_verify() {
    let files = Files::of(&TARGET, WORLD);
    let changes = [("0", "1"), ("yes", "no"), ("true", "false"), ("volatile", "allkeys"), ("px", "ex")];
    let tried: usize = files.texts().map(|(path, _)| files.assert_each_line_counts(path, &changes)).sum();
    for (path, text) in files.texts().filter(|(path, _)| path.ends_with(".conf")) {
        for line in ["requirepass secret", "maxmemory 1", "save 60 1", "appendonly yes", "# a", ""] {
            assert!(files.refused(path, Some(&format!("{text}{line}\n"))), "{path}: {line}");
        }
        assert!(files.refused(path, Some(text.trim_end())), "{path}");
    }
    assert!(tried > 70, "{tried}");
    for path in ["redis/central/other/redis.conf", "redis/elsewhere/far/redis.conf", "redis/README"] {
        assert!(files.refused(path, Some("save \"\"\n")), "{path}");
    }
}

#[test]
fn the_document_compiles_without_a_registry() {
    let text_of =
        |name: &str| std::fs::read_to_string(format!("{}/fixtures/seed/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let world = format!("# file: caching.yaml\n{}", text_of("caching.yaml"));
    let conf = text(&world, "redis/central/distributed-cache/redis.conf");
    assert_eq!(conf, "cluster-enabled yes\nmaxmemory 3333333333\nmaxmemory-policy volatile-ttl\nsave \"\"\n");
}
