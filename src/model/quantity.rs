//! Quantities: one grammar, parsed to exact integers. Types keep apart what products mix up.
//!
//! Durations `30s` `5m` `1h` `24_hours` `30_days` `7_years` `1 day`, sizes `100MB` `1GB` (decimal) `8Gi` (binary),
//! percents `50%` `90%_memory`, triggers `every_minute`. A year is 365.25 days. What is not in the grammar is refused
//! with the accepted forms; nothing is guessed. Zero is refused: it means "no limit" in one product and "at once" in the
//! next, and both are said by leaving the key out. So is what no product holds.

use std::fmt;

/// A length of time, in whole milliseconds; more than nothing, and at most a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub u64);

/// A time that records are kept, in whole seconds; fractions are rounded up, as for a minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retention(pub u64);

/// How long records are kept: at most a time, or at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kept {
    /// The time.
    pub time: Retention,
    /// Whether it is the least, rather than the most.
    pub at_least: bool,
}

/// A size, in bytes; more than nothing, and at most what 63 bits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A share, in thousandths of a percent (`50%` is 50,000), and what it is a share of (`memory`). More than nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent {
    /// Thousandths of a percent; at most 100,000.
    pub milli: u32,
    /// What it is a share of, where written.
    pub of: Option<String>,
}

/// The longest time: products count nanoseconds in 63 bits, which is 292 years, and nobody plans for more than a hundred.
const LONGEST: Duration = Duration(100 * (365 * 24 + 6) * 3_600_000);

/// The largest size: products count bytes in 63 bits.
const LARGEST: u64 = i64::MAX as u64;

/// What a percentage may be a share of.
const SHARED: [&str; 4] = ["memory", "cpu", "disk", "connections"];

/// Attempts in all, the first one included. Three attempts are two retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempts(pub u32);

const DURATION_FORMS: &str = "`500ms`, `30s`, `5m`, `1h`, `24_hours`, `30_days`, `2_weeks`, `7_years` or `1 day`";
const SIZE_FORMS: &str = "`100MB` or `1GB` (decimal), `512Mi` or `1.5Gi` (binary)";
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

/// Splits `1.5Gi` into thousandths and its unit, as [`number_and_unit`] does; a number has three decimals at most.
fn thousandths_and_unit(text: &str) -> Option<(u128, &str)> {
    let (whole, rest) = match text.split_once('.') {
        None => return number_and_unit(text).map(|(number, unit)| (u128::from(number) * 1_000, unit)),
        Some(parts) => parts,
    };
    let whole: u64 = whole.bytes().all(|byte| byte.is_ascii_digit()).then(|| whole.parse().ok()).flatten()?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (decimals, unit) = number_and_unit(rest)?;
    let scale = [100, 10, 1].get(digits.checked_sub(1)?)?;
    Some((u128::from(whole) * 1_000 + u128::from(decimals) * scale, unit))
}

