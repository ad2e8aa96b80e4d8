//! Every small change of the files is found, but for those that change no decision.

use super::{WORLD, whole};
use crate::targets::access::istio::TARGET;
use crate::targets::tests::mutations::mutate_all;

/// Changes that change no decision: what and where, each with the reason.
const HARMLESS: &[(&str, &str)] = &[
    ("swap *", "no order is of meaning"),
    ("text metadata.name", "nothing refers to the names of these resources"),
    ("twice spec.rules[]", "a rule twice allows what it allows once"),
    ("twice spec.rules[].when[]", "a condition twice asks for what it asks for once"),
];

#[test]
fn every_change_of_rules_is_found() {
    mutate_all(&TARGET, WORLD).assert_only(HARMLESS);
}

#[test]
fn every_change_of_rules_for_whole_servers_is_found() {
    let text = whole().replace("http://crm.mcp.svc.cluster.local", "https://crm.example.org");
    mutate_all(&TARGET, &text).assert_only(HARMLESS);
}
