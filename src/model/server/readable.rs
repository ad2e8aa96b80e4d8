//! Resources and prompts, as grants and flows name them.

/// A resource or prompt, as a grant or a step of a flow names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readable {
    /// The resources of a URI, or of a pattern in which `*` matches any text.
    Resource(String),
    /// A prompt.
    Prompt(String),
}

/// What stands before the URI of a resource, after the name of its server.
pub const RESOURCE: &str = "resource:";
/// What stands before the name of a prompt.
pub const PROMPT: &str = "prompt:";

impl Readable {
    /// `resource:URI` or `prompt:NAME`; `None` for everything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let resource = text.strip_prefix(RESOURCE).map(|uri| Self::Resource(uri.to_owned()));
        resource.or_else(|| text.strip_prefix(PROMPT).map(|name| Self::Prompt(name.to_owned())))
    }
}

impl std::fmt::Display for Readable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource(uri) => write!(f, "{RESOURCE}{uri}"),
            Self::Prompt(name) => write!(f, "{PROMPT}{name}"),
        }
    }
}
