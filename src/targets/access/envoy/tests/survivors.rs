//! Changes that change no decision, each with the reason, and that all others are caught.

use super::*;
use crate::targets::tests::mutations::tree::{Change, Step, pointer};
use crate::targets::tests::mutations::{Reason, judge};

/// Words of a path below which a change changes no decision, each with the reason.
const HARMLESS: &[(&str, &str)] = &[
    ("access_log", "records are written of what was decided"),
    ("local_reply_config", "how a denial is told; a denial it stays"),
    ("node", "the gateway's own name"),
    ("admin", "the admin interface, whose address is the settings'"),
    ("connect_timeout", "how long"),
    ("lb_policy", "which of the one hosts"),
    ("cluster_name", "a label beside the one endpoint"),
    ("host_rewrite_literal", "a header of the request; the endpoint is the cluster's"),
    ("stat_prefix", "statistics"),
    ("rules_stat_prefix", "statistics"),
    ("track_per_rule_stats", "statistics"),
    ("codec_type", "both codecs lead to the same filters"),
    ("server_name", "a header of the answer"),
    ("strip_any_host_port", "one virtual host takes every host"),
    ("use_remote_address", "no rule asks for addresses"),
    ("stream_idle_timeout", "how long"),
    ("request_headers_timeout", "how long"),
    ("per_connection_buffer_limit_bytes", "a smaller buffer refuses messages; what it passes is judged"),
    ("tls_params", "which versions of TLS"),
    ("alpn_protocols", "both protocols lead to the same filters"),
    ("filename", "files on the gateway's machine, which the settings name"),
    ("tls_certificates", "the gateway's own; a peer that wants one refuses it without"),
    ("sni", "what a server may choose its certificate by; which one it is, is checked"),
    ("direct_response", "an answer that no server sees"),
    ("response_headers_to_add", "an answer that no server sees"),
    ("(drop action)", "an action without a word is ALLOW"),
    ("(drop on_no_match)", "what the rules of a route do not match is denied"),
];

/// Those of them that hold the most: of the changes below these, one in eight is judged.
const SAMPLED: [&str; 2] = ["access_log", "local_reply_config"];

/// Changes at the end of a path that change no decision: what is changed, of what (the number of an element left out), and the
/// reason. The same change anywhere else is caught, or a fault.
const HARMLESS_AT: &[(&str, &[&str], &str)] = &[
    ("name", &["action", "action/typed_config"], "what a rule is called in records and denials"),
    ("start", &["double_match/range"], "the least number that there is, and one more, are the same number"),
    ("name", &["input", "custom_match"], "a label; the typed configuration beside it says what it is"),
    ("name", &["routes", "virtual_hosts", "listeners"], "a label that nothing refers to"),
    ("name", &["filters", "transport_socket"], "a label; the typed configuration beside it says what it is"),
    ("(swap)", &["and_matcher/predicate", "or_matcher/predicate"], "the parts of a conjunction or disjunction"),
    ("(swap)", &["or_match/value_matchers", "call_expr/args"], "the parts of a disjunction"),
    ("(swap)", &["matcher_list/matchers", "route_config/virtual_hosts/routes"], "of which a request meets one"),
    ("(swap)", &["static_resources/clusters"], "they are found by their names"),
    ("address", &["listeners", "listeners/address/socket_address"], "where the gateway listens is the settings'"),
    ("socket_address", &["listeners/address"], "where the gateway listens is the settings'"),
    ("port_value", &["listeners/address/socket_address"], "where the gateway listens is the settings'"),
];

/// Changes of what tells delegations. A caller who acts for itself is a workload, so what compares `act.sub` with `sub` and what tells
/// workloads from users both deny it, and each may be spoilt alone. One place of a claim that is null is that of undeclared callers,
/// who may do no more here than the callers of the rules before. What the entry of a server denies is in no list of what is let
/// through, so that the rule which denies it says what the answer is, and nothing else.
const TOLD_TWICE: &[&str] = &[
    "routes/3/typed_per_filter_config/envoy.filters.http.rbac/rbac/matcher/matcher_list/matchers/(drop 0)",
    "routes/2/typed_per_filter_config/envoy.filters.http.rbac/rbac/matcher/matcher_list/matchers/(drop 0)",
    "rbac/matcher/matcher_list/matchers/0/predicate/single_predicate/custom_match/typed_config/value/or_match/value_matchers/0/string_match/exact/(change)",
    "rbac/matcher/matcher_list/matchers/0/predicate/single_predicate/custom_match/typed_config/value/or_match/value_matchers/1/string_match/exact/(change)",
    "on_match/matcher/matcher_list/matchers/3/on_match/matcher/matcher_list/matchers/(drop 1)",
    "on_match/matcher/matcher_list/matchers/1/on_match/matcher/matcher_list/matchers/(drop 1)",
    "matchers/1/on_match/matcher/matcher_list/matchers/1/predicate/and_matcher/predicate/0/single_predicate/input/typed_config/path/(drop 1)",
    "matcher_list/matchers/1/predicate/and_matcher/predicate/0/single_predicate/custom_match/typed_config/value/string_match/safe_regex/regex/(change)",
    "matcher_list/matchers/0/predicate/not_matcher/or_matcher/predicate/1/and_matcher/predicate/(drop 3)",
    "matcher_list/matchers/1/predicate/and_matcher/predicate/1/not_matcher/and_matcher/predicate/(drop 2)",
    "or_matcher/predicate/1/and_matcher/predicate/0/or_matcher/predicate/1/single_predicate/input/typed_config/path/1/key/(change)",
];

