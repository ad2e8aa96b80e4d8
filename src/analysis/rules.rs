//! The rules of reading files and of waivers.

use crate::diagnostic::{Rule, Severity};

/// A file cannot be read.
pub static UNREADABLE: Rule = Rule {
    name: "unreadable-file",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds YAML files that the system does not let mcpctl read.",
    why: "Their content is not known, so nothing complete can be said about the workspace.",
    fix: "Give read permission, or list the file under `exclude` in `mcpctl.yaml`.",
};

/// A file is not UTF-8.
pub static NOT_UTF8: Rule = Rule {
    name: "not-utf8",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds YAML files that are not UTF-8.",
    why: "The bytes could be read in several ways, and a policy must have one meaning.",
    fix: "Save the file as UTF-8.",
};

/// A link leads out of the workspace.
pub static LINK_OUTSIDE: Rule = Rule {
    name: "link-outside-workspace",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds symbolic links that lead out of the workspace folder.",
    why: "They are not followed: whoever can change what they point to could change policy without a review. A file that \
          somebody meant to be read must not vanish silently either.",
    fix: "Copy the file into the workspace, or list the link under `exclude` in `mcpctl.yaml`.",
};

/// Settings stand elsewhere than at the root.
pub static MISPLACED_SETTINGS: Rule = Rule {
    name: "misplaced-settings",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds files called `mcpctl.yaml` below the root of the workspace.",
    why: "Settings are read at the root alone. A second file would have no effect; most often the folder that holds it is \
          the workspace that was meant.",
    fix: "Run mcpctl on the folder that holds the file (`mcpctl validate FOLDER`, and `args: [FOLDER]` in a pre-commit \
          hook), or list the folder under `exclude`.",
};

/// Nothing is configured.
pub static EMPTY_WORKSPACE: Rule = Rule {
    name: "empty-workspace",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds workspaces whose files hold no section at all.",
    why: "Nothing is granted by nothing: compiled, it would deny every call. A truncated file, or a wrong path, looks the \
          same.",
    fix: "Check the path. `mcpctl init` writes a small workspace to start from.",
};

/// A waiver is past its date.
pub static EXPIRED_WAIVER: Rule = Rule {
    name: "expired-waiver",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds waivers whose last day is over.",
    why: "A finding was accepted for a time, and the time is over: it counts again.",
    fix: "Mend what was waived, or have its owner set a new date.",
};

/// A waiver matches nothing.
pub static UNUSED_WAIVER: Rule = Rule {
    name: "unused-waiver",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds waivers that no finding matches.",
    why: "Either it was fixed, and the waiver would silently accept the next one; or the waiver is mistyped.",
    fix: "Remove the waiver, or correct its `check`, `file`, `line` or `matches`.",
};

/// A comment accepts nothing.
pub static UNUSED_IGNORE: Rule = Rule {
    name: "unused-ignore",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds comments `# mcpctl: ignore[CHECK]` on whose line the check finds nothing.",
    why: "What the comment accepted is corrected, or the comment is on another line. Left there, it would accept the next finding \
          unseen.",
    fix: "Remove the name from the comment, or the whole comment. A comment at the end of a line is about that line; alone on a \
          line, about the next one.",
};

/// A comment says why for nobody.
pub static IGNORE_WITHOUT_REASON: Rule = Rule {
    name: "ignore-without-reason",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds comments `# mcpctl: ignore[CHECK]` that give no reason. They accept nothing.",
    why: "Whoever reads the file later cannot judge whether the finding still does not matter.",
    fix: "Write the reason after the bracket: `# mcpctl: ignore[server-without-pool] a batch server, one call at a time`.",
};

/// A comment cannot be read.
pub static INVALID_IGNORE: Rule = Rule {
    name: "invalid-ignore",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds comments that begin with `mcpctl:` and are not of the form `# mcpctl: ignore[CHECK] REASON`.",
    why: "The comment has no effect, and its author believes that it has one.",
    fix: "Write `# mcpctl: ignore[CHECK] REASON`, with several checks separated by commas; or begin the comment with another word.",
};

/// A key set is none.
pub static KEY_SET: Rule = Rule {
    name: "unreadable-key-set",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds files named by `jwks_file` that cannot be read, stand outside the workspace, or are no JSON Web Key Set of \
           public keys.",
    why: "Gateways verify tokens with these keys. Without them no token is good; and a private key in the workspace lets \
          everybody who reads it sign tokens.",
    fix: "Write the issuer's public key set there: `{\"keys\": [...]}`, as its `jwks_uri` gives it.",
};

