//! Settings of producers, by the names of each client. Source: Kafka's `ProducerConfig`, and `CONFIGURATION.md` of librdkafka.

use crate::bundle::Artifact;
use crate::model::flow::Batch;
use crate::model::quantity::Duration;
use crate::source::Loc;
use crate::targets::CompileError;

/// How long librdkafka tries to deliver a message where it is not told: its `message.timeout.ms`.
const GIVEN_UP: Duration = Duration(300_000);

/// `producer.java.properties` and `producer.librdkafka.properties`; one that would say nothing is not there.
pub(super) fn producers(batch: &Batch) -> Result<Vec<(String, Artifact)>, CompileError> {
    let size = batch.batch_size.as_ref().map(|size| ("batch.num.messages", size.value.to_string(), size.loc));
    let flush = batch.flush_interval.as_ref().map(|flush| ("linger.ms", flush.value.0.to_string(), flush.loc));
    let compression =
        batch.compression.as_ref().map(|word| ("compression.type", word.value.word().to_owned(), word.loc));
    // Java's `batch.size` is a number of bytes, so the size of a batch has no field there.
    let java = [flush.clone(), compression.clone()];
    // A message is given up after 5 minutes, and that has to be longer than it waits for its batch.
    let patience = batch.flush_interval.as_ref().filter(|flush| flush.value >= GIVEN_UP).map(|flush| {
        let total = flush.value.0.saturating_add(GIVEN_UP.0);
        ("message.timeout.ms", total.to_string(), flush.loc)
    });
    let librdkafka = [size, flush, patience, compression];
    let files =
        [("producer.java.properties", java.as_slice()), ("producer.librdkafka.properties", librdkafka.as_slice())];
    let mut found = Vec::new();
    for (path, entries) in files {
        let entries: Vec<&(&str, String, Loc)> = entries.iter().flatten().collect();
        if !entries.is_empty() {
            found.push((path.to_owned(), file(&entries)?));
        }
    }
    Ok(found)
}

/// A line for each property. No value of ours has a character that would have to be escaped.
fn file(entries: &[&(&str, String, Loc)]) -> Result<Artifact, CompileError> {
    let mut text = String::new();
    for (name, value, _) in entries {
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        if !plain(name) || !plain(value) {
            return Err(CompileError::Refused(format!("the property `{name}` cannot hold `{value}`")));
        }
        for part in [*name, "=", value, "\n"] {
            text.push_str(part);
        }
    }
    Ok(Artifact { bytes: text.into_bytes(), from: entries.iter().map(|(_, _, loc)| *loc).collect() })
}