/// Whether a change is inside a matcher that only denies: it tells which of the denials it is.
fn only_denies(whole: &Value, path: &str) -> bool {
    let mut here = whole;
    let mut inside = false;
    for part in path.split('/') {
        let next = part.parse::<usize>().ok().and_then(|at| here.get(at)).or_else(|| here.get(part));
        let Some(next) = next else { break };
        here = next;
        inside |= part == "matcher" && !here.to_string().contains("\"ALLOW\"");
    }
    inside
}

/// The place in [`HARMLESS_AT`] of a change, where it is there.
fn harmless_at(path: &str) -> Option<usize> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| part.parse::<usize>().is_err()).collect();
    let last = parts.pop()?;
    let what = match last.strip_prefix("(drop ").and_then(|rest| rest.strip_suffix(')')) {
        Some(dropped) => dropped,
        None if last == "(swap)" => last,
        None => parts.pop()?,
    };
    let of = format!("/{}", parts.join("/"));
    HARMLESS_AT
        .iter()
        .position(|(key, owners, _)| *key == what && owners.iter().any(|owner| of.ends_with(&format!("/{owner}"))))
}

/// Whether it leaves out that the caller's name, or the name of the user for whom it acts, is a text, where both are compared:
/// the rule that recognised the caller has said so, and names that are not there cannot be compared.
fn drops_that_names_are_texts(change: &Change, value: &Value) -> bool {
    let Some(Step::At(at)) = change.without else { return false };
    let beside = value.pointer(&pointer(&change.path)).unwrap();
    if !beside.to_string().contains("\"_!=_\"") {
        return false;
    }
    let dropped = &beside[at]["single_predicate"];
    let claim = &dropped["input"]["typed_config"]["path"];
    let names =
        [json!([{"key": "claims"}, {"key": "act"}, {"key": "sub"}]), json!([{"key": "claims"}, {"key": "sub"}])];
    let regex = &dropped["custom_match"]["typed_config"]["value"]["string_match"]["safe_regex"]["regex"];
    names.contains(claim) && regex == "(?s).+"
}

/// A change of the configuration of a gateway.
#[derive(Clone)]
struct OfGateway<'f> {
    name: &'static str,
    whole: &'f Value,
    bootstrap: &'f Value,
    change: Change,
    path: String,
}

#[test]
fn every_change_that_changes_a_decision_is_caught() {
    let (checked, policy, folders) = compiled();
    assert!(!caught(&folders, checked.model(), &policy));
    let told = |path: &str| SAMPLED.iter().any(|word| path.split('/').any(|part| part == *word));
    let of_gateway = |name: &'static str| {
        let (whole, bootstrap) = (&folders[name]["envoy.static.yaml"], &folders[name]["bootstrap.yaml"]);
        let each = changes(whole).into_iter().map(|change| (slashed(&change), change)).enumerate();
        let judged = each.filter(|(at, (path, _))| at % 8 == 0 || !told(path));
        let judged = judged.map(|(_, (path, change))| OfGateway { name, whole, bootstrap, change, path });
        judged.collect::<Vec<_>>()
    };
    let all = [of_gateway("central"), of_gateway("retail")].concat();
    let outcome = judge(&all, |OfGateway { name, whole, bootstrap, change, .. }| {
        let changed = Folders::from([((*name).to_owned(), folder_of(&change.of(whole), bootstrap))]);
        let caught = match judge_one(&changed, name, checked.model(), &policy) {
            Err(_) => true,
            Ok(part) => matches!(agree("envoy", &policy, vec![part]), Err(BuildError::Differs { .. })),
        };
        Some(!caught)
    });
    // Who is taken for anybody although `helper` has rules of its own, which come first.
    let helper = |path: &str| path.contains("value_matchers/0/") || path.ends_with("value_matchers/(drop 0)");
    let other_name = |path: &str| path.contains("not_matcher") && path.ends_with("typed_config/path/(drop 1)");
    let of_path = |why: &str, holds: Box<dyn Fn(&str) -> bool>| -> Reason<'_, OfGateway<'_>> {
        (why.to_owned(), Box::new(move |one| holds(&one.path)))
    };
    let mut reasons: Vec<Reason<'_, OfGateway<'_>>> = vec![
        (
            "a name that need not be a text".to_owned(),
            Box::new(|one| drops_that_names_are_texts(&one.change, one.whole)),
        ),
        ("a matcher that only denies".to_owned(), Box::new(|one| only_denies(one.whole, &one.path))),
        of_path("another name", Box::new(other_name)),
        of_path(
            "one byte more of a message, within what is read whole",
            Box::new(|path| path.ends_with("/max_request_body_size/(change)")),
        ),
        of_path(
            "a caller with rules of its own",
            Box::new(move |path| path.contains("/not_matcher/or_matcher/") && helper(path)),
        ),
    ];
    reasons.extend(TOLD_TWICE.iter().map(|end| of_path(end, Box::new(move |path| path.ends_with(end)))));
    reasons.extend(HARMLESS_AT.iter().enumerate().map(|(at, (what, owners, why))| {
        of_path(&format!("{what} of {owners:?}: {why}"), Box::new(move |path| harmless_at(path) == Some(at)))
    }));
    reasons.extend(HARMLESS.iter().map(|(word, why)| {
        let below = move |path: &str| path.split('/').any(|part| part == *word || part == format!("(drop {word})"));
        of_path(&format!("{word}: {why}"), Box::new(below))
    }));
    outcome.assert_explained(&reasons, |OfGateway { name, path, .. }| {
        let parts: Vec<&str> = path.split('/').collect();
        format!("{name}: {}", parts[parts.len().saturating_sub(16)..].join("/"))
    });
    assert!(outcome.all > 9_500, "{}", outcome.all);
}
