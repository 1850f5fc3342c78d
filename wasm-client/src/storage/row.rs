//! How an event is stored: a MessagePack array, so that a row means the same to every version.

use nostrp2p_protocol::{Event, Kind, PublicKey, Rumor, Signature, Tag, UnverifiedEvent};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Row(PublicKey, u64, Kind, Vec<Tag>, String, Option<Signature>);

/// Encodes an event without its signature.
pub fn from_rumor(rumor: &Rumor) -> Vec<u8> {
    encode(rumor, None)
}

/// Encodes an event with its signature.
pub fn from_event(event: &Event) -> Vec<u8> {
    encode(event, Some(*event.sig()))
}

/// Decodes an event; none when the bytes are something else.
pub fn to_rumor(bytes: &[u8]) -> Option<Rumor> {
    decode(bytes).map(|(rumor, _)| rumor)
}

/// Decodes an event that was stored with its signature; none when the bytes are something else.
pub fn to_event(bytes: &[u8]) -> Option<Event> {
    let (rumor, sig) = decode(bytes)?;
    Some(Event::trusted(UnverifiedEvent { claimed_id: None, rumor, sig: sig? }))
}

fn encode(rumor: &Rumor, sig: Option<Signature>) -> Vec<u8> {
    let Rumor { pubkey, created_at, kind, tags, content } = rumor.clone();
    rmp_serde::to_vec(&Row(pubkey, created_at, kind, tags, content, sig))
        .expect("these types have no value that MessagePack cannot hold")
}

fn decode(bytes: &[u8]) -> Option<(Rumor, Option<Signature>)> {
    let Row(pubkey, created_at, kind, tags, content, sig) = rmp_serde::from_slice(bytes).ok()?;
    Some((Rumor { pubkey, created_at, kind, tags, content }, sig))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::{Draft, SecretKey};

    #[test]
    fn events_survive_their_rows_and_other_bytes_are_refused() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let tags = vec![Tag::new(["t", "x"])];
        let event = Draft { created_at: 7, kind: Kind::POST, tags, content: "é".into() }.sign(&key, &[0; 32]);
        let row = from_event(&event);
        assert_eq!(to_event(&row), Some(event.clone()));
        assert_eq!(to_rumor(&from_rumor(&event)), Some(event.clone().into_rumor()));
        assert_eq!(to_event(&from_rumor(&event)), None);
        for end in 0..row.len() {
            assert_eq!(to_event(&row[..end]), None);
        }
    }
}
