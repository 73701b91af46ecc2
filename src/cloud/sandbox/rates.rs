//! The rates AWS enforces, as buckets of tokens on the world's clock.
//!
//! A bucket's credit is counted in the time it took to gather: one token is one
//! interval. The client's own pacing ([`crate::cloud::pace`]) shares the table
//! of rates with this, and none of the arithmetic.
//!
//! A sandbox that is opened anew begins with full buckets, as if it had rested.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cloud::pace::{self, Limit};
use crate::cloud::{CallError, Request};
use crate::model::{AccountId, Place, Region};

use super::refusal;

#[derive(Debug, Default)]
pub(super) struct Rates {
    buckets: BTreeMap<(AccountId, Region, &'static str), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    credit: Duration,
    counted: Duration,
}

impl Bucket {
    fn gather(&mut self, limit: &Limit, now: Duration) {
        let gathered = now.saturating_sub(self.counted);
        self.credit = (self.credit + gathered).min(limit.interval * limit.burst);
        self.counted = now;
    }
}

impl Rates {
    /// Takes a token of every bucket the call draws from, or refuses it and takes none.
    pub(super) fn admit(
        &mut self,
        at: &Place,
        request: &Request,
        now: Duration,
    ) -> Result<(), CallError> {
        let limits = pace::limits(&at.region, request);
        let mut wait = Duration::ZERO;
        for limit in &limits {
            let bucket = self
                .buckets
                .entry((at.id.clone(), at.region.clone(), limit.bucket))
                .or_insert(Bucket {
                    credit: limit.interval * limit.burst,
                    counted: now,
                });
            bucket.gather(limit, now);
            wait = wait.max(limit.interval.saturating_sub(bucket.credit));
        }
        if !wait.is_zero() {
            return Err(refusal::throttled(request.service(), wait));
        }
        for limit in &limits {
            let key = (at.id.clone(), at.region.clone(), limit.bucket);
            if let Some(bucket) = self.buckets.get_mut(&key) {
                bucket.credit -= limit.interval;
            }
        }
        Ok(())
    }
}
