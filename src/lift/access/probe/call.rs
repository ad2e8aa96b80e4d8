//! What is called, and what is sent: the parts of a request that are not its token.

/// What is sent over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Http {
    /// A JSON-RPC message.
    Post,
    /// The event stream of a session.
    Get,
    /// The end of a session.
    Delete,
}

/// What a message is, told by its top-level keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// `method`, and neither `result` nor `error`.
    Request,
    /// `result` or `error`, `jsonrpc` and `id`, and no other key.
    Response,
    /// The same with `error` in the place of `result`.
    ErrorResponse,
    /// `method` and `result`.
    Both,
    /// `method` and `error`.
    WithError,
    /// A request one of whose keys is there in another case, too.
    AnotherCase,
    /// `method`, `result` and `id`, without `jsonrpc`: as many keys as a response has.
    WithoutVersion,
    /// `method`, `result` and `jsonrpc`, without `id`.
    WithoutId,
    /// A request with a header that says something else of an argument than its body.
    Mismatched,
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The HTTP method.
    pub http: Http,
    /// What the message is.
    pub shape: Shape,
    /// The JSON-RPC method; empty for GET, DELETE and responses.
    pub method: String,
    /// `params.name`.
    pub name: Option<String>,
    /// `params.uri`.
    pub uri: Option<String>,
    /// `params.ref`: whether it is a prompt, and its name or URI.
    pub reference: Option<(bool, String)>,
    /// The resources in `params.notifications`.
    pub subscribed: Vec<String>,
    /// The header `MCP-Protocol-Version`.
    pub revision: Option<String>,
    /// The header `Origin`.
    pub origin: Option<String>,
}

impl Shape {
    /// Those that are two things at once.
    pub const SEVERAL: [Self; 4] = [Self::Both, Self::WithError, Self::WithoutVersion, Self::WithoutId];
}

impl Call {
    /// A JSON-RPC request or notification that addresses nothing, of no revision in particular.
    #[must_use]
    pub fn post(method: &str) -> Self {
        Self::http(Http::Post, method)
    }

    /// A request of HTTP without a body.
    #[must_use]
    pub fn bodiless(http: Http) -> Self {
        Self::http(http, "")
    }

    fn http(http: Http, method: &str) -> Self {
        Self {
            http,
            shape: Shape::Request,
            method: method.to_owned(),
            name: None,
            uri: None,
            reference: None,
            subscribed: Vec::new(),
            revision: None,
            origin: None,
        }
    }
}
