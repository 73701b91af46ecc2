//! The values that condition operators compare: numbers, instants, address ranges.
//!
//! What cannot be read is `None`, and what then cannot be compared is left open: a
//! text that is no date is neither before nor after one.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

    fn zero() -> Self {
        Self {
            negative: false,
            whole: String::new(),
            fraction: String::new(),
        }
    }

    /// A number further from nought, on the same side of it.
    fn further(&self) -> Self {
        // Leading noughts matter here: `1` before `5` is fifteen.
        Self {
            whole: format!("1{}", self.whole),
            ..self.clone()
        }
    }

    /// A smaller number.
    #[must_use]
    pub fn below(&self) -> Self {
        match self.cmp(&Self::zero()) {
            Ordering::Greater => Self::zero(),
            Ordering::Equal => Self {
                negative: true,
                whole: "1".to_owned(),
                fraction: String::new(),
            },
            Ordering::Less => self.further(),
        }
    }

    /// A greater number.
    #[must_use]
    pub fn above(&self) -> Self {
        if self.negative {
            Self::zero()
        } else {
            self.further()
        }
    }

    /// A number between this one and a greater one.
    #[must_use]
    pub fn between(&self, high: &Self) -> Self {
        if self.negative && !high.negative && *high != Self::zero() {
            return Self::zero();
        }
        // Half a unit of the next digit on from the end that is nearer to nought.
        let near = if self.negative { high } else { self };
        let digits = self.fraction.len().max(high.fraction.len());
        Self {
            negative: self.negative,
            whole: near.whole.clone(),
            fraction: format!("{:0<digits$}5", near.fraction),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let whole = if self.whole.is_empty() {
            "0"
        } else {
            &self.whole
        };
        let point = if self.fraction.is_empty() { "" } else { "." };
        write!(out, "{sign}{whole}{point}{}", self.fraction)
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
    /// Returns the moment that is this many seconds after the beginning of 1970.
    #[must_use]
    pub fn since_1970(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

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

impl Instant {
    /// So many seconds later.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Option<Self> {
        let seconds = self.seconds.checked_add(seconds)?;
        let years = days_since_1970(0, 1, 1) * 86_400..days_since_1970(10_000, 1, 1) * 86_400;
        years.contains(&seconds).then_some(Self { seconds, ..self })
    }

    /// A moment between this one and a later one.
    #[must_use]
    pub fn between(self, later: Self) -> Option<Self> {
        let billion = 1_000_000_000;
        let nanos = |it: Self| i128::from(it.seconds) * billion + i128::from(it.nanos);
        let middle = i128::midpoint(nanos(self), nanos(later));
        let found = Self {
            seconds: i64::try_from(middle.div_euclid(billion)).ok()?,
            nanos: u32::try_from(middle.rem_euclid(billion)).ok()?,
        };
        (self < found && found < later).then_some(found)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.seconds.div_euclid(86_400);
        let of_day = self.seconds.rem_euclid(86_400);
        // The year is at most one off when every year is taken to have 365.2425 days.
        let guess = u64::try_from(1970 + days * 10_000 / 3_652_425).unwrap_or(0);
        let year = (guess.saturating_sub(1)..=guess + 1)
            .rev()
            .find(|it| days_since_1970(*it, 1, 1) <= days)
            .unwrap_or(0);
        let month = (1..=12)
            .rev()
            .find(|it| days_since_1970(year, *it, 1) <= days)
            .unwrap_or(1);
        let day = days - days_since_1970(year, month, 1) + 1;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(
            out,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            write!(out, ".{}", digits.trim_end_matches('0'))?;
        }
        out.write_str("Z")
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

    /// The first address, and the number of the one past the last; `None` where there is none.
    #[must_use]
    pub fn span(&self) -> (IpAddr, Option<u128>) {
        let (own, width) = match self.address {
            IpAddr::V4(it) => (u128::from(it.to_bits()), 32),
            IpAddr::V6(it) => (it.to_bits(), 128),
        };
        let size = 1_u128.checked_shl(width - self.bits);
        let first = size.map_or(0, |it| own & !(it - 1));
        let past = size.and_then(|it| first.checked_add(it));
        match self.address {
            IpAddr::V4(_) => {
                let first = u32::try_from(first).unwrap_or(0);
                (Ipv4Addr::from_bits(first).into(), past)
            }
            IpAddr::V6(_) => (Ipv6Addr::from_bits(first).into(), past),
        }
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
        assert!(number("-9.5") > number("-10"));
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
        assert_eq!(
            instant("2026-02-03T02:35:06-01:30"),
            instant("2026-02-03T04:05:06Z")
        );
        assert_eq!(
            instant("2026-02-04T04:04:06+23:59"),
            instant("2026-02-03T04:05:06Z")
        );
        assert_eq!(
            instant("2016-12-31T23:59:60Z"),
            instant("2017-01-01T00:00:00Z")
        );
        assert_eq!(instant("12345").seconds, 12_345);
        assert_eq!(
            instant("0001-01-01").seconds - instant("0000-12-31").seconds,
            86_400
        );
        assert_eq!(
            instant("2024-03-01").seconds - instant("2024-02-29").seconds,
            86_400
        );
        for bad in [
            "1234",
            "2026-02T04:05Z",
            "1900-02-29",
            "2026-02-03T24:00:00Z",
            "2026-02-03T04:60:00Z",
            "2026-02-03T04:05:61Z",
            "2026-02-03T04:05:06+24:00",
            "2026-02-03T04:05:06+01:60",
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
    fn between_two_numbers_there_is_another() {
        let number = |it: &str| Decimal::parse(it).expect("a number");
        for (low, high) in [
            ("0", "1"),
            ("-1", "0"),
            ("-1", "1"),
            ("-2", "-1.9"),
            ("5", "5.01"),
            ("0.5", "0.51"),
        ] {
            let (low, high) = (number(low), number(high));
            let middle = low.between(&high);
            assert!(low < middle && middle < high, "{low} {middle} {high}");
            assert!(low.below() < low && high.above() > high);
            assert!(high.below() < high && low.above() > low);
            assert_eq!(number(&middle.to_string()), middle);
        }
    }

    #[test]
    fn a_moment_reads_back_as_it_is_written() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59.25Z",
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T00:00:00Z",
            "2025-12-31T23:59:59Z",
            "1972-01-01T00:00:00Z",
            "0000-12-31T00:00:00Z",
        ] {
            let moment = Instant::parse(text).expect("a moment");
            assert_eq!(moment.to_string(), text);
        }
    }

    #[test]
    fn between_two_moments_there_is_another_unless_they_touch() {
        let between = |a: &str, b: &str| {
            let moment = |it: &str| Instant::parse(it).expect("a moment");
            moment(a).between(moment(b)).map(|it| it.to_string())
        };
        let some = |it: &str| Some(it.to_owned());
        assert_eq!(
            between("2026-01-01T00:00:00.2Z", "2026-01-01T00:00:00.4Z"),
            some("2026-01-01T00:00:00.3Z")
        );
        assert_eq!(
            between("1969-12-31T23:59:58Z", "1970-01-01T00:00:00Z"),
            some("1969-12-31T23:59:59Z")
        );
        for (a, b) in [
            ("2026-01-01", "2026-01-01"),
            ("2026-01-02", "2026-01-01"),
            ("2026-01-01", "2026-01-01T00:00:00.000000001Z"),
            (
                "1969-12-31T23:59:59.999999998Z",
                "1969-12-31T23:59:59.999999999Z",
            ),
        ] {
            assert_eq!(between(a, b), None, "{a} {b}");
        }
    }

    #[test]
    fn time_ends_with_the_years_of_four_digits() {
        let plus = |it: &str, seconds| Instant::parse(it).expect("a moment").plus(seconds);
        assert_eq!(plus("9999-12-31T23:59:59Z", 1), None);
        assert_eq!(plus("0000-01-01", -1), None);
        assert_eq!(plus("1900-01-01", i64::MAX), None);
        assert_eq!(
            plus("1900-01-01", 1),
            Instant::parse("1900-01-01T00:00:01Z")
        );
        assert_eq!(
            plus("0000-01-01", 1),
            Instant::parse("0000-01-01T00:00:01Z")
        );
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
        for bad in [
            "",
            "203.0.113",
            "203.0.113.0/33",
            "203.0.113.0/-1",
            "203.0.113.0/+24",
            "x/1",
        ] {
            assert_eq!(Range::parse(bad), None, "{bad}");
        }
    }
}