/// An environment sets what is not an address.
pub static ENVIRONMENT_OVERREACH: Rule = Rule {
    name: "environment-overreach",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds in the folder of an environment what it may not set: anything but the URLs of gateways and servers that the \
           workspace declares, the issuers of tokens, and settings of targets other than `assume` and `verified_headers`.",
    why: "Environments are the same system at other addresses. An environment that could grant, class or suspend something \
          would be a second policy, and what was tested in one would say nothing about the other.",
    fix: "Move what the message names to the workspace itself, or declare the server or unit there.",
};

/// An environment has no files.
pub static ENVIRONMENT_WITHOUT_FILES: Rule = Rule {
    name: "environment-without-files",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds folders under `environments` in `mcpctl.yaml` that contain no YAML file.",
    why: "Where the folder is mistyped, a compile for the environment would have the addresses of another one.",
    fix: "Correct the path (relative to the workspace, case matters), or remove the line.",
};

/// An environment changes who may do what.
pub static ENVIRONMENT_CHANGES_ACCESS: Rule = Rule {
    name: "environment-changes-access",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds environments in which somebody may do something else than in the workspace, and issuers of an environment that \
           may speak for more principals than one of the workspace's does, or leave out some.",
    why: "The relation is derived with and without the environment, and both must be the same. Whoever an issuer may speak for \
          it can be: one that speaks for agents and for flows can pass off either as the other.",
    fix: "Give each issuer of the environment the `speaks_for` of the one that it replaces.",
};

/// A test environment has the addresses of the workspace itself.
pub static TESTS_REACH_PRODUCTION: Rule = Rule {
    name: "tests-reach-production",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds `test_environments` with the name of an environment in `mcpctl.yaml` that leaves servers of the tests at the address that \
           the workspace has for them.",
    why: "Tests inject faults and write data. A test environment at the addresses of production does so there. `run_scenarios.py` \
          refuses flows that call such an address, so the scenario is not run at all.",
    fix: "Give each server that the message names a `url` of its own in the folder of the environment, or take it out of `mcp_servers`.",
};

/// A check that does not exist.
pub static UNKNOWN_CHECK: Rule = Rule {
    name: "unknown-check",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds check names, in `checks` of `mcpctl.yaml`, in waivers and in ignore comments, that no check has, or whose \
           findings can be neither waived nor given another level: those of reading and shape, and `unit-widens-policy`.",
    why: "The setting or waiver has no effect, and the check that was meant goes on as before.",
    fix: "Correct the name; `mcpctl list checks` shows all.",
};

/// A check that guards access is switched off.
pub static GUARDING_CHECK_OFF: Rule = Rule {
    name: "guarding-check-off",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds checks that guard access and are set to `off` in `checks` of `mcpctl.yaml`, or are named in a comment \
           `# mcpctl: ignore[CHECK]`.",
    why: "Without the check, more could be allowed than somebody meant, and nobody would be told. Such a finding is accepted one by \
          one, by a waiver that names an owner and a last day.",
    fix: "Correct what the check finds, or add an entry to `waivers` for that finding. A lower level is possible: the finding is \
          still shown, and a compile still stops for it.",
};

/// The rules above, for the catalogue.
pub static RULES: [&Rule; 17] = [
    &EMPTY_WORKSPACE,
    &ENVIRONMENT_CHANGES_ACCESS,
    &ENVIRONMENT_OVERREACH,
    &ENVIRONMENT_WITHOUT_FILES,
    &EXPIRED_WAIVER,
    &GUARDING_CHECK_OFF,
    &IGNORE_WITHOUT_REASON,
    &INVALID_IGNORE,
    &KEY_SET,
    &LINK_OUTSIDE,
    &MISPLACED_SETTINGS,
    &NOT_UTF8,
    &TESTS_REACH_PRODUCTION,
    &UNKNOWN_CHECK,
    &UNREADABLE,
    &UNUSED_IGNORE,
    &UNUSED_WAIVER,
];

/// Every rule that a finding can name: the checks', and those of reading, shape and lowering. Sorted by name.
#[must_use]
pub fn all_rules() -> Vec<&'static Rule> {
    let mut rules: Vec<&'static Rule> = crate::checks::CHECKS.iter().map(|check| &check.rule).collect();
    rules.extend(crate::source::yaml::RULES);
    rules.extend(crate::schema::rules::RULES);
    rules.extend(crate::lower::rules::RULES);
    rules.extend(RULES);
    rules.extend(crate::handwritten::RULES);
    rules.extend(crate::targets::RULES);
    rules.sort_by_key(|rule| rule.name);
    rules
}
