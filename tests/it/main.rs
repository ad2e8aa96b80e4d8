//! The integration tests, as one binary.

mod checks;
mod render;
