//! Names of topics. Source: Kafka, `org.apache.kafka.common.internals.Topic`; a broker of 4.4.0 refuses the others.

/// Most characters of a name: it becomes part of the name of a folder.
const MOST: usize = 249;

/// Topics of the brokers themselves.
const INTERNAL: [&str; 4] = ["__cluster_metadata", "__consumer_offsets", "__share_group_state", "__transaction_state"];

/// Whether a text is the name of a topic.
///
/// # Errors
/// The accepted form.
pub fn check_topic(text: &str) -> Result<(), String> {
    if INTERNAL.contains(&text) {
        return Err(format!("`{text}` is a topic of Kafka itself; write another name, such as `customer_events`"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !text.is_empty() && text.len() <= MOST && text.chars().all(fits) && !matches!(text, "." | "..") {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not a topic name; write up to {MOST} letters, digits, `.`, `_` and `-`, such as `customer_events`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_those_of_kafka() {
        for (text, fits) in [
            ("customer_events", true),
            ("a.b-c", true),
            ("...", true),
            ("..", false),
            (".", false),
            ("", false),
            ("a b", false),
            ("a/b", false),
            ("ü", false),
            (&"a".repeat(MOST), true),
            (&"a".repeat(MOST + 1), false),
            ("__audit", true),
            ("__consumer_offsets", false),
        ] {
            assert_eq!(check_topic(text).is_ok(), fits, "{text}");
        }
    }
}
