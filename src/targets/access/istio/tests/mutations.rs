//! Every small change of the files is found, but for those that change no decision.

use super::{WORLD, whole};
use crate::targets::access::istio::TARGET;
use crate::targets::cluster::tests::survey;

/// Changes that change no decision: what, file and path, each with the reason.
const HARMLESS: &[(&str, &str)] = &[
    ("moved *", "no order is of meaning"),
    ("changed *: .metadata.name", "nothing refers to the names of these resources"),
    ("doubled *: .spec.rules", "a rule twice allows what it allows once"),
    ("doubled *: .spec.rules.when(*)", "a condition twice asks for what it asks for once"),
];

#[test]
fn every_change_of_rules_is_found() {
    let (left, rate) = survey(&TARGET, WORLD).beyond(HARMLESS);
    assert!(left.is_empty(), "{rate}; but not {left:#?}");
}

#[test]
fn every_change_of_rules_for_whole_servers_is_found() {
    let text = whole().replace("http://crm.mcp.svc.cluster.local", "https://crm.example.org");
    let (left, rate) = survey(&TARGET, &text).beyond(HARMLESS);
    assert!(left.is_empty(), "{rate}; but not {left:#?}");
}
