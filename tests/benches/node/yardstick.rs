//! What the machine can do: how much of a processor libsecp256k1 takes for a signature, measured right before or after what
//! is compared with it. Ratios to it say the same on any machine, and a busy one.

use std::time::{Duration, Instant};

use nostrp2p_protocol::Event;
use secp256k1::{XOnlyPublicKey, schnorr};

use super::stock::cores;
use crate::processor_seconds;

/// How long is measured.
const TIME: Duration = Duration::from_secs(2);

/// Processor time of one signature check, nothing but that, in microseconds.
pub fn check_us(events: &[Event]) -> f64 {
    let checks: Vec<_> = events
        .iter()
        .take(2_000)
        .map(|event| {
            let author = XOnlyPublicKey::from_byte_array(*event.pubkey.as_bytes()).unwrap();
            (author, *event.id().as_bytes(), schnorr::Signature::from_byte_array(*event.sig().as_bytes()))
        })
        .collect();
    let (begun, before) = (Instant::now(), processor_seconds(std::process::id()));
    let mut done = 0_u32;
    for (author, id, sig) in checks.iter().cycle() {
        if done.is_multiple_of(50) && begun.elapsed() > TIME {
            break;
        }
        schnorr::verify(sig, id, author).unwrap();
        done += 1;
    }
    (processor_seconds(std::process::id()) - before) * 1e6 / f64::from(done)
}

/// Signatures that all cores together check in a second when they have nothing else to do.
pub fn verifications_a_second(events: &[Event]) -> f64 {
    f64::from(u32::try_from(cores()).unwrap()) * 1e6 / check_us(events)
}
