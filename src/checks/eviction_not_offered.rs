//! `eviction-not-offered`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::vocabulary::{CacheLocation, Eviction};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "eviction-not-offered",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds cache layers whose `eviction` is a word that the product at their `location` does not have: `fifo` in Redis; in \
               Memcached everything but `lru` and `none`.",
        why: "The product refuses the word, or the layer evicts in another way than the configuration says.",
        fix: "Write an eviction that the product has. In Redis these are `lru`, `lfu`, `random`, `ttl_based` and `none`; the nearest to \
              `fifo` is `ttl_based`, where all entries live equally long.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for layer in input.model.caching.values().flatten() {
        let (Some(location), Some(eviction)) = (&layer.location, &layer.eviction) else { continue };
        let (product, offered): (&str, &[Eviction]) = match location.value {
            CacheLocation::Redis | CacheLocation::RedisCluster => {
                ("Redis", &[Eviction::Lru, Eviction::Lfu, Eviction::Random, Eviction::TtlBased, Eviction::None])
            }
            CacheLocation::Memcached => ("Memcached", &[Eviction::Lru, Eviction::None]),
            CacheLocation::Client | CacheLocation::Gateway | CacheLocation::McpServer => continue,
        };
        if !offered.contains(&eviction.value) {
            let words: Vec<String> = offered.iter().map(|word| format!("`{word}`")).collect();
            let message = format!("layer `{}` evicts by `{eviction}`, which {product} does not have", layer.name);
            report.push(
                Diagnostic::new(&CHECK.rule, eviction.loc, message)
                    .label(location.loc, format!("in {product}"))
                    .help(format!("write one of {}", words.join(", "))),
            );
        }
    }
}
