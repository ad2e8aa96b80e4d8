//! The methods of MCP: to which revisions each belongs, and which right it needs.
//!
//! The one list that targets, `can`, `explain mcp` and the book read. Source: the messages that clients send, in the schemas of
//! MCP 2025-11-25 and 2026-07-28.

/// Every revision, the oldest first. A request names its own in the header `MCP-Protocol-Version`.
pub const REVISIONS: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", STATELESS];

/// The revision of a request without the header: MCP 2025-11-25, "Protocol Version Header".
pub const WITHOUT_HEADER: &str = "2025-03-26";

/// The first revision without sessions: every request stands for itself.
pub const STATELESS: &str = "2026-07-28";

/// The header that names the revision of a request.
pub const REVISION_HEADER: &str = "mcp-protocol-version";

/// What a revision is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// 2025-11-25 and older: `initialize` begins a session, and clients answer what servers ask.
    Session,
    /// 2026-07-28: no session, and no messages of clients but requests and notifications.
    Stateless,
}

impl Era {
    /// The era of a revision; that of sessions for one that is not known.
    #[must_use]
    pub fn of(revision: &str) -> Self {
        if revision == STATELESS { Self::Stateless } else { Self::Session }
    }
}

/// What a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// A JSON-RPC request, or a notification, of this method.
    Method,
    /// JSON-RPC notifications whose method begins with this.
    Notifications,
    /// A JSON-RPC response to what the server asked.
    Response,
    /// An HTTP method without a body.
    Http,
}

/// The right that a message needs on its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To any tool, resource or prompt there.
    Server,
    /// To any resource there.
    SomeResource,
    /// To any prompt there.
    SomePrompt,
    /// To the tool in `params.name`.
    Tool,
    /// To the resource in `params.uri`.
    Resource,
    /// To the prompt in `params.name`.
    Prompt,
    /// To the prompt or resource that `params.ref` names.
    Reference,
    /// To the resources in `params.notifications`; where it names none, to any tool, resource or prompt.
    Subscription,
    /// To the tool that started the task, which a gateway does not know: denied to everybody.
    Task,
}

impl Right {
    /// What a caller needs, in words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Server => "the right to any tool, resource or prompt of the server",
            Self::SomeResource => "the right to any resource of the server",
            Self::SomePrompt => "the right to any prompt of the server",
            Self::Tool => "the right to the tool in `params.name`",
            Self::Resource => "the right to the resource in `params.uri`",
            Self::Prompt => "the right to the prompt in `params.name`",
            Self::Reference => "the right to the prompt or resource in `params.ref`",
            Self::Subscription => {
                "the right to each resource in `params.notifications`; without one, to any tool, resource or prompt"
            }
            Self::Task => "denied",
        }
    }
}

/// What is true of every method.
pub const ABOUT: &str = "\
A caller who may use anything of a server may also use the protocol's own methods there, under the same conditions. Gateways deny \
every method that is not in the table, with 404 and the JSON-RPC error -32601. The entry of a server in the registry can deny \
more methods there, to every caller (`methods: {deny: [logging/setLevel]}`). A request names its revision in the header \
`MCP-Protocol-Version`; without it, the revision is 2025-03-26. Gateways accept the revisions in `protocol` of `mcpctl.yaml`, and all \
that are known where the key is absent; any other revision is refused with the error -32022.";

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The JSON-RPC method, the beginning of methods up to `/*`, `GET` or `DELETE`, or `response`.
    pub name: &'static str,
    /// What a client sends.
    pub sent: Sent,
    /// Whether revisions with sessions have it.
    pub session: bool,
    /// Whether the revision without sessions has it.
    pub stateless: bool,
    /// The right that it needs.
    pub right: Right,
    /// Why, in a sentence.
    pub why: &'static str,
}

impl Row {
    /// Whether the revisions of an era have it.
    #[must_use]
    pub fn is_of(&self, era: Era) -> bool {
        match era {
            Era::Session => self.session,
            Era::Stateless => self.stateless,
        }
    }
}

const fn both(name: &'static str, right: Right, why: &'static str) -> Row {
    Row { name, sent: Sent::Method, session: true, stateless: true, right, why }
}

const fn session(name: &'static str, right: Right, why: &'static str) -> Row {
    Row { stateless: false, ..both(name, right, why) }
}

const fn stateless(name: &'static str, right: Right, why: &'static str) -> Row {
    Row { session: false, ..both(name, right, why) }
}

