//! That no environment changes who may do what.

use super::*;
use crate::policy::condition::Condition;

fn place() -> DeclaredEnvironment<'static> {
    DeclaredEnvironment { name: "prod", folder: "env/prod", declared: Loc::default(), files: vec![FileId(0)] }
}

fn analysed(text: &str) -> Policy {
    let file = crate::workspace::InputFile { name: "a.yaml".to_owned(), bytes: Ok(text.as_bytes().to_vec()) };
    let workspace = crate::workspace::Workspace {
        root: "/".into(),
        files: vec![file],
        settings: None,
        skipped: crate::workspace::Skipped::default(),
    };
    crate::analysis::analyse(workspace, None).policy
}

const BASE: &str = "mcp_registry:\n  servers: [{name: a, tools: [{name: t, auth_level: 1}, {name: u}]}]\n  agents: [{name: one, subject: s, \
                    may_call: [a/t]}]\nprogressive_auth:\n  levels: [{level: 1, requirements: [service_account_token]}]\n";

#[test]
fn another_relation_is_found_and_the_cell_is_named() {
    let base = analysed(BASE);
    let said = |text: &str| relation_changed(&place(), &base, &analysed(text)).map(|finding| finding.message);
    assert_eq!(said(BASE), None);
    let more = said(&BASE.replace("[a/t]", "[a/t, a/u]")).unwrap();
    assert_eq!(more, "environment `prod` changes who may do what: the cell `one` on `a/u`");
    let other = said(&BASE.replace("subject: s", "subject: x")).unwrap();
    assert!(other.ends_with("the principal `one` is another one"), "{other}");
    let object = said(&BASE.replace("name: u", "name: v")).unwrap();
    assert!(object.ends_with("other things to call"), "{object}");
    let fact = said(&BASE.replace("[service_account_token]", "[mfa]")).unwrap();
    assert!(fact.ends_with("the facts that calls need are others"), "{fact}");
    let mut looser = base.clone();
    let always = looser.conditions.intern(Condition::always());
    looser.cells[0].iter_mut().for_each(|(_, cell)| cell.condition = always);
    assert!(relation_changed(&place(), &base, &looser).unwrap().message.contains("`one` on `a"));
}
