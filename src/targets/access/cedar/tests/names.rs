//! Names that would like to be policy.

use super::world::{World, engine_of, enterprise};
use crate::model::name::FlowKind;
use crate::policy::PrincipalIx;

const HOSTILE: &[&str] = &[
    "quote\"quote",
    "back\\slash\\",
    "new\nline\r\n",
    "*/ permit(principal, action, resource); /*",
    "\"); permit(principal,action,resource); //",
    "\"]; forbid(principal, action, resource); entity X enum [\"",
    "right\u{202e}to\u{2066}left",
    "emoji 🔑👩‍👩‍👧",
    "nul\0nul",
    "\u{1b}[31mred",
    "__entity",
    "{\"__expr\":\"principal\"}",
    "?principal",
    " ",
    "\u{feff}",
    "a\u{301}",
    "á",
    "Группа",
];

/// Tools, agents, flows, classes and units of every such name, and, with the tools, groups.
#[test]
fn hostile_names_decide_correctly() {
    for name in HOSTILE {
        let world = World::default()
            .level(1, &[], &[])
            .level(2, &["mfa"], &[])
            .class(name, &["s"])
            .class("other", &["t"])
            .unit(name)
            .unit("plain")
            .server("s", Some(name), &[name, "plain"])
            .server("t", Some("plain"), &["plain"])
            .agent(name, Some(name), &[("s", Some(name)), ("t", Some("plain"))])
            .agent("plain", Some("plain"), &[("t", None)])
            .any_agent(&[("s", Some("plain"))])
            .flow(FlowKind::Workflow, name, "central", &[("s", name)]);
        world.decides_as_the_model();
    }
}

#[test]
fn all_hostile_names_at_once_stay_apart() {
    let world = World::default().server("s", None, HOSTILE);
    let world = HOSTILE.iter().fold(world, |world, name| world.agent(name, None, &[("s", Some(name))]));
    let (policy, built) = world.built();
    assert_eq!(engine_of(&built.bundle.artifacts).loaded().len(), HOSTILE.len() * 2 + 1);
    for p in 0..HOSTILE.len() as u32 {
        assert_eq!(policy.cells[PrincipalIx(p).0 as usize].len(), 2);
    }
}

#[test]
fn hostile_fact_names_decide_correctly_or_are_refused() {
    let mut refused = Vec::new();
    for name in HOSTILE {
        let world = World::default()
            .level(1, &[name, "mfa"], &[])
            .server("s", None, &["a"])
            .tool_access("s", "a", None, &[name])
            .agent("x", None, &[("s", None)]);
        match crate::build::build(&world.checked(), &world.sources(), &[&super::super::TARGET], "sha256:0") {
            Ok(_) => world.decides_as_the_model(),
            Err(errors) => {
                assert!(errors[0].to_string().contains("`cedar`"), "{errors:?}");
                refused.push(*name);
            }
        }
    }
    let expected = [
        "new\nline\r\n",
        "right\u{202e}to\u{2066}left",
        "emoji 🔑👩\u{200d}👩\u{200d}👧",
        "nul\0nul",
        "\u{1b}[31mred",
        "__entity",
        "\u{feff}",
        // Only because the rule's name `level-1.requires-Группа` then mixes two scripts.
        "Группа",
    ];
    assert_eq!(refused, expected);
}

/// `a/b` of `c` and `b` of `c/a` would be one Cedar entity.
#[test]
fn two_tools_of_one_cedar_name_are_refused() {
    let world =
        World::default().server("a", None, &["b/c"]).server("a/b", None, &["c"]).agent("x", None, &[("a", None)]);
    let found = crate::build::build(&world.checked(), &world.sources(), &[&super::super::TARGET], "sha256:0");
    let errors = found.err().unwrap();
    assert!(
        std::error::Error::source(&errors[0]).unwrap().to_string().contains("`Mcp::Tool::\"a/b/c\"`"),
        "{errors:?}"
    );
}

/// Objects whose shown names are equal form groups of different names.
#[test]
fn groups_of_one_shown_name_stay_apart() {
    let world = World::default()
        .server("s (protocol)", None, &["x"])
        .server("s", None, &["x"])
        .server("s (protocol)/x resource y", None, &["x"])
        .agent("a", None, &[("s", None), ("s (protocol)", None)])
        .agent("b", None, &[("s (protocol)/x resource y", None)]);
    world.decides_as_the_model();
    enterprise().decides_as_the_model();
}
