//! What a scalar is, by the core schema of YAML 1.2 (section 10.3).

use std::borrow::Cow;

/// Whether the core schema applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Plain, or tagged as a core type: the text decides.
    Plain,
    /// Quoted, a block, or tagged `!!str`: a string.
    Text,
}

/// A scalar as written, after escapes.
#[derive(Debug)]
pub struct Scalar<'s> {
    text: Cow<'s, str>,
    style: Style,
}

/// What a scalar means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Everything else.
    Text(&'a str),
}

impl<'s> Scalar<'s> {
    pub(super) fn new(text: Cow<'s, str>, style: Style) -> Self {
        Self { text, style }
    }

    /// The text, whatever it means.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it was written plainly, so that its text decides what it is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.style == Style::Plain
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value() == Value::Null
    }

    /// Whether it is the merge key.
    #[must_use]
    pub fn is_merge(&self) -> bool {
        self.style == Style::Plain && self.text == "<<"
    }

    /// Whether it is `.inf` or `.nan` in one of their spellings.
    #[must_use]
    pub fn is_not_finite(&self) -> bool {
        let unsigned = self.text.strip_prefix(['+', '-']).unwrap_or(&self.text);
        self.style == Style::Plain
            && (matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(&*self.text, ".nan" | ".NaN" | ".NAN"))
    }

    /// What it means.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        if self.style == Style::Text {
            return Value::Text(&self.text);
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            text => number(text).unwrap_or(Value::Text(text)),
        }
    }

    /// How a YAML 1.1 reader would take it, where that differs.
    #[must_use]
    pub fn ambiguity(&self) -> Option<&'static str> {
        let text: &str = &self.text;
        if self.style == Style::Text || text.len() > 24 {
            return None;
        }
        if matches!(text, "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "on" | "On" | "ON" | "off" | "Off" | "OFF") {
            return Some("a boolean");
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
            return Some("an octal number");
        }
        if unsigned.contains('_') && unsigned.split('_').all(|part| part.bytes().all(|b| b.is_ascii_digit())) {
            return Some("a number");
        }
        let sexagesimal = |part: &str| digits(part) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|n| n < 60);
        match unsigned.split_once(':') {
            Some((first, rest)) if digits(first) && rest.split(':').all(sexagesimal) => Some("a number to base 60"),
            _ => None,
        }
    }
}

fn number(text: &str) -> Option<Value<'_>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let first = unsigned.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'.') {
        return None;
    }
    if unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map(Value::Int).ok().or_else(|| finite(text));
    }
    if text.len() == unsigned.len() {
        for (prefix, radix) in [("0o", 8), ("0x", 16)] {
            if let Some(digits) = text.strip_prefix(prefix).filter(|digits| !digits.starts_with(['+', '-'])) {
                return i64::from_str_radix(digits, radix).ok().map(Value::Int);
            }
        }
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    let fits = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits;
    if fits { finite(text) } else { None }
}

fn finite(text: &str) -> Option<Value<'_>> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar<'_> {
        Scalar::new(text.into(), Style::Plain)
    }

    #[test]
    fn core_schema() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(plain(text).value(), Value::Null, "{text}");
        }
        for (text, value) in [("0", 0), ("-12", -12), ("+7", 7), ("012", 12), ("0o17", 15), ("0x1F", 31)] {
            assert_eq!(plain(text).value(), Value::Int(value), "{text}");
        }
        for (text, value) in [("0.1", 0.1), ("-1.5e3", -1500.0), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0)] {
            assert_eq!(plain(text).value(), Value::Float(value), "{text}");
        }
        for text in [
            "yes", "off", "1_000", "12:30:45", "1.2.3", "0b11", "-0x1", "1e", "--1", ".", "+", "0x", "30s", "nan",
            "inf", "e5",
        ] {
            assert_eq!(plain(text).value(), Value::Text(text), "{text}");
        }
        assert_eq!(plain("99999999999999999999").value(), Value::Float(1e20));
        assert_eq!(Scalar::new("1".into(), Style::Text).value(), Value::Text("1"));
    }

    #[test]
    fn what_yaml_1_1_reads_differently_is_known() {
        for text in ["yes", "Off", "012", "1_000", "12:30:45", "190:20:30"] {
            assert!(plain(text).ambiguity().is_some(), "{text}");
        }
        for text in ["true", "12", "0", "a_b", "10:99", "08", "node:1", "1.5", "0o17", "30_days", "1_"] {
            assert_eq!(plain(text).ambiguity().is_some(), text == "1_", "{text}");
        }
        assert_eq!(Scalar::new("yes".into(), Style::Text).ambiguity(), None);
    }
}
