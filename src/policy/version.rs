//! The version of a policy: what two gateways compare to know whether they decide by the same one.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::Policy;
use crate::model::Model;

/// Digits of a version: 64 bits, so that no two versions of one workspace are the same by chance.
const DIGITS: usize = 16;

/// The version of a policy, as hexadecimal digits. It changes with every cell, with what shows a fact, with the subjects of principals
/// and with the issuers of tokens, and with nothing else: not with a comment, a dashboard or a timeout.
#[must_use]
pub fn version(policy: &Policy, model: &Model) -> String {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    for issuer in model.identity.iter().flat_map(|identity| &identity.issuers) {
        let audiences: Vec<&str> = issuer.audiences.iter().map(|audience| audience.value.as_str()).collect();
        add(&format!("{} {audiences:?} {}", issuer.issuer.value, issuer.per_server.is_some()));
    }
    for (bit, evidence) in policy.shown() {
        let facts: Vec<&str> = policy.facts.named(bit).map(|fact| fact.as_str()).collect();
        add(&format!("{facts:?} {evidence:?}"));
    }
    for principal in &policy.principals {
        add(&format!("{} {:?} {:?}", principal.id, principal.subject, principal.issuer));
    }
    let conditions: Vec<String> = policy
        .conditions
        .iter()
        .map(|condition| {
            let sets = condition.minimal_sets().iter();
            let named = |set: &u64| policy.facts.named(*set).map(|fact| fact.as_str()).collect::<Vec<_>>();
            format!("{:?}", sets.map(named).collect::<Vec<_>>())
        })
        .collect();
    let objects: Vec<String> = policy.objects.iter().map(ToString::to_string).collect();
    for (principal, object, cell) in policy.all_cells() {
        add(&principal.0.to_string());
        add(objects.get(object.0 as usize).map_or("", String::as_str));
        add(conditions.get(cell.condition.0 as usize).map_or("", String::as_str));
    }
    let mut shown = String::with_capacity(2 * DIGITS);
    for byte in digest.finalize().iter().take(DIGITS / 2) {
        write!(shown, "{byte:02x}").unwrap_or_default();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::tests::checked;

    const WORLD: &str = "
# file: all.yaml
identity: {issuer: 'https://idp.example', audiences: [gw], jwks: 'https://idp.example/keys', requirements: {on_shift: {claim: shift, contains: on}}}
data_routing: {classifications: [{level: public, mcp_servers: [s]}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry:
  servers: [{name: s, url: 'https://s.example/mcp', tools: [{name: get, requires: [on_shift]}, {name: put}]}]
  agents: [{name: a, subject: a, may_call: [s/get]}]
";

    fn of(text: &str) -> String {
        let (checked, _) = checked(text);
        version(checked.policy(), checked.model())
    }

    #[test]
    fn a_version_is_of_what_decides_and_of_nothing_else() {
        let before = of(WORLD);
        assert_eq!(before.len(), DIGITS);
        for (old, new) in [
            ("may_call: [s/get]", "may_call: [s/get, s/put]"),
            ("contains: on}", "contains: off}"),
            ("subject: a,", "subject: b,"),
            ("audiences: [gw]", "audiences: [other]"),
            (", requires: [on_shift]", ""),
            ("[service_account_token]", "[service_account_token, mfa]"),
        ] {
            assert!(WORLD.contains(old));
            assert_ne!(of(&WORLD.replace(old, new)), before, "{old}");
        }
        for (old, new) in [
            ("https://s.example/mcp", "https://other.example/mcp"),
            ("identity:", "# A comment.\nlogging_config: {fields: [user_id]}\nidentity:"),
            ("{name: put}", "{name: put, annotations: {idempotent: true}}"),
        ] {
            assert!(WORLD.contains(old));
            assert_eq!(of(&WORLD.replace(old, new)), before, "{old}");
        }
    }
}
