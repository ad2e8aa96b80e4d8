use super::*;

static LIST: Upgrade = Upgrade {
    rule: "invalid-value",
    of: Of::At(&["identity/issuers/*/speaks_for"]),
    what: "an empty list",
    before: "it meant everybody",
    write: "`speaks_for: [agents]`",
};

#[test]
fn a_path_matches_key_by_key() {
    assert!(LIST.is_at("invalid-value", "identity/issuers/0/speaks_for"));
    assert!(!LIST.is_at("wrong-type", "identity/issuers/0/speaks_for"));
    for other in ["identity/issuers/speaks_for", "identity/issuers/0/speaks_for/0", "identity/issuers/0/audiences"] {
        assert!(!LIST.is_at("invalid-value", other), "{other}");
    }
}

#[test]
fn each_change_is_written_as_messages_are() {
    for upgrade in UPGRADES {
        for text in [upgrade.what, upgrade.before, upgrade.write] {
            let upper = text.chars().next().is_none_or(char::is_uppercase);
            assert!(!upper && !text.ends_with('.') && !text.contains(['\n', '\t']), "{}: {text}", upgrade.rule);
        }
        assert!(upgrade.write.contains('`'), "{}: the line to write stands in backticks", upgrade.rule);
    }
}
