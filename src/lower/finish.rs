//! What needs all sections: servers, tool ownership, unit folders.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::fitting::Fitting;
use super::{At, Lowering, ServerEntry, bare_tool, rules};
use crate::diagnostic::{Diagnostic, Report};
use crate::model::access::{CallerKind, Granted, Readable};
use crate::model::flow::{Call, Flow, Step};
use crate::model::name::{ServerName, ToolName, UnitName};
use crate::model::server::{ClassFrom, Resource, Server};
use crate::model::topology::LocalOverride;
use crate::model::{Model, Servers};
use crate::source::{Loc, Spanned};

/// The families that `security_only` lets a unit folder hold.
const SECURITY_FAMILIES: [&str; 3] = ["progressive_auth", "data_routing", "zero_trust_config"];
/// The families that no unit folder may hold.
const CENTRE_FAMILIES: [&str; 3] = ["federation_config", "identity", "waivers"];

impl Lowering {
    /// Brings everything together.
    #[must_use]
    pub fn finish(mut self) -> (Model, Report) {
        self.judge_unit_folders();
        self.add_servers();
        self.add_mentions();
        self.judge_overlays();
        self.judge_speakers();
        self.resolve_calls();
        self.add_narrower_resources();
        self.set_flow_units();
        self.add_data_classes();
        (self.model, self.report)
    }

    fn judge_unit_folders(&mut self) {
        let mode = self.model.topology.local_policy_override.as_ref();
        for at in &self.sections {
            let Some(unit) = &at.scope else { continue };
            if CENTRE_FAMILIES.contains(&at.family) {
                let message = format!(
                    "`{}` belongs to the central configuration and cannot be in the folder of unit `{unit}`",
                    at.family
                );
                self.report.push(Diagnostic::new(&rules::CENTRE_ONLY, at.key, message));
                continue;
            }
            let (permitted, word) = match mode.map(|mode| mode.value) {
                Some(LocalOverride::Full) => (true, "full"),
                Some(LocalOverride::SecurityOnly) => (SECURITY_FAMILIES.contains(&at.family), "security_only"),
                Some(LocalOverride::None) | None => (false, "none"),
            };
            // A mode that could not be read may permit anything.
            let unknown = mode.is_none() && !self.model.complete_for(&["federation_config"]);
            if permitted || unknown {
                continue;
            }
            let message = format!("the folder of unit `{unit}` may not hold `{}`", at.family);
            let mut finding = Diagnostic::new(&rules::OVERRIDES_FORBIDDEN, at.key, message);
            finding = match mode {
                Some(mode) => finding.label(mode.loc, format!("`local_policy_override` is `{word}`")),
                None => finding.help("`local_policy_override` is not set, which means `none`"),
            };
            self.report.push(finding);
        }
    }

    fn add_servers(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        // The central entries first; a unit's entry then restates one of them or stands alone.
        entries.sort_by(|a, b| a.0.scope.cmp(&b.0.scope));
        self.model.servers.reserve(entries.len());
        for (at, entry) in entries {
            let name = entry.server.name.value.clone();
            match (&at.scope, self.model.servers.get(&name)) {
                (Some(folder), Some(central)) if central.registered => {
                    let of_folder = central.unit.as_ref().is_some_and(|unit| unit.value == *folder);
                    let (loc, first) = (entry.server.name.loc, central.name.loc);
                    let restated = central.overlay.is_some();
                    if !of_folder {
                        let message = format!("unit `{folder}` may not restate server `{name}` of another unit");
                        let finding = Diagnostic::new(&rules::FOREIGN_UNIT, loc, message).label(first, "declared here");
                        self.report.push(finding);
                    } else if restated {
                        self.declare_as("server", format!("{folder}\u{0}{name}"), name.as_str(), loc);
                    } else {
                        self.declare_as("server", format!("{folder}\u{0}{name}"), name.as_str(), loc);
                        self.restate(&name, *entry);
                    }
                }
                (_, Some(_)) => {
                    self.declare("server", name.as_str(), entry.server.name.loc);
                }
                (_, None) => {
                    self.declare("server", name.as_str(), entry.server.name.loc);
                    let ServerEntry { mut server, unit } = *entry;
                    server.registered = true;
                    server.unit = unit;
                    self.model.servers.insert(name, server);
                }
            }
        }
    }

