//! Grants of single resources and prompts: what a person asks about them, and what a change to them opens.

use std::fs;
use std::path::Path;

use super::{Ran, mcpctl};

const WORKSPACE: &str = "
identity: {issuer: 'https://idp.example.com', audiences: [mcp], jwks: 'https://idp.example.com/keys', trust_domain: example.com}
data_routing: {classifications: [{level: public, mcp_servers: [docs]}]}
progressive_auth:
  levels: [{level: 1, requirements: [service_account_token]}, {level: 2, requirements: [service_account_token, mfa]}]
mcp_registry:
  central_gateway: https://mcp.example.com
  servers:
    - name: docs
      url: https://docs.example.com/mcp
      tools: [{name: search}]
      resources: [RESOURCES]
      prompts: [{name: sum}]
  agents:
    - {name: reader, subject: reader, may_call: ['docs/*']}
    - {name: guest, subject: guest, may_call: [GRANTS]}
";

fn write(folder: &Path, resources: &str, grants: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("all.yaml"), WORKSPACE.replace("RESOURCES", resources).replace("GRANTS", grants)).unwrap();
}

fn ask(resources: &str, grants: &str, args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), resources, grants);
    mcpctl(args).arg(folder.path()).run()
}

/// What changes from the one to the other, a line each.
fn changes(base: (&str, &str), head: (&str, &str)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    write(&old, base.0, base.1);
    write(&new, head.0, head.1);
    let ran = mcpctl(&["diff", "--no-artifacts", "--format", "short"]).arg(&old).arg(&new).run();
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out.lines().filter(|line| line.contains("docs")).map(str::to_owned).collect()
}

const WIDE: &str = "{uri: 'docs://*'}";
const NESTED: &str = "{uri: 'docs://*'}, {uri: 'docs://secret/*', auth_level: 2}";

#[test]
fn a_grant_covers_what_it_names_and_nothing_else() {
    let can = |grants: &str, what: &str| {
        let ran = ask(NESTED, grants, &["can", "guest", what, "--with", "service_account_token,mfa"]);
        ran.out.lines().next().unwrap_or(&ran.err).to_owned()
    };
    for (grants, what, allowed) in [
        ("docs/search", "docs/resource:docs://open", false),
        ("docs/search", "docs/prompt:sum", false),
        ("docs/prompt:sum", "docs/prompt:sum", true),
        ("docs/prompt:sum", "docs/search", false),
        ("docs/prompt:sum", "docs", true),
        ("'docs/resource:docs://*'", "docs/resource:docs://secret/x", true),
        ("'docs/resource:docs://secret/*'", "docs/resource:docs://secret/x", true),
        ("'docs/resource:docs://secret/*'", "docs/resource:docs://open", false),
        ("'docs/resource:docs://open'", "docs/resource:docs://open", true),
        ("'docs/resource:docs://open'", "docs/resource:docs://opened", false),
        ("{tools: 'docs/*', only: read_only}", "docs/resource:docs://open", true),
    ] {
        let said = can(grants, what);
        assert_eq!(said.starts_with("allow"), allowed, "{grants} {what}: {said}");
    }
}

#[test]
fn a_spelling_that_gateways_deny_is_asked_about_in_vain() {
    for uri in ["docs://open/../secret/x", "docs://%73ecret/x"] {
        let ran = ask(NESTED, "'docs/*'", &["can", "guest", &format!("docs/resource:{uri}")]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("every spelling of a URI but its normal form"), "{ran:?}");
    }
}

#[test]
fn a_narrower_grant_or_pattern_changes_nothing_for_whoever_has_the_wide_one() {
    assert_eq!(changes((WIDE, "docs/search"), (WIDE, "docs/search")), Vec::<String>::new());
    let opened = changes((WIDE, "docs/search"), (WIDE, "docs/search, 'docs/resource:docs://open'"));
    assert!(opened.len() == 1 && opened[0].contains("guest") && !opened[0].contains("reader"), "{opened:?}");
    // A stricter pattern within the old one closes, and opens nothing.
    let closed = changes((WIDE, "docs/search"), (NESTED, "docs/search"));
    assert!(closed.iter().all(|line| line.contains("narrowed") && line.contains("reader")), "{closed:?}");
    assert!(!closed.is_empty());
    let back = changes((NESTED, "docs/search"), (WIDE, "docs/search"));
    assert!(!back.is_empty() && back.iter().all(|line| line.contains("widened")), "{back:?}");
}
