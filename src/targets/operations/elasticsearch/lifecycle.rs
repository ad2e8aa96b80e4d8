//! How long the records of a stream are kept, as a lifecycle policy.
//!
//! Elasticsearch counts `min_age` of the phase `delete` from the rollover of an index, so the first record of an index is then older
//! by as much as the index was written to, and the last one is just as old.

use serde_json::{Value, json};

use crate::diagnostic::Diagnostic;
use crate::model::quantity::{Kept, Retention};
use crate::source::Spanned;
use crate::targets::TARGET_LIMIT;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long an index is written to where records are kept for at least a time.
const WRITTEN: u64 = 30 * DAY;

/// The policy for such a time.
///
/// # Errors
/// For a time that Elasticsearch cannot keep to.
pub(super) fn policy(kept: &Spanned<Kept>) -> Result<Value, Box<Diagnostic>> {
    let seconds = kept.value.time.0;
    let (written, age) = if kept.value.at_least {
        // The last record of an index is as old as the index. Days are what people expect to read.
        (WRITTEN, seconds.div_ceil(DAY) * DAY)
    } else if seconds < HOUR {
        let message = "Elasticsearch cannot delete records within less than an hour".to_owned();
        let help = "it looks at lifecycles every ten minutes; keep records for an hour or longer, or say `at_least`";
        return Err(Box::new(Diagnostic::new(&TARGET_LIMIT, kept.loc, message).help(help)));
    } else {
        let written = DAY.min(seconds / 2 / MINUTE * MINUTE);
        (written, seconds - written)
    };
    Ok(json!({"policy": {"phases": {
        "hot": {"actions": {"rollover": {"max_age": unit(written), "max_primary_shard_size": "50gb"}}},
        "delete": {"min_age": unit(age), "actions": {"delete": {}}},
    }}}))
}

/// The time in the largest unit that says it exactly. Elasticsearch has no unit above a day.
fn unit(seconds: u64) -> String {
    let units = [("d", DAY), ("h", HOUR), ("m", MINUTE)];
    let (name, of) = units.into_iter().find(|(_, of)| seconds.is_multiple_of(*of)).unwrap_or(("s", 1));
    format!("{}{name}", seconds / of)
}

/// How long audit records are kept: by the longer of both.
pub(super) fn audit(
    own: Option<&Spanned<Retention>>,
    federation: Option<&Spanned<Retention>>,
) -> Option<Spanned<Kept>> {
    let longest = own.into_iter().chain(federation).max_by_key(|least| least.value)?;
    Some(longest.clone().map(|time| Kept { time, at_least: true }))
}
