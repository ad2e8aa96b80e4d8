//! Names: one type for each kind of thing, so that a tool is never looked up among servers.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

thread_local! {
    /// The names that this thread made last.
    static LAST: RefCell<Vec<Option<Arc<str>>>> = RefCell::new(vec![None; 1 << 10]);
}

/// The text of a name. Most names stand in many places, and names that follow each other share one text: less to keep, and
/// less to fetch when they are compared.
fn shared(name: &str) -> Arc<str> {
    LAST.with_borrow_mut(|last| {
        let hash = foldhash::fast::FixedState::default().hash_one(name) as usize;
        let slot = hash % last.len().max(1);
        match last.get_mut(slot) {
            Some(Some(same)) if **same == *name => Arc::clone(same),
            Some(slot) => Arc::clone(slot.insert(name.into())),
            None => name.into(),
        }
    })
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);
        impl $name {
            /// The name as written.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl From<&str> for $name { fn from(name: &str) -> Self { Self(shared(name)) } }
        impl From<String> for $name { fn from(name: String) -> Self { Self(shared(&name)) } }
        impl Borrow<str> for $name { fn borrow(&self) -> &str { &self.0 } }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )*};
}

names! {
    /// An MCP server.
    ServerName;
    /// A tool of a server.
    ToolName;
    /// A business unit, or `central`.
    UnitName;
    /// A data class (`data_routing.classifications[].level`).
    ClassName;
    /// A requirement, and so a fact of a request (`mfa`).
    FactName;
    /// A registry agent.
    AgentName;
}

impl UnitName {
    /// The central unit: its principals may call every unit's servers.
    pub const CENTRAL: &'static str = "central";

    /// Whether this is the central unit.
    #[must_use]
    pub fn is_central(&self) -> bool {
        self.as_str() == Self::CENTRAL
    }
}

/// What kind of flow a name belongs to. Workflows, sagas and processors may share a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowKind {
    /// `workflow_definition`.
    Workflow,
    /// `saga_definition`.
    Saga,
    /// `event_driven_config.event_processors[]`.
    Processor,
}

impl FlowKind {
    /// The word in principal names and subjects: `workflow`, `saga`, `processor`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Saga => "saga",
            Self::Processor => "processor",
        }
    }
}

/// A flow by kind and name, shown as `workflow:customer_onboarding`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    /// Its kind.
    pub kind: FlowKind,
    /// Its name.
    pub name: Arc<str>,
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.name)
    }
}
