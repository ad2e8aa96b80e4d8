//! What the manifest says of a target, and where its product is stricter than the model.

use std::collections::BTreeMap;

use super::coverage::{families_for_products, is_used};
use super::{Input, Shown, Target, handwritten, listed, not_expressed, undecided};
use crate::bundle::manifest;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;
use crate::model::name::FactName;
use crate::policy::Policy;
use crate::policy::visibility::{Stricter, View};

/// The warning about cells that a product denies although the model allows them.
pub static TARGET_STRICTER: Rule = Rule {
    name: "target-stricter",
    guards_access: false,
    severity: Severity::Warning,
    what: "Finds requirements and objects that a target's product cannot see, so that what needs them is always denied \
           there.",
    why: "Calls that the policy allows fail at that gateway.",
    fix: "Let something in front make sure of the requirement and say so with `assume` and `assume_reason` in the \
          target's settings, or leave the target out of the compile.",
};

/// What the manifest says of a target: of each family in use, and of each key that is not expressed. `input` is what it was
/// compiled from, `whole` the whole relation.
#[must_use]
pub fn entry(target: &Target, input: &Input<'_>, whole: &Policy, view: &View, stricter: &Stricter) -> manifest::Target {
    let (model, sources) = (input.model, input.sources);
    let coverage =
        families_for_products().filter(|family| is_used(**family, model)).map(|family| manifest::FamilyCoverage {
            family: family.key().to_owned(),
            coverage: target.coverage_word(*family).to_owned(),
            why: target.leaves(*family).map(str::to_owned),
        });
    let not_expressed = not_expressed(target, model).into_iter().map(|found| manifest::NotExpressed {
        family: found.family.key().to_owned(),
        key: found.key,
        at: sources.file_line(found.loc),
        why: found.why.to_owned(),
    });
    manifest::Target {
        name: target.name().to_owned(),
        coverage: coverage.collect(),
        not_expressed: not_expressed.collect(),
        names: (target.names)(model),
        proof: {
            let Shown { by, what, beyond } = target.proof.shown();
            let [by, what, not_shown] = [by, what, beyond].map(str::to_owned);
            manifest::Proof { rests_on: target.proof.word().to_owned(), by, what, not_shown }
        },
        assumed: view
            .given
            .iter()
            .map(|(fact, reason)| manifest::Assumed { fact: fact.to_string(), reason: reason.clone() })
            .collect(),
        stricter: narrowings(view, stricter)
            .map(|(fact, why, cells)| {
                let what = fact.map_or_else(|| "objects".to_owned(), |fact| format!("fact {fact}"));
                manifest::Stricter { what, why: why.to_owned(), cells: cells as u64 }
            })
            .collect(),
        undecided: undecided::entries(target, model, whole, input.policy, view, stricter),
        handwritten: handwritten::entries(target, model),
    }
}

/// What is narrower in the product than in the model: the fact that it does not see, or `None` for objects that it denies; why; and
/// how many cells.
fn narrowings<'a>(
    view: &'a View,
    stricter: &'a Stricter,
) -> impl Iterator<Item = (Option<&'a FactName>, &'a str, usize)> {
    let why = |fact| view.blind.get(fact).map(String::as_str).unwrap_or_default();
    let facts = stricter.facts.iter().map(move |(fact, cells)| (Some(fact), why(fact), *cells));
    facts.chain(stricter.objects.iter().map(|(why, cells)| (None, why.as_str(), *cells)))
}

/// The warnings about what is narrower in the product than in the model: one for each reason.
#[must_use]
pub fn stricter_notes(target: &Target, model: &Model, view: &View, stricter: &Stricter) -> Vec<Diagnostic> {
    let at = model.deployment.of(target.id).map(|settings| settings.loc);
    let loc = at.or(model.registry).or(model.identity.as_ref().map(|identity| identity.loc)).unwrap_or_default();
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (fact, why, cells) in narrowings(view, stricter) {
        let what = fact.map_or_else(|| "objects".to_owned(), |fact| format!("what needs `{fact}`"));
        let noun = if cells == 1 { "cell" } else { "cells" };
        by_reason.entry(why).or_default().push(format!("{what} ({cells} {noun} of the access relation)"));
    }
    let note = |(why, what): (&str, Vec<String>)| {
        let message = format!("target `{}` denies {}", target.name(), listed(&what));
        Diagnostic::new(&TARGET_STRICTER, loc, message).help(why)
    };
    by_reason.into_iter().map(note).collect()
}
