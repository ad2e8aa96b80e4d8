//! `mcpctl diff`: what is taken away from trust, and how many cells rest on what is replaced.

mod controls;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::diff::{Edit, copy, edit};
use super::{Ran, mcpctl};

/// The base of `fixtures/review`, edited twice: both sides, and the head.
struct Change {
    _folder: tempfile::TempDir,
    base: PathBuf,
    head: PathBuf,
}

impl Change {
    fn of(both: &[Edit<'_>], head_only: &[Edit<'_>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/review/base");
        let [base, head] = ["base", "head"].map(|name| folder.path().join(name));
        copy(&fixture, &base);
        edit(&base, both);
        copy(&base, &head);
        edit(&head, head_only);
        Self { _folder: folder, base, head }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let args = [&["--no-artifacts", "--deny", "widening", "--today", "2026-11-22"], args].concat();
        mcpctl(&["diff"]).arg(&self.base).arg(&self.head).args(&args).run()
    }

    fn turned(self) -> Self {
        Self { base: self.head, head: self.base, _folder: self._folder }
    }

    /// That the change, or its mirror, is a widening, with the line that says so.
    #[track_caller]
    fn widens(&self, said: &str) {
        let ran = self.run(&["--format", "short"]);
        assert!(ran.code == 1 && ran.out.contains(&format!("trust widening: {said}")), "{said}\n{ran:?}");
    }

    /// That it is shown, where it is, and widens nothing.
    #[track_caller]
    fn narrows(&self, said: &str) {
        let ran = self.run(&["--format", "short"]);
        assert!(ran.code == 0 && !ran.out.contains("trust widening") && ran.out.contains(said), "{said}\n{ran:?}");
    }
}

const ISSUER: &str = "    - issuer: https://login.harbor.example
      audiences: [mcp-gateway]
      jwks: https://login.harbor.example/keys
      speaks_for: [agents, flows]
";

const SECOND: &str = "    - issuer: https://old.harbor.example
      audiences: [mcp-gateway]
      jwks: https://old.harbor.example/keys
      speaks_for: [agents]
";

#[test]
fn an_issuer_that_is_gone_is_a_narrowing_and_a_new_one_is_not() {
    let two = format!("{ISSUER}{SECOND}");
    let change = Change::of(&[("identity.yaml", ISSUER, &two)], &[("identity.yaml", SECOND, "")]);
    change.narrows("trust: issuer `https://old.harbor.example`: gone, was believed for agents, audience mcp-gateway");
    let said = "issuer `https://old.harbor.example`: new, believed for agents, audience mcp-gateway, keys https://old.harbor.example/keys";
    change.turned().widens(said);
}

#[test]
fn a_key_that_is_gone_is_a_narrowing_and_a_new_one_is_not() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/federation/central/keys");
    let set = |name: &str| -> Value { serde_json::from_slice(&fs::read(fixture.join(name)).unwrap()).unwrap() };
    let keys = |value: &Value| value["keys"].as_array().unwrap().clone();
    let (one, other) = (set("agents.json"), set("flows.json"));
    let both = serde_json::json!({"keys": ([keys(&one), keys(&other)].concat())});
    let change =
        Change::of(&[("identity.yaml", "jwks: https://login.harbor.example/keys", "jwks_file: keys/login.json")], &[]);
    for (folder, set) in [(&change.base, &both), (&change.head, &one)] {
        fs::create_dir_all(folder.join("keys")).unwrap();
        fs::write(folder.join("keys/login.json"), set.to_string()).unwrap();
    }
    change.narrows("trust: keys of `https://login.harbor.example`");
    // The same keys in another order and another form.
    let turned = serde_json::json!({"keys": ([keys(&other), keys(&one)].concat())});
    fs::write(change.head.join("keys/login.json"), serde_json::to_string_pretty(&turned).unwrap()).unwrap();
    change.narrows("trust: keys of `https://login.harbor.example`");
    fs::write(change.head.join("keys/login.json"), one.to_string()).unwrap();
    change.turned().widens("keys of `https://login.harbor.example`");
}

/// An agent with this subject, which may call this.
fn agent(subject: &str, may_call: &str) -> String {
    format!(
        "    - name: legacy_agent\n      business_unit: central\n      subject: {subject}\n      may_call: [{may_call}]\n"
    )
}

const ANYBODY: &str = "  any_agent:\n    may_call: [docs_server/search_docs]\n";
const LAST: &str = "      may_call: [claims_server/get_claim, crm_server/get_customer]\n";

/// The registry with more after its last agent.
fn with(more: &str) -> String {
    format!("{LAST}{more}")
}

