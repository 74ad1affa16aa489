//! Percentiles.

use super::Summary;
use crate::domain::model::{Counters, Period};

/// Counts and percentiles of samples whose times are all known.
pub(super) fn summary(took: &[Period], failed: u64) -> Summary {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    Summary {
        count: took.len() as u64,
        failed,
        p50: nearest_rank(&sorted, 50),
        p95: nearest_rank(&sorted, 95),
    }
}

/// Counts and percentiles of traffic, of which only buckets are known.
pub(super) fn of_traffic(counters: &Counters) -> Summary {
    Summary {
        count: counters.requests,
        failed: counters.errors,
        p50: estimate(counters, 0.50),
        p95: estimate(counters, 0.95),
    }
}

/// The smallest value that at least `percent` percent of all values do not exceed.
fn nearest_rank(sorted: &[Period], percent: usize) -> Option<Period> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The quantile (0 to 1) as if the values within a bucket were spread evenly, which is what
/// Prometheus' `histogram_quantile` does. Times beyond the last edge count as that edge.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests, for an estimate between two edges"
)]
fn estimate(counters: &Counters, quantile: f64) -> Option<Period> {
    let total: u64 = counters.latency.iter().sum();
    let rank = quantile * total as f64;
    let mut below = 0;
    for (index, &count) in counters.latency.iter().enumerate() {
        if count > 0 && (below + count) as f64 >= rank {
            let upper = Counters::edge(index).as_duration();
            let lower = index
                .checked_sub(1)
                .map(|before| Counters::edge(before).as_duration())
                .unwrap_or_default();
            let within = (rank - below as f64).max(0.0) / count as f64;
            return Some(Period::from(
                lower + upper.saturating_sub(lower).mul_f64(within.min(1.0)),
            ));
        }
        below += count;
    }
    None
}

/// How many requests took certainly longer than `limit`: those in buckets that begin above it.
/// Second, how many had their time taken.
pub(super) fn certainly_slower(counters: &Counters, limit: Period) -> (u64, u64) {
    let slower = (1..Counters::BUCKETS)
        .filter(|index| Counters::edge(index - 1) > limit)
        .map(|index| counters.latency[index])
        .sum();
    (slower, counters.latency.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_of_known_times_are_values_that_occurred() {
        let took: Vec<Period> = (1..=100).rev().map(Period::from_millis).collect();
        let summary = summary(&took, 3);
        assert_eq!((summary.count, summary.failed), (100, 3));
        assert_eq!(summary.p50, Some(Period::from_millis(50)));
        assert_eq!(summary.p95, Some(Period::from_millis(95)));
        assert_eq!(super::summary(&[], 0), Summary::default());
        let one = [Period::from_secs(1)];
        assert_eq!(super::summary(&one, 0).p95, Some(one[0]));
    }

    #[test]
    fn percentiles_of_traffic_lie_between_the_edges_of_their_bucket() {
        let mut counters = Counters::default();
        counters.latency[16] = 100;
        let p95 = estimate(&counters, 0.95).unwrap();
        assert!(
            Counters::edge(15) < p95 && p95 < Counters::edge(16),
            "{p95}, {}, {}",
            Counters::edge(15),
            Counters::edge(16)
        );
        assert_eq!(of_traffic(&Counters::default()), Summary::default());
    }

    #[test]
    fn only_buckets_above_the_limit_are_certainly_slower() {
        let mut counters = Counters::default();
        counters.latency[10] = 5;
        counters.latency[11] = 7;
        let edge = Counters::edge(10);
        let below = Period::from_millis(edge.as_millis() - 1);
        assert_eq!(certainly_slower(&counters, below), (7, 12));
        assert_eq!(certainly_slower(&counters, edge), (0, 12));
    }

    proptest! {
        #[test]
        fn a_higher_quantile_is_never_smaller(latency in prop::array::uniform32(0u64..1000), low in 0.0f64..1.0, more in 0.0f64..1.0) {
            let counters = Counters { latency, ..Counters::default() };
            let high = (low + more).min(1.0);
            prop_assert!(estimate(&counters, low) <= estimate(&counters, high));
        }
    }
}
