//! The faults that the reader of YAML reports.

use crate::diagnostic::{Rule, Severity};

/// The file is not YAML.
pub static SYNTAX: Rule = Rule {
    name: "yaml-syntax",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds text that is not YAML 1.2.",
    why: "Nothing after the fault can be read. The other files are still checked, but findings that conclude from a \
          name's absence are held back, because the name may be in the part that could not be read.",
    fix: "Mend the syntax at the place shown. Tabs may not indent, and a value that holds `: ` or ` #` needs quotes.",
};

/// A key is in one map twice.
pub static DUPLICATE_KEY: Rule = Rule {
    name: "duplicate-key",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds a key that is in the same map twice.",
    why: "YAML forbids it, and readers disagree on which value counts.",
    fix: "Remove one of the two, or join their values.",
};

/// A file asks for too much.
pub static TOO_LARGE: Rule = Rule {
    name: "yaml-too-large",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds files over 32 MiB, files that would expand to over four million nodes through aliases and merge keys, \
           and files nested over a hundred levels deep.",
    why: "A small file can be made to take all memory of whatever reads it. The limits are far above what people write.",
    fix: "Split the file, or write the repeated part out where it is needed.",
};

/// A YAML feature that configuration has no use for.
pub static UNSUPPORTED: Rule = Rule {
    name: "yaml-unsupported",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds keys that are not plain scalars, application tags (`!secret`), infinite or undefined numbers, merge keys \
           that do not name a map, and aliases inside the value that they name.",
    why: "These have no meaning here, and guessing one could drop what was meant.",
    fix: "Write the value out plainly.",
};

/// A scalar that older YAML readers take for something else.
pub static AMBIGUOUS: Rule = Rule {
    name: "ambiguous-scalar",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds plain values such as `yes`, `off`, `012`, `1_000` or `12:30:00`, which YAML 1.1 and YAML 1.2 read \
           differently.",
    why: "mcpctl reads YAML 1.2: `yes` is a string, `012` the number 12. A tool that reads YAML 1.1 sees true, and 10.",
    fix: "Write `true` or `false`, or put quotes around a string, or write the number plainly.",
};

/// The rules of this module, for the catalogue.
pub static RULES: [&Rule; 5] = [&AMBIGUOUS, &DUPLICATE_KEY, &SYNTAX, &TOO_LARGE, &UNSUPPORTED];
