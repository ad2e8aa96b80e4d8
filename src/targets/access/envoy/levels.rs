//! What a denial says of the level that asks for what is missing: its number and its description.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Model;
use crate::model::access::{AuthLevel, Evidence};

/// The levels that say what they are for, by fact: of each fact that a level asks for itself, the lowest such level.
pub(super) struct Levels<'m> {
    of_facts: BTreeMap<&'m str, (u32, &'m str)>,
    /// The lowest level of all that asks for a known caller.
    of_known: Option<(u32, &'m str)>,
}

impl<'m> Levels<'m> {
    /// Those of a model: what the centre says of a fact is more than what the folder of a unit says.
    pub(super) fn of(model: &'m Model) -> Self {
        let (mut found, mut of_known) = (BTreeMap::new(), None);
        for rules in std::iter::once(&model.access).chain(model.overlays.values()) {
            for level in rules.levels.values() {
                let Some(description) = &level.description else { continue };
                let shown = (level.number.value, description.value.as_str());
                for fact in facts(level) {
                    // Whoever reaches the rules of a gateway is a known caller, so they never miss that.
                    match model.evidence_for(fact) {
                        Some(Evidence::KnownCaller) => of_known = of_known.or(Some(shown)),
                        _ => drop(found.entry(fact).or_insert(shown)),
                    }
                }
            }
        }
        Self { of_facts: found, of_known }
    }

    /// Facts that some level with a description asks for.
    pub(super) fn facts(&self) -> impl Iterator<Item = &'m str> + '_ {
        self.of_facts.keys().copied()
    }

    /// The highest of the levels that ask for these facts.
    pub(super) fn of_facts<'f>(&self, facts: impl IntoIterator<Item = &'f str>) -> Option<Level<'m>> {
        let levels = facts.into_iter().filter_map(|fact| self.of_facts.get(fact));
        levels.max().map(|(number, description)| Level { number: *number, description })
    }

    /// The lowest level that asks for a known caller: whoever shows a token that is not valid has not reached it.
    pub(super) fn of_known_callers(&self) -> Option<Level<'m>> {
        self.of_known.map(|(number, description)| Level { number, description })
    }
}

fn facts(level: &AuthLevel) -> impl Iterator<Item = &str> {
    let alternatives = level.alternatives.iter().flat_map(|other| &other.requirements);
    level.requirements.iter().chain(alternatives).map(|fact| fact.value.as_str())
}

/// A level in words.
#[derive(Clone, Copy)]
pub(super) struct Level<'m> {
    number: u32,
    description: &'m str,
}

impl Level<'_> {
    /// For the `data` of a JSON-RPC error. A percent sign begins a command of Envoy's format.
    pub(super) fn data(self) -> Value {
        json!({"number": self.number, "description": self.description.replace('%', "%%")})
    }

    /// For a challenge, with a comma after it: empty where the description has a character that the parameter may not have.
    /// Source: RFC 6750, section 3.
    pub(super) fn parameter(self) -> String {
        let allowed = |c: char| (' '..='~').contains(&c) && !['"', '\\'].contains(&c);
        if !self.description.chars().all(allowed) {
            return String::new();
        }
        let text = self.description.replace('%', "%%");
        format!("error_description=\"level {}: {text}\", ", self.number)
    }
}