/// The table, sorted by what it is about. Methods that are not in it do not exist for clients: 404 and -32601.
pub static TABLE: [Row; 24] = [
    session("initialize", Right::Server, "begins a session; it reveals what the server is called and what it can do"),
    both(
        "server/discover",
        Right::Server,
        "says the same without a session; clients also send it to find out the revision",
    ),
    session("ping", Right::Server, "has no effect"),
    Row {
        sent: Sent::Notifications,
        ..both("notifications/*", Right::Server, "tells the server what becomes of the caller's own requests")
    },
    Row {
        sent: Sent::Response,
        ..session("response", Right::Server, "answers what the server asked this caller: sampling, elicitation, roots")
    },
    Row { sent: Sent::Http, ..session("GET", Right::Server, "opens the event stream of the caller's own session") },
    Row { sent: Sent::Http, ..session("DELETE", Right::Server, "ends the caller's own session") },
    session("logging/setLevel", Right::Server, "sets which log messages the caller's own session gets"),
    both("tools/list", Right::Server, "names the tools; calling one needs the right to it"),
    both("tools/call", Right::Tool, "runs the tool that it names"),
    both("resources/list", Right::SomeResource, "names the resources; reading one needs the right to it"),
    both("resources/templates/list", Right::SomeResource, "names the patterns of resources"),
    both("resources/read", Right::Resource, "reads the resource that it names"),
    session("resources/subscribe", Right::Resource, "tells when the resource that it names changes"),
    session("resources/unsubscribe", Right::Resource, "ends such a subscription"),
    stateless(
        "subscriptions/listen",
        Right::Subscription,
        "opens a stream of changes; changes of resources follow the right to each of them",
    ),
    both("prompts/list", Right::SomePrompt, "names the prompts; getting one needs the right to it"),
    both("prompts/get", Right::Prompt, "gets the prompt that it names"),
    both("completion/complete", Right::Reference, "proposes values for the arguments of what `params.ref` names"),
    both("tasks/get", Right::Task, "follows the tool that started the task, which a gateway cannot know"),
    both("tasks/cancel", Right::Task, "follows the tool that started the task, which a gateway cannot know"),
    session("tasks/result", Right::Task, "follows the tool that started the task, which a gateway cannot know"),
    session("tasks/list", Right::Task, "names the tasks of all tools"),
    stateless("tasks/update", Right::Task, "follows the tool that started the task, which a gateway cannot know"),
];

impl Row {
    /// The revisions that have it, in words.
    #[must_use]
    pub fn revisions(&self) -> &'static str {
        match (self.session, self.stateless) {
            (true, true) => "all",
            (true, false) => "up to 2025-11-25",
            (false, _) => "2026-07-28",
        }
    }
}

/// Why the entry of a server cannot deny a method that no client can do without, and what to write instead.
const NEEDED: &str = "clients cannot work without it; to close the server, write `suspended: \"REASON\"`";
/// Why it cannot deny what grants are about.
const GRANTED: &str = "grants decide who may use it, and for what; remove the grants instead";

impl Row {
    /// Why the entry of a server cannot deny it, and what to write instead; `None` where it can.
    #[must_use]
    pub fn undeniable(&self) -> Option<&'static str> {
        match (self.sent, self.right) {
            (Sent::Response, _) => Some("it is not a method; it answers what the server asked"),
            (Sent::Http, _) => Some("it is not a method of MCP, but one of HTTP"),
            (Sent::Notifications, _) => Some(NEEDED),
            (Sent::Method, Right::Tool) => Some(GRANTED),
            (Sent::Method, _) => match self.name {
                "initialize" | "server/discover" => Some(NEEDED),
                "resources/read" | "prompts/get" => Some(GRANTED),
                _ => None,
            },
        }
    }
}

/// The rows that the entry of a server can deny.
pub fn deniable() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(|row| row.undeniable().is_none())
}

/// The rows of an era.
pub fn of(era: Era) -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(move |row| row.is_of(era))
}

/// The JSON-RPC methods that need this right, in any revision; the beginnings of notifications end with `/`.
pub fn methods_with(right: Right) -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(move |row| row.right == right).filter_map(Row::method)
}

impl Row {
    /// The JSON-RPC method, or the beginning of such methods, with its `/`.
    #[must_use]
    pub fn method(&self) -> Option<&'static str> {
        match self.sent {
            Sent::Method => Some(self.name),
            Sent::Notifications => self.name.strip_suffix('*'),
            Sent::Response | Sent::Http => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_of_an_era_and_named_once() {
        let mut names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.iter().all(|row| row.session || row.stateless));
        assert_eq!(methods_with(Right::SomePrompt).collect::<Vec<_>>(), ["prompts/list"]);
        assert_eq!(of(Era::Stateless).filter(|row| row.method().is_none()).count(), 0);
        assert_eq!((Era::of("2025-06-18"), Era::of(STATELESS)), (Era::Session, Era::Stateless));
        assert!(REVISIONS.contains(&WITHOUT_HEADER));
    }

    #[test]
    fn what_clients_cannot_do_without_and_what_grants_are_about_is_not_deniable() {
        let kept: Vec<&str> = TABLE.iter().filter(|row| row.undeniable().is_some()).map(|row| row.name).collect();
        assert_eq!(
            kept,
            [
                "initialize",
                "server/discover",
                "notifications/*",
                "response",
                "GET",
                "DELETE",
                "tools/call",
                "resources/read",
                "prompts/get"
            ]
        );
        assert!(deniable().all(|row| row.method() == Some(row.name)));
    }
}
