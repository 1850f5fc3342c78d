//! What the machine can do: how long libsecp256k1 takes for a signature, measured right before or after what is compared
//! with it. Ratios to it say the same on any machine.

use std::time::{Duration, Instant};

use nostrp2p_protocol::Event;
use secp256k1::{XOnlyPublicKey, schnorr};

/// How long is measured.
const TIME: Duration = Duration::from_secs(2);

/// Signatures that so many threads check in a second, nothing but that.
pub fn verifications_a_second(events: &[Event], threads: usize) -> f64 {
    let checks: Vec<_> = events
        .iter()
        .take(2_000)
        .map(|event| {
            let author = XOnlyPublicKey::from_byte_array(*event.pubkey.as_bytes()).unwrap();
            (author, *event.id().as_bytes(), schnorr::Signature::from_byte_array(*event.sig().as_bytes()))
        })
        .collect();
    let begun = Instant::now();
    let done: usize = std::thread::scope(|scope| {
        let work = || {
            let mut done = 0;
            while begun.elapsed() < TIME {
                for (author, id, sig) in checks.iter().skip(done % checks.len()).take(50) {
                    schnorr::verify(sig, id, author).unwrap();
                }
                done += 50;
            }
            done
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    f64::from(u32::try_from(done).unwrap()) / begun.elapsed().as_secs_f64()
}

/// How long one check takes one thread, in microseconds.
pub fn check_us(events: &[Event]) -> f64 {
    1e6 / verifications_a_second(events, 1)
}
