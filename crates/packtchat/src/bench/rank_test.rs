//! The rank test of Mann and Whitney: do two samples look drawn from one distribution?

use serde::Serialize;

/// What the test found.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct RankTest {
    /// How often one drawn from the first sample is larger than one from the second: 0.5 where the two are alike.
    pub(crate) first_is_larger: f64,
    /// How far that is from 0.5, in standard deviations of what chance does.
    pub(crate) z: f64,
    /// How probable it is that chance alone takes it that far or further, to either side.
    pub(crate) p: f64,
}

/// Compares two samples of more than some twenty each, for which the normal approximation holds.
pub(crate) fn rank_test(first: &[f64], second: &[f64]) -> RankTest {
    let mut larger = 0.0;
    for a in first {
        for b in second {
            larger += match a.total_cmp(b) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    let (m, n) = (first.len() as f64, second.len() as f64);
    let deviation = (m * n * (m + n + 1.0) / 12.0).sqrt();
    let z = (larger - m * n / 2.0) / deviation;
    RankTest {
        first_is_larger: larger / (m * n),
        z,
        p: both_tails(z.abs()),
    }
}

/// How probable it is that a standard normal variable is at least `z` away from 0, to within 1.5e-7 (Abramowitz and
/// Stegun, 7.1.26).
fn both_tails(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let coefficients = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let polynomial = coefficients.iter().fold(0.0, |sum, next| (sum + next) * t);
    polynomial * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_are_alike_pass_and_others_do_not() {
        let even: Vec<_> = (0..200).map(|n| f64::from(n * 2)).collect();
        let odd: Vec<_> = (0..200).map(|n| f64::from(n * 2 + 1)).collect();
        let alike = rank_test(&even, &odd);
        assert!((alike.first_is_larger - 0.4975).abs() < 1e-9, "{alike:?}");
        assert!(alike.p > 0.9, "{alike:?}");
        let later: Vec<_> = even.iter().map(|n| n + 60.0).collect();
        let apart = rank_test(&later, &odd);
        assert!(apart.first_is_larger > 0.6 && apart.p < 1e-4, "{apart:?}");
        let same = rank_test(&even, &even);
        assert_eq!((same.first_is_larger, same.z), (0.5, 0.0));
    }

    /// As `scipy.stats.norm.sf(z) * 2` has them.
    #[test]
    fn tails_are_those_of_the_normal_distribution() {
        for (z, p) in [
            (0.0, 1.0),
            (1.0, 0.317_310_5),
            (1.96, 0.049_995_8),
            (3.0, 0.002_699_8),
        ] {
            assert!((both_tails(z) - p).abs() < 1e-6, "{z}: {}", both_tails(z));
        }
    }
}
