//! The rulesets of rsyslog of one folder, line by line.

use super::unexpected;
use crate::lift::LiftError;
use crate::model::vocabulary::LogLevel;

/// What becomes of lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shipper {
    /// Whether they are JSON.
    pub(super) structured: bool,
    /// The levels that are not stored.
    pub(super) dropped: Vec<String>,
    /// The rulesets for the records of gateways, and for those of servers.
    pub(super) rulesets: [String; 2],
    /// The streams of audit, operational and debug records. Without debug records the last one is what it would be.
    pub(super) streams: [String; 3],
}

/// The levels below one.
pub(super) fn below(level: LogLevel) -> Vec<String> {
    let order = [
        (LogLevel::Debug, &["trace"][..]),
        (LogLevel::Info, &["debug"]),
        (LogLevel::Warn, &["info", "notice"]),
        (LogLevel::Error, &["warn", "warning"]),
    ];
    let dropped = order.into_iter().filter(|(least, _)| *least <= level).flat_map(|(_, words)| words);
    dropped.map(|word| (*word).to_owned()).collect()
}

impl Shipper {
    pub(super) fn read(text: &str) -> Result<Self, LiftError> {
        let mut lines = text.lines();
        let mut found = Self::default();
        let mut next = || lines.next().unwrap_or_default();
        found.rulesets[0] = between(next(), "ruleset(name=\"", "\") {")?;
        found.structured = match next() {
            "  call mcp-json" => true,
            "  call mcp-text" => false,
            other => return unexpected(format!("`{other}` is not understood")),
        };
        found.streams[0] = index(next(), "  ")?;
        exactly(next(), "  call mcp-store")?;
        exactly(next(), "}")?;
        exactly(next(), "")?;
        found.rulesets[1] = between(next(), "ruleset(name=\"", "\") {")?;
        exactly(next(), if found.structured { "  call mcp-json" } else { "  call mcp-text" })?;
        let mut line = next();
        if line.ends_with(" then stop") {
            found.dropped = levels(&between(line, "  if $.mcp!level == [", "] then stop")?)?;
            line = next();
        }
        found.streams[1] = index(line, "  ")?;
        // What is below the least level goes nowhere, so that only what is left has to be told apart.
        let left: Vec<String> = ["trace", "debug"]
            .into_iter()
            .filter(|of| !found.dropped.iter().any(|one| one == of))
            .map(str::to_owned)
            .collect();
        if left.is_empty() {
            found.streams[2] = found.streams[1].replacen("operational", "debug", 1);
        } else {
            let (told, sets) = next().split_once("] then ").unwrap_or_default();
            if levels(&between(told, "  if $.mcp!level == [", "")?)? != left {
                return unexpected("other levels are debug records");
            }
            found.streams[2] = index(sets, "")?;
        }
        exactly(next(), "  call mcp-store")?;
        exactly(next(), "}")?;
        match lines.next() {
            None => Ok(found),
            Some(more) => unexpected(format!("`{more}` is not understood")),
        }
    }
}

fn exactly(line: &str, expected: &str) -> Result<(), LiftError> {
    if line == expected { Ok(()) } else { unexpected(format!("`{line}` stands where `{expected}` is expected")) }
}

fn between(line: &str, start: &str, end: &str) -> Result<String, LiftError> {
    let inside = line.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    inside.map(str::to_owned).ok_or_else(|| LiftError::Unexpected(format!("`{line}` is not understood")))
}

fn index(line: &str, indent: &str) -> Result<String, LiftError> {
    between(line, &format!("{indent}set $.mcp!index = \""), "\";")
}

/// `"trace", "debug"`.
fn levels(text: &str) -> Result<Vec<String>, LiftError> {
    text.split(", ").map(|word| between(word, "\"", "\"")).collect()
}