    /// A unit's entry restates what calls need. What the central configuration says of the server itself stays: a unit that
    /// could change it could satisfy any obligation by saying so.
    fn restate(&mut self, name: &ServerName, entry: ServerEntry) {
        let Some(server) = self.model.servers.get_mut(name) else { return };
        let mine = entry.server;
        let mut faults: Vec<(Loc, String)> = Vec::new();
        let mut keep = |what: &str, loc: Option<Loc>, same: bool| {
            if let Some(loc) = loc.filter(|_| !same) {
                faults.push((
                    loc,
                    format!("`{what}` of server `{name}` belongs to the central configuration, and a unit folder cannot change it"),
                ));
            }
        };
        keep("url", mine.url.as_ref().map(|v| v.loc), mine.url == server.url);
        keep("location", mine.location.as_ref().map(|v| v.loc), mine.location == server.location);
        let at_rest = mine.encryption_at_rest == server.encryption_at_rest;
        keep("encryption_at_rest", mine.encryption_at_rest.as_ref().map(|v| v.loc), at_rest);
        keep("controls", mine.controls.first().map(|v| v.loc), mine.controls == server.controls);
        keep("labels", mine.labels.values().next().map(|v| v.loc), mine.labels == server.labels);
        keep("class_from", mine.class_from.as_ref().and_then(ClassFrom::loc), false);
        keep("resources", mine.resources.first().map(|v| v.uri.loc), false);
        keep("prompts", mine.prompts.first().map(|v| v.name.loc), false);
        for (tool, theirs) in mine.tools {
            keep(&format!("class_from (`{tool}`)"), theirs.class_from.as_ref().and_then(ClassFrom::loc), false);
            match server.tools.get_mut(&tool) {
                Some(central) => {
                    // Hints only make policy stricter: what either calls writing is writing.
                    if theirs.read_only.as_ref().is_some_and(|flag| !flag.value) {
                        central.read_only = theirs.read_only;
                    }
                }
                None => keep(&format!("tools (`{tool}`)"), Some(theirs.name.loc), false),
            }
        }
        server.overlay = Some(mine.access);
        // Both gateways enforce the whole policy, so what either denies is denied.
        for (method, loc) in mine.denied_methods {
            server.denied_methods.entry(method).or_insert(loc);
        }
        server.suspended = server.suspended.take().or(mine.suspended);
        let first = server.name.loc;
        self.report.extend(faults.into_iter().map(|(loc, message)| {
            Diagnostic::new(&rules::CENTRE_ONLY, loc, message).label(first, "the central entry")
        }));
    }

    /// A unit folder restates the central classes, for its own servers, and no others.
    fn judge_overlays(&mut self) {
        let Model { overlays, access, servers, .. } = &self.model;
        for (unit, rules) in overlays {
            for class in &rules.classes {
                if !access.classes.iter().any(|central| central.name == class.name) {
                    let message = format!(
                        "class `{}` is not in the central configuration, which alone names the classes and their order",
                        class.name
                    );
                    self.report.push(Diagnostic::new(&rules::CENTRE_ONLY, class.name.loc, message));
                }
                for server in &class.servers {
                    let owner = servers.get(&server.value).and_then(|known| known.unit.as_ref());
                    if owner.is_none_or(|owner| owner.value != *unit) {
                        let message = format!(
                            "`{server}` is not a server of unit `{unit}`, and its class is not for the unit to say"
                        );
                        self.report.push(Diagnostic::new(&rules::FOREIGN_UNIT, server.loc, message));
                    }
                }
            }
        }
    }

