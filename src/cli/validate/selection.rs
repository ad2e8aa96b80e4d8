//! `--select` and `--ignore`: which findings a run is about. Findings that guard access always count.

use crate::analysis::groups::{Group, group_of};
use crate::analysis::rules::all_rules;
use crate::cli::refusal::Refusal;
use crate::diagnostic::{Report, Rule};

/// Checks and groups as given.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// What alone is reported; everything where nothing is named.
    pub select: &'a [String],
    /// What is not reported.
    pub ignore: &'a [String],
}

impl Selection<'_> {
    /// Takes out what is not asked for. Answers how many findings that are.
    ///
    /// # Errors
    /// Where no check or group has a name, or a name to ignore is that of a check that guards access.
    pub fn apply(&self, report: &mut Report) -> Result<usize, Refusal> {
        let rules = all_rules();
        for name in self.select.iter().chain(self.ignore) {
            let groups = Group::ALL.iter().map(|group| group.word());
            let known = rules.iter().map(|rule| rule.name).chain(groups);
            if !known.clone().any(|known| known == name) {
                return Err(Refusal::unknown("check or group", name, known, "`mcpctl list checks` shows all"));
            }
        }
        if let Some(rule) =
            rules.iter().find(|rule| rule.guards_access && self.ignore.iter().any(|name| name == rule.name))
        {
            let message = format!("`{}` guards access, and its findings cannot be ignored", rule.name);
            let help = "correct what it finds, or accept it in `waivers`, with an owner and a last day".to_owned();
            return Err(Refusal::Usage { message, help });
        }
        // What is off by default was found all the same.
        let asked = |rule: &Rule| self.select.iter().any(|name| name == rule.name || name == group_of(rule).word());
        let woken: Vec<_> = std::mem::take(&mut report.dormant).into_iter().filter(|one| asked(one.rule)).collect();
        if !woken.is_empty() {
            report.extend(woken);
            report.sort();
        }
        let before = report.diagnostics.len();
        report.diagnostics.retain(|finding| self.takes(finding.rule));
        Ok(before - report.diagnostics.len())
    }

    fn takes(&self, rule: &Rule) -> bool {
        let names = |list: &[String]| {
            let group = group_of(rule).word();
            list.iter().any(|name| name == rule.name || name == group)
        };
        rule.guards_access || ((self.select.is_empty() || names(self.select)) && !names(self.ignore))
    }
}
