//! The one rate limiter: token buckets by key, with a burst and a rate per hour.
//!
//! The caller decides what a token stands for: events, KiB, rows read, failed logins. Seconds may be of any clock.
//! When it is set back, all buckets are full again; otherwise they would not refill before the former time is
//! reached.

use std::collections::{BTreeMap, BTreeSet};

/// Units of one token; fractions are for events with proof of work.
pub const UNIT: u64 = 3_600;

/// A clock that went back by more than this was set, in seconds; by less it was corrected, and a bucket waits.
pub(crate) const SET_BACK_SECONDS: u64 = 60;

/// How much somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Refill in an hour, evenly.
    pub per_hour: u32,
}

/// One bucket for each key; when there are too many, the longest unused is forgotten first.
#[derive(Debug)]
pub struct TokenBuckets<K> {
    capacity: usize,
    buckets: BTreeMap<K, Bucket>,
    /// Keys by the time of their last use, so that the longest silent is found at once.
    silent: BTreeSet<(u64, K)>,
    /// The latest time seen, in seconds.
    latest: u64,
}

/// `tokens` in units of 1 / [`UNIT`], at the second `at`, which lies ahead of one that was emptied.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: u64,
    at: u64,
}

impl<K: Copy + Ord> TokenBuckets<K> {
    /// At most so many are remembered.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, buckets: BTreeMap::new(), silent: BTreeSet::new(), latest: 0 }
    }

    /// Whether a bucket holds so much.
    pub fn holds(&self, key: &K, rate: Rate, cost: u64, now: u64) -> bool {
        self.tokens(key, rate, now) >= cost
    }

    /// Takes so much, or what is left; returns whether it was enough.
    pub fn take(&mut self, key: K, rate: Rate, cost: u64, now: u64) -> bool {
        let tokens = self.tokens(&key, rate, now);
        self.put(key, Bucket { tokens: tokens.saturating_sub(cost), at: now }, now);
        tokens >= cost
    }

    /// Takes so much if it is there; returns whether it was.
    pub fn take_whole(&mut self, key: K, rate: Rate, cost: u64, now: u64) -> bool {
        self.holds(&key, rate, cost, now) && self.take(key, rate, cost, now)
    }

    /// Puts back what was taken and not used.
    pub fn give_back(&mut self, key: K, rate: Rate, unused: u64, now: u64) {
        let full = u64::from(rate.burst) * UNIT;
        let tokens = self.tokens(&key, rate, now).saturating_add(unused).min(full);
        self.put(key, Bucket { tokens, at: now }, now);
    }

    /// Takes what is left; nothing comes back before `until`.
    pub(crate) fn empty(&mut self, key: K, until: u64, now: u64) {
        self.put(key, Bucket { tokens: 0, at: until }, now);
    }

    fn was_set_back(&self, now: u64) -> bool {
        now.saturating_add(SET_BACK_SECONDS) < self.latest
    }

    fn put(&mut self, key: K, bucket: Bucket, now: u64) {
        if self.was_set_back(now) {
            self.buckets.clear();
            self.silent.clear();
            self.latest = now;
        }
        self.latest = self.latest.max(now);
        if let Some(before) = self.buckets.insert(key, bucket) {
            self.silent.remove(&(before.at, key));
        }
        self.silent.insert((bucket.at, key));
        while self.buckets.len() > self.capacity {
            let Some((_, longest)) = self.silent.pop_first() else { break };
            self.buckets.remove(&longest);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.buckets.len(), self.silent.len());
        self.buckets.len()
    }

    /// The refilled level: an hour brings `per_hour` tokens, so a second brings as many units.
    fn tokens(&self, key: &K, rate: Rate, now: u64) -> u64 {
        let full = u64::from(rate.burst) * UNIT;
        let bucket = self.buckets.get(key).filter(|_| !self.was_set_back(now));
        bucket.map_or(full, |bucket| {
            let refilled = now.saturating_sub(bucket.at).saturating_mul(rate.per_hour.into());
            bucket.tokens.saturating_add(refilled).min(full)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, per_hour: 360 };

    #[test]
    fn a_burst_is_spent_and_comes_back_with_time() {
        let mut buckets = TokenBuckets::new(2);
        assert!((0..3).all(|_| buckets.take(1, RATE, UNIT, 100)));
        assert!(!buckets.holds(&1, RATE, UNIT, 109) && buckets.holds(&1, RATE, UNIT, 110));
        assert!(buckets.holds(&2, RATE, UNIT, 100), "each has their own");
        assert!(buckets.holds(&1, RATE, UNIT / 2, 105), "half of a unit is there in half of the time");
        assert!(!buckets.holds(&1, RATE, 4 * UNIT, 1_000_000), "it never holds more than a burst");
    }

    #[test]
    fn what_is_put_aside_and_not_used_comes_back() {
        let mut buckets = TokenBuckets::new(2);
        assert!(buckets.take_whole(1, RATE, 2 * UNIT, 100) && !buckets.take_whole(1, RATE, 2 * UNIT, 100));
        assert!(buckets.holds(&1, RATE, UNIT, 100), "what was refused has cost nothing");
        buckets.give_back(1, RATE, UNIT, 100);
        assert!(buckets.take_whole(1, RATE, 2 * UNIT, 100));
        buckets.give_back(1, RATE, 100 * UNIT, 100);
        assert!(!buckets.holds(&1, RATE, 4 * UNIT, 100), "it never holds more than a burst");
    }

    #[test]
    fn an_emptied_bucket_is_refilled_from_its_time_on() {
        let mut buckets = TokenBuckets::new(2);
        buckets.empty(1, 160, 100);
        assert!(!buckets.holds(&1, RATE, UNIT, 169) && buckets.holds(&1, RATE, UNIT, 170));
    }

    #[test]
    fn after_the_clock_was_set_back_a_bucket_holds_a_burst() {
        let mut buckets = TokenBuckets::new(2);
        assert!((0..3).all(|_| buckets.take(1, RATE, UNIT, 1_000_000)));
        assert!(!buckets.holds(&1, RATE, UNIT, 1_000_000 - SET_BACK_SECONDS), "a correction gives nothing");
        assert!((0..3).all(|_| buckets.take(1, RATE, UNIT, 100)) && buckets.holds(&1, RATE, UNIT, 110));
    }

    #[test]
    fn the_table_stays_bounded_and_forgets_the_longest_silent() {
        let mut buckets = TokenBuckets::new(2);
        for key in 0..50 {
            buckets.take(key, RATE, UNIT, 100 + key);
        }
        assert_eq!(buckets.len(), 2);
        for _ in 0..2 {
            buckets.take(49, RATE, UNIT, 149);
        }
        assert!(!buckets.holds(&49, RATE, UNIT, 149), "who is busy is remembered");
    }
}
