//! Random numbers for decisions that must differ from node to node. A seed replays them.

/// A generator of numbers that look random (SplitMix64). Not for secrets.
#[derive(Debug, Clone)]
pub struct SeededRng(u64);

impl SeededRng {
    /// Begins with a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `bound - 1`; 0 when the bound is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        if bound == 0 { 0 } else { mixed % bound }
    }

    /// A position in a list of this length; 0 when it is empty.
    pub fn index(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or_default()
    }

    /// Brings a list into a random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.index(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays_and_the_bound_holds() {
        let roll = |seed| {
            let mut rng = SeededRng::new(seed);
            let rolls: Vec<u64> = (0..100).map(|_| rng.below(6)).collect();
            let mut list: Vec<u32> = (0..20).collect();
            rng.shuffle(&mut list);
            (rolls, list)
        };
        assert_eq!(roll(7), roll(7));
        assert_ne!(roll(7), roll(8));
        let (rolls, mut list) = roll(7);
        assert!((0..6).all(|side| rolls.contains(&side)) && rolls.iter().all(|roll| *roll < 6));
        list.sort_unstable();
        assert_eq!(list, (0..20).collect::<Vec<u32>>());
        assert_eq!(SeededRng::new(1).below(0), 0);
    }
}
