//! `redundant-alternative`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::model::access::AuthLevel;
use crate::policy::derive::condition_of;
use crate::policy::fact::Facts;
use crate::source::{Loc, Spanned};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "redundant-alternative",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds ways to meet a level that nobody needs, because another way asks for a part of the same facts: an \
               alternative that asks for more than another one or than the level itself, and a level of which an alternative \
               asks for less than the level's own and all lower levels' requirements.",
        why: "The stricter way protects nothing: whoever meets it meets the laxer one. Where that is the level itself, its \
              requirements are a dead letter.",
        fix: "Remove the way that asks for more; or, where the laxer one was meant for somebody else, let it ask for a fact \
              that only they can prove.",
    },
    run,
};

/// A way to meet a level.
struct Way {
    facts: u64,
    loc: Loc,
    /// How it is called in a message.
    name: String,
    own: bool,
}

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["progressive_auth"]) {
        return;
    }
    let with_ways = |levels: &BTreeMap<u32, AuthLevel>| levels.values().any(|level| !level.alternatives.is_empty());
    if with_ways(&model.access.levels) {
        of_levels(input, &model.access.levels, report);
    }
    // What a unit restates beside the central levels; central ones are found once, above.
    for (unit, overlay) in model.overlays.iter().filter(|(_, overlay)| !overlay.levels.is_empty()) {
        let Some(rules) = model.restated_for(unit) else { continue };
        let mut found = Report::default();
        of_levels(input, &rules.levels, &mut found);
        let restated = |loc: Loc| {
            let of_unit = overlay.levels.values();
            of_unit.flat_map(|level| ways(&rules.levels, level, &input.policy.facts)).any(|way| way.loc == loc)
        };
        report.extend(found.diagnostics.into_iter().filter(|finding| restated(finding.loc)));
    }
}

fn of_levels(input: &Input<'_>, levels: &BTreeMap<u32, AuthLevel>, report: &mut Report) {
    for level in levels.values().filter(|level| !level.alternatives.is_empty()) {
        let ways = ways(levels, level, &input.policy.facts);
        for (at, way) in ways.iter().enumerate() {
            // Of two that ask for the same the later one can go.
            let laxer = |(other, by): &(usize, &Way)| {
                *other != at && by.facts & !way.facts == 0 && (by.facts != way.facts || *other < at)
            };
            if let Some((_, by)) = ways.iter().enumerate().find(laxer) {
                report.push(finding(level, way, by));
            }
        }
    }
}

/// The ways to meet a level, its own first. One that asks for a fact without a bit is never met, which is an error
/// elsewhere.
fn ways(levels: &BTreeMap<u32, AuthLevel>, level: &AuthLevel, facts: &Facts) -> Vec<Way> {
    let mask = |asked: &[Spanned<_>]| condition_of(asked, facts).minimal_sets().first().copied();
    let lower = levels.range(..=level.number.value).flat_map(|(_, level)| level.requirements.iter().cloned());
    let own: Vec<_> = lower.collect();
    let name = format!("level {} itself", level.number);
    let own = mask(&own).map(|facts| Way { facts, loc: level.number.loc, name, own: true });
    let others = level.alternatives.iter().filter_map(|other| {
        let name = format!("alternative `{}`", other.name);
        Some(Way { facts: mask(&other.requirements)?, loc: other.name.loc, name, own: false })
    });
    own.into_iter().chain(others).collect()
}

fn finding(level: &AuthLevel, way: &Way, by: &Way) -> Diagnostic {
    let same = if way.facts == by.facts { "the same" } else { "less" };
    let message = if way.own {
        format!("nobody needs to meet level {} itself: {} asks for {same}", level.number, by.name)
    } else {
        format!("nobody needs {} of level {}: {} asks for {same}", way.name, level.number, by.name)
    };
    let finding = Diagnostic::new(&CHECK.rule, way.loc, message).label(by.loc, format!("this asks for {same}"));
    if way.own {
        return finding;
    }
    finding.fix(Fix::safe(format!("remove {}", way.name), vec![Edit::RemoveElement(way.loc)]))
}
