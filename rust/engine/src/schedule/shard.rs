//! `--concurrent-shard I/N`: which part of the suite this machine runs.

/// Divide groups over `parts` machines: heaviest first, each to the part with the least weight, ties to the part with
/// the fewest groups, then to the first.
///
/// `weights` has one number per group, seconds or counts; what is not a positive number counts as 0. The answer has
/// the part, from 0, of each group, and is the same on every machine. No part is empty while another has two groups.
/// `parts` of 0 counts as 1.
pub fn shard(weights: &[f64], parts: u32) -> Vec<u32> {
    let weight = |group: usize| if weights[group] > 0.0 { weights[group] } else { 0.0 };
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)).then(a.cmp(b)));
    let mut loads = vec![Load::default(); parts.max(1) as usize];
    let mut part_of = vec![0; weights.len()];
    for group in order {
        let part = lightest(&loads);
        loads[part].weight += weight(group);
        loads[part].groups += 1;
        part_of[group] = part as u32;
    }
    part_of
}

#[derive(Clone, Copy, Default)]
struct Load {
    weight: f64,
    groups: usize,
}

fn lightest(loads: &[Load]) -> usize {
    let lighter = |a: &Load, b: &Load| a.weight.total_cmp(&b.weight).then(a.groups.cmp(&b.groups));
    let by = |a: &usize, b: &usize| lighter(&loads[*a], &loads[*b]);
    (0..loads.len()).min_by(by).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_part_is_empty_beside_two_groups(
            weights in proptest::collection::vec(prop_oneof![Just(0.0), Just(f64::NAN), 0.0..9.0], 0..40),
            parts in 1_u32..9,
        ) {
            let part_of = shard(&weights, parts);
            let groups = |part: u32| part_of.iter().filter(|of| **of == part).count();
            let counts: Vec<_> = (0..parts).map(groups).collect();
            prop_assert_eq!(counts.iter().sum::<usize>(), weights.len());
            prop_assert!(!(counts.contains(&0) && counts.iter().any(|count| *count > 1)));
        }
    }

    /// How uneven a division is: the largest part's weight over the mean.
    fn spread(weights: &[f64], part_of: &[u32], parts: u32) -> f64 {
        let load =
            |part: u32| -> f64 { weights.iter().zip(part_of).filter(|(_, of)| **of == part).map(|(w, _)| w).sum() };
        let heaviest = (0..parts).map(load).max_by(f64::total_cmp).unwrap_or(0.0);
        heaviest * f64::from(parts) / weights.iter().sum::<f64>()
    }

    #[test]
    fn heaviest_groups_are_spread_first() {
        assert_eq!(shard(&[1.0, 5.0, 4.0, 2.0], 2), [0, 0, 1, 1]);
    }

    #[test]
    fn equal_weights_are_dealt_in_turn() {
        assert_eq!(shard(&[1.0; 5], 3), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn parts_are_even_on_mixed_weights() {
        let weights: Vec<f64> = (1..200).map(|n| f64::from(n * 7919 % 211)).collect();
        assert!(spread(&weights, &shard(&weights, 4), 4) < 1.01);
    }

    #[test]
    fn nonsense_is_divided_without_panic() {
        assert_eq!(shard(&[f64::INFINITY, -3.0], 0), [0, 0]);
        assert!(shard(&[], 4).is_empty());
    }
}
