//! Does the traffic that reaches a version stay within bounds?
//!
//! [`judge`] speaks at the end of the window, [`early_failure`] during it. Both take what was counted
//! since the window began, so a better test takes their place without touching the caller.

use super::certainty::surely_above;
use super::percentile::{certainly_slower, of_traffic};
use super::{CheckFinding, Judgement, Summary};
use crate::domain::model::{Counters, Period, Thresholds};

/// The share of requests that may be slower than a 95th percentile.
const SLOWER_THAN_P95: f64 = 0.05;

/// The verdict at the end of the window. The bounds are absolute; what the previous version did in
/// the same time is told beside a failure, since the cause may then lie elsewhere.
pub fn judge(thresholds: &Thresholds, candidate: &Counters, previous: &Counters) -> Judgement {
    let samples = of_traffic(candidate);
    if let Some(missing) = too_few(thresholds, &samples) {
        return Judgement::new(CheckFinding::inconclusive(missing), samples);
    }
    let mut broken = Vec::new();
    if candidate
        .error_rate()
        .is_some_and(|rate| rate > thresholds.error_rate)
    {
        broken.push(errors(thresholds, &samples));
    }
    match (thresholds.p95, samples.p95) {
        (Some(limit), Some(p95)) if p95 > limit => broken.push(slow(limit, p95)),
        (Some(_), None) if broken.is_empty() => {
            let reason = "no answer time was measured, so the 95th percentile is unknown";
            return Judgement::new(CheckFinding::inconclusive(reason), samples);
        }
        _ => {}
    }
    let finding = if broken.is_empty() {
        CheckFinding::pass(within(thresholds, &samples))
    } else {
        CheckFinding::fail(broken.join("; ") + &compared(previous))
    };
    Judgement::new(finding, samples)
}

/// A bound that is broken beyond doubt before the window has ended: enough requests were seen, and
/// the share of failed or slow ones is above what is allowed with a chance of error below one in a
/// thousand, however often this is asked. Doubt waits for the end of the window.
pub fn early_failure(
    thresholds: &Thresholds,
    candidate: &Counters,
    previous: &Counters,
) -> Option<Judgement> {
    let samples = of_traffic(candidate);
    if too_few(thresholds, &samples).is_some() {
        return None;
    }
    let failing = surely_above(samples.failed, samples.count, thresholds.error_rate);
    let slow_limit = thresholds.p95.filter(|limit| {
        let (slower, timed) = certainly_slower(candidate, *limit);
        surely_above(slower, timed, SLOWER_THAN_P95)
    });
    let broken = match (failing, slow_limit, samples.p95) {
        (true, _, _) => errors(thresholds, &samples),
        (false, Some(limit), Some(p95)) => slow(limit, p95),
        _ => return None,
    };
    let reason = format!("{broken}; stopped early{}", compared(previous));
    Some(Judgement::new(CheckFinding::fail(reason), samples))
}

fn too_few(thresholds: &Thresholds, samples: &Summary) -> Option<String> {
    // Without one request there is nothing to say, whatever the threshold.
    let needed = thresholds.min_requests.max(1);
    (samples.count < needed).then(|| {
        let failed = match samples.failed {
            0 => String::new(),
            failed => format!(", {failed} of which failed"),
        };
        match samples.count {
            0 => format!(
                "no request reached the candidate, so there was nothing to judge by (it takes {needed})"
            ),
            count => format!(
                "only {count} requests reached the candidate{failed}, too few to judge by (it takes {needed})"
            ),
        }
    })
}

fn errors(thresholds: &Thresholds, samples: &Summary) -> String {
    format!(
        "{} of {} requests failed ({}), at most {} allowed",
        samples.failed,
        samples.count,
        percent(share(samples.failed, samples.count)),
        percent(thresholds.error_rate)
    )
}

fn slow(limit: Period, p95: Period) -> String {
    format!("the 95th percentile of the answer times is about {p95}, at most {limit} allowed")
}

fn within(thresholds: &Thresholds, samples: &Summary) -> String {
    let times = match (thresholds.p95, samples.p95) {
        (Some(limit), Some(p95)) => format!("; 95th percentile about {p95}, at most {limit} allowed"),
        _ => String::new(),
    };
    errors(thresholds, samples) + &times
}

