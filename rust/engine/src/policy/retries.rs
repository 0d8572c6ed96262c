//! How long to wait before something is tried again.

use std::time::Duration;

use crate::suite::Retries;

/// No pause is longer, unless the user asks for a longer one: what was missing may be back at any moment.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Retries {
    /// The pause after the `failures`-th failure in a row in one place (from 1); `None` = it is given up.
    ///
    /// Each pause is twice the one before, and between half and all of that: places that failed together, of this run
    /// and of others, do not try again together.
    pub fn pause(&self, place: u64, failures: u32) -> Option<Duration> {
        if failures > self.most {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(16);
        let full = self.delay.saturating_mul(1 << doublings).min(LONGEST_PAUSE.max(self.delay));
        let chance = mixed(self.seed ^ (place << 32) ^ u64::from(failures));
        Some(full.mul_f64(0.5 + chance / 2.0))
    }
}

/// A number from 0 to 1 that looks like chance (`SplitMix64`).
fn mixed(seed: u64) -> f64 {
    let mut word = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^= word >> 31;
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    proptest! {
        #[test]
        fn pauses_double_within_their_jitter(seed in any::<u64>(), slot in any::<u16>(), failures in 1_u32..6) {
            let retries = Retries { most: 5, delay: SECOND, seed };
            let full = SECOND * (1 << (failures - 1));
            let pause = retries.pause(u64::from(slot), failures).unwrap();
            prop_assert!(full / 2 <= pause && pause <= full, "{pause:?}");
        }

        #[test]
        fn no_pause_overflows(delay in any::<u64>(), failures in any::<u32>()) {
            let retries = Retries { most: u32::MAX, delay: Duration::from_millis(delay), seed: 0 };
            prop_assert!(retries.pause(0, failures).unwrap() <= LONGEST_PAUSE.max(retries.delay));
        }
    }

    #[test]
    fn what_fails_too_often_is_given_up() {
        let retries = Retries { most: 2, delay: SECOND, seed: 7 };
        let granted: Vec<_> = (1..5).map(|failures| retries.pause(0, failures).is_some()).collect();
        assert_eq!(granted, [true, true, false, false]);
    }

    #[test]
    fn slots_do_not_pause_alike() {
        let retries = Retries { most: 3, delay: SECOND, seed: 7 };
        assert_ne!(retries.pause(0, 1), retries.pause(1, 1));
        assert_ne!(retries.pause(0, 1), Retries { seed: 8, ..retries }.pause(0, 1));
        assert_eq!(retries.pause(0, 1), retries.pause(0, 1));
    }
}
