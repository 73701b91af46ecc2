//! Examples of numbers, dates and addresses: one on each bound, one between any two.
//!
//! A comparison changes its answer only at its own bound, so these examples stand for
//! all values there are.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::values::{Decimal, Instant, Range};

/// A number on each bound, below, between and above.
#[must_use]
pub fn numbers<'a>(bounds: impl Iterator<Item = &'a str>) -> Vec<String> {
    let bounds: BTreeSet<Decimal> = bounds.filter_map(Decimal::parse).collect();
    let mut found = BTreeSet::new();
    for bound in &bounds {
        found.insert(bound.clone());
        found.insert(bound.below());
        found.insert(bound.above());
    }
    for (low, high) in bounds.iter().zip(bounds.iter().skip(1)) {
        found.insert(low.between(high));
    }
    if found.is_empty() {
        found.extend(Decimal::parse("0"));
    }
    found.iter().map(Decimal::to_string).collect()
}

/// A moment on each bound, below, between and above.
#[must_use]
pub fn dates<'a>(bounds: impl Iterator<Item = &'a str>) -> Vec<String> {
    let bounds: BTreeSet<Instant> = bounds.filter_map(Instant::parse).collect();
    let mut found = BTreeSet::new();
    for bound in &bounds {
        found.insert(*bound);
        found.extend(bound.plus(-1));
        found.extend(bound.plus(1));
    }
    for (low, high) in bounds.iter().zip(bounds.iter().skip(1)) {
        found.extend(low.between(*high));
    }
    if found.is_empty() {
        found.extend(Instant::parse("2026-01-01"));
    }
    found.iter().map(Instant::to_string).collect()
}

/// The first address of every stretch that no range begins or ends within.
#[must_use]
pub fn addresses<'a>(ranges: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut four = BTreeSet::from([0_u32]);
    let mut six = BTreeSet::from([0_u128]);
    for range in ranges.filter_map(Range::parse) {
        let (first, past) = range.span();
        match first {
            IpAddr::V4(first) => {
                four.insert(first.to_bits());
                four.extend(past.and_then(|it| u32::try_from(it).ok()));
            }
            IpAddr::V6(first) => {
                six.insert(first.to_bits());
                six.extend(past);
            }
        }
    }
    let four = four
        .into_iter()
        .map(|it| Ipv4Addr::from_bits(it).to_string());
    let six = six
        .into_iter()
        .map(|it| Ipv6Addr::from_bits(it).to_string());
    four.chain(six).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lie_on_bounds_and_around_them() {
        let found = numbers(["5", "6", "5.0"].into_iter());
        assert_eq!(found, ["0", "5", "5.5", "6", "15", "16"]);
        let found = numbers(["-1", "10"].into_iter());
        assert_eq!(found, ["-11", "-1", "0", "10", "110"]);
        assert_eq!(numbers([].into_iter()), ["0"]);
    }

    #[test]
    fn dates_lie_on_bounds_and_around_them() {
        let found = dates(["2026-01-01", "2026-01-01T00:00:01Z"].into_iter());
        assert_eq!(
            found,
            [
                "2025-12-31T23:59:59Z",
                "2026-01-01T00:00:00Z",
                "2026-01-01T00:00:00.5Z",
                "2026-01-01T00:00:01Z",
                "2026-01-01T00:00:02Z",
            ]
        );
    }

    #[test]
    fn addresses_begin_every_stretch() {
        let found = addresses(["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"].into_iter());
        assert_eq!(
            found,
            [
                "0.0.0.0",
                "10.0.0.0",
                "10.1.0.0",
                "10.2.0.0",
                "11.0.0.0",
                "::",
                "2001:db8::",
                "2001:db9::",
            ]
        );
        assert_eq!(addresses(["255.0.0.0/8"].into_iter()).len(), 3);
    }
}
