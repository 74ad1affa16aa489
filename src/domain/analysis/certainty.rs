//! When is a share certainly above a bound, although one looks again and again?

/// How often a share that keeps its bound may be called above it, over a whole window.
const FALSE_ALARM: f64 = 0.001;

/// Whether the true share behind `hits` of `count` is above `allowed` (0 to 1) beyond doubt.
///
/// The test may be repeated after every request: the chance that a share within its bound is ever
/// called above it stays below one in a thousand. It is the mixture likelihood ratio against the bound
/// (Robbins, Annals of Mathematical Statistics 41 (1970), 1397–1409), taken from below by its closed
/// form: with shares above the bound equally likely beforehand, the ratio is at least
/// exp(count · KL(share ‖ bound)) / (2 · (count + 1)).
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests, for a share between 0 and 1"
)]
pub(super) fn surely_above(hits: u64, count: u64, allowed: f64) -> bool {
    let n = count as f64;
    let share = hits as f64 / n.max(1.0);
    if share <= allowed {
        return false;
    }
    let rest = match 1.0 - share {
        rest if rest <= 0.0 => 0.0,
        rest => rest * (rest / (1.0 - allowed)).ln(),
    };
    let divergence = share * (share / allowed).ln() + rest;
    n * divergence > (2.0 * (n + 1.0) / FALSE_ALARM).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random numbers from 0 to 1 (splitmix64), the same in every run.
    fn numbers(mut state: u64) -> impl Iterator<Item = f64> {
        std::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
        })
    }

    /// After how many of `requests` the alarm is raised when the true share is `share`.
    fn alarm(seed: u64, share: f64, allowed: f64, requests: usize) -> Option<u64> {
        let (mut hits, mut count) = (0, 0);
        for number in numbers(seed).take(requests) {
            count += 1;
            hits += u64::from(number < share);
            if surely_above(hits, count, allowed) {
                return Some(count);
            }
        }
        None
    }

    #[test]
    fn a_share_at_its_bound_raises_no_alarm_however_often_one_looks() {
        for allowed in [0.01, 0.05, 0.2] {
            let alarms = (0..1000)
                .filter(|seed| alarm(*seed, allowed, allowed, 1000).is_some())
                .count();
            assert!(alarms <= 3, "{alarms} of 1000 at {allowed}");
        }
    }

    #[test]
    fn a_share_far_above_its_bound_is_found_soon() {
        let mut after: Vec<u64> = (0..100)
            .map(|seed| alarm(seed, 0.2, 0.01, 1000).unwrap())
            .collect();
        after.sort_unstable();
        assert!(after[50] <= 40 && after[99] <= 120, "{} {}", after[50], after[99]);
    }

    #[test]
    fn the_ends_of_the_scale_are_decided() {
        assert!(!surely_above(0, 0, 0.0));
        assert!(surely_above(1, 1, 0.0), "where none may fail one is enough");
        assert!(surely_above(20, 20, 0.5));
        assert!(!surely_above(20, 20, 1.0));
    }
}
