//! The values that condition operators compare: numbers, instants, address ranges.
//!
//! What cannot be read is `None`, and what then cannot be compared is left open: a
//! text that is no date is neither before nor after one.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use std::cmp::Ordering;
use std::net::IpAddr;

/// A decimal number, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Decimal {
    /// Reads digits with at most a sign and a point.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        Some(Self {
            // Minus nought is nought.
            negative: negative && !(whole.is_empty() && fraction.is_empty()),
            whole,
            fraction,
        })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |it: &Self| (it.whole.len(), it.whole.clone(), it.fraction.clone());
        match (self.negative, other.negative) {
            (false, false) => size(self).cmp(&size(other)),
            (true, true) => size(other).cmp(&size(self)),
            (mine, _) if mine => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A moment: seconds since 1970 and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    seconds: i64,
    nanos: u32,
}

impl Instant {
    /// Reads ISO 8601 as W3C profiles it (`2026-01-02`, `2026-01-02T03:04:05.6+01:00`), or
    /// seconds since 1970. Four digits alone could be either, and are neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.contains('-') {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            if whole.len() < 5 {
                return None;
            }
            return Some(Self {
                seconds: i64::try_from(digits(whole, whole.len())?).ok()?,
                nanos: nanos(fraction)?,
            });
        }
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut fields = date.split('-');
        let year = digits(fields.next()?, 4)?;
        let month = digits(fields.next()?, 2)?;
        let day = match fields.next() {
            Some(day) => digits(day, 2)?,
            None if time.is_none() => 1,
            None => return None,
        };
        if fields.next().is_some() || !(1..=12).contains(&month) {
            return None;
        }
        if day < 1 || day > days_of_month(year, month) {
            return None;
        }
        let midnight = days_since_1970(year, month, day) * 86_400;
        let Some(time) = time else {
            return Some(Self {
                seconds: midnight,
                nanos: 0,
            });
        };
        let (clock, offset) = zone(time)?;
        let mut fields = clock.split(':');
        let hour = digits(fields.next()?, 2)?;
        let minute = digits(fields.next()?, 2)?;
        let (second, fraction) = match fields.next() {
            Some(it) => {
                let (second, fraction) = it.split_once('.').unwrap_or((it, ""));
                (digits(second, 2)?, fraction)
            }
            None => (0, ""),
        };
        // A leap second is the second after the fifty-ninth.
        if fields.next().is_some() || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let of_day = i64::try_from(hour * 3600 + minute * 60 + second).ok()?;
        Some(Self {
            seconds: midnight + of_day - offset,
            nanos: nanos(fraction)?,
        })
    }
}

/// A time of day without its zone, and the zone's seconds east of Greenwich.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let sign = time.rfind(['+', '-'])?;
    let (clock, zone) = time.split_at(sign);
    let (hours, minutes) = zone[1..].split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
    let east = zone.starts_with('+');
    Some((clock, if east { seconds } else { -seconds }))
}

fn digits(text: &str, count: usize) -> Option<u64> {
    let plain = text.len() == count && text.bytes().all(|it| it.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn nanos(fraction: &str) -> Option<u32> {
    if !fraction.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let nine: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    nine.parse().ok()
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, year 0 to 9999.
fn days_since_1970(year: u64, month: u64, day: u64) -> i64 {
    // Days before a year, counted from year 0, which is a leap year.
    let before = |year: u64| {
        if year == 0 {
            return 0;
        }
        let last = year - 1;
        year * 365 + last / 4 - last / 100 + last / 400 + 1
    };
    let months: u64 = (1..month).map(|it| days_of_month(year, it)).sum();
    let days = before(year) + months + day - 1;
    i64::try_from(days).unwrap_or(i64::MAX) - i64::try_from(before(1970)).unwrap_or(i64::MAX)
}

/// An address range: `203.0.113.0/24`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    address: IpAddr,
    bits: u32,
}

impl Range {
    /// Reads CIDR notation; an address alone is a range of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(it) if it.bytes().all(|byte| byte.is_ascii_digit()) => it.parse().ok()?,
            Some(_) => return None,
            None => width,
        };
        (bits <= width).then_some(Self { address, bits })
    }

    /// Whether all of another range is in this one.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        let (own, other_bits, width) = match (self.address, other.address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        let differing = (own ^ other_bits)
            .checked_shr(width - self.bits)
            .unwrap_or(0);
        other.bits >= self.bits && differing == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_exactly() {
        let number = |it: &str| Decimal::parse(it).expect("a number");
        assert_eq!(number("3600"), number("03600.0"));
        assert_eq!(number("-0"), number("0"));
        assert!(number("9007199254740993") > number("9007199254740992"));
        assert!(number("-10") < number("-9.5"));
        assert!(number("10") > number("9"));
        assert!(number("0.5") > number(".25"));
        assert!(number("-1") < number("1"));
        for bad in ["", "-", ".", "1e3", "x", "1 "] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_moment_is_written_in_many_ways() {
        let instant = |it: &str| Instant::parse(it).expect("a moment");
        assert_eq!(instant("1970-01-01").seconds, 0);
        assert_eq!(instant("2000-03-01T00:00:00Z").seconds, 951_868_800);
        assert_eq!(
            instant("2026-02-03T04:05:06Z"),
            instant("2026-02-03T05:05:06+01:00")
        );
        assert_eq!(
            instant("2026-02-03T04:05:00Z"),
            instant("2026-02-03T04:05Z")
        );
        assert_eq!(instant("1770091506"), instant("2026-02-03T04:05:06Z"));
        assert!(instant("2026-02-03T04:05:06.5Z") > instant("2026-02-03T04:05:06Z"));
        assert_eq!(instant("2026-02"), instant("2026-02-01"));
        for bad in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "2026-02-03T04:05:06",
            "2026-02-03T25:05:06Z",
            "tomorrow",
            "2026-02-03 04:05:06Z",
            "2026-02-03T04:05:06+1:00",
        ] {
            assert_eq!(Instant::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        let holds = |range: &str, address: &str| {
            Range::parse(range)
                .expect("a range")
                .holds(&Range::parse(address).expect("an address"))
        };
        assert!(holds("203.0.113.0/24", "203.0.113.7"));
        assert!(!holds("203.0.113.0/24", "203.0.114.7"));
        assert!(holds("0.0.0.0/0", "203.0.113.7"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1"));
        assert!(!holds("2001:db8::/32", "2001:db9::1"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("203.0.113.7", "203.0.113.7/32"));
        assert!(!holds("203.0.113.7", "203.0.113.0/24"));
        for bad in ["", "203.0.113", "203.0.113.0/33", "203.0.113.0/-1", "x/1"] {
            assert_eq!(Range::parse(bad), None, "{bad}");
        }
    }
}
