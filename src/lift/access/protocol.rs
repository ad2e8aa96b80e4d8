//! The methods of MCP, as readers of artifacts know them: a list of their own, so that a row that is wrong where rules are written is
//! not wrong here, too.

/// Methods of every revision.
pub(super) const BOTH: [&str; 11] = [
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    COMPLETE,
    "tasks/get",
    "tasks/cancel",
];
/// Methods of revisions with sessions alone.
pub(super) const SESSION: [&str; 7] = [
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "tasks/result",
    "tasks/list",
];
/// Methods of the revision without sessions alone.
pub(super) const STATELESS_ALONE: [&str; 2] = [LISTEN, "tasks/update"];
/// Notifications, which every revision has, begin so.
pub(super) const NOTIFICATION: &str = "notifications/";
/// The revision without sessions.
pub(super) const STATELESS: &str = "2026-07-28";
/// The revision of a request that names none.
pub(super) const SILENT: &str = "2025-03-26";
/// The method that opens a stream of changes.
pub(super) const LISTEN: &str = "subscriptions/listen";
/// The method that proposes values.
pub(super) const COMPLETE: &str = "completion/complete";

/// Whether a revision has a method.
pub(super) fn has(stateless: bool, method: &str) -> bool {
    let own: &[&str] = if stateless { &STATELESS_ALONE } else { &SESSION };
    BOTH.contains(&method) || own.contains(&method) || method.starts_with(NOTIFICATION)
}