    /// An issuer may speak for `agents`, `flows`, or a unit.
    fn judge_speakers(&mut self) {
        // A unit may be declared where it could not be read.
        let Some(identity) = self.model.identity.as_ref().filter(|_| self.model.complete_for(&["mcp_registry"])) else {
            return;
        };
        let known = || identity.issuers.iter().map(|issuer| issuer.issuer.value.as_str());
        for (agent, issuer) in self.model.agents.values().filter_map(|agent| Some((agent, agent.issuer.as_ref()?))) {
            if !known().any(|known| known == issuer.value) {
                let help = crate::diagnostic::did_you_mean(&issuer.value, known());
                let message =
                    format!("`{issuer}` is not an issuer of this workspace, so no token names `{}`", agent.name);
                self.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, issuer.loc, message).maybe_help(help));
            }
        }
        let units = || self.model.topology.units.keys().map(UnitName::as_str);
        for word in identity.issuers.iter().flat_map(|issuer| &issuer.speaks_for) {
            let known = CallerKind::named(&word.value).is_some()
                || word.value == UnitName::CENTRAL
                || units().any(|u| u == word.value);
            if !known {
                let help = crate::diagnostic::did_you_mean(
                    &word.value,
                    CallerKind::ALL.map(CallerKind::as_str).into_iter().chain(units()),
                );
                let message = format!("`{word}` is neither `agents` nor `flows` nor a unit, so it speaks for nobody");
                self.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, word.loc, message).maybe_help(help));
            }
        }
    }

    fn add_mentions(&mut self) {
        let mentions = std::mem::take(&mut self.mentions).into_par_iter().with_min_len(1024);
        let servers = &self.model.servers;
        let mut unregistered: Vec<_> = mentions.filter(|(server, _)| !servers.contains_key(&server.value)).collect();
        unregistered.sort_by_key(|(server, _)| server.loc);
        for (server, as_what) in unregistered {
            let entry = self.model.servers.entry(server.value.clone()).or_insert_with(|| Server::bare(server.clone()));
            entry.mentions.push((server.loc, as_what));
        }
        self.model.servers.sort_unstable_keys();
    }

    /// Finds the server of each call, and adds the tools that flows name to servers that list none.
    fn resolve_calls(&mut self) {
        let fitting = Fitting::of(&self.model);
        let Model { flows, servers, .. } = &mut self.model;
        let flows: Vec<_> = flows.values_mut().collect();
        let resolve = |flow: &mut Flow| {
            let unit = flow.unit.value.clone();
            flow.steps.iter_mut().flat_map(|step| resolve_step(step, &unit, servers, &fitting)).collect()
        };
        let named: Vec<Vec<_>> = flows.into_par_iter().with_min_len(64).map(resolve).collect();
        for (server, tool) in named.into_iter().flatten() {
            if let Some(server) = servers.get_mut(&server) {
                server.tools.entry(tool.value.clone()).or_insert_with(|| bare_tool(tool, false));
            }
        }
    }

    /// A grant, or a step, may name a URI or a pattern that lies within a pattern of the registry's. It becomes a resource of its
    /// own, with what the narrowest of those says of it.
    fn add_narrower_resources(&mut self) {
        let Model { flows, servers, agents, any_agent, .. } = &mut self.model;
        let entries = agents.values().flat_map(|agent| &agent.may_call);
        let entries = entries.chain(any_agent.iter().flat_map(|any| &any.may_call));
        let of_grants = entries.filter_map(|grant| match &grant.what {
            Granted::Readable(Readable::Resource(uri)) => {
                Some((&grant.server, Spanned::new(uri.clone(), grant.text.loc)))
            }
            Granted::Readable(Readable::Prompt(_)) | Granted::All | Granted::Tool(_) => None,
        });
        let reads = flows.values().flat_map(|flow| &flow.steps).flat_map(|step| &step.reads);
        let of_flows = reads.filter_map(|read| match (&read.what.value, &read.server) {
            (Readable::Resource(uri), Some(server)) => Some((server, Spanned::new(uri.clone(), read.what.loc))),
            (Readable::Resource(_) | Readable::Prompt(_), _) => None,
        });
        for (server, uri) in of_grants.chain(of_flows) {
            let Some(server) = servers.get_mut(server) else { continue };
            let narrower = server.narrower(&uri.value);
            server.resources.extend(narrower.map(|resource| Resource { uri, ..resource }));
        }
    }

    /// A flow without a unit of its own is central; writing it in the central files is the approval.
    fn set_flow_units(&mut self) {
        for flow in self.model.flows.values_mut() {
            if flow.unit.value.as_str().is_empty() {
                flow.unit = Spanned::new(UnitName::from(UnitName::CENTRAL), flow.id.loc);
            }
        }
    }
}

