//! A bundle that installs more than one gateway.

use super::mcpctl;

#[test]
fn a_bundle_that_installs_two_gateways_says_so_once() {
    let said = |targets: &[&str]| {
        let out = tempfile::tempdir().unwrap();
        let targets: Vec<String> = targets.iter().map(|target| format!("--target={target}")).collect();
        let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        let ran = mcpctl(&["compile", "fixtures/targets/one-gateway.yaml", "--format", "json"])
            .args(&targets)
            .arg("--out")
            .arg(out.path().join("bundle"))
            .run()
            .code(0);
        let of_gateways = |finding: &&serde_json::Value| finding["check"] == "several-gateways";
        let found: Vec<String> = ran.json()["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .filter(of_gateways)
            .map(|finding| finding["message"].as_str().unwrap().to_owned())
            .collect();
        found
    };
    assert_eq!(said(&["ai-gateway", "kubernetes"]), [""; 0]);
    let [message] = said(&["ai-gateway", "agentgateway", "kubernetes"]).try_into().unwrap();
    assert!(message.contains("installs 2 gateways: `agentgateway` and `ai-gateway`"), "{message}");
}
