//! The rules of shape: what a schema can see.

use crate::diagnostic::{Rule, Severity};

/// A key that the family does not have.
pub static UNKNOWN_KEY: Rule = Rule {
    name: "unknown-key",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds keys that have no meaning where they stand.",
    why: "A mistyped key would silently have no effect; for a key such as `suspended` or `requires` that opens access.",
    fix: "Correct the key. `mcpctl explain FAMILY` lists the keys of a family.",
};
/// A key that must be there is not.
pub static MISSING_KEY: Rule = Rule {
    name: "missing-key",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds maps that lack a key which they need.",
    why: "Without it the entry has no meaning, and none is guessed.",
    fix: "Add the key.",
};
/// A value of another type.
pub static WRONG_TYPE: Rule = Rule {
    name: "wrong-type",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds values of another type than the key takes: a string for a number, a single value for a list.",
    why: "Converting silently is how `no` becomes a boolean and `012` ten.",
    fix: "Write the value in the type named. Quotes make a string; `true` and `false` are the booleans.",
};
/// A word outside a closed vocabulary.
pub static UNKNOWN_WORD: Rule = Rule {
    name: "unknown-word",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds words that are not among the legal ones of their key.",
    why: "A mistyped mode would otherwise be taken for the default.",
    fix: "Use one of the words listed in the message.",
};
/// A value that breaks a rule of its key.
pub static INVALID_VALUE: Rule = Rule {
    name: "invalid-value",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds values that are not what their key takes: a duration that is none, a number out of range, an empty list \
           or name, a malformed URL or date.",
    why: "Such a value has no exact meaning, and none is guessed.",
    fix: "Write the value in one of the forms listed in the message.",
};
/// A metric or a label with a name that Prometheus refuses.
pub static INVALID_METRIC_NAME: Rule = Rule {
    name: "invalid-metric-name",
    severity: Severity::Error,
    guards_access: false,
    what: "Finds names of metrics and of their labels that Prometheus does not accept. Both take letters, digits and `_`, and \
           no digit first; names of metrics take `:` as well, and labels do not begin with `__`.",
    why: "A scrape that holds one such name is refused as a whole, or the name is changed on the way and no query finds it.",
    fix: "Rename the metric or the label, such as `mcp_tool_duration_seconds`.",
};
/// A placeholder that nothing expands.
pub static UNEXPANDED_PLACEHOLDER: Rule = Rule {
    name: "unexpanded-placeholder",
    severity: Severity::Error,
    guards_access: true,
    what: "Finds `${VAR}`, `$(VAR)`, `{{ value }}` and `{% if %}` in values and keys. mcpctl does not expand them, and neither \
           do the products. Texts for people (`description`, `reason`, `owner`, `suspended`) may hold them.",
    why: "The product would be given the placeholder itself as the address, the name or the header.",
    fix: "Write the value. Where it differs between environments, put it into the folder of the environment: \
          `environments: {prod: env/prod}` in `mcpctl.yaml`, and `mcpctl compile --env prod`. Or expand the files before mcpctl \
          reads them.",
};
/// A password or a token in a URL.
pub static CREDENTIALS_IN_URL: Rule = Rule {
    name: "credentials-in-url",
    severity: Severity::Error,
    guards_access: true,
    what: "Finds URLs with a user name and a password before the host, or with a token as a parameter \
           (`?access_token=...`), in values, in comments and in hand-written policies.",
    why: "A bundle holds its sources, and pull requests and logs hold their URLs: whoever reads one has the secret. No output \
          of mcpctl shows it, and no bundle is written with it.",
    fix: "Remove it from the file, replace the secret (it may be in the history of the repository already), and give the new \
          one to the product by its own means: a secret of the platform, or a certificate.",
};
/// A name with characters that names may not have.
pub static INVALID_NAME: Rule = Rule {
    name: "invalid-name",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds names that hold characters which names of their kind may not hold. Server names take letters, digits, `_`, \
           `.` and `-`; tool names anything but `*`; requirement names a letter or `_`, then letters, digits, `_`, `.`, `-`.",
    why: "Names appear in policies, headers and file names; the kinds that could be mistaken for syntax are refused.",
    fix: "Rename it.",
};
/// A wildcard where none is allowed.
pub static INVALID_WILDCARD: Rule = Rule {
    name: "invalid-wildcard",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds `*` anywhere but as the whole tool part of `server/*`, and grants that name no tool.",
    why: "A pattern over names grants tools that do not exist yet to callers nobody thought of.",
    fix: "Name the tools, or write `server/*` for all tools that the registry lists for the server.",
};

/// The rules above, for the catalogue.
pub static RULES: [&Rule; 10] = [
    &CREDENTIALS_IN_URL,
    &INVALID_METRIC_NAME,
    &INVALID_NAME,
    &INVALID_VALUE,
    &INVALID_WILDCARD,
    &MISSING_KEY,
    &UNEXPANDED_PLACEHOLDER,
    &UNKNOWN_KEY,
    &UNKNOWN_WORD,
    &WRONG_TYPE,
];
