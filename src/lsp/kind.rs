//! Kinds of names.

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An MCP server.
    Server,
    /// A tool of a server.
    Tool,
    /// A prompt of a server.
    Prompt,
    /// A resource of a server, by its URI or pattern.
    Resource,
    /// An agent of the registry.
    Agent,
    /// A workflow.
    Workflow,
    /// A saga.
    Saga,
    /// An event processor.
    Processor,
    /// A step of a flow.
    Step,
    /// A topic of the event bus.
    Topic,
    /// A fact that calls must show.
    Fact,
    /// An authentication level, by its number.
    Level,
    /// A data class.
    Class,
    /// A business unit.
    Unit,
    /// A token issuer, by its URL.
    Issuer,
    /// A check.
    Check,
    /// A pool, layer, scenario, test, waiver or metric, which only its own section names.
    Entry,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Agent => "agent",
            Self::Workflow => "workflow",
            Self::Saga => "saga",
            Self::Processor => "processor",
            Self::Step => "step",
            Self::Topic => "topic",
            Self::Fact => "fact",
            Self::Level => "level",
            Self::Class => "class",
            Self::Unit => "unit",
            Self::Issuer => "issuer",
            Self::Check => "check",
            Self::Entry => "entry",
        }
    }
}
