//! All ways in which a request can answer, and what became of them.

use super::request::Request;
use super::shows::values;
use super::tree::{Tree, Way};
use super::{Choice, FactTests, Picked, Probe};
use crate::lift::LiftError;
use crate::policy::condition::Condition;

/// Most combinations of answers for one request; more is an artifact that nobody should trust.
const MOST_RUNS: usize = 1 << 14;

/// What requests of one kind are let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where any of these sets of facts is shown, some request was let through.
    allowed: Condition,
    /// Where all facts of one of these sets are lacking, some request was denied.
    denied: Condition,
}

impl Default for Outcome {
    /// Of no request at all.
    fn default() -> Self {
        Self { allowed: Condition::never(), denied: Condition::never() }
    }
}

impl Outcome {
    /// Whether any request was let through.
    #[must_use]
    pub fn lets_any(&self) -> bool {
        self.allowed != Condition::never()
    }

    /// The condition, where it is a monotone one: no request is denied that shows all facts of a set that suffices.
    ///
    /// # Errors
    /// Where it is none: facts that suffice in one request do not in another.
    pub fn condition(&self, what: impl Fn() -> String) -> Result<Condition, LiftError> {
        let denied = self.denied.minimal_sets();
        match denied.iter().find(|lacks| self.allowed.minimal_sets().iter().any(|set| set & **lacks == 0)) {
            None => Ok(self.allowed.clone()),
            Some(_) => {
                Err(LiftError::Unexpected(format!("what lets {} through is not decided by the facts alone", what())))
            }
        }
    }

    fn add(&mut self, other: &Self) {
        for (all, more) in [(&mut self.allowed, &other.allowed), (&mut self.denied, &other.denied)] {
            if !more.implies(all) {
                *all = all.or(more);
            }
        }
    }
}

/// Puts every request of a kind to the artifact, and adds what became of them to the outcome. `transport` are the bits of `tls`
/// and `mtls`; 0 where no condition speaks of them. The tree is that of the product and the server; what became of a request that the product cannot
/// tell from this one is what becomes of it.
///
/// # Errors
/// Where the artifact cannot be read, asks for something that no fact answers, or asks for too much.
pub fn explore(
    tree: &mut Tree,
    request: Request<'_>,
    (tls, mtls): (u64, u64),
    decide: &dyn Fn(&mut Probe<'_>) -> Result<bool, LiftError>,
    outcome: &mut Outcome,
) -> Result<(), LiftError> {
    if let Some(known) = tree.became(&request) {
        outcome.add(known);
        return Ok(());
    }
    let found = all_ways(tree, request, (tls, mtls), decide)?;
    outcome.add(&found);
    tree.remember(&request, found)
}

/// The facts that are surely not shown: each of the values that show one was asked for, and was not there.
fn lacking(tests: &FactTests, choices: &[Picked]) -> u64 {
    let not_there = || choices.iter().map(|(slot, choice)| slot.bits & !slot.shown(choice.picked));
    let asked = not_there().fold(0, |bits, lacking| bits | lacking);
    let several = tests.iter().filter(|(bit, evidence)| asked & bit != 0 && values(evidence) > 1);
    several.fold(asked, |lacking, (bit, evidence)| {
        let of_this = not_there().filter(|lacking| lacking & bit != 0).count();
        if of_this < values(evidence) { lacking & !bit } else { lacking }
    })
}

/// Puts a request with every combination of answers.
fn all_ways(
    tree: &mut Tree,
    request: Request<'_>,
    (tls, mtls): (u64, u64),
    decide: &dyn Fn(&mut Probe<'_>) -> Result<bool, LiftError>,
) -> Result<Outcome, LiftError> {
    let mut script: Vec<Choice> = Vec::new();
    let (mut all_allowed, mut all_denied) = (Vec::new(), Vec::new());
    for _ in 0..MOST_RUNS {
        let mut choices = Vec::new();
        let allowed = match tree.decided(&request, &script, &mut choices) {
            Some(allowed) => allowed,
            None => {
                let (way, script) = (Way::default(), std::mem::take(&mut script));
                choices.clear();
                let mut probe = Probe { request, tree, way, tls, mtls, choices, script, strange: None };
                let allowed = decide(&mut probe)?;
                if let Some(what) = probe.strange {
                    return Err(LiftError::Unexpected(format!(
                        "a rule asks for {what}, which is not evidence of the model"
                    )));
                }
                choices = probe.choices;
                if probe.tree.decide(&probe.way, allowed).is_err() {
                    let what = "two identical requests are decided differently";
                    return Err(LiftError::Unexpected(what.to_owned()));
                }
                allowed
            }
        };
        let (token, issued) = (&request.token.of, &request.issuer.of);
        let shown = choices.iter().fold(0, |bits, (slot, choice)| bits | slot.shown(choice.picked));
        if allowed {
            all_allowed.push(shown | token.always | issued.always);
        } else {
            let lacking = lacking(request.message.of.tests, &choices) & !shown;
            all_denied.push(lacking | token.never | issued.never);
        }
        script = choices.into_iter().map(|(_, choice)| choice).collect();
        // The next combination: the last answer that has another one.
        while let Some(last) = script.last_mut() {
            if last.picked + 1 < last.of {
                last.picked += 1;
                break;
            }
            script.pop();
        }
        if script.is_empty() {
            return Ok(Outcome { allowed: Condition::any_of(all_allowed), denied: Condition::any_of(all_denied) });
        }
    }
    let method = &request.message.of.call.method;
    Err(LiftError::Unexpected(format!("the rules for `{method}` ask for too many things")))
}
