//! What a router has counted.

use super::{Endpoint, Period, Slot, UnitId};
use serde::{Deserialize, Serialize};

/// Where one placement's traffic goes, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The unit.
    pub unit: UnitId,
    /// The slot within the unit.
    pub slot: Slot,
    /// Base URL of the instance in that slot.
    pub address: Endpoint,
    /// Share relative to the other routes' weights; 0 means no new requests.
    pub weight: u16,
}

/// A route as it stands in the router, with what it has counted since it was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteState {
    /// The route.
    pub route: Route,
    /// Requests under way right now, upgraded connections included.
    pub in_flight: u64,
    /// What it has counted.
    pub counters: Counters,
}

/// Counters that only grow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests answered, failed ones included.
    pub requests: u64,
    /// Of these, answered with 5xx, cut short, or not answered.
    pub errors: u64,
    /// Time to the first byte of the answer: how many requests fell into each bucket. Bucket `i`
    /// holds times up to [`Counters::edge`]`(i)`; the last holds the rest.
    pub latency: [u64; Counters::BUCKETS],
}

impl Counters {
    /// How many latency buckets there are.
    pub const BUCKETS: usize = 32;

    /// Upper edge of bucket `index`: 0.5 ms, growing by half each time (0.5, 0.75, 1.125, … ms; the
    /// last finite edge is about 96 s). Rounded up to whole milliseconds, so that nothing looks faster
    /// than it was. Buckets keep the relative error of a percentile below one half.
    pub fn edge(index: usize) -> Period {
        let exponent = i32::try_from(index.min(Self::BUCKETS)).unwrap_or(i32::MAX);
        let edge = std::time::Duration::from_secs_f64(0.000_5 * 1.5f64.powi(exponent));
        Period::from_millis(u64::try_from(edge.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX))
    }

    /// The counts since `earlier`; a counter that went backwards (a restarted router) counts from zero.
    pub fn since(&self, earlier: &Self) -> Self {
        if self.requests < earlier.requests {
            return self.clone();
        }
        let mut latency = self.latency;
        for (now, then) in latency.iter_mut().zip(earlier.latency) {
            *now = now.saturating_sub(then);
        }
        Self {
            requests: self.requests - earlier.requests,
            errors: self.errors.saturating_sub(earlier.errors),
            latency,
        }
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Self {
        let mut latency = self.latency;
        for (sum, more) in latency.iter_mut().zip(other.latency) {
            *sum += more;
        }
        Self {
            requests: self.requests + other.requests,
            errors: self.errors + other.errors,
            latency,
        }
    }

    /// Share of requests that failed, 0 to 1; `None` before the first request.
    pub fn error_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people and thresholds")]
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }

    /// Upper edge of the bucket in which the given quantile (0 to 1) of the answer times falls.
    pub fn quantile(&self, quantile: f64) -> Option<Period> {
        let total: u64 = self.latency.iter().sum();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a rank within a count of requests"
        )]
        let rank = ((total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        self.latency
            .iter()
            .position(|count| {
                seen += count;
                seen >= rank
            })
            .map(Self::edge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_router_counts_from_zero_again() {
        let before = Counters {
            requests: 10,
            errors: 2,
            ..Counters::default()
        };
        let after = Counters {
            requests: 3,
            errors: 1,
            ..Counters::default()
        };
        assert_eq!(after.since(&before), after);
    }

    #[test]
    fn quantiles_are_bucket_edges() {
        let mut counters = Counters {
            requests: 100,
            ..Counters::default()
        };
        counters.latency[2] = 95;
        counters.latency[10] = 5;
        assert_eq!(counters.quantile(0.95), Some(Counters::edge(2)));
        assert_eq!(counters.quantile(0.96), Some(Counters::edge(10)));
        assert_eq!(Counters::default().quantile(0.5), None);
    }
}
