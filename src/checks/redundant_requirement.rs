//! `redundant-requirement`.

use std::collections::{BTreeMap, BTreeSet};

use super::redundant_grant::lists;
use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::model::access::DataClass;
use crate::model::name::{FactName, ToolName};
use crate::model::server::Server;
use crate::policy::condition::Condition;
use crate::policy::derive::{effective_level, level_condition};
use crate::policy::origin::fact_place;
use crate::policy::redundant::granted;
use crate::source::{Loc, Spanned};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "redundant-requirement",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds `requires` of a class, server, tool or grant that every call in question must meet anyway, because its \
               level, its class or its server asks for the same. Unit folders are left alone: they restate the whole.",
        why: "Without it not a single decision changes, so it says less than it seems to: whoever takes it away to loosen the \
              tool loosens nothing.",
        fix: "Remove it; or keep it where it should hold even if the level or the class is changed one day, with a waiver that \
              says so.",
    },
    run,
};

/// A place that asks for a fact, and what it is: "level 3".
type Asked = (Loc, String);

/// What calls are asked for whatever a requirement adds.
struct Levels<'a> {
    input: &'a Input<'a>,
    /// For each level the facts that every way to meet it takes.
    common: BTreeMap<u32, u64>,
}

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&[
        "progressive_auth",
        "data_routing",
        "mcp_registry",
        "federation_config",
        "zero_trust_config",
    ]) {
        return;
    }
    let facts = &input.policy.facts;
    let every = |number: &u32| common(&level_condition(&model.access.levels, *number, facts));
    let common = model.access.levels.keys().map(|number| (*number, every(number))).collect();
    let levels = Levels { input, common };
    let classes = model.access.classes.iter().filter(|class| !class.requires.is_empty());
    classes.for_each(|class| levels.of_class(class, report));
    for server in model.servers.values() {
        levels.of_server(server, report);
    }
    for (who, list) in lists(input) {
        for grant in list.iter().filter(|grant| !grant.requires.is_empty()) {
            let objects = granted(model, input.policy, grant);
            let of_all = objects.iter().filter_map(|object| input.policy.demand(*object)).map(self::common);
            let Some(of_all) = of_all.reduce(|all, one| all & one) else { continue };
            for fact in &grant.requires {
                if facts.mask(fact.value.as_str()).is_some_and(|bit| of_all & bit != 0) {
                    let message = format!("every call of `{}` needs `{fact}` anyway, also by `{who}`", grant.text);
                    let object = objects.first().map(|object| input.policy.object_at(*object));
                    let asked = object.and_then(|it| fact_place(model, input.classes, None, it, fact.value.as_str()));
                    let asked = asked.map(|loc| (loc, "this".to_owned()));
                    report.push(finding(fact, message, asked));
                }
            }
        }
    }
}

/// The facts of every way; of none where it can never hold.
fn common(condition: &Condition) -> u64 {
    condition.minimal_sets().iter().copied().reduce(|all, set| all & set).unwrap_or(0)
}

fn finding(fact: &Spanned<FactName>, message: String, asked: Option<Asked>) -> Diagnostic {
    let fix = Fix::safe(format!("remove `{fact}`"), vec![Edit::Remove(fact.loc)]);
    let finding = Diagnostic::new(&CHECK.rule, fact.loc, message).fix(fix);
    match asked {
        Some((loc, who)) => finding.label(loc, format!("{who} asks for it")),
        None => finding,
    }
}

