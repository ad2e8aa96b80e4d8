//! The date that waivers are judged by. The core has no clock; it is told the date.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::families::text::is_date;

/// Today's date in UTC, as `YYYY-MM-DD`.
#[must_use]
pub fn today() -> String {
    TimeZone::UTC.to_datetime(Timestamp::now()).date().to_string()
}

/// Accepts a date that exists, written `YYYY-MM-DD`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<String, String> {
    is_date(text).then(|| text.to_owned()).ok_or_else(|| "a date is written YYYY-MM-DD".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_is_a_date() {
        let today = today();
        assert_eq!(parse(&today).as_deref(), Ok(today.as_str()));
    }

    #[test]
    fn only_dates_that_exist_are_accepted() {
        for date in ["2026-11-22", "2024-02-29", "0001-01-01"] {
            assert_eq!(parse(date).as_deref(), Ok(date));
        }
        for wrong in [
            "2025-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "26-01-01",
            "2026/01/01",
            "2026-01-011",
            "20261122",
            "2026-11-22T10:00",
            "2026-W47-7",
            "+002026-11-22",
            "-002026-11-22",
            "2026-11-22 ",
            "",
            "é026-01-01",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
