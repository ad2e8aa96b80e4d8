//! From as-written sections to the model: the symbol table, and the joining of what several sections say.
//!
//! Families are lowered one section at a time, in the order of their places; [`Lowering::finish`] then resolves what needs
//! all of them: which server owns a tool, which servers exist, what a unit folder may contain.

mod class_from;
pub mod finish;
mod fitting;
pub mod rules;

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use foldhash::{HashMap, HashMapExt};

use crate::diagnostic::{Diagnostic, Report};
use crate::model::flow::Step;
use crate::model::name::{ServerName, UnitName};
use crate::model::server::{Server, Tool};
use crate::model::{Model, Scope};
use crate::source::{Loc, Spanned};

/// Where a section stands.
#[derive(Debug, Clone)]
pub struct At {
    /// The family's top-level key, and whose section it is.
    pub family: &'static str,
    /// The centre's, or a unit folder's.
    pub scope: Scope,
    /// The top-level key.
    pub key: Loc,
}

/// The model while it is being built.
#[derive(Debug, Default)]
pub struct Lowering {
    /// What is known so far.
    pub model: Model,
    /// What was found.
    pub report: Report,
    declared: HashMap<(&'static str, String), Loc>,
    mentions: Vec<(Spanned<ServerName>, &'static str)>,
    entries: Vec<(At, Box<ServerEntry>)>,
    sections: Vec<At>,
}

/// A registry entry of a server, before centre's and units' entries are brought together.
#[derive(Debug, Clone)]
pub struct ServerEntry {
    /// The entry's own values; `access` is what this entry says.
    pub server: Server,
    /// The unit that it names.
    pub unit: Option<Spanned<UnitName>>,
}

impl ServerEntry {
    /// An entry that says nothing but its name.
    #[must_use]
    pub fn new(name: Spanned<ServerName>, unit: Option<Spanned<UnitName>>) -> Self {
        Self { server: Server::bare(name), unit }
    }
}

/// A tool of which only the name is known.
#[must_use]
pub fn bare_tool(name: Spanned<crate::model::name::ToolName>, registered: bool) -> Tool {
    Tool {
        name,
        registered,
        read_only: None,
        destructive: None,
        idempotent: None,
        class_from: None,
        input_schema: None,
        output_schema: None,
        mirrored: BTreeMap::new(),
    }
}

impl Lowering {
    /// Notes that a section of a family stands in a unit folder.
    pub fn section(&mut self, at: &At) {
        self.sections.push(at.clone());
    }

    /// Declares a name of a kind (`server`, `pool`); a second declaration is the error `duplicate-name`, showing both.
    /// Answers whether it is the first.
    pub fn declare(&mut self, kind: &'static str, name: &str, loc: Loc) -> bool {
        self.declare_as(kind, name.to_owned(), name, loc)
    }

    /// As [`Lowering::declare`], for names that only have to be unique within something else: `key` is the full name.
    pub fn declare_as(&mut self, kind: &'static str, key: String, shown: &str, loc: Loc) -> bool {
        match self.declared.entry((kind, key)) {
            Entry::Vacant(free) => {
                free.insert(loc);
                true
            }
            Entry::Occupied(taken) => {
                let first = *taken.get();
                self.report_twice(kind, shown, loc, first);
                false
            }
        }
    }

    /// Declares the steps of one flow, where a second one of the same name is the error `duplicate-name`, too, and
    /// mentions their servers.
    pub fn declare_steps(&mut self, steps: &[Step], as_what: &'static str) {
        let mut declared: HashMap<&str, Loc> = HashMap::with_capacity(steps.len());
        for Step { name, servers, .. } in steps {
            match declared.entry(&name.value) {
                Entry::Vacant(free) => {
                    free.insert(name.loc);
                }
                Entry::Occupied(taken) => self.report_twice("step", &name.value, name.loc, *taken.get()),
            }
            self.mentions.extend(servers.iter().map(|server| (server.clone(), as_what)));
        }
    }

    fn report_twice(&mut self, kind: &str, shown: &str, loc: Loc, first: Loc) {
        let message = format!("{kind} `{shown}` is declared a second time");
        let rule = if kind == "level" { &rules::DUPLICATE_LEVEL } else { &rules::DUPLICATE_NAME };
        self.report.push(Diagnostic::new(rule, loc, message).label(first, "first here"));
    }

    /// Adds what was made of the sections of flows beside the others. They set nothing that other sections set.
    pub fn join_flows(&mut self, flows: Self) {
        self.model.flows = flows.model.flows;
        self.model.event_bus = flows.model.event_bus;
        self.report.extend(flows.report.diagnostics);
        self.mentions.extend(flows.mentions);
    }

    /// Notes that a section other than the registry names a server.
    pub fn mention(&mut self, server: Spanned<ServerName>, as_what: &'static str) {
        self.mentions.push((server, as_what));
    }

    /// Takes a registry entry.
    pub fn server_entry(&mut self, at: &At, entry: Box<ServerEntry>) {
        self.entries.push((at.clone(), entry));
    }

    /// Sets a value that several sections may set, but only to the same value.
    pub fn join<T: PartialEq + std::fmt::Display>(
        report: &mut Report,
        slot: &mut Option<Spanned<T>>,
        value: Option<Spanned<T>>,
        what: &str,
    ) {
        let Some(value) = value else { return };
        match slot {
            None => *slot = Some(value),
            Some(before) if before.value == value.value => {}
            Some(before) => report.push(
                Diagnostic::new(
                    &rules::CONFLICTING_VALUES,
                    value.loc,
                    format!("`{what}` is `{}` here and `{}` elsewhere", value.value, before.value),
                )
                .label(before.loc, "set here first"),
            ),
        }
    }

    /// Reports a part that only the central configuration may set, where it stands in a unit folder. Answers whether it may be taken.
    pub fn centre_only(&mut self, at: &At, what: &str, loc: Option<Loc>) -> bool {
        match (&at.scope, loc) {
            (Some(unit), Some(loc)) => {
                let message = format!(
                    "`{what}` belongs to the central configuration and cannot be in the folder of unit `{unit}`"
                );
                self.report.push(Diagnostic::new(&rules::CENTRE_ONLY, loc, message));
                false
            }
            _ => true,
        }
    }

    /// The unit of something declared in a section: its own key, else the unit of the folder. A unit folder that names
    /// another unit is an error, and its own unit counts.
    pub fn unit_of(&mut self, at: &At, written: Option<Spanned<UnitName>>, what: &str) -> Option<Spanned<UnitName>> {
        let Some(folder) = &at.scope else { return written };
        match written {
            Some(unit) if unit.value != *folder => {
                let message = format!("{what} in the folder of unit `{folder}` cannot be of unit `{unit}`");
                self.report.push(Diagnostic::new(&rules::FOREIGN_UNIT, unit.loc, message));
                Some(Spanned::new(folder.clone(), unit.loc))
            }
            Some(unit) => Some(unit),
            None => Some(Spanned::new(folder.clone(), at.key)),
        }
    }
}
