//! The access relation in normal form: who may call what, under which facts.
//!
//! A **cell** is a (principal, object) pair that some grant covers; a pair without a cell is denied. Its **condition** is a
//! monotone function of the request's facts, kept as its antichain of minimal sufficient fact sets, which is unique.
//! Cedar policies, gateway rules, diffs and tests are all derived from this one form.

pub mod cell;
pub mod compare;
pub mod condition;
pub mod conflict;
pub mod contradiction;
pub mod derive;
pub mod fact;
pub mod invariant;
pub mod objects;
pub mod origin;
pub mod pieces;
pub mod policy_test;
pub mod redundant;
pub mod suspended;
pub mod version;
pub mod visibility;
pub mod whole;

use std::fmt;

use crate::model::Model;
use crate::model::access::{CallerKind, Evidence, Granted, Issuer, Readable};
use crate::model::flow::{Call, Flow, Step};
use crate::model::name::{AgentName, FlowId, FlowKind, ServerName, ToolName, UnitName};
use crate::model::uri::holds;
use crate::source::Loc;
use cell::{AccessRule, Cell, RuleId};
use condition::{CondId, Conditions};
use fact::Facts;

/// Who calls. Shown, and named in tests, as `customer_360_agent`, `workflow:customer_onboarding`, `any_agent` or
/// `any_agent@retail`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalId {
    /// A registry agent.
    Agent(AgentName),
    /// Any caller that is not a declared principal: of that unit, or at all where no units are declared.
    AnyAgent(Option<UnitName>),
    /// A workflow, saga or processor.
    Flow(FlowId),
}

/// What a [`PrincipalId`] consists of, in the same order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Parts<'a> {
    Agent(&'a str),
    AnyAgent(Option<&'a str>),
    Flow(FlowKind, &'a str),
}

impl PrincipalId {
    fn parts(&self) -> Parts<'_> {
        match self {
            Self::Agent(name) => Parts::Agent(name.as_str()),
            Self::AnyAgent(unit) => Parts::AnyAgent(unit.as_ref().map(UnitName::as_str)),
            Self::Flow(id) => Parts::Flow(id.kind, &id.name),
        }
    }
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(name) => write!(f, "{name}"),
            Self::AnyAgent(None) => f.write_str("any_agent"),
            Self::AnyAgent(Some(unit)) => write!(f, "any_agent@{unit}"),
            Self::Flow(id) => write!(f, "{id}"),
        }
    }
}

/// A principal of the relation.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Who it is.
    pub id: PrincipalId,
    /// Its unit; `None` where no units are declared.
    pub unit: Option<UnitName>,
    /// The token subject that is this principal, where one can be told.
    pub subject: Option<String>,
    /// The one issuer whose tokens may name it; `None` where any that speaks for it may.
    pub issuer: Option<String>,
    /// Where it is declared.
    pub loc: Loc,
}

impl Principal {
    /// Whether tokens of an issuer may name this principal: the issuer speaks for its kind and unit, and it is not bound to
    /// another one.
    #[must_use]
    pub fn is_spoken_for_by(&self, issuer: &Issuer) -> bool {
        let kind = match self.id {
            PrincipalId::Flow(_) => CallerKind::Flows,
            PrincipalId::Agent(_) | PrincipalId::AnyAgent(_) => CallerKind::Agents,
        };
        issuer.may_speak_for(kind, self.unit.as_ref())
            && self.issuer.as_ref().is_none_or(|bound| *bound == issuer.issuer.value)
    }
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// The server.
    pub server: ServerName,
    /// The thing on it.
    pub kind: ObjectKind,
}

impl Object {
    /// The name of the tool, where it is one.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        match &self.kind {
            ObjectKind::Tool(tool) => Some(tool.as_str()),
            ObjectKind::Protocol | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => None,
        }
    }
}

/// The kinds of things that a request can address on a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// The protocol's own methods: initialize, ping, notifications, tools/list, session GET and DELETE.
    Protocol,
    /// `tools/call` of one tool.
    Tool(ToolName),
    /// `resources/read` and subscriptions of one URI, or of one pattern: of its URIs that are of no narrower one.
    Resource(String),
    /// `prompts/get` of one prompt.
    Prompt(String),
}

