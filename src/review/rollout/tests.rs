//! Two gateways on the way to a server, of which one has the old bundle and the other one the new.

use super::*;
use crate::bundle::Artifact;
use crate::lift::access::agentgateway;
use crate::policy::condition::Condition;
use crate::policy::{ObjectIx, Policy, PrincipalIx};
use crate::targets::access::agentgateway::TARGET;
use crate::targets::seen;
use crate::targets::tests::checked;

const WORLD: &str = "
targets: {agentgateway: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}}
# file: all.yaml
identity: {issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/keys', trust_domain: example.org}
federation_config:
  central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}
  business_unit_gateways: {cross_unit_routing: explicit_approval}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - {level: 2, requirements: [service_account_token, user_delegation]}
data_routing: {classifications: [{level: all, mcp_servers: [cards], min_auth_level: 1}]}
mcp_registry:
  central_gateway: https://mcp.example
  business_units: [{name: retail, gateway: 'https://gw.retail.example'}, {name: works}]
  servers:
    - {name: cards, business_unit: retail, url: 'https://cards.example/mcp', tools: [{name: look}, {name: pay, auth_level: 2}]}
  agents:
    - {name: clerk, business_unit: retail, subject: clerk, may_call: ['cards/*']}
    - {name: driver, business_unit: works, subject: driver, may_call: [cards/look]}
";

/// What the gateways of a bundle decide, and what the workspace means.
struct Side {
    central: Vec<BTreeMap<ObjectIx, Condition>>,
    unit: Vec<BTreeMap<ObjectIx, Condition>>,
    meant: Policy,
}

fn side(text: &str) -> Side {
    let (checked, sources) = checked(text);
    let built = build::build(&checked, &sources, &[&TARGET], "").map_err(|errors| format!("{errors:#?}")).unwrap();
    let (_, meant, _) = seen(&TARGET, checked.model(), checked.policy());
    let files: BTreeMap<String, Artifact> = built.bundle.artifacts;
    let parts = agentgateway::read(&files, checked.model(), &meant).unwrap();
    let of = |name: &str| parts.iter().find(|part| part.gateway == name).unwrap().lifted.clone();
    Side { central: of("central"), unit: of("retail"), meant }
}

/// A request: who calls what, and the facts that hold for it.
type Request = (String, String, BTreeSet<String>);

/// The pair of a request and its facts, where a side knows them; what it does not know, it denies.
fn found(policy: &Policy, (principal, object, facts): &Request, hop: &[&str]) -> Option<(PrincipalIx, ObjectIx, u64)> {
    let principal = policy.principal(principal)?;
    let object = (0..).map(ObjectIx).zip(&policy.objects).find(|(_, known)| known.to_string() == *object)?.0;
    let all = facts.iter().map(String::as_str).chain(hop.iter().copied());
    let mask = all.filter_map(|fact| policy.facts.mask(fact)).fold(0, |all, bit| all | bit);
    Some((principal, object, mask))
}

/// Whether a workspace lets a request through.
fn means(side: &Side, request: &Request) -> bool {
    found(&side.meant, request, &[]).is_some_and(|(who, at, mask)| side.meant.decide(who, at, mask))
}

/// The central gateway of the one side, and behind it the unit's gateway of the other. Their connection is mutual TLS.
fn passes(central: &Side, unit: &Side, request: &Request) -> bool {
    let lets = |side: &Side, gateway: &[BTreeMap<ObjectIx, Condition>], hop: &[&str]| {
        let found = found(&side.meant, request, hop);
        found.is_some_and(|(who, at, mask)| {
            gateway[who.0 as usize].get(&at).is_some_and(|condition| condition.holds(mask))
        })
    };
    lets(central, &central.central, &[]) && lets(unit, &unit.unit, &["tls", "mtls"])
}

