//! The worker: the same for every plan, word for word as it is here.

use crate::bundle::Artifact;
use crate::source::Loc;

/// Its files, by name.
const FILES: [(&str, &str); 11] = [
    ("batch.py", include_str!("worker/batch.py")),
    ("breaker.py", include_str!("worker/breaker.py")),
    ("cache.py", include_str!("worker/cache.py")),
    ("calls.py", include_str!("worker/calls.py")),
    ("checked.py", include_str!("worker/checked.py")),
    ("flow.py", include_str!("worker/flow.py")),
    ("plan.schema.json", include_str!("../../../../schemas/temporal-plan.schema.json")),
    ("requirements.txt", include_str!("worker/requirements.txt")),
    ("run.py", include_str!("worker/run.py")),
    ("start.py", include_str!("worker/start.py")),
    ("tokens.py", include_str!("worker/tokens.py")),
];

/// The worker, for the flows of these places.
pub(super) fn files(from: &[Loc]) -> impl Iterator<Item = (String, Artifact)> {
    let file = |(name, text): (&str, &str)| {
        (format!("worker/{name}"), Artifact { bytes: text.as_bytes().to_vec(), from: from.to_vec() })
    };
    FILES.into_iter().map(file)
}
