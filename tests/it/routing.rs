//! One tool on several servers of a step: which of them a flow may call, and for which data.

use mcpctl::model::name::FlowKind;

use crate::memory::Files;

const WORLD: &str = "\
identity: {issuer: 'https://idp.example', audience: per_server, jwks: 'https://idp.example/keys'}
data_routing:
  classifications:
    - {level: public, mcp_servers: [open]}
    - {level: internal, mcp_servers: [staff, desk]}
    - {level: secret, mcp_servers: [vault], location: secure_enclave}
federation_config: {central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}, business_unit_gateways: {cross_unit_routing: allowed}}
mcp_registry:
  business_units: [{name: hr}, {name: it}]
  servers:
    - {name: open, business_unit: central, class_from: {argument: kind}, tools: [{name: t}, {name: u}]}
    - {name: staff, business_unit: hr, class_from: {argument: kind}, tools: [{name: t}]}
    - {name: desk, business_unit: it, class_from: {argument: kind}, tools: [{name: t}]}
    - {name: vault, business_unit: central, location: secure_enclave, class_from: {argument: kind}, tools: [{name: t}]}
    - {name: plain, business_unit: it, tools: [{name: v}]}
    - {name: other, business_unit: hr, tools: [{name: v}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
workflow_definition: {name: w, business_unit: UNIT, steps: [{name: s, mcp_server: [SERVERS], tools: [TOOL]}]}
";

fn world(unit: &str, servers: &str, tool: &str) -> String {
    WORLD.replace("UNIT", unit).replace("SERVERS", servers).replace("TOOL", tool)
}

/// The calls of the only step, each as its server and for which classes, and how many findings say that a tool is ambiguous.
fn calls(text: &str) -> (Vec<String>, usize) {
    let analysis = Files::of([("a.yaml", text)]).analyse();
    let report = analysis.report();
    let errors: Vec<_> = report.diagnostics.iter().filter(|found| found.severity.word() == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let flow = analysis.model().flows.values().find(|flow| flow.id.value.kind != FlowKind::Saga).unwrap();
    let shown = flow.calls().map(|(_, call)| {
        let server = call.server.as_ref().map_or("nobody", |server| server.as_str());
        match &call.routed {
            Some(routed) => format!("{server} for {}", routed.classes.join(" and ")),
            None => server.to_owned(),
        }
    });
    let ambiguous = report.diagnostics.iter().filter(|found| found.rule.name == "ambiguous-tool").count();
    // What is granted is what is called.
    let policy = analysis.policy();
    let me = policy.principal(&flow.id.to_string());
    let cells = policy.all_cells().filter(|(who, what, _)| {
        Some(*who) == me && matches!(policy.object_at(*what).kind, mcpctl::policy::ObjectKind::Tool(_))
    });
    assert_eq!(cells.count(), flow.calls().filter(|(_, call)| call.server.is_some()).count());
    (shown.collect(), ambiguous)
}

#[test]
fn a_call_goes_to_the_server_whose_class_location_and_unit_fit() {
    let found = |unit: &str, servers: &str, tool: &str| calls(&world(unit, servers, tool));
    let both = ["open for public", "vault for internal and secret"].map(str::to_owned).to_vec();
    assert_eq!(found("central", "open, vault", "t"), (both.clone(), 0));
    assert_eq!(found("central", "vault, open, vault", "t"), (both, 0), "by no order, and twice is once");
    // Of two servers of one class, that of the flow's own unit; the other is meant for nothing, so the step is not clear.
    assert_eq!(found("hr", "open, staff, desk", "t"), (vec!["nobody".to_owned()], 1));
    assert_eq!(found("hr", "open, staff, vault", "t").0, ["open for public", "staff for internal", "vault for secret"]);
    assert_eq!(found("central", "staff, desk", "t"), (vec!["nobody".to_owned()], 1));
    // Only one of them has the tool: nothing has to be chosen.
    assert_eq!(found("central", "open, vault", "u"), (vec!["open".to_owned()], 0));
    // Without a word on classes, the unit alone.
    assert_eq!(found("it", "plain, other", "v"), (vec!["plain".to_owned()], 0));
    assert_eq!(found("hr", "plain, other", "v"), (vec!["other".to_owned()], 0));
    assert_eq!(found("central", "plain, other", "v"), (vec!["nobody".to_owned()], 1));
    // Nobody has it.
    assert_eq!(found("it", "plain, other", "t"), (vec!["nobody".to_owned()], 1));
}

#[test]
fn where_data_may_not_be_it_is_not_sent() {
    let text = world("central", "open, vault", "t");
    let lines = text.split_inclusive('\n').filter(|line| !line.contains("name: staff") && !line.contains("name: desk"));
    let text: String = lines.collect();
    // Data of the class `internal` may be in an enclave alone: the vault is one. On premises alone: so is an enclave.
    for place in ["secure_enclave", "on_premises_only"] {
        let text = text.replace("[staff, desk]}", &format!("[], location: {place}}}"));
        assert_eq!(calls(&text).0, ["open for public", "vault for internal and secret"], "{place}");
    }
    // Where the more sensitive server is in the cloud, there is none for such data.
    let text = text
        .replace("[vault], location: secure_enclave", "[vault]")
        .replace("location: secure_enclave, class", "location: cloud, class");
    let text = text.replace("[staff, desk]}", "[], location: on_premises_only}");
    assert_eq!(calls(&text).0, ["open for public", "vault for secret"]);
}

#[test]
fn all_of_them_have_to_read_the_class_from_one_argument() {
    let text = world("central", "open, vault", "t");
    for (old, new) in [
        (
            "location: secure_enclave, class_from: {argument: kind}",
            "location: secure_enclave, class_from: {argument: sort}",
        ),
        (
            "location: secure_enclave, class_from: {argument: kind}",
            "location: secure_enclave, class_from: {claim: kind}",
        ),
        ("location: secure_enclave, class_from: {argument: kind}", "location: secure_enclave"),
        ("tools: [{name: t}, {name: u}]", "tools: [{name: t, class_from: {argument: other}}, {name: u}]"),
    ] {
        assert!(text.contains(old));
        assert_eq!(calls(&text.replacen(old, new, 1)), (vec!["nobody".to_owned()], 1), "{new}");
    }
}

#[test]
fn sagas_and_processors_choose_alike() {
    let at = WORLD.find("workflow_definition").unwrap();
    let saga =
        "saga_definition: {name: w, steps: [{name: s, mcp_server: [open, vault], action: t, compensation: t}]}\n";
    let analysis = Files::of([("a.yaml", format!("{}{saga}", &WORLD[..at]).as_str())]).analyse();
    let flow = analysis.model().flows.values().next().unwrap();
    let made: Vec<_> = flow.calls().map(|(_, call)| (call.compensation, call.is_alternative())).collect();
    assert_eq!(made, [(false, false), (false, true), (true, false), (true, true)]);
    let processor = "event_driven_config:
  event_bus: {provider: apache_kafka, topics: [{name: x}]}
  event_processors: [{name: p, subscribes_to: [x], triggers_mcp: [open, vault], tools: [t]}]
";
    let text = format!("{}{processor}", &WORLD[..at]);
    assert_eq!(calls(&text).0, ["open for public", "vault for internal and secret"]);
}

#[test]
fn what_undoes_a_step_goes_where_the_step_went_or_nowhere() {
    let at = WORLD.find("workflow_definition").unwrap();
    let saga =
        "saga_definition: {name: w, steps: [{name: s, mcp_server: [open, vault], action: t, compensation: u}]}\n";
    let analysis = Files::of([("a.yaml", format!("{}{saga}", &WORLD[..at]).as_str())]).analyse();
    let flow = analysis.model().flows.values().next().unwrap();
    let undone: Vec<_> = flow.calls().filter(|(_, call)| call.compensation).map(|(_, call)| &call.server).collect();
    assert_eq!(undone, [&None], "`u` is on one of the two servers alone");
    let findings = crate::memory::shown(&analysis);
    assert!(findings.iter().any(|finding| finding.ends_with("ambiguous-tool")), "{findings:?}");
}

#[test]
fn data_stays_with_the_unit_where_a_server_of_it_or_of_the_centre_takes_it() {
    let world =
        WORLD.replace("[staff, desk]}", "[desk]}").replace("[vault], location: secure_enclave", "[vault, staff]");
    let text = world.replace("UNIT", "hr").replace("SERVERS", "open, desk, staff").replace("TOOL", "t");
    assert_eq!(calls(&text).0, ["nobody"], "`desk` of another unit is meant for nothing");
    let text = world.replace("UNIT", "hr").replace("SERVERS", "open, staff").replace("TOOL", "t");
    assert_eq!(calls(&text).0, ["open for public", "staff for internal and secret"]);
}