#[test]
fn what_the_tokens_of_an_agent_that_is_gone_may_do() {
    let spiffe = "spiffe://harbor.example/ns/central/sa/legacy";
    let gone = |agent: &str, anybody: &str| {
        let all = with(&format!("{agent}{anybody}"));
        Change::of(&[("registry.yaml", LAST, &all)], &[("registry.yaml", agent, "")])
    };
    // It may then do what any agent may, which it might not before.
    let change = gone(&agent(spiffe, "mail_server/list_mail"), ANYBODY);
    change.widens(&format!("tokens with subject `{spiffe}`: `legacy_agent` -> any agent"));
    // It could do all of that before, and nobody may be taken for a user by a SPIFFE ID.
    gone(&agent(spiffe, "\"docs_server/*\""), ANYBODY).narrows("removed: ");
    gone(&agent(spiffe, "mail_server/list_mail"), "").narrows("removed: ");
    // By another one somebody may.
    let change = gone(&agent("legacy", "mail_server/list_mail"), "");
    change.widens("tokens with subject `legacy`: `legacy_agent` -> a user");
    let change = gone(&agent("legacy", "mail_server/list_mail"), ANYBODY);
    change.widens("tokens with subject `legacy`: `legacy_agent` -> any agent or a user");
    // In no target may one.
    let change = gone(&agent(spiffe, "mail_server/list_mail"), "");
    for folder in [&change.base, &change.head] {
        edit(folder, &[("mcpctl.yaml", "review:\n", "targets: {agentcore: {}}\nreview:\n")]);
    }
    change.narrows("removed: ");
}

#[test]
fn an_agent_that_is_no_longer_bound_to_an_issuer() {
    let two = format!("{ISSUER}{SECOND}");
    let spiffe = "spiffe://harbor.example/ns/central/sa/legacy";
    let loose = agent(spiffe, "mail_server/list_mail");
    let subject = format!("      subject: {spiffe}\n");
    let bound = loose.replace(&subject, &format!("{subject}      issuer: https://login.harbor.example\n"));
    let change = |before: &str, after: &str, anybody: &str| {
        let (before, after) = (with(&format!("{before}{anybody}")), with(&format!("{after}{anybody}")));
        let both = [("identity.yaml", ISSUER, two.as_str()), ("registry.yaml", LAST, before.as_str())];
        Change::of(&both, &[("registry.yaml", before.as_str(), after.as_str())])
    };
    change(&bound, &loose, "").widens("issuer of `legacy_agent`: gone, was https://login.harbor.example");
    change(&loose, &bound, "").narrows("trust: issuer of `legacy_agent`: new, https://login.harbor.example");
    // The tokens of the other issuer are then those of any agent.
    let said = format!("tokens with subject `{spiffe}` of other issuers: `legacy_agent` -> any agent");
    change(&loose, &bound, ANYBODY).widens(&said);
}

#[test]
fn evidence_that_is_no_longer_bound_to_an_issuer() {
    let two = format!("{ISSUER}{SECOND}");
    let (loose, bound) = (
        "mfa: {claim: amr, contains: mfa, scope: mcp.mfa}",
        "mfa: {claim: amr, contains: mfa, scope: mcp.mfa, issuer: https://login.harbor.example}",
    );
    let both = ("identity.yaml", ISSUER, two.as_str());
    Change::of(&[both], &[("identity.yaml", loose, bound)]).narrows("trust: evidence of `mfa`");
    Change::of(&[both, ("identity.yaml", loose, bound)], &[("identity.yaml", bound, loose)])
        .widens("evidence of `mfa`");
}

#[test]
fn what_is_replaced_says_how_many_cells_depend_on_it() {
    let change = Change::of(
        &[],
        &[("identity.yaml", "jwks: https://login.harbor.example/keys", "jwks: https://login.harbor.example/keys2")],
    );
    let ran = change.run(&["--format", "json"]);
    let json = ran.json();
    let keys = json["trust"].as_array().unwrap().iter().find(|it| it["what"].as_str().unwrap().starts_with("keys"));
    let depends = &keys.unwrap()["depends"];
    // One issuer speaks for everybody, so all cells that anybody may have.
    assert_eq!(depends["cells"].as_u64(), json["access"]["cells_compared"].as_u64(), "{depends}");
    assert!(depends["principals"].as_array().unwrap().contains(&"workflow:claim_intake".into()), "{depends}");
    let cells = depends["cells"].as_u64().unwrap();
    for format in ["human", "short", "markdown", "html", "github"] {
        let out = change.run(&["--format", format]).out;
        assert!(
            out.contains(&format!("{cells} cells depend on it: ")) && out.contains("claims_server"),
            "{format}\n{out}"
        );
    }
    // One that speaks for flows alone bears what flows may call.
    let flows = ISSUER.replace("[agents, flows]", "[agents]") + &SECOND.replace("[agents]", "[flows]");
    let both = ("identity.yaml", ISSUER, flows.as_str());
    let other = Change::of(
        &[both],
        &[("identity.yaml", "jwks: https://old.harbor.example/keys", "jwks: https://x.example/keys")],
    );
    let json = other.run(&["--format", "json"]).json();
    assert_eq!(json["trust"][0]["depends"]["principals"], serde_json::json!(["workflow:claim_intake"]));
    assert_eq!(json["trust"][0]["depends"]["servers"], serde_json::json!(["claims_server", "crm_server"]));
    // An issuer in the place of another one, and the certificate of a gateway.
    let issuer = Change::of(
        &[],
        &[("identity.yaml", "issuer: https://login.harbor.example", "issuer: https://login2.harbor.example")],
    );
    let ran = issuer.run(&["--format", "short"]);
    assert!(
        ran.out.contains("trust widening: issuer `https://login2.harbor.example`")
            && ran.out.contains(&format!("{cells} cells depend on it")),
        "{}",
        ran.out
    );
}

