//! The levels that `mcpctl.yaml` gives to checks.

use super::groups::{Group, group_of};
use super::rules::{GUARDING_CHECK_OFF, UNKNOWN_CHECK, all_rules};
use crate::checks::Levels;
use crate::diagnostic::{Diagnostic, Rule, nearest};
use crate::settings::Settings;

/// Whether the findings of a rule can be waived or given another level. Those of reading, shape and joining cannot, and
/// neither can a unit's attempt to loosen what the central configuration asks.
#[must_use]
pub fn can_be_adjusted(rule: &Rule) -> bool {
    let is_check = || crate::checks::CHECKS.iter().any(|known| known.rule.name == rule.name);
    rule.name != "unit-widens-policy" && (!rule.guards_access || is_check())
}

/// The rules whose level `mcpctl.yaml` can set, sorted by name.
#[must_use]
pub fn adjustable() -> Vec<&'static Rule> {
    all_rules().into_iter().filter(|rule| can_be_adjusted(rule)).collect()
}

/// Whether a rule finds nothing that counts: it is one of design, and the settings ask neither for it nor for all of design.
#[must_use]
pub fn is_dormant(rule: &Rule, levels: &Levels) -> bool {
    let asked = || levels.get(rule.name).or_else(|| levels.get(Group::Design.word()));
    group_of(rule) == Group::Design && asked().is_none_or(Option::is_none)
}

/// The levels that the settings give, and what is wrong with them.
#[must_use]
pub fn settle(settings: &Settings) -> (Levels, Vec<Diagnostic>) {
    let (mut levels, mut findings) = (Levels::new(), Vec::new());
    let known = all_rules();
    for (name, level) in &settings.written_levels {
        if name.value == Group::Design.word() {
            levels.insert(name.value.clone(), level.value);
            continue;
        }
        let Some(rule) = known.iter().find(|rule| rule.name == name.value) else {
            let message = format!("no check is called `{name}`");
            let names = known.iter().filter(|rule| can_be_adjusted(rule)).map(|rule| rule.name);
            let finding = Diagnostic::new(&UNKNOWN_CHECK, name.loc, message);
            findings.push(finding.suggest(&name.value, nearest(&name.value, names)));
            continue;
        };
        if rule.guards_access && level.value.is_none() {
            let message = format!("`{name}` guards access and cannot be switched off");
            let help = if can_be_adjusted(rule) {
                "correct what it finds, or accept a finding in `waivers`, with an owner and a last day"
            } else {
                "correct what it finds"
            };
            findings.push(Diagnostic::new(&GUARDING_CHECK_OFF, level.loc, message).help(help));
        } else if can_be_adjusted(rule) {
            levels.insert(name.value.clone(), level.value);
        } else {
            let message = format!("the level of `{name}` cannot be changed");
            findings.push(Diagnostic::new(&UNKNOWN_CHECK, name.loc, message));
        }
    }
    (levels, findings)
}
