//! Any bytes as the one file of a workspace.
#![no_main]

#[path = "../../tests/it/survive.rs"]
mod survive;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| survive::survive(bytes));
