//! Names of metrics and of their labels. Source: Prometheus, "Metric names and labels".

/// Most characters of a name.
const MOST: usize = 200;

fn is_name(text: &str, more: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
    !text.is_empty() && text.len() <= MOST && text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a text is the name of a metric.
///
/// # Errors
/// The accepted form.
pub fn check_metric(text: &str) -> Result<(), String> {
    if is_name(text, ":") {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not a metric name; write up to {MOST} letters, digits, `_` and `:`, not a digit first, such as \
         `mcp_requests_total`"
    ))
}

/// Whether a text is the name of a label.
///
/// # Errors
/// The accepted form.
pub fn check_label(text: &str) -> Result<(), String> {
    if !is_name(text, "") {
        return Err(format!(
            "`{text}` is not a label name; write up to {MOST} letters, digits and `_`, not a digit first, such as \
             `mcp_server`"
        ));
    }
    if text.starts_with("__") {
        return Err(format!("`{text}` is a label of Prometheus itself; write a name that does not begin with `__`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_prometheus() {
        for text in ["mcp_requests_total", "_a", "job:rate5m", "A9"] {
            assert_eq!(check_metric(text), Ok(()), "{text}");
        }
        for text in ["", "9a", "a-b", "a.b", "a b", "é", "a\n", &"a".repeat(MOST + 1)] {
            assert!(check_metric(text).is_err() && check_label(text).is_err(), "{text}");
        }
        for (text, fits) in [("mcp_server", true), ("_x", true), ("a:b", false), ("__name__", false)] {
            assert_eq!(check_label(text).is_ok(), fits, "{text}");
        }
    }
}