fn compared(previous: &Counters) -> String {
    match previous.error_rate() {
        Some(rate) => format!(
            " (the previous version in the same time: {} of {}, {})",
            previous.errors,
            previous.requests,
            percent(rate)
        ),
        None => String::new(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A share as people write it, two significant decimals at most: `3.53 %`, `1 %`.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Verdict;
    use proptest::prelude::*;

    /// Requests that all fell into one latency bucket.
    fn counted(requests: u64, errors: u64, bucket: usize) -> Counters {
        let mut counters = Counters {
            requests,
            errors,
            ..Counters::default()
        };
        counters.latency[bucket] = requests;
        counters
    }

    fn bounds(p95: Option<u64>) -> Thresholds {
        Thresholds {
            p95: p95.map(Period::from_millis),
            ..Thresholds::default()
        }
    }

    #[test]
    fn too_many_errors_fail_with_counts_and_the_previous_version_beside_them() {
        let judgement = judge(&bounds(None), &counted(340, 12, 3), &counted(900, 3, 3));
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(
            judgement.reason,
            "12 of 340 requests failed (3.53 %), at most 1 % allowed (the previous version in the same \
             time: 3 of 900, 0.33 %)"
        );
        assert_eq!((judgement.samples.count, judgement.samples.failed), (340, 12));
    }

    #[test]
    fn errors_at_the_threshold_pass() {
        let judgement = judge(&bounds(None), &counted(100, 1, 3), &Counters::default());
        assert_eq!(judgement.verdict, Verdict::Pass);
        assert_eq!(
            judgement.reason,
            "1 of 100 requests failed (1 %), at most 1 % allowed"
        );
    }

    #[test]
    fn too_few_requests_say_nothing_and_the_reason_says_how_many_are_missing() {
        let judgement = judge(&bounds(None), &counted(7, 7, 3), &Counters::default());
        assert_eq!(judgement.verdict, Verdict::Inconclusive);
        assert_eq!(
            judgement.reason,
            "only 7 requests reached the candidate, 7 of which failed, too few to judge by (it takes 20)"
        );
        let none = Thresholds {
            min_requests: 0,
            ..bounds(None)
        };
        let judgement = judge(&none, &Counters::default(), &Counters::default());
        assert_eq!(judgement.verdict, Verdict::Inconclusive);
    }

    #[test]
    fn slow_answers_fail_against_the_95th_percentile() {
        let slow = counted(100, 0, 20);
        let judgement = judge(&bounds(Some(300)), &slow, &Counters::default());
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(
            judgement.reason.ends_with("at most 300ms allowed"),
            "{}",
            judgement.reason
        );
        let fast = judge(&bounds(Some(300)), &counted(100, 0, 5), &Counters::default());
        assert_eq!(fast.verdict, Verdict::Pass);
    }

    #[test]
    fn a_bound_on_times_that_were_never_taken_is_inconclusive() {
        let untimed = Counters {
            requests: 50,
            ..Counters::default()
        };
        let judgement = judge(&bounds(Some(300)), &untimed, &Counters::default());
        assert_eq!(judgement.verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_flood_of_errors_ends_the_window_early_and_a_few_do_not() {
        let none = Counters::default();
        for (requests, errors, early) in [
            (19, 19, false), // below min_requests
            (20, 1, false),  // 5 %, by chance
            (20, 4, false),
            (20, 10, true),
            (1000, 15, false), // 1.5 % may still be 1 %
            (1000, 40, true),
        ] {
            let judgement = early_failure(&bounds(None), &counted(requests, errors, 3), &none);
            assert_eq!(judgement.is_some(), early, "{errors} of {requests}");
        }
        let reason = early_failure(&bounds(None), &counted(20, 10, 3), &none)
            .unwrap()
            .reason;
        assert_eq!(
            reason,
            "10 of 20 requests failed (50 %), at most 1 % allowed; stopped early"
        );
    }

    #[test]
    fn answers_that_are_certainly_too_slow_end_the_window_early() {
        let none = Counters::default();
        assert!(early_failure(&bounds(Some(300)), &counted(50, 0, 20), &none).is_some());
        // The bucket that holds the limit decides nothing.
        let straddling = (1..Counters::BUCKETS)
            .find(|index| Counters::edge(*index) > Period::from_millis(300))
            .unwrap();
        assert!(early_failure(&bounds(Some(300)), &counted(50, 0, straddling), &none).is_none());
    }

    proptest! {
        /// Stopping early only says sooner what the end of the window would say.
        #[test]
        fn what_ends_the_window_early_would_have_failed_at_its_end(
            latency in prop::array::uniform32(0u64..200),
            errors in 0u64..100,
            limit in 0u64..20_000,
        ) {
            let requests: u64 = latency.iter().sum();
            let candidate = Counters { requests, errors: errors.min(requests), latency };
            let bounds = bounds(Some(limit));
            let none = Counters::default();
            if early_failure(&bounds, &candidate, &none).is_some() {
                prop_assert_eq!(judge(&bounds, &candidate, &none).verdict, Verdict::Fail);
            }
        }
    }
}