impl ObjectKind {
    /// Whether this is the prompt of that name, or a resource whose URIs are all of that URI or pattern.
    #[must_use]
    pub fn is_of(&self, readable: &Readable) -> bool {
        match (self, readable) {
            (Self::Resource(pattern), Readable::Resource(wider)) => holds(wider, pattern),
            (Self::Prompt(name), Readable::Prompt(wanted)) => name == wanted,
            (Self::Protocol | Self::Tool(_) | Self::Resource(_) | Self::Prompt(_), _) => false,
        }
    }

    /// Whether this is the tool of that name.
    #[must_use]
    pub fn is_tool(&self, name: &ToolName) -> bool {
        matches!(self, Self::Tool(tool) if tool == name)
    }

    /// Whether a grant on its server covers it. The protocol comes with everything.
    #[must_use]
    pub fn is_granted_by(&self, granted: &Granted) -> bool {
        match (self, granted) {
            (Self::Protocol, _) | (_, Granted::All) => true,
            (Self::Tool(tool), Granted::Tool(one)) => tool == one,
            (_, Granted::Readable(readable)) => self.is_of(readable),
            (Self::Resource(_) | Self::Prompt(_), Granted::Tool(_)) => false,
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ObjectKind::Protocol => write!(f, "{} (protocol)", self.server),
            ObjectKind::Tool(tool) => write!(f, "{}/{tool}", self.server),
            ObjectKind::Resource(uri) => write!(f, "{} resource {uri}", self.server),
            ObjectKind::Prompt(name) => write!(f, "{} prompt {name}", self.server),
        }
    }
}

/// Index into [`Policy::principals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalIx(pub u32);

/// Index into [`Policy::objects`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectIx(pub u32);

/// A flow, seen from the relation.
#[derive(Debug, Clone, Copy)]
pub struct PrincipalFlow<'a> {
    /// The flow.
    pub flow: &'a Flow,
    /// The principal that it is.
    pub principal: PrincipalIx,
    reached: &'a [Option<ObjectIx>],
}

impl<'a> PrincipalFlow<'a> {
    /// All calls, each with its step and the tool that it reaches, if there is one.
    pub fn calls(self) -> impl Iterator<Item = (&'a Step, &'a Call, Option<ObjectIx>)> {
        self.flow.calls().zip(self.reached).map(|((step, call), object)| (step, call, *object))
    }
}

/// The whole relation.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The facts in use, and the bit of each.
    pub facts: Facts,
    /// What shows each of them, by its bit; `None` where nothing is declared.
    pub evidence: Vec<Option<Evidence>>,
    /// All principals, sorted by id.
    pub principals: Vec<Principal>,
    /// All objects that exist, sorted, whether or not anyone may use them.
    pub objects: Vec<Object>,
    /// Which of them stand on which server.
    pub index: objects::ObjectIndex,
    /// Every distinct condition once.
    pub conditions: Conditions,
    /// Every distinct reason for a condition once, in the order of [`RuleId`].
    pub rules: Vec<AccessRule>,
    /// For each principal (same order), its cells sorted by object.
    pub cells: Vec<Vec<(ObjectIx, Cell)>>,
    /// For each principal (same order) what every call of its flow reaches, in the order of [`Flow::calls`]; `None` where
    /// there is no such tool. Empty for agents.
    pub calls: Vec<Vec<Option<ObjectIx>>>,
    /// What calls demand whoever calls (level, further facts and transport, those of the central configuration and of a unit folder together), each
    /// distinct condition of an object once or more. Suspensions and the rules between units are not in it.
    pub demands: Vec<condition::Condition>,
    /// For each object (same order) the number of its demand.
    pub demand_of: Vec<u32>,
    /// Grants and names that could not become cells because of a fault that a finding reports (too many facts).
    pub faults: Vec<derive::Fault>,
}

impl Policy {
    /// What shows a fact; `None` for a fact that is not in use or that nothing shows.
    #[must_use]
    pub fn evidence_for(&self, fact: &str) -> Option<&Evidence> {
        let bit = self.facts.mask(fact)?.trailing_zeros();
        self.evidence.get(bit as usize)?.as_ref()
    }

