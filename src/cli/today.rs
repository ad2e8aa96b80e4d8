//! The date that waivers are judged by. The core has no clock; it is told the date.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_OF_A_DAY: u64 = 86_400;

/// Today's date in UTC, as `YYYY-MM-DD`.
#[must_use]
pub fn today() -> String {
    date(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
}

/// The date of a time since 1970, in the Gregorian calendar.
#[must_use]
pub fn date(since_1970: Duration) -> String {
    let mut days = since_1970.as_secs() / SECONDS_OF_A_DAY;
    let mut year = 1970;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_of_month(year, month) {
        days -= days_of_month(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

/// Accepts a date that exists, written `YYYY-MM-DD`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<String, String> {
    let digits = |range: std::ops::Range<usize>| {
        text.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit())).and_then(|part| part.parse().ok())
    };
    let dashes = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    match (digits(0..4), digits(5..7), digits(8..10)) {
        (Some(year), Some(month @ 1..=12), Some(day)) if dashes && (1..=days_of_month(year, month)).contains(&day) => {
            Ok(text.to_owned())
        }
        _ => Err("a date is written YYYY-MM-DD".to_owned()),
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_since_1970_become_dates() {
        let on = |days: u64| date(Duration::from_secs(days * SECONDS_OF_A_DAY + 86_399));
        assert_eq!(on(0), "1970-01-01");
        assert_eq!(on(58), "1970-02-28");
        assert_eq!(on(59), "1970-03-01");
        assert_eq!(on(11_016), "2000-02-29");
        assert_eq!(on(11_017), "2000-03-01");
        assert_eq!(on(20_778), "2026-11-21");
        assert_eq!(on(47_541), "2100-03-01");
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
            "",
            "é026-01-01",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
