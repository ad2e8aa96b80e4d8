//! `unknown-level`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::AuthLevel;
use crate::model::server::ServerAccess;
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-level",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds an `auth_level` or `min_auth_level` that `progressive_auth` does not declare.",
        why: "What such a level asks for is written nowhere. Until it is, the next higher declared level is applied, or the \
              highest one, which may be weaker than what was meant.",
        fix: "Use a declared level, or declare this one under `progressive_auth.levels`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["progressive_auth"]) {
        return;
    }
    check(input, &model.access.levels, model.access.classes.iter().filter_map(|c| c.min_auth_level.as_ref()), report);
    check(input, &model.access.levels, model.access.destructive_min_level.iter(), report);
    for (unit, overlay) in &model.overlays {
        let levels = model.restated_for(unit).map(|rules| rules.levels).unwrap_or_default();
        check(input, &levels, overlay.classes.iter().filter_map(|class| class.min_auth_level.as_ref()), report);
        check(input, &levels, overlay.destructive_min_level.iter(), report);
    }
    for server in model.servers.values() {
        let things = server.resources.iter().map(|resource| &resource.auth_level);
        let things = things.chain(server.prompts.iter().map(|prompt| &prompt.auth_level)).flatten();
        check(input, &model.access.levels, of_access(&server.access).chain(things), report);
        if let Some(overlay) = &server.overlay {
            let restated = server.unit.as_ref().and_then(|unit| model.overlays.get(&unit.value));
            let own = restated.map(|rules| &rules.levels);
            let unknown = |level: &&Spanned<u32>| !own.is_some_and(|own| own.contains_key(&level.value));
            check(input, &model.access.levels, of_access(overlay).filter(unknown), report);
        }
    }
}

fn of_access(access: &ServerAccess) -> impl Iterator<Item = &Spanned<u32>> {
    access.auth_level.iter().chain(access.tools.values().filter_map(|tool| tool.auth_level.as_ref()))
}

fn check<'a>(
    input: &Input<'_>,
    levels: &BTreeMap<u32, AuthLevel>,
    written: impl Iterator<Item = &'a Spanned<u32>>,
    report: &mut Report,
) {
    for level in written.filter(|level| !levels.contains_key(&level.value)) {
        let finding = Diagnostic::new(&CHECK.rule, level.loc, format!("no auth level {level} is declared"));
        let all = levels.keys().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let finding = match input.model.access.progressive_auth {
            Some(section) => finding.label(section, "levels are declared here").help(format!("declared are: {all}")),
            None => finding.help("declare it under `progressive_auth.levels`"),
        };
        report.push(finding);
    }
}
