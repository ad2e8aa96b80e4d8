//! What rsyslog does with the lines of one folder's machines: a ruleset for the records of gateways, and one for all others.

use std::fmt::Write as _;

use super::Names;
use crate::model::vocabulary::LogLevel;

/// What is common to all folders.
pub(super) const SHARED: &str = include_str!("rsyslog.conf");

/// The levels below each one, as they are written in records and in syslog.
fn below(level: LogLevel) -> &'static [&'static str] {
    match level {
        LogLevel::Trace => &[],
        LogLevel::Debug => &["trace"],
        LogLevel::Info => &["trace", "debug"],
        LogLevel::Warn => &["trace", "debug", "info", "notice"],
        LogLevel::Error => &["trace", "debug", "info", "notice", "warn", "warning"],
    }
}

/// The rulesets. `structured` says whether a line is a record of JSON, and `level` which records are kept: all, without it.
pub(super) fn rulesets(names: &Names<'_>, structured: bool, level: Option<LogLevel>) -> String {
    let reads = if structured { "mcp-json" } else { "mcp-text" };
    let mut out = String::new();
    let mut add = |text: std::fmt::Arguments<'_>| {
        // Writing to a text does not fail.
        let _ = writeln!(out, "{text}");
    };
    add(format_args!("ruleset(name=\"{}\") {{", names.lifecycle("audit")));
    add(format_args!("  call {reads}"));
    add(format_args!("  set $.mcp!index = \"{}\";", names.stream("audit")));
    add(format_args!("  call mcp-store\n}}\n"));
    add(format_args!("ruleset(name=\"{}\") {{", names.lifecycle("records")));
    add(format_args!("  call {reads}"));
    let unwanted = level.map(below).unwrap_or_default();
    if !unwanted.is_empty() {
        add(format_args!("  if $.mcp!level == [{}] then stop", quoted(unwanted)));
    }
    add(format_args!("  set $.mcp!index = \"{}\";", names.stream("operational")));
    let debug: Vec<&str> = ["trace", "debug"].into_iter().filter(|level| !unwanted.contains(level)).collect();
    if !debug.is_empty() {
        let stream = names.stream("debug");
        add(format_args!("  if $.mcp!level == [{}] then set $.mcp!index = \"{stream}\";", quoted(&debug)));
    }
    add(format_args!("  call mcp-store\n}}"));
    out
}

fn quoted(levels: &[&str]) -> String {
    levels.iter().map(|level| format!("\"{level}\"")).collect::<Vec<_>>().join(", ")
}