/// Finds the server of each call of a step. Answers the calls to servers that list no tools.
fn resolve_step(
    step: &mut Step,
    unit: &UnitName,
    servers: &Servers,
    fitting: &Fitting,
) -> Vec<(ServerName, Spanned<ToolName>)> {
    let mut candidates: Vec<(&ServerName, Option<&Server>)> =
        step.servers.iter().map(|name| (&name.value, servers.get(&name.value))).collect();
    candidates.sort_unstable_by_key(|(name, _)| *name);
    candidates.dedup_by_key(|(name, _)| *name);
    let mut named = Vec::new();
    for read in &mut step.reads {
        let mut owners =
            candidates.iter().filter(|(_, server)| server.is_some_and(|server| server.offers(&read.what.value)));
        let owner = match candidates.as_slice() {
            [only] => Some(only),
            _ => owners.next().filter(|_| owners.next().is_none()),
        };
        read.server = owner.map(|(name, _)| (*name).clone());
    }
    let mut calls = Vec::with_capacity(step.calls.len());
    for call in std::mem::take(&mut step.calls) {
        if let [(name, server)] = candidates.as_slice() {
            if let Some(server) = server
                && !server.lists_tools
            {
                named.push((server.name.value.clone(), call.tool.clone()));
            }
            calls.push(Call { server: Some((*name).clone()), ..call });
            continue;
        }
        let lists = |server: &&Server| server.lists_tools && server.tools.contains_key(&call.tool.value);
        let owners: Vec<&Server> = candidates.iter().filter_map(|(_, server)| server.filter(lists)).collect();
        calls.extend(fitting.calls(call, &owners, unit));
    }
    step.calls = super::fitting::undone_where_done(calls);
    named
}

/// Reports unit folders of units that the registry does not list.
pub fn judge_folders(folders: &BTreeMap<UnitName, Spanned<String>>, model: &Model, report: &mut Report) {
    if !model.complete_for(&["mcp_registry"]) {
        return;
    }
    for (unit, folder) in folders {
        if !model.topology.units.contains_key(unit) {
            let known = model.topology.units.keys().map(UnitName::as_str);
            let message =
                format!("folder `{}` is given to unit `{unit}`, which the registry does not list", folder.value);
            report.push(
                Diagnostic::new(&rules::FOLDER_WITHOUT_UNIT, folder.loc, message)
                    .maybe_help(crate::diagnostic::did_you_mean(unit.as_str(), known)),
            );
        }
    }
}

/// Reports a second section of a family that may stand once in its scope.
pub fn judge_repeats(sections: &[At], report: &mut Report) {
    let mut first: BTreeMap<(&str, &crate::model::Scope), &At> = BTreeMap::new();
    for at in sections {
        match first.get(&(at.family, &at.scope)) {
            None => {
                first.insert((at.family, &at.scope), at);
            }
            Some(earlier) => report.push(
                Diagnostic::new(
                    &rules::DUPLICATE_SECTION,
                    at.key,
                    format!("`{}` is here a second time, and only one is allowed", at.family),
                )
                .label(earlier.key, "first here"),
            ),
        }
    }
}
