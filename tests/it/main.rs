//! The integration tests, as one binary.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected, in the functions that it calls, too"
)]

mod absent;
mod bad_input;
mod book;
mod bundle;
mod checks;
mod circles;
mod class_from;
mod cli;
mod cluster;
mod dialects;
mod effect;
mod english;
mod environments;
mod fixes;
mod formats;
mod fuzz;
mod guide;
mod handwritten;
mod layout;
mod lsp;
mod meaning;
mod memory;
mod mistakes;
mod projects;
mod published;
mod random;
mod redundancy;
mod render;
mod routing;
mod schemas;
mod structure;
mod survive;
mod units;
mod upgrading;
mod values;
mod yaml;
