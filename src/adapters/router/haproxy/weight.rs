//! Weights: greenroom's go up to 65,535, `HAProxy`'s to 256.

/// `HAProxy`'s highest weight.
pub(super) const MOST: u16 = 256;

/// The same shares, with no weight above [`MOST`]. Exact where it can be; a share that is not 0 stays so.
pub(super) fn scaled(weights: &[u16]) -> Vec<u16> {
    let divisor = weights.iter().copied().fold(0, common_divisor).max(1);
    let highest = weights.iter().copied().max().unwrap_or(0);
    if highest <= MOST {
        return weights.to_vec();
    }
    let reduced = highest / divisor;
    let scale = |weight: u16| {
        let weight = weight / divisor;
        if reduced <= MOST || weight == 0 {
            return weight;
        }
        let (weight, reduced, most) = (u32::from(weight), u32::from(reduced), u32::from(MOST));
        let rounded = (weight * most + reduced / 2) / reduced;
        u16::try_from(rounded).map_or(MOST, |rounded| rounded.clamp(1, MOST))
    };
    weights.iter().copied().map(scale).collect()
}

fn common_divisor(mut a: u16, mut b: u16) -> u16 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_kept_and_what_divides_is_exact() {
        assert_eq!(scaled(&[90, 10, 0]), [90, 10, 0]);
        assert_eq!(scaled(&[256, 2]), [256, 2]);
        assert_eq!(scaled(&[3_300, 6_700, 0]), [33, 67, 0]);
        assert_eq!(scaled(&[0, 300]), [0, 1]);
        assert_eq!(scaled(&[65_535, 1]), [256, 1]);
        assert!(scaled(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn shares_are_kept(weights in proptest::collection::vec(0u16.., 1..9)) {
            let scaled = scaled(&weights);
            let share = |all: &[u16], index: usize| {
                f64::from(all[index]) / all.iter().copied().map(f64::from).sum::<f64>().max(1.0)
            };
            for index in 0..weights.len() {
                prop_assert!(scaled[index] <= MOST);
                prop_assert_eq!(scaled[index] == 0, weights[index] == 0, "0 and only 0 is 0");
                // Half a step of rounding, or the one step that keeps a tiny share alive; the same for
                // each of the others in the sum.
                let error = (share(&scaled, index) - share(&weights, index)).abs();
                prop_assert!(error <= 9.0 / 256.0, "{weights:?} {scaled:?}");
            }
        }
    }
}
