//! What a node may cost: each budget has an aim, and fails at its aim plus a margin that is named beside it.

use std::time::{Duration, Instant};

use nostrp2p_tests::{Client, Node, random_key, skip};

/// Memory of an idle node's own, in KiB: 1.9 MB were seen of a release build (docs/measurements.md).
const MEMORY_AIM: u64 = 3 * 1_024;
/// For what the allocator has taken and not given back, which differs from start to start.
const MEMORY_MARGIN: u64 = 3 * 1_024;

/// From the start of the process to "ready", the middle one of [`STARTS`]: 10 ms were seen of a release build.
const START_AIM: Duration = Duration::from_millis(100);
/// For a slower build, and a machine that is busy with something else.
const START_MARGIN: Duration = Duration::from_millis(400);
const STARTS: usize = 5;

/// Bytes of the program that are loaded to run it, in MB, as the tests build it: symbols do not count. A release build of
/// the same has a tenth less, a build without incremental compilation (a fresh clone of CI) 1.5 MB more.
const PROGRAM_AIM: f64 = 39.5;
/// For what a new compiler or a feature brings.
const PROGRAM_MARGIN: f64 = 3.0;

#[tokio::test]
async fn an_idle_node_has_little_memory_of_its_own() {
    let node = Node::start(&[]).await;
    let mut client = Client::claim(&node.clients(), node.token(), &random_key()).await;
    client.neighbours(0).await;
    let Some((own, all)) = node.own_kib().zip(node.resident_kib()) else {
        return skip("this system does not tell how much memory a process has");
    };
    println!(
        "budget: idle node, its own memory: {own} KiB (aim: {MEMORY_AIM}, margin: {MEMORY_MARGIN}), with its program: {all} KiB"
    );
    assert!(own <= MEMORY_AIM + MEMORY_MARGIN, "an idle node has {own} KiB");
}

#[tokio::test]
async fn a_node_starts_at_once() {
    let mut node = Node::start(&["-p", &random_key().public_key().to_npub()]).await;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let stopped = node.stop().await;
        let begun = Instant::now();
        node = stopped.start().await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let median = times[STARTS / 2];
    println!("budget: start of a node, median: {median:?} (aim: {START_AIM:?}, margin: {START_MARGIN:?})");
    assert!(median <= START_AIM + START_MARGIN, "a node starts in {median:?}");
}

#[test]
fn the_program_is_small() {
    let Some(bytes) = loaded_bytes(&std::fs::read(nostrp2p_tests::binary()).unwrap()) else {
        return skip("this system's programs are not in ELF with 64 bits");
    };
    let size = f64::from(u32::try_from(bytes).unwrap()) / 1e6;
    println!(
        "budget: size of the program: {size:.1} MB (aim: {PROGRAM_AIM:.1}, margin: {PROGRAM_MARGIN:.1})"
    );
    assert!(size <= PROGRAM_AIM + PROGRAM_MARGIN, "the program has {size:.1} MB");
}

/// The bytes of a program's file that are loaded: those of its `PT_LOAD` segments (System V ABI, "Program Header").
fn loaded_bytes(file: &[u8]) -> Option<u64> {
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let digits = file.get(at..at + bytes)?;
        Some(digits.iter().rev().fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
    };
    // The magic number, 64 bits, the lowest byte first.
    file.starts_with(b"\x7fELF\x02\x01").then_some(())?;
    let (table, entry, entries) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let mut sum = 0;
    for index in 0..entries {
        let at = usize::try_from(table + index * entry).ok()?;
        if number(at, 4)? == 1 {
            sum += number(at + 32, 8)?;
        }
    }
    Some(sum)
}
