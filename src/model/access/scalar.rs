//! Values of claims and arguments: text, truth and exact decimal numbers.

use std::fmt;

/// Most significant digits of a [`Decimal`]: every product that reads numbers as binary floating point keeps these exactly.
pub const MOST_DIGITS: usize = 15;

/// A value as it is written in YAML. Values of different types are never equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// `true` or `false`.
    Truth(bool),
    /// A number; 1, 1.0 and 1e0 are the same one.
    Number(Decimal),
}

impl Scalar {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Truth(_) | Self::Number(_) => None,
        }
    }

    /// The same value in JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Truth(truth) => (*truth).into(),
            Self::Number(number) => number.to_json(),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// An exact decimal number of at most [`MOST_DIGITS`] significant digits: `units` divided by ten to the power of `places`.
/// `places` is the smallest that will do, so that equal numbers are equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    units: i64,
    places: u32,
}

impl Decimal {
    /// The whole number, if it has few enough digits.
    #[must_use]
    pub fn whole(number: i64) -> Option<Self> {
        (number.unsigned_abs() < 10_u64.pow(MOST_DIGITS as u32)).then_some(Self { units: number, places: 0 })
    }

    /// The number that a floating point number was written as, if it is finite and has few enough digits.
    #[must_use]
    pub fn from_f64(number: f64) -> Option<Self> {
        if !number.is_finite() || number.abs() >= 1e15 || (number != 0.0 && number.abs() < 1e-12) {
            return None;
        }
        // The shortest text that reads back as this number is the one that was written.
        let text = format!("{number}");
        let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction = fraction.trim_end_matches('0');
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        if significant.len() > MOST_DIGITS {
            return None;
        }
        let units: i64 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
        Some(Self { units: sign * units, places: fraction.len() as u32 })
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn as_whole(self) -> Option<i64> {
        (self.places == 0).then_some(self.units)
    }

    /// As floating point: the nearest number that there is.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        // Both are exact, so the quotient is the nearest.
        self.units as f64 / 10_f64.powi(self.places as i32)
    }

    /// As JSON writes it.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        self.as_whole().map_or_else(|| self.to_f64().into(), Into::into)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let places = self.places.max(other.places);
        let scaled = |number: &Self| i128::from(number.units) * 10_i128.pow(places - number.places);
        scaled(self).cmp(&scaled(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.places == 0 {
            return write!(f, "{}", self.units);
        }
        let sign = if self.units < 0 { "-" } else { "" };
        let places = self.places as usize;
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at_checked(digits.len() - places).unwrap_or((&digits, ""));
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_one_number() {
        let number = |n: f64| Decimal::from_f64(n).unwrap();
        assert_eq!(number(1.0), Decimal::whole(1).unwrap());
        assert_eq!(number(1e0), Decimal::whole(1).unwrap());
        assert_eq!(number(9999.99).to_string(), "9999.99");
        assert_eq!(number(-0.05).to_string(), "-0.05");
        assert_eq!(number(-0.0), Decimal::whole(0).unwrap());
        assert_eq!(number(9999.99).to_f64(), 9999.99);
        assert_eq!(Decimal::from_f64(0.1 + 0.2), None);
        assert_eq!(Decimal::from_f64(f64::NAN), None);
        assert_eq!(Decimal::whole(i64::MAX), None);
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let number = |n: f64| Decimal::from_f64(n).unwrap();
        assert!(number(9.99) < number(10.0) && number(-1.5) < number(-1.25) && number(0.1) > number(0.09));
    }
}
