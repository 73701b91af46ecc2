//! Numbers that follow from a seed.

use std::cell::Cell;
use std::time::Duration;

/// A stream of numbers: the same seed gives the same ones (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Chance(Cell<u64>);

impl Chance {
    /// The stream of a seed that bears this number.
    pub(crate) fn of(seed: u64, stream: u64) -> Self {
        let it = Self(Cell::new(seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93)));
        it.next();
        it
    }

    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ (state >> 31)
    }

    /// A number below this.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Whether it is one of so many times.
    pub(crate) fn one_in(&self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// A time between these, in milliseconds.
    pub(crate) fn millis(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        let at = self.below(from.len() as u64);
        &from[usize::try_from(at).expect("it is below a length")]
    }
}
