//! Counting without locks.

use crate::domain::model::Counters;
use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper edges of all buckets but the last, in microseconds; the rule is [`Counters::edge`]'s, before
/// it is cut to milliseconds.
const EDGES: [u64; Counters::BUCKETS - 1] = edges();

const fn edges() -> [u64; Counters::BUCKETS - 1] {
    let mut edges = [0; Counters::BUCKETS - 1];
    let mut index = 0;
    let (mut numerator, mut denominator) = (500u128, 1u128);
    while index < edges.len() {
        edges[index] = (numerator / denominator) as u64;
        numerator *= 3;
        denominator *= 2;
        index += 1;
    }
    edges
}

/// The counters of one route while it stands.
#[derive(Debug)]
pub(super) struct Tally {
    in_flight: AtomicU64,
    requests: AtomicU64,
    errors: AtomicU64,
    latency: [AtomicU64; Counters::BUCKETS],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            in_flight: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            latency: array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Tally {
    /// One more under way. Ordered with the table's generation: see `table`.
    pub(super) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
    }

    /// One less under way.
    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }

    /// A request that got this far without an answer.
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A failure of a request that is counted.
    pub(super) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// A time to the first byte.
    pub(super) fn latency(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.latency[EDGES.partition_point(|edge| *edge < micros)].fetch_add(1, Ordering::Relaxed);
    }

    /// How many are under way.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// The counters as they stand.
    pub(super) fn counters(&self) -> Counters {
        Counters {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            latency: array::from_fn(|index| self.latency[index].load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_bucket_whose_upper_edge_is_the_first_not_below_it() {
        for (micros, bucket) in [
            (0, 0),
            (500, 0),
            (501, 1),
            (750, 1),
            (1_125, 2),
            (95_875_529, 30),
            (96_000_000, 31),
            (u64::MAX, 31),
        ] {
            let tally = Tally::default();
            tally.latency(Duration::from_micros(micros));
            assert_eq!(tally.counters().latency[bucket], 1, "{micros} µs");
        }
    }

    #[test]
    fn the_edges_are_those_that_readers_of_the_counters_use() {
        for (index, edge) in EDGES.iter().enumerate() {
            let millis = edge.div_ceil(1_000);
            assert_eq!(millis, Counters::edge(index).as_millis(), "bucket {index}");
        }
    }
}
