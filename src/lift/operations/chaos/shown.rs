//! Outcomes that experiments ask for, and whose series they ask for.

use std::collections::BTreeSet;

use crate::model::quantity::Duration;

/// What has to be true beside.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The service answers.
    Answers { fallback: bool, within: Duration },
    /// A gateway refused calls to one of the servers; to any where there is none.
    Refuses { servers: BTreeSet<String>, lasts: Duration },
    /// A gateway cut one of them off.
    CutsOff { servers: BTreeSet<String>, lasts: Duration },
}

/// The servers that a function is asked about, and over which time.
pub(super) fn over(query: &str, function: &str) -> Option<(BTreeSet<String>, Duration)> {
    let (series, window) = query.strip_suffix("])) > 0")?.rsplit_once('[')?;
    let lasts = Duration::parse(window).ok().filter(|_| window.ends_with('s'))?;
    Some((series.strip_prefix(function).and_then(servers)?, lasts))
}

/// The servers of a selector; none where there is no selector, which is any server.
fn servers(selector: &str) -> Option<BTreeSet<String>> {
    if selector.is_empty() {
        return Some(BTreeSet::new());
    }
    let inner = selector.strip_prefix("{mcp_server")?.strip_suffix("\"}")?;
    if let Some(one) = inner.strip_prefix("=\"") {
        return (!one.is_empty() && one.chars().all(of_name)).then(|| [one.to_owned()].into());
    }
    let pattern = inner.strip_prefix("=~\"")?;
    let parts: Vec<String> = pattern.split('|').map(|part| part.replace("[.]", "\u{0}")).collect();
    // A dot on its own stands for any character.
    let plain = |part: &String| !part.is_empty() && part.chars().all(|c| c == '\u{0}' || (of_name(c) && c != '.'));
    let distinct: BTreeSet<String> =
        parts.iter().filter(|part| plain(part)).map(|it| it.replace('\u{0}', ".")).collect();
    (distinct.len() == parts.len() && parts.len() > 1).then_some(distinct)
}

fn of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}