    /// Every fact that something shows, by its mask, with its evidence.
    pub fn shown(&self) -> impl Iterator<Item = (u64, &Evidence)> {
        self.evidence.iter().zip(0_u32..).filter_map(|(evidence, bit)| Some((1_u64 << bit, evidence.as_ref()?)))
    }

    /// Every subject that names a declared principal, sorted.
    #[must_use]
    pub fn subjects(&self) -> Vec<&str> {
        let mut subjects: Vec<&str> = self.principals.iter().filter_map(|p| p.subject.as_deref()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        subjects
    }

    /// Finds a principal by its shown name.
    #[must_use]
    pub fn principal(&self, shown: &str) -> Option<PrincipalIx> {
        let parts = match shown.split_once(':') {
            Some(("workflow", name)) => Parts::Flow(FlowKind::Workflow, name),
            Some(("saga", name)) => Parts::Flow(FlowKind::Saga, name),
            Some(("processor", name)) => Parts::Flow(FlowKind::Processor, name),
            _ => match shown.strip_prefix("any_agent") {
                Some("") => Parts::AnyAgent(None),
                Some(unit) if unit.starts_with('@') => Parts::AnyAgent(unit.get(1..)),
                _ => Parts::Agent(shown),
            },
        };
        let at = self.principals.binary_search_by(|principal| principal.id.parts().cmp(&parts)).ok()?;
        Some(PrincipalIx(at as u32))
    }

    /// Finds an object.
    #[must_use]
    pub fn object(&self, object: &Object) -> Option<ObjectIx> {
        self.index.find(&self.objects, object.server.as_str(), &object.kind)
    }

    /// The cell of a pair; `None` where nothing grants it.
    #[must_use]
    pub fn cell(&self, principal: PrincipalIx, object: ObjectIx) -> Option<Cell> {
        let row = self.cells.get(principal.0 as usize)?;
        let at = row.binary_search_by_key(&object, |(object, _)| *object).ok()?;
        row.get(at).map(|(_, cell)| *cell)
    }

    /// Every cell: principals in order, objects in order within each.
    pub fn all_cells(&self) -> impl Iterator<Item = (PrincipalIx, ObjectIx, Cell)> + '_ {
        self.cells.iter().zip(0..).flat_map(|(row, p)| row.iter().map(move |(o, cell)| (PrincipalIx(p), *o, *cell)))
    }

    /// Every flow with its principal and what its calls reach. The model is the one that this policy was derived from.
    pub fn flows<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = PrincipalFlow<'a>> {
        // Flows are the last principals, in the order of the model.
        let first = self.principals.len().saturating_sub(model.flows.len());
        let calls = self.calls.get(first..).unwrap_or_default();
        let principals = (first as u32..).map(PrincipalIx);
        let flows = model.flows.values().zip(calls).zip(principals);
        flows.map(|((flow, reached), principal)| PrincipalFlow { flow, principal, reached })
    }

    /// What calls to an object demand, whoever calls and under whatever grant. `None` for an object of another policy.
    #[must_use]
    pub fn demand(&self, object: ObjectIx) -> Option<&condition::Condition> {
        self.demands.get(*self.demand_of.get(object.0 as usize)? as usize)
    }

    /// The decision on a request that holds exactly these facts (`mtls` implies `tls` here).
    #[must_use]
    pub fn decide(&self, principal: PrincipalIx, object: ObjectIx, facts: u64) -> bool {
        let facts = self.facts.closed(facts);
        self.cell(principal, object).is_some_and(|cell| self.conditions.get(cell.condition).holds(facts))
    }

    /// The principal at an index that this policy gave out.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "indexes come from this policy")]
    pub fn principal_at(&self, index: PrincipalIx) -> &Principal {
        &self.principals[index.0 as usize]
    }

    /// The object at an index that this policy gave out.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "indexes come from this policy")]
    pub fn object_at(&self, index: ObjectIx) -> &Object {
        &self.objects[index.0 as usize]
    }

    /// The rule at an index that this policy gave out.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "indexes come from this policy")]
    pub fn rule_at(&self, index: RuleId) -> &AccessRule {
        &self.rules[index.0 as usize]
    }

    /// Whether a cell's condition can never hold.
    #[must_use]
    pub fn is_never(&self, condition: CondId) -> bool {
        condition == CondId::NEVER
    }
}
