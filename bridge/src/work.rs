//! Proof of work (NIP-13): an id that begins with zero bits.

use nostrp2p_protocol::{EventId, Rumor};

/// The number of zero bits with which an id begins.
pub fn difficulty(id: &EventId) -> u32 {
    let mut bits = 0;
    for byte in id.as_bytes() {
        bits += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    bits
}

/// Whether an event has the work to which its `nonce` tag commits, if it has one that does.
pub(crate) fn keeps_its_word(id: &EventId, rumor: &Rumor) -> bool {
    let nonce = rumor.tags.iter().find(|tag| tag.name() == "nonce");
    let target = nonce.and_then(|tag| tag.elements().get(2)?.parse::<u32>().ok());
    target.is_none_or(|target| difficulty(id) >= target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_nip_13() {
        let check = |hex: &str, expected: u32| {
            let id: EventId = hex.parse().unwrap();
            assert_eq!(difficulty(&id), expected, "{hex}");
        };
        check("000000000e9d97a1ab09fc381030b346cdd7a142ad57e6df0b46dc9bef6c7e2d", 36);
        check("002f000000000000000000000000000000000000000000000000000000000000", 10);
        check(&"0".repeat(64), 256);
        check(&"f".repeat(64), 0);
    }
}