impl Duration {
    /// Reads a duration.
    ///
    /// # Errors
    /// The accepted forms, where the text is none of them or the number is too large.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = number_and_unit(text).and_then(|(number, unit)| Some((number, unit_of_time(unit)?)));
        match read.map(|(number, unit)| number.checked_mul(unit)) {
            None => Err(format!("`{text}` is not a duration; write {DURATION_FORMS}")),
            Some(Some(0)) => Err(format!("`{text}` is no time at all; write {DURATION_FORMS}, or leave the key out")),
            Some(Some(milliseconds)) if milliseconds <= LONGEST.0 => Ok(Self(milliseconds)),
            Some(Some(_) | None) => Err(format!("`{text}` is too long; the most is `100_years`")),
        }
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

impl Kept {
    /// Reads the most time that records are kept, rounding down to whole seconds, at least one.
    ///
    /// # Errors
    /// As [`Duration::parse`].
    pub fn at_most(text: &str) -> Result<Self, String> {
        let time = Duration::parse(text).map(|duration| Retention(duration.seconds().max(1)))?;
        Ok(Self { time, at_least: false })
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = if self.at_least { "at least" } else { "at most" };
        write!(f, "{bound} {}", self.time)
    }
}

impl Bytes {
    /// Reads a size: `MB` is a million bytes, `Mi` is 1,048,576; `1.5Gi` is `1536Mi`.
    ///
    /// # Errors
    /// The accepted forms, where the text is none of them, is not in whole bytes, or the number is too large.
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
                "P" | "Pi" => 5,
                "E" | "Ei" => 6,
                _ => return None,
            };
            base.checked_pow(power)
        };
        let read = thousandths_and_unit(text).filter(|(_, unit)| !unit.is_empty());
        let read = read.and_then(|(number, unit)| Some(number * u128::from(factor(unit)?)));
        match read
            .filter(|thousandths| thousandths.is_multiple_of(1_000))
            .map(|number| u64::try_from(number / 1_000).ok())
        {
            None => Err(format!("`{text}` is not a size; write {SIZE_FORMS}")),
            Some(Some(0)) => Err(format!("`{text}` is no size at all; write {SIZE_FORMS}, or leave the key out")),
            Some(Some(bytes)) if bytes <= LARGEST => Ok(Self(bytes)),
            Some(Some(_) | None) => Err(format!("`{text}` is too large; the most is `8191Pi`")),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 10] = [
            (1 << 50, "Pi"),
            (1_000_000_000_000_000, "PB"),
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
        let read =
            read().ok_or_else(|| format!("`{text}` is not a percentage; write {PERCENT_FORMS}, at most 100%"))?;
        if read.milli == 0 {
            return Err(format!("`{text}` is no share at all; write {PERCENT_FORMS}, or leave the key out"));
        }
        match &read.of {
            Some(of) if !SHARED.contains(&of.as_str()) => {
                let legal = SHARED.map(|of| format!("`{of}`")).join(", ");
                Err(format!("`{text}` is a share of `{of}`, which is not a legal word; legal are {legal}"))
            }
            Some(_) | None => Ok(read),
        }
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
    fn nothing_and_too_much_are_refused() {
        for text in ["0s", "0ms", "0_days", "00s", "0 years"] {
            assert!(Duration::parse(text).is_err_and(|why| why.contains("no time at all")), "{text}");
        }
        for text in ["101_years", "315576000000s", "5124095576030_years", "18446744073709551615ms"] {
            assert!(Duration::parse(text).is_err_and(|why| why.contains("too long")), "{text}");
        }
        assert_eq!(Duration::parse("100_years"), Ok(LONGEST));
        for text in ["0MB", "0Gi", "0B"] {
            assert!(Bytes::parse(text).is_err_and(|why| why.contains("no size at all")), "{text}");
        }
        assert!(Bytes::parse("8192Pi").is_err_and(|why| why.contains("too large")));
        assert_eq!(Bytes::parse("8191Pi"), Ok(Bytes(8191 << 50)));
        for text in ["0%", "0.000%", "0%_memory"] {
            assert!(Percent::parse(text).is_err_and(|why| why.contains("no share at all")), "{text}");
        }
        assert!(Percent::parse("90%_memroy").is_err_and(|why| why.contains("`memory`")));
    }

    #[test]
    fn sizes_keep_decimal_and_binary_apart() {
        assert_eq!(Bytes::parse("100MB"), Ok(Bytes(100_000_000)));
        assert_eq!(Bytes::parse("8Gi"), Ok(Bytes(8 << 30)));
        assert_eq!(Bytes::parse("8GiB"), Ok(Bytes(8 << 30)));
        for (text, bytes) in
            [("1.5Gi", 3 << 29), ("0.5 Gi", 1 << 29), ("1.005MB", 1_005_000), ("7Ei", 7 << 60), ("0.25k", 250)]
        {
            assert_eq!(Bytes::parse(text), Ok(Bytes(bytes)), "{text}");
        }
        for text in [
            "1.Gi",
            ".5Gi",
            "1.5.5Gi",
            "1.0005MB",
            "0.001Ki",
            "8Ei",
            "1.5",
            "0.0Gi",
            "+1.5Gi",
            "99999999999999999999Gi",
        ] {
            assert!(Bytes::parse(text).is_err(), "{text}");
        }
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
