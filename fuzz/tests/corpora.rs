//! Every target over its corpus, over the vectors of the protocol, and over seeded changes of both.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops at the first surprise")]

use std::{fs, path::Path};

use nostrp2p_fuzz::TARGETS;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Changed inputs for each target and seed; `FUZZ_ROUNDS` gives another number.
const ROUNDS: usize = 20_000;

/// Where the dice begin each time. `cargo xtask fuzz` goes on from here: it is guided by what the inputs reach.
const SEEDS: [u64; 3] = [1, 2, 3];

/// The corpus of a target, and the vectors, which are for all.
fn inputs(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = fs::read_to_string(root.join("../protocol/tests/vectors/messages.txt")).unwrap();
    let mut inputs: Vec<Vec<u8>> =
        vectors.lines().filter_map(|line| hex::decode(line.split(' ').nth(1)?).ok()).collect();
    let mut files: Vec<_> =
        fs::read_dir(root.join("corpus").join(target)).unwrap().map(Result::unwrap).collect();
    files.sort_by_key(fs::DirEntry::file_name);
    inputs.extend(files.iter().map(|file| fs::read(file.path()).unwrap()));
    inputs
}

fn change(random: &mut StdRng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = inputs[random.random_range(0..inputs.len())].clone();
    for _ in 0..random.random_range(1..6) {
        let place = random.random_range(0..=bytes.len());
        match random.random_range(0..5) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, random.random()),
            2 if place < bytes.len() => bytes[place] = random.random(),
            3 if place < bytes.len() => bytes[place] ^= 1 << random.random_range(0..8),
            // A piece of another input in the middle.
            4 => {
                let other = &inputs[random.random_range(0..inputs.len())];
                let from = random.random_range(0..=other.len());
                let until = (from + random.random_range(0..40)).min(other.len());
                bytes.splice(place..place, other[from..until].iter().copied());
            }
            _ => {}
        }
    }
    bytes
}

/// Gives every target its inputs and so many changed ones.
fn feed(seed: u64) {
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    println!("FUZZ_SEED={seed}");
    for (name, target) in TARGETS {
        let mut random = StdRng::seed_from_u64(seed);
        let inputs = inputs(name);
        assert!(!inputs.is_empty());
        inputs.iter().for_each(|input| target(input));
        for round in 0..rounds {
            let input = change(&mut random, &inputs);
            let result = std::panic::catch_unwind(|| target(&input));
            assert!(result.is_ok(), "{name}, seed {seed}, round {round}: {}", hex::encode(&input));
        }
    }
}

/// The same inputs each time, so that what a change broke fails for its author and not for whoever comes next.
#[test]
fn every_decoder_keeps_its_promises() {
    SEEDS.into_iter().for_each(feed);
}

#[test]
fn every_decoder_keeps_its_promises_with_inputs_by_chance() {
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    feed(seed.unwrap_or_else(rand::random));
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let program = fs::read_to_string(root.join("fuzz_targets").join(name).with_extension("rs")).unwrap();
        assert!(program.contains(&format!("nostrp2p_fuzz::{name}(bytes)")), "{name}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
    for folder in ["fuzz_targets", "corpus"] {
        assert_eq!(fs::read_dir(root.join(folder)).unwrap().count(), TARGETS.len(), "{folder}");
    }
}