/// Every request that either side knows.
fn requests(sides: [&Side; 2]) -> BTreeSet<Request> {
    let of = |side: &Side| {
        let policy = &side.meant;
        let cells = policy.all_cells();
        let pairs =
            cells.map(|(who, at, _)| (policy.principal_at(who).id.to_string(), policy.object_at(at).to_string()));
        let names: Vec<String> = policy.facts.names().iter().map(|fact| fact.as_str().to_owned()).collect();
        (pairs.collect::<Vec<_>>(), names)
    };
    let [(mut pairs, mut names), (more, others)] = sides.map(of);
    pairs.extend(more);
    names.extend(others);
    names.sort();
    names.dedup();
    let sets = (0_u32..1 << names.len()).map(|set| {
        let held = names.iter().enumerate().filter(|(at, _)| set & (1 << at) != 0).map(|(_, name)| name.clone());
        held.collect::<BTreeSet<String>>()
    });
    // Mutual TLS is TLS.
    let sets: Vec<_> = sets.filter(|set| !set.contains("mtls") || set.contains("tls")).collect();
    pairs.into_iter().flat_map(|(who, at)| sets.iter().map(move |set| (who.clone(), at.clone(), set.clone()))).collect()
}

/// `(old, new, what changes)`: calls that the new side closes, and that it opens.
fn mixed(old: &str, new: &str) -> (usize, usize) {
    let (old, new) = (side(old), side(new));
    let (mut closed, mut opened, mut both) = (0, 0, 0);
    for request in requests([&old, &new]) {
        let (before, after) = (means(&old, &request), means(&new, &request));
        assert_eq!(passes(&old, &old, &request), before, "{request:?}");
        assert_eq!(passes(&new, &new, &request), after, "{request:?}");
        closed += usize::from(before && !after);
        opened += usize::from(after && !before);
        both += usize::from(before && after);
        for (what, passes) in [
            ("the central gateway is new", passes(&new, &old, &request)),
            ("the unit's gateway is new", passes(&old, &new, &request)),
        ] {
            // Whatever one of them denies is denied, in either order, and on the way back.
            assert_eq!(passes, before && after, "{what}: {request:?}");
        }
    }
    assert!(both > 0, "some calls go on");
    (closed, opened)
}

#[test]
fn what_a_narrowing_closes_is_closed_by_either_gateway() {
    let stricter = WORLD.replace("{name: look}", "{name: look, auth_level: 2}");
    let revoked =
        WORLD.replace("    - {name: driver, business_unit: works, subject: driver, may_call: [cards/look]}\n", "");
    let suspended = WORLD.replace("{name: pay, auth_level: 2}", "{name: pay, auth_level: 2, suspended: incident}");
    for new in [stricter, revoked, suspended] {
        let (closed, opened) = mixed(WORLD, &new);
        assert!(closed > 0 && opened == 0, "{closed} closed, {opened} opened");
    }
}

#[test]
fn what_a_widening_opens_is_open_where_both_gateways_have_it() {
    let looser = WORLD.replace("{name: pay, auth_level: 2}", "{name: pay, auth_level: 1}");
    let granted = WORLD.replace("may_call: [cards/look]", "may_call: ['cards/*']");
    for new in [looser, granted] {
        let (closed, opened) = mixed(WORLD, &new);
        assert!(closed == 0 && opened > 0, "{closed} closed, {opened} opened");
    }
}

#[test]
fn a_change_that_opens_and_closes_never_opens_more_than_either_version() {
    let new = WORLD
        .replace("{name: look}", "{name: look, auth_level: 2}")
        .replace("{name: pay, auth_level: 2}", "{name: pay, auth_level: 1}");
    let (closed, opened) = mixed(WORLD, &new);
    assert!(closed > 0 && opened > 0, "{closed} closed, {opened} opened");
}

#[test]
fn units_go_first_where_something_opens_and_last_where_it_only_closes() {
    let change = |path: &str| ArtifactChange {
        target: path.split('/').next().unwrap().to_owned(),
        path: path.to_owned(),
        change: FileChange::Changed,
    };
    let paths = ["envoy/central/xds/rds.yaml", "envoy/retail/xds/rds.yaml", "istio/finance/policies.yaml"];
    let files = paths.map(change);
    let (central, units) = (vec!["central".to_owned()], vec!["finance".to_owned(), "retail".to_owned()]);
    assert_eq!(order(&files, true), [units.clone(), central.clone()]);
    assert_eq!(order(&files, false), [central, units]);
    assert!(order(&[change("envoy/central/bootstrap.yaml")], true).is_empty(), "one gateway alone");
    let configured = ["redis/central/near/redis.conf", "kafka/retail/topics.json", "cedar/policies.cedar"].map(change);
    assert!(order(&configured, true).is_empty(), "no gateway");
}
