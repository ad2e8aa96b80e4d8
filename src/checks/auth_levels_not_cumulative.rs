//! `auth-levels-not-cumulative`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity, quoted};
use crate::model::access::{Alternative, AuthLevel};
use crate::model::name::FactName;
use crate::source::{Loc, Spanned};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "auth-levels-not-cumulative",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds levels that leave out a requirement of the level below, and alternatives of a level that would not \
               even meet the level below.",
        why: "A higher level is never weaker than a lower one: what a lower level asks for is asked for anyway, so the text \
              says less than what holds. Each alternative is enough by itself, so a weaker one opens the higher level to callers \
              whom the lower one turns away.",
        fix: "Repeat the lower level's requirements in every higher one.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["progressive_auth"]) {
        return;
    }
    let levels = &input.model.access.levels;
    let mut cumulative: BTreeSet<&str> = BTreeSet::new();
    for (lower, upper) in levels.values().zip(levels.values().skip(1)) {
        cumulative.extend(lower.requirements.iter().map(|fact| fact.value.as_str()));
        let missing: Vec<_> = lower.requirements.iter().filter(|fact| !upper.requirements.contains(fact)).collect();
        if let Some(first) = missing.first() {
            let names = quoted(missing.iter().map(|fact| fact.value.as_str()));
            let (low, high) = (&lower.number, &upper.number);
            let message = format!("auth level {high} leaves out {names}, which level {low} asks for");
            let list = Loc::around(upper.requirements.iter().map(|fact| fact.loc)).unwrap_or(high.loc);
            report.push(
                Diagnostic::new(&CHECK.rule, list, message)
                    .label(first.loc, format!("level {low} asks for it"))
                    .help(format!("{names} is asked for anyway; write it"))
                    .maybe_fix(upper.requirements.last().map(|last| {
                        let one = |fact: &&Spanned<FactName>| Edit::Append { to: last.loc, value: fact.to_string() };
                        Fix::safe(format!("add {names}"), missing.iter().map(one).collect())
                    })),
            );
        }
        for weaker in upper.alternatives.iter().filter(|way| !meets(way, lower, &cumulative)) {
            let message = format!(
                "alternative `{}` of auth level {} does not meet level {}",
                weaker.name, upper.number, lower.number
            );
            let label = format!("level {} asks for more", lower.number);
            let list = Loc::around(weaker.requirements.iter().map(|fact| fact.loc)).unwrap_or(weaker.name.loc);
            report.push(Diagnostic::new(&CHECK.rule, list, message).label(lower.number.loc, label));
        }
    }
}

fn meets(way: &Alternative, level: &AuthLevel, cumulative: &BTreeSet<&str>) -> bool {
    let facts: BTreeSet<&str> = way.requirements.iter().map(|fact| fact.value.as_str()).collect();
    let all_of = |other: &Alternative| other.requirements.iter().all(|fact| facts.contains(fact.value.as_str()));
    cumulative.is_subset(&facts) || level.alternatives.iter().any(all_of)
}
