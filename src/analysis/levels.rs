//! The levels that `mcpctl.yaml` gives to checks.

use super::groups::{Group, group_of};
use super::rules::{GUARDING_CHECK_OFF, UNKNOWN_CHECK, all_rules};
use crate::checks::Levels;
use crate::diagnostic::{Diagnostic, Rule, Severity, nearest};
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

/// The level that the settings give to a rule: off where they say so, and that of the rule where they say nothing of it or of
/// its group. Checks of design are off there.
#[must_use]
pub fn level_of(rule: &Rule, levels: &Levels) -> Option<Severity> {
    let group = group_of(rule);
    match levels.get(rule.name).or_else(|| levels.get(group.word()).filter(|_| group == Group::Design)) {
        Some(level) => *level,
        None if group == Group::Design => None,
        None => Some(rule.severity),
    }
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
