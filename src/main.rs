//! The `mcpctl` command.

fn main() {}
