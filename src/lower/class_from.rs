//! `class_from`: a call says by one of its arguments of which class its data is. Each server takes the classes up to its own, so
//! calls get one more requirement, whose evidence is that the argument is one of those.

use super::{Lowering, rules};
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::access::written::{WrittenEvidence, WrittenPath};
use crate::model::access::{ArgumentEvidence, ArgumentTest, DataClass, Evidence};
use crate::model::name::FactName;
use crate::model::server::{Server, ToolAccess};
use crate::source::Spanned;

impl Lowering {
    /// Adds what `class_from` asks of calls.
    pub(super) fn add_data_classes(&mut self) {
        let asked =
            self.model.servers.values().any(|server| {
                server.class_from.is_some() || server.tools.values().any(|tool| tool.class_from.is_some())
            });
        if !asked {
            return;
        }
        let mut servers = std::mem::take(&mut self.model.servers);
        let below: Vec<Vec<String>> = servers.values().map(|server| classes_below(&self.model, server)).collect();
        for (server, classes) in servers.values_mut().zip(below) {
            for tool in server.tools.values() {
                // Where both say it, the tool has an argument of its own.
                if let Some(path) = tool.class_from.as_ref().or(server.class_from.as_ref()) {
                    let fact = self.fact_of(path, &classes);
                    let access = server.access.tools.entry(tool.name.value.clone()).or_default();
                    access.requires.extend(fact.clone());
                    // What a unit folder restates of the server keeps it, too. One that lists no tool speaks of all of them.
                    if let Some(overlay) = &mut server.overlay {
                        if overlay.tools.is_empty() {
                            overlay.tools.extend(server.tools.keys().map(|tool| (tool.clone(), ToolAccess::default())));
                        }
                        overlay.tools.entry(tool.name.value.clone()).and_modify(|access| access.requires.extend(fact));
                    }
                }
            }
        }
        self.model.servers = servers;
    }

    /// The requirement that an argument is one of these classes. Where nothing can show it, the calls are denied, and a finding
    /// says why.
    fn fact_of(&mut self, path: &WrittenPath, classes: &[String]) -> Option<Spanned<FactName>> {
        let loc = path.loc()?;
        let names: Vec<String> = path.parts.iter().map(|part| part.value.clone()).collect();
        let most = classes.last().map_or("none", String::as_str);
        let word = |text: &str| text.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        let fact = FactName::from(format!("{}_up_to_{}", word(&names.join("_")), word(most)));
        let required = Some(Spanned::new(fact.clone(), loc));
        // Sections that could not be read may declare what is missing.
        let whole = self.model.complete_for(&["data_routing", "identity"]);
        let Some(identity) = self.model.identity.as_mut() else {
            let message =
                "`class_from` reads calls, and the workspace has no section `identity`, by which calls are judged";
            let help = "declare `identity` with the issuers of the callers' tokens";
            if whole {
                self.report.push(Diagnostic::new(&rules::CLASS_FROM_NOTHING, loc, message).help(help));
            }
            return required;
        };
        if classes.is_empty() {
            let message = "`class_from` names an argument that says the class of a call, and no class is declared";
            let help = "declare the classes in `data_routing`";
            if whole {
                self.report.push(Diagnostic::new(&rules::CLASS_FROM_NOTHING, loc, message).help(help));
            }
            return required;
        }
        let values = classes.iter().map(|class| class.as_str().into()).collect();
        let evidence = Evidence::Argument(ArgumentEvidence { path: names, test: ArgumentTest::OneOf(values) });
        match identity.evidence.get(&fact) {
            None => {
                identity.evidence.insert(fact.clone(), Spanned::new(evidence, loc));
                self.model.written_evidence.push(written(fact, path));
            }
            Some(known) if known.value == evidence => {}
            Some(known) => {
                let message = format!("`class_from` is judged by the fact `{fact}`, and that has other evidence");
                let finding = Diagnostic::new(&rules::CONFLICTING_VALUES, loc, message);
                self.report.push(finding.label(known.loc, "here").help("give the requirement another name"));
            }
        }
        required
    }
}

/// The classes up to the one of a server, the least sensitive first. Where a unit folder lists it in another class, the less
/// sensitive of both counts: what either denies is denied.
fn classes_below(model: &Model, server: &Server) -> Vec<String> {
    let rank = |rules: &_| Classification::of(rules).governing(server.name.value.as_str()).map(|(rank, _)| rank);
    let centre = rank(&model.access);
    let restated = server.unit.as_ref().and_then(|unit| model.restated_for(&unit.value));
    let most = [centre, restated.as_ref().and_then(rank)].into_iter().flatten().min();
    let name = |class: &DataClass| class.name.value.as_str().to_owned();
    most.map_or_else(Vec::new, |most| model.access.classes.iter().take(most + 1).map(name).collect())
}

fn written(fact: FactName, path: &WrittenPath) -> WrittenEvidence {
    WrittenEvidence {
        fact,
        argument: Some(path.clone()),
        claims: Vec::new(),
        at_least: None,
        at_most: None,
        contains: None,
        one_of: Vec::new(),
        is_listed: true,
        matches: None,
        same: Vec::new(),
    }
}
