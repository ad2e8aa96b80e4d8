//! Running policy tests and invariants: every request of every one, what decided it, and the nearest permission.

use crate::model::Model;
use crate::model::assurance::{Invariant, PolicyTest};
use crate::policy::invariant::{self, Resolved, Undecided, Violation};
use crate::policy::policy_test::{self, Case, Outcome};
use crate::policy::whole::Whole;
use crate::policy::{ObjectIx, ObjectKind, Policy, PrincipalIx};

#[cfg(test)]
mod tests;

/// What came out.
#[derive(Debug, Clone)]
pub struct Suite<'m> {
    /// Every test that was run, in the order of the places.
    pub tests: Vec<TestRun<'m>>,
    /// Every invariant that was judged, in the order of the places.
    pub invariants: Vec<InvariantRun<'m>>,
}

/// A test, run.
#[derive(Debug, Clone)]
pub struct TestRun<'m> {
    /// The test.
    pub test: &'m PolicyTest,
    /// Every request, in the order of [`policy_test::cases`]. A test without any fails.
    pub outcomes: Vec<Outcome>,
    /// Calls that stand for no tool; a test with any fails.
    pub empty: Vec<&'m str>,
}

/// An invariant, judged.
#[derive(Debug, Clone)]
pub struct InvariantRun<'m> {
    /// The invariant.
    pub invariant: &'m Invariant,
    /// Every principal that breaks it.
    pub violations: Vec<Violation>,
    /// Every other principal of which it is not settled whether it does. An invariant with any fails.
    pub undecided: Vec<Undecided>,
    /// Calls that stand for no tool; an invariant with any fails.
    pub empty: Vec<&'m str>,
}

impl TestRun<'_> {
    /// The requests that come out otherwise than stated.
    pub fn failing(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.fault.is_some())
    }

    /// Whether everything comes out as stated.
    #[must_use]
    pub fn passes(&self) -> bool {
        !self.outcomes.is_empty() && self.empty.is_empty() && self.failing().next().is_none()
    }
}

impl InvariantRun<'_> {
    /// Whether nobody breaks it.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.violations.is_empty() && self.undecided.is_empty() && self.empty.is_empty()
    }
}

impl Suite<'_> {
    /// How many tests and invariants there are, and how many of them fail.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let failing = self.tests.iter().filter(|test| !test.passes()).count()
            + self.invariants.iter().filter(|invariant| !invariant.passes()).count();
        (self.tests.len() + self.invariants.len(), failing)
    }

    /// How many tests and invariants fail because an answer is unknown, and for no other reason.
    #[must_use]
    pub fn unknown(&self) -> usize {
        let open = |run: &&TestRun<'_>| {
            run.failing().next().is_some() && run.failing().all(|outcome| outcome.unknown.is_some())
        };
        let undecided = |run: &&InvariantRun<'_>| run.violations.is_empty() && !run.undecided.is_empty();
        self.tests.iter().filter(open).count() + self.invariants.iter().filter(undecided).count()
    }

    /// How many requests were judged.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.tests.iter().map(|test| test.outcomes.len()).sum()
    }
}

/// Runs every test and invariant whose name holds the text.
#[must_use]
pub fn run<'m>(model: &'m Model, whole: Whole<'_>, filter: &str) -> Suite<'m> {
    run_stated(model, model, whole, filter)
}

/// As [`run`], with the tests and invariants that another workspace states.
#[must_use]
pub fn run_stated<'m>(stated: &'m Model, model: &Model, whole: Whole<'_>, filter: &str) -> Suite<'m> {
    let policy = whole.policy;
    let tests = stated.policy_tests.iter().filter(|test| test.name.value.contains(filter)).map(|test| {
        let cases = policy_test::cases(model, policy, test).into_iter();
        let outcomes = cases.map(|case| policy_test::judge(whole, test, case)).collect();
        let empty = policy_test::empty_calls(model, policy, test).map(|call| call.value.as_str()).collect();
        TestRun { test, outcomes, empty }
    });
    let invariants = stated.invariants.iter().filter(|invariant| invariant.name.value.contains(filter));
    let invariants = invariants.map(|invariant| {
        let (violations, undecided) = Resolved::of(model, policy, invariant).judged(whole);
        let empty = invariant::empty_calls(model, policy, invariant).map(|call| call.value.as_str()).collect();
        InvariantRun { invariant, violations, undecided, empty }
    });
    Suite { tests: tests.collect(), invariants: invariants.collect() }
}

/// A request near a denied one that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nearest {
    /// The same request with these facts more, as few as there can be.
    MoreFacts(u64),
    /// With the facts of a smallest set the principal may call another tool of the same server.
    OtherTool(ObjectIx, u64),
    /// With the facts of a smallest set another principal may call the tool.
    OtherPrincipal(PrincipalIx, u64),
}

/// The nearest request to this one that is allowed; `None` where it is allowed itself, or nobody may ever call the tool and
/// the principal nothing on its server.
#[must_use]
pub fn nearest(policy: &Policy, outcome: &Outcome) -> Option<Nearest> {
    if outcome.allowed || outcome.unknown.is_some() {
        return None;
    }
    let fewest = |sets: &[u64]| sets.iter().copied().min_by_key(|set| (set.count_ones(), *set));
    if let Some(more) = fewest(&outcome.missing) {
        return Some(Nearest::MoreFacts(more));
    }
    let Case { principal, object, facts } = outcome.case;
    let object = object?;
    // The fewest facts more than the request has.
    let needs = |who, what| {
        let sets = policy.conditions.get(policy.cell(who, what)?.condition).minimal_sets();
        sets.iter().copied().min_by_key(|set| ((set & !facts).count_ones(), *set))
    };
    let beside = policy.index.beside(object).map(ObjectIx);
    let tools = beside.filter(|at| matches!(policy.object_at(*at).kind, ObjectKind::Tool(_)));
    let lacking = |set: u64| (set & !facts).count_ones();
    let other_tool = principal.and_then(|who| {
        tools.filter_map(|tool| Some((tool, needs(who, tool)?))).min_by_key(|(tool, set)| (lacking(*set), *tool))
    });
    let everybody = (0..policy.principals.len() as u32).map(PrincipalIx);
    let other_principal = || {
        let able = everybody.filter_map(|who| Some((who, needs(who, object)?)));
        able.min_by_key(|(who, set)| (lacking(*set), *who))
    };
    match other_tool {
        Some((tool, set)) => Some(Nearest::OtherTool(tool, set)),
        None => other_principal().map(|(who, set)| Nearest::OtherPrincipal(who, set)),
    }
}
