//! Levels that are lowered by one.

use super::{Edits, access_in, rules_in};
use crate::model::Model;
use crate::model::access::AccessRules;
use crate::model::access::classification::Classification;
use crate::model::name::{ServerName, UnitName};
use crate::model::server::Server;
use crate::review::mutate::MutationKind;
use crate::source::{Loc, Spanned};

impl Edits {
    /// Lowers the level of each class, server, tool, resource and prompt by one.
    pub(super) fn of_levels(&mut self, model: &Model) {
        let classes = Classification::of(&model.access);
        self.of_classes(model, &model.access, &classes, None);
        for (unit, rules) in &model.overlays {
            let whole = model.access.restated_by(rules);
            self.of_classes(model, rules, &Classification::of(&whole), Some(unit));
        }
        for (name, server) in &model.servers {
            let derived = classes.listed(name.as_str()).is_none() && server.access.auth_level.is_none();
            if derived && let Some((from, to)) = lower(&model.access, classes.derived_level(name.as_str())) {
                self.of_server_level(name, false, server.name.loc, from, to);
            }
            let accesses = std::iter::once((false, &server.access)).chain(server.overlay.iter().map(|it| (true, it)));
            for (overlay, access) in accesses {
                if let Some(level) = &access.auth_level
                    && let Some((from, to)) = lower(&model.access, Some(level.value))
                {
                    self.of_server_level(name, overlay, level.loc, from, to);
                }
                for (tool, of_tool) in &access.tools {
                    let Some(level) = &of_tool.auth_level else { continue };
                    let Some((from, to)) = lower(&model.access, Some(level.value)) else { continue };
                    let (own, its) = (name.clone(), tool.clone());
                    let what = format!("tool `{name}/{tool}` is of level {to} instead of {from}");
                    self.add(MutationKind::Lower, what, level.loc, move |model| {
                        if let Some(tool) = access_in(model, &own, overlay).and_then(|it| it.tools.get_mut(&its)) {
                            tool.auth_level = Some(Spanned::new(to, Loc::default()));
                        }
                    });
                }
            }
            self.of_other_methods(model, name, server);
        }
    }

    fn of_server_level(&mut self, name: &ServerName, overlay: bool, loc: Loc, from: u32, to: u32) {
        let own = name.clone();
        self.add(
            MutationKind::Lower,
            format!("server `{name}` is of level {to} instead of {from}"),
            loc,
            move |model| {
                if let Some(access) = access_in(model, &own, overlay) {
                    access.auth_level = Some(Spanned::new(to, Loc::default()));
                }
            },
        );
    }

    fn of_other_methods(&mut self, model: &Model, name: &ServerName, server: &Server) {
        for (index, resource) in server.resources.iter().enumerate() {
            let Some(level) = &resource.auth_level else { continue };
            let Some((from, to)) = lower(&model.access, Some(level.value)) else { continue };
            let own = name.clone();
            let what = format!("resource `{}` of `{name}` is of level {to} instead of {from}", resource.uri);
            self.add(MutationKind::Lower, what, level.loc, move |model| {
                if let Some(it) = model.servers.get_mut(&own).and_then(|server| server.resources.get_mut(index)) {
                    it.auth_level = Some(Spanned::new(to, Loc::default()));
                }
            });
        }
        for (index, prompt) in server.prompts.iter().enumerate() {
            let Some(level) = &prompt.auth_level else { continue };
            let Some((from, to)) = lower(&model.access, Some(level.value)) else { continue };
            let own = name.clone();
            let what = format!("prompt `{}` of `{name}` is of level {to} instead of {from}", prompt.name);
            self.add(MutationKind::Lower, what, level.loc, move |model| {
                if let Some(it) = model.servers.get_mut(&own).and_then(|server| server.prompts.get_mut(index)) {
                    it.auth_level = Some(Spanned::new(to, Loc::default()));
                }
            });
        }
    }

    fn of_classes(
        &mut self,
        model: &Model,
        rules: &AccessRules,
        classes: &Classification<'_>,
        unit: Option<&UnitName>,
    ) {
        for (index, class) in rules.classes.iter().enumerate() {
            let Some(server) = class.servers.first() else { continue };
            let derived = classes.derived_level(server.value.as_str());
            let Some((from, to)) = lower(&model.access, derived) else { continue };
            let (own, of_unit) = (unit.cloned(), unit.map(|unit| format!(" of unit `{unit}`")).unwrap_or_default());
            let what = format!("class `{}`{of_unit} is of level {to} instead of {from}", class.name);
            let loc = class.min_auth_level.as_ref().map_or(class.name.loc, |level| level.loc);
            self.add(MutationKind::Lower, what, loc, move |model| {
                if let Some(class) = rules_in(model, own.as_ref()).and_then(|rules| rules.classes.get_mut(index)) {
                    class.min_auth_level = Some(Spanned::new(to, Loc::default()));
                }
            });
        }
    }
}

/// The declared level that a number stands for, and the one below it; `None` where there is none below.
fn lower(rules: &AccessRules, level: Option<u32>) -> Option<(u32, u32)> {
    let wanted = level?;
    let from = rules.levels.range(wanted..).next().or_else(|| rules.levels.iter().next_back()).map(|(at, _)| *at)?;
    let (to, _) = rules.levels.range(..from).next_back()?;
    Some((from, *to))
}
