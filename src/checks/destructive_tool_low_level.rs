//! `destructive-tool-low-level`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::AccessRules;
use crate::model::access::classification::Classification;
use crate::model::name::{ToolName, UnitName};
use crate::model::server::{Server, ServerAccess};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "destructive-tool-low-level",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds tools annotated as destructive that need no more than the lowest of several levels, and no further \
               requirement.",
        why: "The lowest level asks for the least proof there is. A call that may destroy something deserves more than a call \
              that reads.",
        fix: "Give the tool a higher `auth_level`, or a requirement of its own under `requires`; or set a least level for \
              all such tools with `progressive_auth.destructive_min_level`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["data_routing", "progressive_auth"]) {
        return;
    }
    let restated: BTreeMap<&UnitName, AccessRules> =
        model.overlays.keys().filter_map(|unit| Some((unit, model.restated_for(unit)?))).collect();
    let of_units: BTreeMap<&UnitName, Classification<'_>> =
        restated.iter().map(|(unit, rules)| (*unit, Classification::of(rules))).collect();
    let centre = input.classes;
    for server in model.servers.values() {
        let unit = server.unit.as_ref().and_then(|unit| of_units.get(&unit.value));
        let overlay = (unit.is_some() || server.overlay.is_some())
            .then(|| (unit.unwrap_or(centre), server.overlay.as_ref().unwrap_or(&server.access)));
        for (name, tool) in &server.tools {
            let Some(flag) = tool.destructive.as_ref().filter(|flag| flag.value) else { continue };
            let lowest = is_lowest(centre, server, &server.access, name)
                && overlay.is_none_or(|(rules, access)| is_lowest(rules, server, access, name));
            if lowest {
                let level = centre.rules().levels.keys().next().copied().unwrap_or_default();
                let message = format!("`{}/{name}` may destroy something and needs only level {level}", server.name);
                let set = server.access.tools.get(name).and_then(|own| own.auth_level.as_ref());
                let set = set.or(server.access.auth_level.as_ref()).map(|level| level.loc);
                let from_class = || centre.listed(server.name.value.as_str()).map(|listing| listing.loc);
                let finding = Diagnostic::new(&CHECK.rule, flag.loc, message);
                report.push(match set.or_else(from_class) {
                    Some(loc) => finding.label(loc, "the level comes from here"),
                    None => finding,
                });
            }
        }
    }
}

fn is_lowest(classes: &Classification<'_>, server: &Server, access: &ServerAccess, tool: &ToolName) -> bool {
    let levels = &classes.rules().levels;
    let name = server.name.value.as_str();
    let own = access.tools.get(tool);
    let level = classes.tool_level(server, access, tool.as_str());
    let class_asks = classes.governing(name).is_some_and(|(_, class)| !class.requires.is_empty());
    let asks_more = class_asks || !access.requires.is_empty() || own.is_some_and(|own| !own.requires.is_empty());
    levels.len() > 1 && level.is_some() && level == levels.keys().next().copied() && !asks_more
}
