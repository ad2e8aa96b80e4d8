//! Processors that run controls, nodes of locations, and what the class of a server demands.

use serde_json::Value;

use super::Change;
use crate::cli::diff::Edit;
use crate::cli::mcpctl;

/// Settings with these keys of targets, behind what is there.
fn targets(keys: &str) -> String {
    format!("units:\n  claims: units/claims\ntargets:\n{keys}")
}

const UNITS: &str = "units:\n  claims: units/claims\n";
const CRM: &str = "      mcp_servers: [crm_server]\n";

#[test]
fn a_processor_is_trusted_with_what_it_reads_and_changes() {
    let demand = ("access.yaml", CRM, "      mcp_servers: [crm_server]\n      additional_controls: [dlp]\n");
    let settings = targets("  envoy: {controls: {dlp: 'https://dlp.harbor.example:9002'}}\n");
    let known = ("mcpctl.yaml", UNITS, settings.as_str());
    let change = Change::of(&[demand, known], &[("mcpctl.yaml", "dlp.harbor.example", "dlp.other.example")]);
    change.widens("processor of `dlp` on target `envoy`");
    // That the server does it itself is its word, and that a processor does is another's.
    let crm = "crm.sales.harbor.example:9443/mcp\n";
    let own = ("registry.yaml", crm, "crm.sales.harbor.example:9443/mcp\n      controls: [dlp]\n");
    let change = Change::of(&[demand, known], &[own]);
    change.widens("control `dlp` of server `crm_server`: run by a processor -> run by the server");
    change.turned().widens("control `dlp` of server `crm_server`: run by the server -> run by a processor");
    Change::of(&[demand, own], &[known]).narrows("");
    let asked = Change::of(&[known], &[demand]);
    // Somebody new reads the calls, though more is asked for; who is named and reads nothing is trusted with nothing.
    asked.widens("processor of `dlp` on target `envoy`: new, https://dlp.harbor.example:9002");
    let unused = Change::of(&[known], &[("mcpctl.yaml", "controls: {dlp: 'https://dlp.harbor.example:9002'}", "")]);
    unused.narrows("");
    let slash = Change::of(&[demand, known], &[("mcpctl.yaml", ":9002", ":9002/")]);
    slash.narrows("");
    asked.turned().widens("control `dlp` of server `crm_server`: gone");
}

#[test]
fn a_server_of_another_class_keeps_what_its_class_demands() {
    let (demand, without) = ("      location: secure_enclave\n", "      mcp_servers: [claims_server]\n");
    let class = format!("{without}{demand}");
    let held = [("access.yaml", without, class.as_str())];
    let server = (
        "registry.yaml",
        "claims.claims.harbor.example:9443/mcp\n",
        "claims.claims.harbor.example:9443/mcp\n      location: secure_enclave\n",
    );
    let both = [held[0], server];
    let said = "location that the class of server `claims_server` demands: gone, was secure_enclave";
    let internal = ("access.yaml", "mcp_servers: [mail_server]", "mcp_servers: [mail_server, claims_server]");
    let nowhere = ("access.yaml", without, "      mcp_servers: []\n");
    Change::of(&both, &[nowhere, internal]).widens(said);
    // What no class lists is of the last one.
    Change::of(&both, &[nowhere]).narrows("");
    let unlisted = [held[0], server, nowhere];
    Change::of(&unlisted, &[internal]).widens(said);
}

#[test]
fn a_second_place_lets_pods_run_in_more() {
    let places = |more: &str| {
        targets(&format!("  kubernetes:\n    locations:\n      on_premises: {{node_labels: {{site: here}}}}\n{more}"))
    };
    let (one, two) = (places(""), places("      secure_enclave: {node_labels: {site: vault}}\n"));
    Change::of(&[], &[("mcpctl.yaml", UNITS, &one)]).narrows("trust: nodes for `on_premises_only`");
    let change = Change::of(&[("mcpctl.yaml", UNITS, &one)], &[("mcpctl.yaml", &one, &two)]);
    change.widens("nodes for `on_premises_only` on target `kubernetes`");
    let anywhere = ("access.yaml", CRM, "      mcp_servers: [crm_server]\n      location: any\n");
    let change = Change::of(&[anywhere], &[("access.yaml", "      location: any\n", "")]);
    change.narrows("");
    change.turned().narrows("");
}

#[test]
fn what_is_believed_from_now_on_reaches_the_gateways_of_units_first() {
    let gateways = targets("  agentgateway: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}\n");
    let both = [("mcpctl.yaml", UNITS, gateways.as_str())];
    let order = |edits: &[Edit<'_>]| {
        let change = Change::of(&both, edits);
        let ran = mcpctl(&["diff", "--format", "json"]).arg(&change.base).arg(&change.head).run();
        serde_json::from_str::<Value>(&ran.out).unwrap()["order"].clone()
    };
    let believed = [("identity.yaml", "claim: amr, contains: mfa", "claim: groups, contains: staff")];
    assert_eq!(order(&believed), serde_json::json!([["claims", "sales"], ["central"]]));
    let closed = [(
        "registry.yaml",
        "may_call: [\"claims_server/*\", crm_server/get_customer]",
        "may_call: [\"claims_server/*\"]",
    )];
    assert_eq!(order(&closed), serde_json::json!([["central"], ["sales"]]));
}
