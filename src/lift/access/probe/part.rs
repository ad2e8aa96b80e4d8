//! The parts of a request that can answer a question.

/// The part of a request that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Message,
    Token,
    Issuer,
    Shown,
    /// More than one.
    Several,
}

impl Part {
    /// How many there are that answer alone.
    pub(super) const ALONE: usize = 4;

    /// The place of messages among those that answer alone.
    pub(super) const MESSAGE: usize = 0;

    /// Whether the token, and whether the peer has a part in the answer.
    pub(super) fn varies(self) -> (bool, bool) {
        match self {
            Self::Message | Self::Issuer => (false, false),
            Self::Token => (true, false),
            Self::Shown => (false, true),
            Self::Several => (true, true),
        }
    }

    /// Its place among those that answer alone.
    pub(super) fn alone(self) -> Option<usize> {
        match self {
            Self::Message => Some(Self::MESSAGE),
            Self::Token => Some(1),
            Self::Issuer => Some(2),
            Self::Shown => Some(3),
            Self::Several => None,
        }
    }
}
