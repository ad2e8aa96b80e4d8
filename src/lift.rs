//! Lifters: what an emitted artifact decides, as a relation of the same form as the model's.
//!
//! They read the artifact's bytes and share no code with what emitted them, so that a fault of an emitter shows as a
//! difference. Anything that a lifter cannot read exactly is an error.

pub mod access;
pub mod cluster;
mod documents;
pub mod folders;
mod metadata;
pub mod names;
pub mod operations;
mod traffic;

pub use crate::cedar::Said;

/// Why an artifact could not be read back.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LiftError {
    /// Cedar refuses it, or what it says is not a monotone formula.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cedar(#[from] crate::cedar::Error),
    /// A file that should be there is not, or is not text.
    #[error("the file `{0}` is missing, or is not text")]
    File(String),
    /// It speaks of something that is not in the model, leaves out something that is, or cannot be read exactly.
    #[error("{0}")]
    Unexpected(String),
}

impl LiftError {
    /// Takes what the engine of the artifact's own format said, for rendering.
    pub fn take_said(&mut self) -> Vec<Said> {
        match self {
            Self::Cedar(error) => error.take_said(),
            Self::File(_) | Self::Unexpected(_) => Vec::new(),
        }
    }
}