#[test]
fn a_certificate_that_is_replaced_says_how_many_cells_depend_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/federation");
    let [base, head] = ["base", "head"].map(|name| folder.path().join(name));
    copy(&fixture, &base);
    copy(&fixture, &head);
    let (key, other) = ("key: /etc/mcpctl/tls/finance.key", "key: /etc/mcpctl/tls/other.key");
    edit(&head, &[("mcpctl.yaml", key, other)]);
    let ran = mcpctl(&["diff", "--no-artifacts", "--format", "json"]).arg(&base).arg(&head).run().code(0);
    let depends = ran.json()["trust"][0]["depends"].clone();
    // The gateway of a unit has the unit's servers.
    assert_eq!(depends["servers"], serde_json::json!(["billing_server", "payment_server"]), "{depends}");
}

#[test]
fn pages_that_may_call_and_revisions_that_are_accepted_are_widenings() {
    let settings = |origins: &str| format!("targets: {{envoy: {{origins: [{origins}]}}}}\nreview:\n");
    let (one, two) = ("https://a.example", "https://a.example, 'https://b.example'");
    let change = Change::of(&[("mcpctl.yaml", "review:\n", &settings(one))], &[("mcpctl.yaml", one, two)]);
    change.widens("pages of `https://b.example` on target `envoy`: new, may call");
    change.turned().narrows("pages of `https://b.example` on target `envoy`");
    let few = "protocol: [2025-11-25]\nreview:\n";
    let change = Change::of(&[("mcpctl.yaml", "review:\n", few)], &[("mcpctl.yaml", "protocol: [2025-11-25]\n", "")]);
    change.widens("revision 2026-07-28 of MCP: new, accepted");
    change.turned().narrows("revision 2026-07-28 of MCP");
}

#[test]
fn a_method_that_the_entry_of_a_server_no_longer_denies_is_a_widening() {
    let name = "    - name: crm_server\n";
    let denies = |methods: &str| format!("{name}      methods: {{deny: [{methods}]}}\n");
    let with =
        |before: &str, after: &str| Change::of(&[("registry.yaml", name, before)], &[("registry.yaml", before, after)]);
    let change = with(&denies("ping, logging/setLevel"), &denies("ping"));
    change.widens("method `logging/setLevel` on server `crm_server`: gone");
    change.turned().narrows("method `logging/setLevel` on server `crm_server`");
    with(&denies("ping"), name).widens("method `ping` on server `crm_server`: gone");
    // Nobody may follow a task in any case.
    let task = with(&denies("ping, tasks/get"), &denies("ping"));
    task.narrows("method `tasks/get` on server `crm_server`");
}

/// Without the schema of a tool, a gateway leaves its `Mcp-Param-*` headers as the caller wrote them.
#[test]
fn a_schema_that_is_gone_ends_the_comparison_of_headers() {
    const TOOL: &str = "{name: get_customer, annotations: {read_only: true}}";
    const KNOWN: &str = "{name: get_customer, annotations: {read_only: true}, input_schema: {type: object}}";
    let change = Change::of(&[("registry.yaml", TOOL, KNOWN)], &[("registry.yaml", KNOWN, TOOL)]);
    let said = "headers `Mcp-Param-*` of tool `crm_server/get_customer`: ";
    change.widens(&format!("{said}gone, was compared with the arguments"));
    change.turned().narrows(&format!("trust: {said}new, compared with the arguments"));
    // Other marks in the schema change what is compared, and the gateway removes the rest.
    let marked = KNOWN.replace("type: object", "type: object, properties: {id: {type: string, x-mcp-header: Id}}");
    let change = Change::of(&[("registry.yaml", TOOL, KNOWN)], &[("registry.yaml", KNOWN, &marked)]);
    let ran = change.run(&["--format", "short"]);
    assert!(ran.code == 0 && !ran.out.contains("Mcp-Param"), "{ran:?}");
}