impl Levels<'_> {
    /// The level that a thing with this level of its own has.
    fn number(&self, server: &Server, own: Option<&Spanned<u32>>) -> Option<u32> {
        self.effective(self.input.classes.level(server.name.value.as_str(), &server.access, own))
    }

    fn of_tool(&self, server: &Server, tool: &ToolName) -> Option<u32> {
        self.effective(self.input.classes.tool_level(server, &server.access, tool.as_str()))
    }

    fn effective(&self, wanted: Option<u32>) -> Option<u32> {
        wanted.and_then(|wanted| effective_level(&self.input.model.access.levels, wanted))
    }

    /// The levels of everything that can be called on a server.
    fn numbers(&self, server: &Server) -> BTreeSet<Option<u32>> {
        let tools = server.tools.keys().map(|tool| self.of_tool(server, tool));
        let resources = server.resources.iter().map(|resource| resource.auth_level.as_ref());
        let prompts = server.prompts.iter().map(|prompt| prompt.auth_level.as_ref());
        resources.chain(prompts).map(|own| self.number(server, own)).chain(tools).collect()
    }

    /// The place that asks for a fact at a level, where every way to meet it takes the fact.
    fn level_asks(&self, number: Option<u32>, fact: &FactName) -> Option<Asked> {
        let number = number?;
        let bit = self.input.policy.facts.mask(fact.as_str())?;
        if self.common.get(&number).is_none_or(|common| common & bit == 0) {
            return None;
        }
        let lower = self.input.model.access.levels.range(..=number);
        let mut asked = lower.flat_map(|(level, at)| at.requirements.iter().map(move |fact| (level, fact)));
        asked.find(|(_, asked)| asked.value == *fact).map(|(level, fact)| (fact.loc, format!("level {level}")))
    }

    /// The place that asks for a fact at every one of some levels; of no level it says no.
    fn levels_ask(&self, numbers: &BTreeSet<Option<u32>>, fact: &FactName) -> Option<Asked> {
        let asked: Option<Vec<Asked>> = numbers.iter().map(|number| self.level_asks(*number, fact)).collect();
        asked?.into_iter().min()
    }

    /// The place that asks for a fact at everything on a server: its levels or its class, and the server itself if so asked.
    fn asks(&self, server: &Server, fact: &FactName, itself: bool) -> Option<Asked> {
        let class = self.input.classes.governing(server.name.value.as_str()).map(|(_, class)| class);
        let of_class = || {
            let asked = class?.requires.iter().find(|asked| asked.value == *fact)?;
            Some((asked.loc, format!("class `{}`", class?.name)))
        };
        let of_server = || {
            let asked = server.access.requires.iter().find(|asked| asked.value == *fact)?;
            Some((asked.loc, format!("server `{}`", server.name)))
        };
        self.levels_ask(&self.numbers(server), fact).or_else(of_class).or_else(|| of_server().filter(|_| itself))
    }

    fn of_class(&self, class: &DataClass, report: &mut Report) {
        let servers = self.input.model.servers.values().filter(|server| {
            let governing = self.input.classes.governing(server.name.value.as_str());
            governing.is_some_and(|(_, governing)| governing.name == class.name)
        });
        let numbers: BTreeSet<Option<u32>> = servers.flat_map(|server| self.numbers(server)).collect();
        for fact in &class.requires {
            if let Some(asked) = self.levels_ask(&numbers, &fact.value) {
                let message = format!("every call to a server of class `{}` needs `{fact}` anyway", class.name);
                report.push(finding(fact, message, Some(asked)));
            }
        }
    }

    fn of_server(&self, server: &Server, report: &mut Report) {
        let access = &server.access;
        for fact in &access.requires {
            if let Some(asked) = self.asks(server, &fact.value, false) {
                let message = format!("every call to `{}` needs `{fact}` anyway", server.name);
                report.push(finding(fact, message, Some(asked)));
            }
        }
        let tools = access.tools.iter().filter(|(_, own)| !own.requires.is_empty()).map(|(tool, own)| {
            (format!("{}/{tool}", server.name), self.of_tool(server, tool), own.requires.as_slice())
        });
        let resources = server.resources.iter().filter(|own| !own.requires.is_empty()).map(|own| {
            let number = self.number(server, own.auth_level.as_ref());
            (format!("{} resource {}", server.name, own.uri), number, own.requires.as_slice())
        });
        let prompts = server.prompts.iter().filter(|own| !own.requires.is_empty()).map(|own| {
            let number = self.number(server, own.auth_level.as_ref());
            (format!("{} prompt {}", server.name, own.name), number, own.requires.as_slice())
        });
        for (what, number, requires) in tools.chain(resources).chain(prompts) {
            let number = BTreeSet::from([number]);
            for fact in requires {
                let above = || self.asks(server, &fact.value, true);
                if let Some(asked) = self.levels_ask(&number, &fact.value).or_else(above) {
                    report.push(finding(fact, format!("every call of `{what}` needs `{fact}` anyway"), Some(asked)));
                }
            }
        }
    }
}
