//! `class_from`: a call says by one of its arguments, or by a claim of its token, of which class its data is. Each server takes
//! the classes up to its own, so calls get one more requirement, whose evidence is that the argument or claim is one of those.

use super::{Lowering, rules};
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::access::written::{WrittenEvidence, WrittenPath};
use crate::model::access::{ArgumentEvidence, ArgumentTest, ClaimEvidence, ClaimTest, DataClass, Evidence};
use crate::model::name::FactName;
use crate::model::server::{ClassFrom, Server, ToolAccess};
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
                // Where both say it, the tool has a way of its own.
                if let Some(from) = tool.class_from.as_ref().or(server.class_from.as_ref()) {
                    let fact = self.fact_of(from, &classes);
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
            // Who reads or fetches sends no arguments of a tool, and a token all the same.
            if let Some(from @ ClassFrom::Claim(_)) = &server.class_from
                && !(server.resources.is_empty() && server.prompts.is_empty())
            {
                let fact = self.fact_of(from, &classes);
                server.resources.iter_mut().for_each(|resource| resource.requires.extend(fact.clone()));
                server.prompts.iter_mut().for_each(|prompt| prompt.requires.extend(fact.clone()));
            }
        }
        self.model.servers = servers;
    }

    /// The requirement that an argument or a claim is one of these classes. Where nothing can show it, the calls are denied, and
    /// a finding says why.
    fn fact_of(&mut self, from: &ClassFrom, classes: &[String]) -> Option<Spanned<FactName>> {
        let (path, loc) = (from.path(), from.loc()?);
        let names: Vec<String> = path.parts.iter().map(|part| part.value.clone()).collect();
        let most = classes.last().map_or("none", String::as_str);
        let word = |text: &str| text.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        let of = match from {
            ClassFrom::Argument(_) => "",
            ClassFrom::Claim(_) => "_claim",
        };
        let fact = FactName::from(format!("{}{of}_up_to_{}", word(&names.join("_")), word(most)));
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
            let message = "`class_from` names what says the class of a call, and no class of `data_routing` lists the server, so it takes no data";
            let help = "list the server in a class of `data_routing`";
            if whole {
                self.report.push(Diagnostic::new(&rules::CLASS_FROM_NOTHING, loc, message).help(help));
            }
            return required;
        }
        let evidence = evidence(from, names, classes);
        match identity.evidence.get(&fact) {
            None => {
                identity.evidence.insert(fact.clone(), Spanned::new(evidence, loc));
                self.model.written_evidence.push(written(fact, from));
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

/// That the argument or claim is the name of one of these classes.
fn evidence(from: &ClassFrom, path: Vec<String>, classes: &[String]) -> Evidence {
    match from {
        ClassFrom::Argument(_) => {
            let values = classes.iter().map(|class| class.as_str().into()).collect();
            Evidence::Argument(ArgumentEvidence { path, test: ArgumentTest::OneOf(values) })
        }
        // A list with a class that the server takes may hold one that it does not.
        ClassFrom::Claim(_) => {
            Evidence::Claim(ClaimEvidence { path, test: ClaimTest::Is(classes.to_vec()), separator: None, scope: None })
        }
    }
}

/// The classes up to the one of a server, the least sensitive first; none for a server that no class lists, so that nobody opens it to
/// data by forgetting it. Where a unit folder lists it in another class, the less sensitive of both counts: what either denies is
/// denied.
pub(super) fn classes_below(model: &Model, server: &Server) -> Vec<String> {
    let rank = |rules: &_| Classification::of(rules).listed(server.name.value.as_str()).map(|listing| listing.rank);
    let centre = rank(&model.access);
    let restated = server.unit.as_ref().and_then(|unit| model.restated_for(&unit.value));
    let most = [centre, restated.as_ref().and_then(rank)].into_iter().flatten().min();
    let name = |class: &DataClass| class.name.value.as_str().to_owned();
    most.map_or_else(Vec::new, |most| model.access.classes.iter().take(most + 1).map(name).collect())
}

fn written(fact: FactName, from: &ClassFrom) -> WrittenEvidence {
    let (argument, claims): (Option<WrittenPath>, Vec<WrittenPath>) = match from {
        ClassFrom::Argument(path) => (Some(path.clone()), Vec::new()),
        ClassFrom::Claim(path) => (None, vec![path.clone()]),
    };
    WrittenEvidence {
        fact,
        argument,
        claims,
        at_least: None,
        at_most: None,
        contains: None,
        one_of: Vec::new(),
        is_listed: true,
        matches: None,
        same: Vec::new(),
    }
}
