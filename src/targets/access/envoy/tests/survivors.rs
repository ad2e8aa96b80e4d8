//! Changes that change no decision, each with the reason, and that all others are caught.

use super::*;

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
    ("common_http_protocol_options", "headers that no rule asks for"),
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

#[test]
fn every_change_that_changes_a_decision_is_caught() {
    let (checked, policy, folders) = compiled();
    let mut survivors: BTreeMap<String, usize> = BTreeMap::new();
    let (mut all, mut killed, mut harmless) = (0, 0, BTreeSet::new());
    let mut harmless_ends = BTreeSet::new();
    let mut told_twice = BTreeSet::new();
    let mut reasons = BTreeSet::new();
    for name in ["central", "retail"] {
        let whole = &folders[name]["envoy.static.yaml"];
        let bootstrap = &folders[name]["bootstrap.yaml"];
        assert!(!caught(&folders, checked.model(), &policy));
        let told = |path: &str| SAMPLED.iter().any(|word| path.split('/').any(|part| part == *word));
        let verdicts: Vec<(String, bool, Option<&str>)> = changes(whole)
            .into_par_iter()
            .enumerate()
            .filter(|(at, change)| at % 8 == 0 || !told(&change.path))
            .map(|(_, change)| change)
            .map(|change| {
                let changed = Folders::from([(name.to_owned(), folder_of(&change.of(whole), bootstrap))]);
                let caught = match judge_one(&changed, name, checked.model(), &policy) {
                    Err(_) => true,
                    Ok(part) => matches!(agree("envoy", &policy, vec![part]), Err(BuildError::Differs { .. })),
                };
                let of_whole = [
                    ("a name that need not be a text", change.drops_that_names_are_texts(whole)),
                    ("a matcher that only denies", only_denies(whole, &change.path)),
                ];
                let reason = of_whole.into_iter().find(|(_, holds)| *holds).map(|(reason, _)| reason);
                (change.path, caught, reason)
            })
            .collect();
        for (path, caught, reason) in verdicts {
            all += 1;
            killed += usize::from(caught);
            if caught {
                continue;
            }
            let below = |word: &str| path.split('/').any(|part| part == word || part == format!("(drop {word})"));
            // Who is taken for anybody although `helper` has rules of its own, which come first.
            let helper = |path: &str| path.contains("value_matchers/0/") || path.ends_with("value_matchers/(drop 0)");
            let other_name = path.contains("not_matcher") && path.ends_with("typed_config/path/(drop 1)");
            let of_path = [
                ("another name", other_name),
                ("a caller with rules of its own", path.contains("/not_matcher/or_matcher/") && helper(&path)),
            ];
            let of_path = of_path.into_iter().find(|(_, holds)| *holds).map(|(reason, _)| reason);
            if let Some(reason) = reason.or(of_path) {
                reasons.insert(reason);
                continue;
            }
            if let Some(at) = TOLD_TWICE.iter().position(|end| path.ends_with(end)) {
                told_twice.insert(at);
                continue;
            }
            if let Some(at) = harmless_at(&path) {
                harmless_ends.insert(at);
                continue;
            }
            match HARMLESS.iter().find(|(word, _)| below(word)) {
                Some((word, _)) => drop(harmless.insert(*word)),
                None => {
                    let parts: Vec<&str> = path.split('/').collect();
                    let end = parts[parts.len().saturating_sub(16)..].join("/");
                    *survivors.entry(format!("{name}: {end}")).or_default() += 1;
                }
            }
        }
    }
    let rate = 100.0 * f64::from(killed as u32) / f64::from(all as u32);
    let some: Vec<&String> = survivors.keys().take(60).collect();
    let count = survivors.len();
    assert!(
        survivors.is_empty(),
        "{killed} of {all} changes are caught ({rate:.1} %); {count} kinds survive: {some:#?}"
    );
    let needless: Vec<&&str> =
        TOLD_TWICE.iter().enumerate().filter(|(at, _)| !told_twice.contains(at)).map(|(_, end)| end).collect();
    assert!(needless.is_empty(), "each is needed: {needless:#?}");
    assert!(all > 9_500, "{all}");
    let every = [
        "a caller with rules of its own",
        "a matcher that only denies",
        "a name that need not be a text",
        "another name",
    ];
    assert!(reasons.iter().eq(every.iter()), "something survives by each of these reasons: {reasons:?}");
    let unused: Vec<&str> = HARMLESS.iter().map(|(word, _)| *word).filter(|word| !harmless.contains(word)).collect();
    assert!(unused.is_empty(), "nothing survives by these reasons: {unused:?}");
    let unused: Vec<_> =
        (0..HARMLESS_AT.len()).filter(|at| !harmless_ends.contains(at)).map(|at| HARMLESS_AT[at]).collect();
    assert!(unused.is_empty(), "nothing survives by these reasons: {unused:?}");
}
