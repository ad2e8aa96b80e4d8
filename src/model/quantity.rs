//! Quantities: one grammar, parsed to exact integers. Types keep apart what products mix up.
//!
//! Durations `30s` `5m` `1h` `24_hours` `30_days` `7_years` `1 day`, sizes `100MB` `1GB` (decimal) `8Gi` (binary),
//! percents `50%` `90%_memory`, triggers `every_minute`. A year is 365.25 days. What is not in the grammar is refused
//! with the accepted forms; nothing is guessed.

use std::fmt;

/// A length of time, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub u64);

/// A minimum time that records are kept, in whole seconds; fractions are rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retention(pub u64);

/// A size, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A share, in thousandths of a percent (`50%` is 50,000), and what it is a share of (`memory`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent {
    /// Thousandths of a percent; at most 100,000.
    pub milli: u32,
    /// What it is a share of, where written.
    pub of: Option<String>,
}

/// Attempts in all, the first one included. Three attempts are two retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempts(pub u32);

const DURATION_FORMS: &str = "`500ms`, `30s`, `5m`, `1h`, `24_hours`, `30_days`, `2_weeks`, `7_years` or `1 day`";
const SIZE_FORMS: &str = "`100MB` or `1GB` (decimal), `512Mi` or `8Gi` (binary)";
const PERCENT_FORMS: &str = "`50%`, `12.5%` or `90%_memory`";

/// Milliseconds of one unit of time, for each word that names one.
fn unit_of_time(word: &str) -> Option<u64> {
    const SECOND: u64 = 1_000;
    const HOUR: u64 = 3_600 * SECOND;
    const DAY: u64 = 24 * HOUR;
    Some(match word {
        "ms" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "second" | "seconds" => SECOND,
        "m" | "min" | "minute" | "minutes" => 60 * SECOND,
        "h" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        "year" | "years" => 365 * DAY + 6 * HOUR,
        _ => return None,
    })
}

/// Splits `24_hours` into its whole number and its unit; `_` and one space may stand between them.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let unit = rest.strip_prefix('_').or_else(|| rest.strip_prefix(' ')).unwrap_or(rest);
    Some((number.parse().ok()?, unit))
}

impl Duration {
    /// Reads a duration.
    ///
    /// # Errors
    /// The accepted forms, where the text is none of them or the number is too large.
    pub fn parse(text: &str) -> Result<Self, String> {
        number_and_unit(text)
            .and_then(|(number, unit)| number.checked_mul(unit_of_time(unit)?))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no duration; write {DURATION_FORMS}"))
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1_000
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (milliseconds, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
            if self.0 >= milliseconds && self.0.is_multiple_of(milliseconds) {
                return write!(f, "{}{unit}", self.0 / milliseconds);
            }
        }
        write!(f, "{}ms", self.0)
    }
}

impl Retention {
    /// Reads a retention time, rounding up to whole seconds.
    ///
    /// # Errors
    /// As [`Duration::parse`].
    pub fn parse(text: &str) -> Result<Self, String> {
        Duration::parse(text).map(|duration| Self(duration.0.div_ceil(1_000)))
    }

    /// Whole days, rounded up.
    #[must_use]
    pub fn days(self) -> u64 {
        self.0.div_ceil(86_400)
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let year = 31_557_600;
        if self.0 >= year && self.0.is_multiple_of(year) {
            write!(f, "{} years", self.0 / year)
        } else {
            write!(f, "{} days", self.days())
        }
    }
}

impl Bytes {
    /// Reads a size: `MB` is a million bytes, `Mi` is 1,048,576.
    ///
    /// # Errors
    /// The accepted forms, where the text is none of them or the number is too large.
    pub fn parse(text: &str) -> Result<Self, String> {
        let factor = |unit: &str| {
            let (base, prefix): (u64, &str) = match unit.strip_suffix('B').unwrap_or(unit) {
                "" => return Some(1),
                prefix if prefix.ends_with('i') => (1_024, prefix),
                prefix => (1_000, prefix),
            };
            let power = match prefix {
                "k" | "K" | "Ki" => 1,
                "M" | "Mi" => 2,
                "G" | "Gi" => 3,
                "T" | "Ti" => 4,
                _ => return None,
            };
            base.checked_pow(power)
        };
        number_and_unit(text)
            .filter(|(_, unit)| !unit.is_empty())
            .and_then(|(number, unit)| number.checked_mul(factor(unit)?))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no size; write {SIZE_FORMS}"))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 8] = [
            (1 << 40, "Ti"),
            (1_000_000_000_000, "TB"),
            (1 << 30, "Gi"),
            (1_000_000_000, "GB"),
            (1 << 20, "Mi"),
            (1_000_000, "MB"),
            (1 << 10, "Ki"),
            (1_000, "kB"),
        ];
        match UNITS.iter().find(|(bytes, _)| self.0 >= *bytes && self.0.is_multiple_of(*bytes)) {
            Some((bytes, unit)) => write!(f, "{}{unit}", self.0 / bytes),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

impl Percent {
    /// Reads a percentage of at most 100, with up to three decimals.
    ///
    /// # Errors
    /// The accepted forms.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = || {
            let (number, rest) = text.split_once('%')?;
            let of = match rest {
                "" => None,
                rest => Some(rest.strip_prefix('_').filter(|of| !of.is_empty())?.to_owned()),
            };
            let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
            if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) || number.ends_with('.') {
                return None;
            }
            let whole =
                if whole.bytes().all(|b| b.is_ascii_digit()) { whole.parse::<u32>().ok()? } else { return None };
            let milli = whole.checked_mul(1_000)?.checked_add(format!("{decimals:0<3}").parse().ok()?)?;
            (milli <= 100_000).then_some(Self { milli, of })
        };
        read().ok_or_else(|| format!("`{text}` is no percentage; write {PERCENT_FORMS}, at most 100%"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_the_document() {
        for (text, milliseconds) in [
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("24h", 86_400_000),
            ("24_hours", 86_400_000),
            ("1 day", 86_400_000),
            ("30_days", 2_592_000_000),
            ("3600s", 3_600_000),
            ("7_years", 220_903_200_000),
        ] {
            assert_eq!(Duration::parse(text), Ok(Duration(milliseconds)), "{text}");
        }
        for text in ["", "30", "s", "-5s", "1.5h", "5 m inutes", "99999999999999999999s", "30  s", "1__day", "5mo"] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_keep_decimal_and_binary_apart() {
        assert_eq!(Bytes::parse("100MB"), Ok(Bytes(100_000_000)));
        assert_eq!(Bytes::parse("8Gi"), Ok(Bytes(8 << 30)));
        assert_eq!(Bytes::parse("8GiB"), Ok(Bytes(8 << 30)));
        assert!(Bytes::parse("8").is_err());
        assert!(Bytes::parse("8mb").is_err());
        assert_eq!(Bytes(8 << 30).to_string(), "8Gi");
        assert_eq!(Bytes(10_000_000_000).to_string(), "10GB");
    }

    #[test]
    fn percents_are_exact() {
        assert_eq!(Percent::parse("50%"), Ok(Percent { milli: 50_000, of: None }));
        assert_eq!(Percent::parse("90%_memory"), Ok(Percent { milli: 90_000, of: Some("memory".into()) }));
        assert_eq!(Percent::parse("12.5%"), Ok(Percent { milli: 12_500, of: None }));
        for text in ["101%", "50", "%", "+5%", "50%memory", "50%_", "1.2345%", "5.%"] {
            assert!(Percent::parse(text).is_err(), "{text}");
        }
    }
}
