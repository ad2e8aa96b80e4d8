//! `mcpctl explain`.

use mcpctl::analysis::rules::all_rules;
use mcpctl::families::FamilyId;
use mcpctl::targets::{TARGETS, families_for_products};

use super::mcpctl;

#[test]
fn everything_with_a_name_is_explained_in_both_formats() {
    let rules = all_rules();
    assert!(rules.iter().any(|rule| rule.name == "unclassified-server"));
    for rule in &rules {
        let text = mcpctl(&["explain", rule.name]).run().code(0);
        let first = text.out.lines().next().unwrap();
        assert!(first.starts_with(rule.name) && first.contains(rule.severity.word()), "{first}");
        assert!(text.out.contains("Why it matters") && text.out.contains("How to fix it"), "{}", text.out);
        assert_eq!(text.err, "");
        let data = mcpctl(&["explain", rule.name, "--format", "json"]).run().code(0).json();
        assert_eq!(data["kind"], "check");
        assert_eq!(data["what"], rule.what);
        assert_eq!(data["severity"], rule.severity.word());
    }
    for family in FamilyId::ALL {
        let text = mcpctl(&["explain", family.key()]).run().code(0).out;
        assert!(text.contains("Keys\n  "), "{text}");
        let data = mcpctl(&["explain", family.name(), "--format", "json"]).run().code(0).json();
        assert_eq!(data["key"], family.key());
        assert_ne!(data["description"], "");
        // A check may have the name of a family; none does.
        assert_eq!(data["kind"], "family");
    }
    for target in TARGETS {
        let text = mcpctl(&["explain", target.name()]).run().code(0).out;
        for family in families_for_products() {
            let row = text.contains(&format!("\n  {} ", family.name()));
            assert_eq!(row, target.covers(*family).is_some(), "{}: {text}", family.name());
            assert!(row || text.split_once("It enforces nothing of ").unwrap().1.contains(family.name()), "{text}");
        }
        let data = mcpctl(&["explain", target.name(), "--format", "json"]).run().code(0).json();
        assert_eq!(data["coverage"].as_array().unwrap().len(), families_for_products().count());
    }
    assert!(mcpctl(&["explain", "settings"]).run().code(0).out.contains("docs_url"));
}

#[test]
fn keys_are_shown_with_what_they_hold() {
    let text = mcpctl(&["explain", "bulkhead"]).run().code(0).out;
    for words in ["resource_pools", "    mcp_servers", "memory", "required"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    assert!(text.lines().all(|line| !line.ends_with(' ')), "{text}");
}

#[test]
fn an_unknown_name_has_a_suggestion() {
    mcpctl(&["explain", "unclasified-server"]).run().refused("did you mean `unclassified-server`?");
    mcpctl(&["explain", "bulkhaed_config"]).run().refused("did you mean `bulkhead_config`?");
    mcpctl(&["explain", "cedra"]).run().refused("did you mean `cedar`?");
    mcpctl(&["explain", "nothing-like-it-at-all"]).run().refused("mcpctl list checks");
}
