//! What a comparison finds, as the kinds of findings that formats of other tools ask for.

use crate::diagnostic::{Rule, Severity};

/// Access widens.
pub(super) static ACCESS_WIDENS: Rule = Rule {
    name: "access-widens",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds pairs of a principal and an object that a change allows more to: a call that was denied is let through.",
    why: "A reviewer should agree to each access that a change adds.",
    fix: "Take the grant back, ask for more evidence, or have the owners of the base raise the budget or add a waiver under `review`.",
};

/// Access narrows.
pub(super) static ACCESS_NARROWS: Rule = Rule {
    name: "access-narrows",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds pairs of a principal and an object that a change allows less to.",
    why: "Somebody who could call may not be able to any more.",
    fix: "Nothing, where that is meant.",
};

/// Hand-written Cedar changes.
pub(super) static CEDAR_CHANGES: Rule = Rule {
    name: "handwritten-cedar-changes",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds hand-written Cedar policies whose change may widen access.",
    why: "What a hand-written policy decides is proved case by case, and not every case can be.",
    fix: "Read the policy. A solver (`--solver`) proves more cases.",
};

/// Trust changes.
pub(super) static TRUST_WIDENS: Rule = Rule {
    name: "trust-widens",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds changes of what gives facts their meaning that let more tokens, issuers or networks be believed.",
    why: "Every access rests on it.",
    fix: "Take the change back, or have the owners of the base add a waiver of `trust` under `review`.",
};

/// Trust changes without widening.
pub(super) static TRUST_CHANGES: Rule = Rule {
    name: "trust-changes",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds other changes of what gives facts their meaning.",
    why: "Tokens that were accepted may be refused.",
    fix: "Nothing, where that is meant.",
};

/// Operation changes.
pub(super) static OPERATION_CHANGES: Rule = Rule {
    name: "operation-changes",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds changes of how servers are operated: limits, timeouts, retention and others.",
    why: "Some of them take capacity, protection or visibility away.",
    fix: "Nothing, where that is meant; `--deny operation` fails for what is taken away.",
};

/// Something has another name.
pub(super) static RENAMED: Rule = Rule {
    name: "renamed",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds names that have probably been changed to others. It is a guess.",
    why: "Without it, a new name reads as an access that is removed and another one that is added.",
    fix: "Nothing, where the guess is right.",
};

/// A comparison is incomplete.
pub(super) static CAUTION: Rule = Rule {
    name: "incomplete-comparison",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds what keeps a comparison from being complete.",
    why: "A change may do more than is shown.",
    fix: "Do what the message says.",
};
