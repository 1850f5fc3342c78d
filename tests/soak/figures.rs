//! What the soak measures: memory, open files, and what stands in the logs.

use crate::town::Resident;

/// What was seen of one process at a time.
pub struct Look {
    place: usize,
    second: u64,
    kib: u64,
    files: usize,
}

/// How long the first look at memory takes, and the last, in seconds.
const MINUTE: u64 = 60;

/// By how much memory grows while the store's cache fills, in KiB: 8 MiB (`CACHE_BYTES` in node/src/store.rs).
const STORE_CACHE_KIB: u64 = 8 * 1024;

/// How each that runs stands now.
pub fn look(residents: &[Resident], second: u64) -> Vec<Look> {
    let seen = |(place, resident): (usize, &Resident)| {
        let node = resident.node()?;
        let files = std::fs::read_dir(format!("/proc/{}/fd", node.id())).ok()?.count();
        Some(Look { place, second, kib: node.own_kib()?, files })
    };
    residents.iter().enumerate().filter_map(seen).collect()
}

/// Prints how memory and open files went; says whether they grew: those of the first node, which runs all the time, from
/// its first minute to its last. Memory may grow by what the store keeps in memory of the events that came meanwhile.
pub fn report(looks: &[Look]) -> bool {
    let first: Vec<&Look> = looks.iter().filter(|look| look.place == 0).collect();
    let end = first.last().map_or(0, |look| look.second);
    let early: Vec<&Look> = first.iter().copied().filter(|look| look.second < MINUTE).collect();
    let late: Vec<&Look> = first.iter().copied().filter(|look| look.second + MINUTE >= end).collect();
    let mean = |looks: &[&Look], of: fn(&Look) -> u64| {
        looks.iter().map(|look| of(look)).sum::<u64>() / (looks.len().max(1) as u64)
    };
    let (before, after) = (mean(&early, |look| look.kib), mean(&late, |look| look.kib));
    let files = |looks: &[&Look]| mean(looks, |look| look.files as u64);
    let most = looks.iter().map(|look| look.kib).max().unwrap_or(0);
    println!(
        "memory of the node that runs all the time: {:.1} MB in the first minute, {:.1} MB in the last; most of any: {:.1} MB",
        before as f64 / 1024.0,
        after as f64 / 1024.0,
        most as f64 / 1024.0
    );
    println!(
        "open files of it: {} in the first minute, {} in the last; most of any: {}",
        files(&early),
        files(&late),
        looks.iter().map(|look| look.files).max().unwrap_or(0)
    );
    after > before + (before / 2).max(STORE_CACHE_KIB) || files(&late) > files(&early) + 64
}

/// Prints what stands in the logs, each kind of line once; returns how many are errors.
pub fn logs(residents: &[Resident]) -> usize {
    let mut kinds: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut errors = 0;
    for resident in residents {
        for line in resident.log().lines() {
            let is_due = line.contains("another node runs with this node's key");
            errors += usize::from(line.contains(" ERROR ") && !is_due);
            // Without the time, and without what differs: numbers and keys.
            let kind = line.split_once(' ').map_or(line, |(_, rest)| rest);
            let kind: String = kind.chars().filter(|char| !char.is_ascii_digit()).take(90).collect();
            *kinds.entry(kind).or_default() += 1;
        }
    }
    println!("logs: {errors} errors; {} kinds of lines", kinds.len());
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (kind, count) in kinds.iter().take(10) {
        println!("  {count} x {}", kind.trim());
    }
    errors
}

/// Numbers that look random and are the same for the same seed (splitmix64).
pub struct SeededRng(pub u64);

impl SeededRng {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (bound.max(1) as u64)).unwrap_or(0)
    }
}
